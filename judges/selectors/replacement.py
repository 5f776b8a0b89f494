"""Replacement tests: whose there are, and whether the labels of one are still the same."""

from __future__ import annotations

from django.utils.translation import gettext as _

from annotate.access import RIGHTS, Place, Right
from annotate.errors import NotFound
from annotate.models import (
    Label,
    LabelStatus,
    Membership,
    Project,
    Question,
    Rater,
    Submission,
    SubmissionStatus,
)
from judges.models import ReplacementTest

TEST_JOB = "replacement test"
SHOWN = 50


def replacement_of(place: Place, test_id: int) -> ReplacementTest:
    """Return a test of the place's project, or raise NotFound."""
    found = (
        ReplacementTest.objects.filter(project=place.project, pk=test_id)
        .select_related("project", "question", "rater", "planned_by", "collecting", "deciding")
        .prefetch_related("question__options")
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such test in this project."))
    return found


def replacements_of(question: Question, rater: Rater) -> list[ReplacementTest]:
    """A judge's tests at a question, the newest first. One query."""
    rows = ReplacementTest.objects.filter(question=question, rater=rater)
    return list(rows.select_related("planned_by", "deciding").order_by("-pk")[:SHOWN])


def replacement_latest(question: Question, rater: Rater) -> ReplacementTest | None:
    """The newest decided one. One query."""
    rows = ReplacementTest.objects.filter(question=question, rater=rater, decided_at__isnull=False)
    return rows.select_related("planned_by").order_by("-pk").first()


def labellers(project: Project) -> list[Membership]:
    """The members who may label, by name."""
    members = project.memberships.select_related("user").order_by("user__username")
    return [member for member in members if Right.LABEL in RIGHTS[member.role]]


def batch_progress(test: ReplacementTest) -> list[tuple[Rater, int, int]]:
    """Of each person who was given items of the batch: how many of how many they have answered or
    skipped. Two queries.
    """
    given = {int(pk): ids for pk, ids in test.batch.get("given", {}).items()}
    raters = Rater.objects.in_bulk(given)
    handled = Submission.objects.filter(
        rater__in=given,
        item__in=test.batch.get("items", []),
        status__in=[SubmissionStatus.SUBMITTED, SubmissionStatus.SKIPPED],
    ).values_list("rater_id", "item_id")
    done: dict[int, set[int]] = {}
    for rater_id, item_id in handled:
        done.setdefault(rater_id, set()).add(item_id)
    return [
        (raters[pk], len(done.get(pk, set()) & set(ids)), len(ids))
        for pk, ids in given.items()
        if pk in raters
    ]


def judged_items(question: Question, rater: Rater) -> list[int]:
    """Ids of the live items that the judge has labelled, in order. One query."""
    labels = Label.objects.filter(
        question=question, rater=rater, status=LabelStatus.LIVE, item__status="live"
    )
    return list(labels.order_by("item_id").values_list("item_id", flat=True))
