"""Migrations say all that the models say, one after the other, and lean on no code of today."""

from __future__ import annotations

import ast
import io
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).resolve().parents[2]
APPS = ("annotate", "judges")
FILES = sorted(path for app in APPS for path in (ROOT / app / "migrations").glob("[0-9]*.py"))
OUTSIDE = {"django", *sys.stdlib_module_names}


@pytest.mark.django_db
def test_models_have_no_change_without_a_migration() -> None:
    said = io.StringIO()

    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=said, stderr=said)
    except SystemExit:
        pytest.fail(f"run manage.py makemigrations:\n{said.getvalue()}")


def imports_of(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            found.append(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_a_migration_imports_only_django_and_the_frozen_helpers_beside_it(path: Path) -> None:
    beside = f"{path.parent.parent.name}.migrations."

    for name in imports_of(path):
        assert name.partition(".")[0] in OUTSIDE or name.startswith(beside), (
            f"{path.name} imports {name}: code that will move on and leave this migration broken; "
            "write what it needs into the migration"
        )


@pytest.mark.parametrize("app", APPS)
def test_each_migration_number_is_given_once(app: str) -> None:
    numbers = Counter(path.name[:4] for path in FILES if path.parent.parent.name == app)

    assert [number for number, times in numbers.items() if times > 1] == []


@pytest.mark.parametrize("app", APPS)
def test_the_migrations_of_an_app_end_in_one_leaf(app: str) -> None:
    graph = MigrationLoader(None, ignore_no_migrations=True).graph

    assert len(graph.leaf_nodes(app)) == 1
