"""Exactly N counted submissions an item, over eight processes; and what happens without the guard.

Each process is tests/race/annotator.py: the real screen through real requests, on this database.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from annotate.models import (
    Assignment,
    Gold,
    GoldSource,
    Item,
    ItemSummary,
    Label,
    LabelStatus,
    Membership,
    Project,
    Rater,
    Role,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
)
from annotate.services.claims import claims_expire
from annotate.services.items import ItemRow, items_take_in
from annotate.services.members import member_add
from annotate.services.projects import project_create
from annotate.services.summaries import summaries_that_drifted
from tests.personas import SENTIMENT, user

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
N_ITEMS, OVERLAP, N_PEOPLE = 60, 3, 8


@dataclass
class Race:
    """A project, and what each process says was accepted, by user name."""

    project: Project
    accepted: dict[str, set[str]]

    def counted(self) -> dict[int, int]:
        """Counted submissions by item id, items without any included."""
        found = dict.fromkeys(Item.objects.values_list("pk", flat=True), 0)
        rows = Submission.objects.filter(status=SubmissionStatus.SUBMITTED)
        found.update(rows.values_list("item").annotate(n=Count("pk")))
        return found


def project_made(n_items: int) -> Project:
    olga = user("olga", founder=True)
    project = project_create(
        olga, name="Race", labels_per_item=OVERLAP, questions=(SENTIMENT,), seed=11
    )
    for n in range(N_PEOPLE):
        member_add(olga, project, user(f"person{n}"), Role.ANNOTATOR)
    items_take_in(project, [ItemRow(f"i{n}", {"text": f"text {n}"}) for n in range(n_items)])
    return project


def lease_runs_out(spared: set[int]) -> None:
    """Of one item that somebody holds now, the lease is over. Once an item."""
    held = Assignment.objects.filter(state="open").exclude(item_id__in=spared).order_by("pk")
    one = held.last()
    if one is not None:
        spared.add(one.item_id)
        Assignment.objects.filter(pk=one.pk).update(lease_until=timezone.now())
        claims_expire()


def label_together(env: dict[str, str], n_items: int, *more: str, known: int = 0) -> Race:
    """Let eight processes label until none finds anything to do; this one lets leases run out.

    ``known``: of so many items the answer is known, and every third item given is one of them.
    """
    project = project_made(n_items)
    if known:
        Project.objects.update(gold_every=3)
        question = project.questions.get()
        for item in Item.objects.order_by("pk")[:known]:
            Gold.objects.create(
                project=project, item=item, question=question, choice=0, source=GoldSource.IMPORTED
            )
    people = Membership.objects.filter(role=Role.ANNOTATOR).values_list("user__username", flat=True)
    command = [sys.executable, "-m", "tests.race.annotator", str(project.pk), *people, *more]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    spared: set[int] = set()
    try:
        while process.poll() is None:
            lease_runs_out(spared)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        said = process.communicate()[0]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    accepted: dict[str, set[str]] = {}
    for name, keys in json.loads(said):
        accepted.setdefault(name, set()).update(keys)
    return Race(project, accepted)


def test_eight_processes_fill_each_item_exactly_three_times(process_env: dict[str, str]) -> None:
    # Two of them are at a second machine at the same time.
    race = label_together(process_env, N_ITEMS, "person0", "person1")

    assert set(race.counted().values()) == {OVERLAP}
    # None doubled: a slot has one counted submission, and a person one for an item.
    assert Slot.objects.filter(state=SlotState.FILLED).count() == N_ITEMS * OVERLAP
    counted = Submission.objects.filter(status=SubmissionStatus.SUBMITTED)
    assert counted.values("slot").distinct().count() == N_ITEMS * OVERLAP
    assert counted.values("item", "rater").distinct().count() == N_ITEMS * OVERLAP
    assert Label.objects.filter(status=LabelStatus.LIVE).count() == N_ITEMS * OVERLAP
    # None lost: whatever a person was told is stored, is stored.
    for rater in Rater.objects.select_related("user"):
        stored = set(rater.submissions.values_list("client_key", flat=True))
        assert race.accepted[rater.user.username] == stored
    # Late ones occurred, and are kept beside those that count.
    surplus = Submission.objects.filter(status=SubmissionStatus.SURPLUS)
    assert surplus.exists()
    assert all(s.labels.get().status == LabelStatus.SURPLUS for s in surplus)
    assert surplus.filter(slot__isnull=False).count() == 0
    # The counts that lists are sorted by agree with the labels.
    assert summaries_that_drifted(race.project) == []
    assert set(ItemSummary.objects.values_list("n_people", flat=True)) == {OVERLAP}


def test_known_items_beyond_their_slots_leave_each_item_exactly_three(
    process_env: dict[str, str],
) -> None:
    race = label_together(process_env, 24, "person0", known=12)

    assert set(race.counted().values()) == {OVERLAP}
    assert Label.objects.filter(status=LabelStatus.LIVE).count() == 24 * OVERLAP
    assert Slot.objects.filter(state=SlotState.FILLED).count() == 24 * OVERLAP
    # Beyond the slots there were checks: kept, of known items only, in no slot and counted nowhere.
    checks = Submission.objects.filter(status=SubmissionStatus.CHECK)
    assert checks.exists()
    assert all(check.item.gold.exists() and check.slot is None for check in checks)
    assert all(check.labels.get().status == LabelStatus.CHECK for check in checks)
    for rater in Rater.objects.select_related("user"):
        stored = set(rater.submissions.values_list("client_key", flat=True))
        assert race.accepted[rater.user.username] == stored
    assert summaries_that_drifted(race.project) == []
    assert set(ItemSummary.objects.values_list("n_people", flat=True)) == {OVERLAP}


@contextmanager
def without_constraints() -> Iterator[None]:
    """The database without what would stop a second claim or submission on a slot."""
    names = {
        Assignment: ["assignment_one_open_a_slot"],
        Submission: ["submission_one_counted_a_slot"],
    }
    dropped = [
        (model, constraint)
        for model, wanted in names.items()
        for constraint in model._meta.constraints
        if constraint.name in wanted
    ]
    assert len(dropped) == 2
    with connection.schema_editor() as editor:
        for model, constraint in dropped:
            editor.remove_constraint(model, constraint)
    try:
        yield
    finally:
        # What is there now would not pass them.
        call_command("flush", interactive=False, verbosity=0)
        with connection.schema_editor() as editor:
            for model, constraint in dropped:
                editor.add_constraint(model, constraint)


def test_control_without_the_guard_items_get_too_many(process_env: dict[str, str]) -> None:
    with without_constraints():
        race = label_together(process_env, OVERLAP, "--unguarded")
        counted = race.counted()
    too_many = {item: n for item, n in counted.items() if n > OVERLAP}
    assert too_many
    assert max(too_many.values()) == N_PEOPLE
