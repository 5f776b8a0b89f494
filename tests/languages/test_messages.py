"""What is shipped in other languages: nearly all of it, with every placeholder, and compiled."""

from __future__ import annotations

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import polib
import pytest
from django.conf import settings
from django.utils.translation import ngettext, override, pgettext, to_locale

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [to_locale(code) for code, _name in settings.LANGUAGES if code != "en"]
# A sentence that came in today is shown in English until bin/messages is run and it is translated.
LEAST = 0.95


def loaded() -> ModuleType:
    loader = SourceFileLoader("messages", str(ROOT / "bin" / "messages"))
    spec = importlib.util.spec_from_loader("messages", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


messages = loaded()
FOUND = messages.messages_found()


def path_of(folder: str) -> Path:
    return ROOT / "locale" / folder / "LC_MESSAGES" / "django.po"


def test_messages_are_found_in_templates_and_code() -> None:
    assert len(FOUND) > 2000
    assert FOUND[(None, "Skip this item")].place == "templates/annotate/label.html"
    assert FOUND[(None, "Paused.")].place == "annotate/services/jobs.py"
    assert FOUND[("range", "to")].message.context == "range"
    assert FOUND[(None, "%(n)s person")].message.many == "%(n)s people"
    assert FOUND[("fraction", ".%(digits)s")].note != ""


@pytest.mark.parametrize("folder", FOLDERS)
def test_nearly_everything_is_translated(folder: str) -> None:
    catalogue = messages.catalogue_of(folder, FOUND)
    missing = [entry.msgid for entry in catalogue if not messages.is_translated(entry)]

    assert len(missing) / len(catalogue) <= 1 - LEAST, missing


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_placeholder_is_lost_or_made_up_and_nothing_is_guessed(folder: str) -> None:
    catalogue = polib.pofile(str(path_of(folder)))

    assert [fault for entry in catalogue for fault in messages.faults_of(entry)] == []
    assert [entry.msgid for entry in catalogue if entry.fuzzy] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_compiled_is_what_is_written(folder: str) -> None:
    written = polib.pofile(str(path_of(folder))).to_binary()

    assert path_of(folder).with_suffix(".mo").read_bytes() == written, "run bin/messages"


@pytest.mark.parametrize(
    ("one", "other", "faults"),
    [
        ("%(n)s of %(all)s", "%(n)s von %(all)s", 0),
        ("%(n)s of %(all)s", "%(n)s von allen", 1),
        ("of {all}", "von {alle}", 1),
        ("100 %% of %(n)s", "%(n)s zu 100 %%", 0),
        ("\nText\n", "Text", 2),
    ],
)
def test_a_fault_is_found(one: str, other: str, faults: int) -> None:
    entry = polib.POEntry(msgid=one, msgstr=other)

    assert len(messages.faults_of(entry)) == faults


def test_plurals_and_contexts_are_those_of_the_language() -> None:
    def said(n: int) -> str:
        return ngettext("%(n)s person", "%(n)s people", n) % {"n": n}

    with override("de"):
        assert [said(1), said(2)] == ["1 Person", "2 Personen"]
        assert pgettext("range", "to") == "bis"
    with override("zh-hans"):
        assert [said(1), said(2)] == ["1 人", "2 人"]
