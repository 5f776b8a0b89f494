"""Known items among the work: which is due for a rater, whether they may begin, how they do.

A known answer here is gold to a question of one option. Nobody is asked the same item twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from annotate.models import (
    CHECKS,
    TAKE_UP_AGAIN,
    Admission,
    Assignment,
    AssignmentState,
    Gold,
    Item,
    ItemStatus,
    Label,
    LabelStatus,
    Membership,
    Project,
    QuestionStatus,
    Rater,
    Role,
    Strategy,
)

# Statuses of labels that say what somebody answers now, counted or not.
SAID = (LabelStatus.LIVE, LabelStatus.CHECK, LabelStatus.SURPLUS)

# States of an assignment after which its item is done with, for the rater.
DONE = (AssignmentState.SUBMITTED, AssignmentState.SKIPPED)


class Stage(StrEnum):
    """How far a rater is with qualifying."""

    FREE = "free"  # the project does not ask for it, or not of them
    UNDER_WAY = "under_way"
    PASSED = "passed"
    BELOW = "below"  # waits for a lead's decision
    OUT = "out"


@dataclass(frozen=True)
class Qualification:
    """``right`` of ``answers`` to known questions; ``items`` of the first ``wanted`` are done."""

    stage: Stage
    wanted: int = 0
    items: int = 0
    answers: int = 0
    right: int = 0

    @property
    def is_over(self) -> bool:
        return self.stage in (Stage.PASSED, Stage.BELOW, Stage.OUT)

    @property
    def may_work(self) -> bool:
        return self.stage in (Stage.FREE, Stage.PASSED)


@dataclass(frozen=True)
class OnKnown:
    """Of ``n`` answers of a rater to known questions, ``right`` are the known one."""

    n: int = 0
    right: int = 0

    @property
    def interval(self) -> tuple[float, float]:
        from consensus.intervals import proportion_interval

        return proportion_interval(self.right, self.n)

    @property
    def share(self) -> float | None:
        return self.right / self.n if self.n else None


# --- Which item ----------------------------------------------------------------------------------


def _known(project: Project) -> QuerySet[Item]:
    """Live items with a known answer to a live question."""
    gold = Gold.objects.filter(
        item=OuterRef("pk"), choice__isnull=False, question__status=QuestionStatus.LIVE
    )
    return Item.objects.filter(Exists(gold), project=project, status=ItemStatus.LIVE)


def known_next(rater: Rater) -> Item | None:
    """The next known item for this rater: from a place of their own in the items' random order."""
    had = Assignment.objects.filter(item=OuterRef("pk"), rater=rater).exclude(
        state__in=TAKE_UP_AGAIN
    )
    items = _known(rater.project).filter(~Exists(had)).order_by("draw", "pk")
    start = _draw(rater.project.seed, rater.pk, "start")
    return items.filter(draw__gte=start).first() or items.first()


def known_is_due(rater: Rater) -> bool:
    """Whether the item that comes next is to be a known one: of every ``gold_every`` items one, at
    a place drawn for this rater, so that nobody can count up to it. One query.
    """
    every = rater.project.gold_every
    if not every:
        return False
    taken = (
        Assignment.objects.filter(rater=rater)
        .exclude(state__in=TAKE_UP_AGAIN)
        .exclude(strategy=Strategy.QUALIFY)
        .count()
    )
    block, place = divmod(taken, every)
    return place == int(_draw(rater.project.seed, rater.pk, f"block {block}") * every)


def _draw(seed: int, rater_id: int, what: str) -> float:
    text = f"known {seed} {rater_id} {what}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


# --- Who may begin -------------------------------------------------------------------------------


def qualification_of(rater: Rater) -> Qualification:
    """Where a rater stands. No query where the project asks for nothing or it is settled."""
    settled = _settled(rater)
    return settled or qualifications_of(rater.project, [rater])[rater.pk]


def _settled(rater: Rater) -> Qualification | None:
    wanted = rater.project.qualify_items
    if not wanted:
        return Qualification(Stage.FREE)
    if rater.admission in (Admission.PASSED, Admission.LET_IN):
        return Qualification(Stage.PASSED, wanted)
    return Qualification(Stage.OUT, wanted) if rater.admission == Admission.OUT else None


def qualifications_of(project: Project, raters: Sequence[Rater]) -> dict[int, Qualification]:
    """Where these raters of a project stand. Five queries at most.

    Asked are annotators who had not labelled here when it was asked for. Where there are fewer
    known items than wanted, those there are decide; with none, nobody is asked. Who skips one of
    the first items is not given another for it.
    """
    found = {rater.pk: settled for rater in raters if (settled := _settled(rater))}
    open_ones = {rater.pk: rater for rater in raters if rater.pk not in found}
    if not open_ones:
        return found
    asked = set(
        Membership.objects.filter(
            project=project, user__in=[r.user_id for r in open_ones.values()], role=Role.ANNOTATOR
        ).values_list("user_id", flat=True)
    )
    handed_in = Assignment.objects.filter(rater__in=open_ones, state=AssignmentState.SUBMITTED)
    at_work = set(
        handed_in.exclude(strategy=Strategy.QUALIFY).values_list("rater_id", flat=True).distinct()
    )
    done = dict(
        Assignment.objects.filter(rater__in=open_ones, strategy=Strategy.QUALIFY, state__in=DONE)
        .values_list("rater_id")
        .annotate(n=Count("pk"))
        .order_by()
    )
    right = on_known(project, raters=open_ones, strategy=Strategy.QUALIFY)
    wanted = min(project.qualify_items, _known(project).count())
    for pk, rater in open_ones.items():
        items, of = done.get(pk, 0), right.get(pk, OnKnown())
        if not wanted or rater.user_id not in asked or pk in at_work:
            stage = Stage.FREE
        elif items < wanted:
            stage = Stage.UNDER_WAY
        else:
            enough = of.n and 100 * of.right >= project.qualify_percent * of.n
            stage = Stage.PASSED if enough else Stage.BELOW
        found[pk] = Qualification(stage, wanted, items, of.n, of.right)
    return found


def qualify_held(rater: Rater) -> int:
    """Items of the qualification that the rater holds or is done with."""
    mine = Assignment.objects.filter(rater=rater, strategy=Strategy.QUALIFY)
    return mine.exclude(state__in=TAKE_UP_AGAIN).count()


# --- How they do ---------------------------------------------------------------------------------


def on_known(
    project: Project, *, raters: Iterable[int] | None = None, strategy: str = ""
) -> dict[int, OnKnown]:
    """By rater id, their answers to questions whose answer was known when they gave it. One query.

    ``raters``: only these; ``strategy``: only items that were given by this one.
    """
    labels = Label.objects.filter(
        project=project,
        status__in=SAID,
        choice__isnull=False,
        item__gold__question=F("question"),
        item__gold__choice__isnull=False,
        item__gold__created_at__lte=F("created_at"),
    )
    if raters is not None:
        labels = labels.filter(rater__in=list(raters))
    if strategy:
        labels = labels.filter(submission__assignment__strategy=strategy)
    rows = (
        labels.values("rater")
        .annotate(n=Count("pk"), right=Count("pk", filter=Q(choice=F("item__gold__choice"))))
        .order_by()
    )
    return {row["rater"]: OnKnown(row["n"], row["right"]) for row in rows}


def is_check(assignment: Assignment) -> bool:
    return assignment.strategy in CHECKS
