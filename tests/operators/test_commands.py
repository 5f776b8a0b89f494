"""What an operator types: createowner, anonymise_user, check_summaries."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotate.management.commands import createowner
from annotate.models import ItemSummary, User
from annotate.services.claims import claim_item
from annotate.services.submissions import submission_submit
from tests.personas import story, user

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    said = io.StringIO()
    call_command(*arguments, stdout=said, stderr=said)
    return said.getvalue()


class Typed(io.StringIO):
    def isatty(self) -> bool:
        return True


# --- createowner --------------------------------------------------------------------------------


def test_the_first_owner_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("tulip-anchor-42\n"))
    said = run("createowner", "--username", "olga", "--name", "Olga Orlova", "--password-stdin")
    olga = User.objects.get()
    assert olga.is_founder
    assert olga.check_password("tulip-anchor-42")
    assert olga.shown_name == "Olga Orlova"
    assert "tulip" not in said


@pytest.mark.parametrize(
    ("password", "arguments", "said"),
    [
        ("12345678", ["--username", "olga", "--password-stdin"], "too common"),
        ("", ["--username", "olga", "--password-stdin"], "too short"),
        ("tulip-anchor-42", ["--username", "two words", "--password-stdin"], "valid username"),
        ("tulip-anchor-42", ["--username", "olga"], "no terminal"),
        ("tulip-anchor-42", ["--password-stdin"], "no terminal"),
    ],
)
def test_what_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch, password: str, arguments: list[str], said: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    with pytest.raises(CommandError, match=said):
        run("createowner", *arguments)
    assert not User.objects.exists()


def test_at_a_terminal_it_asks_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    user("ana")
    names = iter(["ana", "olga"])
    passwords = iter(
        ["tulip-anchor-42", "tulip-anchor-42", "one", "other", "tulip-anchor-42", "tulip-anchor-42"]
    )
    monkeypatch.setattr("sys.stdin", Typed())
    monkeypatch.setattr("builtins.input", lambda _prompt: next(names))
    monkeypatch.setattr(createowner.getpass, "getpass", lambda _prompt: next(passwords))
    said = run("createowner")
    assert "already exists" in said
    assert "The two differ" in said
    assert User.objects.get(username="olga").is_founder


def test_an_account_is_promoted() -> None:
    user("ana")
    run("createowner", "--promote", "--username", "ana")
    assert User.objects.get().is_founder
    with pytest.raises(CommandError, match="no account"):
        run("createowner", "--promote", "--username", "ben")


# --- anonymise_user -----------------------------------------------------------------------------


def test_anonymising_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    s = story()
    monkeypatch.setattr("builtins.input", lambda _prompt: "no")
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("anonymise_user", "ana")
    s.ana.refresh_from_db()
    assert s.ana.is_active
    monkeypatch.setattr("builtins.input", lambda _prompt: "ana")
    run("anonymise_user", "ana")
    s.ana.refresh_from_db()
    assert s.ana.username == f"removed-{s.ana.pk}"
    with pytest.raises(CommandError, match="Make somebody else an owner first"):
        run("anonymise_user", "olga", "--yes")
    with pytest.raises(CommandError, match="no account"):
        run("anonymise_user", "nobody", "--yes")


# --- check_summaries ----------------------------------------------------------------------------


def test_counts_that_drifted_are_found_and_repaired() -> None:
    s = story()
    (item,) = s.items(["a"])
    rater = s.rater(s.ana)
    claim_item(rater, item)
    submission_submit(rater, item, answers=s.answer(), client_key="1")
    good: dict[str, Any] = ItemSummary.objects.values().get()
    assert "All counts" in run("check_summaries")
    ItemSummary.objects.update(n_people=7, people_counts={"1": 7})
    with pytest.raises(CommandError, match="1 items differ"):
        run("check_summaries")
    assert ItemSummary.objects.get().n_people == 7
    assert "Repaired 1 items" in run("check_summaries", "--repair", "--project", str(s.project.pk))
    assert ItemSummary.objects.values().get() == good
    with pytest.raises(CommandError, match="no project"):
        run("check_summaries", "--project", "999")
