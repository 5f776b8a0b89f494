# Sourced by bin/run and bin/test: finds a Python, keeps .venv in step with the requirements files.
# POSIX sh. Sets VENV_PYTHON. The caller has changed to the project's folder before.

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# Print the first Python of 3.11 or later that can make a virtual environment.
# PYTHON=/path/to/python chooses another one.
find_python() {
    too_old=""
    no_venv=""
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        if ! "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            too_old="$too_old $candidate"
            continue
        fi
        if ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            no_venv="$candidate"
            continue
        fi
        say "$candidate"
        return 0
    done
    if [ -n "$no_venv" ]; then
        fail "$no_venv is new enough but cannot make a virtual environment (it has no ensurepip)." \
            "On Debian and Ubuntu: apt install python3-venv"
    fi
    fail "Concord needs Python 3.11 or later, and none was found${too_old:+ (too old or broken:$too_old)}." \
        "Install it from https://www.python.org/downloads/ or from your system's packages," \
        "or name one: PYTHON=/path/to/python3 $0"
}

# Make .venv if it is missing or broken (its Python gone, or the folder moved).
ensure_venv() {
    VENV_PYTHON=".venv/bin/python"
    if [ -x "$VENV_PYTHON" ] &&
        "$VENV_PYTHON" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        return 0
    fi
    base_python=$(find_python) || exit 1
    say "Making a virtual environment in .venv with $("$base_python" --version) ..."
    "$base_python" -m venv --clear .venv || fail "The virtual environment could not be made."
}

hash_of() {
    "$VENV_PYTHON" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"
}

# ensure_installed FILE...: install the requirements files whose content is not the one installed
# last. Every package is pinned and checked against its hash. The stamp is written after success
# only, so an install that was cut off is done again.
ensure_installed() {
    ensure_venv
    mkdir -p .venv/installed
    wanted=""
    for file in "$@"; do
        if [ "$(cat ".venv/installed/$file" 2>/dev/null)" != "$(hash_of "$file")" ]; then
            wanted="$wanted -r $file"
        fi
    done
    [ -z "$wanted" ] && return 0
    say "Installing what Concord needs into .venv (once; a minute or two) ..."
    # shellcheck disable=SC2086 # $wanted is a list of words
    "$VENV_PYTHON" -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes $wanted ||
        fail "The packages could not be installed; the lines above say why. Run $0 again to go on."
    for file in "$@"; do
        hash_of "$file" >".venv/installed/$file"
    done
}
