"""The layers of docs/architecture.md hold, and the contracts would notice if they did not."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "judges", "annotate", "consensus")

# One import that breaks each contract: (number of the contract, module to plant, import).
BREACHES = [
    ("1", "consensus/planted.py", "import annotate.errors"),
    ("2", "consensus/planted.py", "import django.db"),
    ("3", "annotate/models/planted.py", "import annotate.services.events"),
    ("4", "judges/providers/planted.py", "import judges.models"),
    ("5", "judges/prompting/planted.py", "from django.conf import settings"),
    ("6", "annotate/services/planted.py", "import annotate.tasks"),
]
# What consensus may use of the standard library: nothing that reads a file, a clock or a socket.
PLAIN = {
    "__future__", "abc", "bisect", "collections", "dataclasses", "decimal", "enum", "fractions",
    "functools", "hashlib", "heapq", "inspect", "itertools", "json", "math", "numbers",
    "operator", "re", "statistics", "struct", "types", "typing", "unicodedata", "warnings",
}  # fmt: skip
NUMERIC = {"consensus", "numpy", "scipy", "sklearn"}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-logo", "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "300", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def copy_of_the_project(folder: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )


def test_every_import_goes_the_way_the_layers_allow() -> None:
    done = lint_imports(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def complaint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy of the project with all the breaches planted."""
    folder = tmp_path_factory.mktemp("planted")
    copy_of_the_project(folder)
    for _, module, statement in BREACHES:
        with (folder / module).open("a") as file:
            file.write(statement + "\n")
    done = lint_imports(folder)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("contract", "module", "statement"), BREACHES)
def test_a_planted_breach_is_noticed(
    complaint: str, contract: str, module: str, statement: str
) -> None:
    broken = [line for line in complaint.splitlines() if line.strip().endswith("BROKEN")]

    assert any(line.strip().startswith(f"{contract}. ") for line in broken), complaint
    assert module.removesuffix(".py").replace("/", ".") in complaint


def imported_packages(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize(
    "path", sorted((ROOT / "consensus").rglob("*.py")), ids=lambda path: path.stem
)
def test_consensus_reads_no_file_no_clock_and_no_hidden_randomness(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    calls = {
        ast.unparse(node.func): node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
    }

    assert imported_packages(source) <= PLAIN | NUMERIC
    assert not {"open", "print", "input"} & calls.keys()
    for name, call in calls.items():
        if name.endswith(("default_rng", "RandomState", "SeedSequence")):
            assert call.args or call.keywords, f"line {call.lineno}: {name} without a seed"
        assert ".random.seed" not in name
