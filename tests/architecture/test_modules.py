"""House rules that a reader relies on, for every module of the project."""

from __future__ import annotations

import ast
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "judges", "annotate", "consensus")
LONGEST = 450
SAYS_NOTHING = {"utils", "util", "common", "helpers", "core", "misc"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def python_files(*folders: str) -> list[Path]:
    return sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts
    )


MODULES = python_files(*PACKAGES)
TESTS = python_files("tests")
WRITTEN = [*MODULES, *TESTS, *python_files("bench"), ROOT / "manage.py"]


def comments_of(path: Path) -> list[tuple[int, str]]:
    with tokenize.open(path) as file:
        tokens = tokenize.generate_tokens(file.readline)
        return [(t.start[0], t.string) for t in tokens if t.type == tokenize.COMMENT]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short_enough_to_read_at_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_every_module_has_a_name_that_says_what_is_in_it() -> None:
    assert [name_of(path) for path in WRITTEN if path.stem in SAYS_NOTHING] == []
    assert [
        name_of(path) for path in WRITTEN if SAYS_NOTHING & {part.lower() for part in path.parts}
    ] == []


def has_code(source: str) -> bool:
    """Whether there is more in a module than its docstring."""
    return any(not isinstance(node, ast.Expr) for node in ast.parse(source).body)


def test_annotations_are_never_evaluated() -> None:
    missing = [
        name_of(path)
        for path in WRITTEN
        if has_code(source := path.read_text(encoding="utf-8"))
        and "from __future__ import annotations" not in source
    ]

    assert missing == []


def test_a_type_error_is_silenced_by_its_code_only() -> None:
    bare = [
        f"{name_of(path)}:{line}"
        for path in WRITTEN
        for line, comment in comments_of(path)
        if re.search(r"type:\s*ignore(?!\[)", comment) or re.search(r"noqa(?!:)", comment)
    ]

    assert bare == []


def test_no_test_is_put_aside() -> None:
    """A test that is skipped or expected to fail proves nothing, and nobody comes back to it."""
    marks = {"pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail", "pytest.xfail"}
    aside = [
        f"{name_of(path)}:{node.lineno}"
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in marks
    ]

    assert aside == []


def classes_in(path: Path) -> list[ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def test_models_do_not_override_save() -> None:
    """Effects of a write stand in the service that writes, where bulk paths meet them too."""
    overriding = [
        f"{name_of(path)}: {found.name}.{method.name}"
        for path in MODULES
        if "models" in path.parts or path.stem == "models"
        for found in classes_in(path)
        for method in found.body
        if isinstance(method, ast.FunctionDef) and method.name in {"save", "delete"}
    ]

    assert overriding == []


def test_no_django_signals_inside_the_project() -> None:
    listening = [
        name_of(path)
        for path in MODULES
        if re.search(
            r"django\.(db\.models|dispatch|core)\b.*\b(signals|receiver)\b",
            path.read_text(encoding="utf-8"),
        )
    ]

    assert listening == []


def is_view(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and bool(node.decorator_list)
        and bool(node.args.args)
        and node.args.args[0].arg == "request"
    )


def views() -> list[tuple[Path, ast.FunctionDef]]:
    return [
        (path, node)
        for path in python_files("annotate/views", "judges/views")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and is_view(node)
    ]


def test_every_view_says_which_methods_it_takes() -> None:
    assert views()
    silent = [
        f"{name_of(path)}: {view.name}"
        for path, view in views()
        if not any("require_" in ast.unparse(decorator) for decorator in view.decorator_list)
    ]

    assert silent == []
