"""Every variable that the settings read is explained in docs/settings.md, and nothing else is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.environment import KEPT, OWN_SETTINGS

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "config" / "settings.py"
PAGE = ROOT / "docs" / "settings.md"
SET_BY_TESTS = {"DATA_DIR", "STATIC_ROOT"}


def read_by_settings() -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(SETTINGS.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).partition(".")[0] == "env"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(str(node.args[0].value))
    return found


def explained() -> set[str]:
    """Names in the first column of the page's tables."""
    return set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", PAGE.read_text(encoding="utf-8"), re.M))


def test_the_settings_are_found_at_all() -> None:
    assert {"DATABASE_URL", "SECRET_KEY", "CELERY_BROKER_URL"} <= read_by_settings()


def test_every_setting_read_is_explained() -> None:
    assert read_by_settings() - explained() == set()


def test_no_setting_is_explained_that_is_not_read() -> None:
    assert explained() - read_by_settings() == set()


def test_no_setting_of_the_developer_reaches_the_tests() -> None:
    assert read_by_settings() == OWN_SETTINGS | KEPT | SET_BY_TESTS
