"""Reading for routing: the labels as a table, the kept model, and how things stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Q

from annotate.kinds import CHOICES
from annotate.models import (
    Job,
    JobState,
    Label,
    LabelStatus,
    Project,
    Question,
    Rater,
    RaterKind,
    RoutedItem,
    RoutingPlan,
    Slot,
    SlotState,
)
from annotate.selectors.questions import questions_live

if TYPE_CHECKING:
    from consensus.routing import RoutingModel
    from consensus.table import LabelTable

TRIAL = "routing_trial"
REFRESH = "routing_refresh"
PEOPLE = "people"
JUDGES = "judges"


def routed_question(project: Project) -> Question | None:
    """The question that routing is about: the project's only one, whose answers are options and
    which is asked of every item. None where there is another one too, or none of the kind."""
    questions = questions_live(project)
    if len(questions) != 1 or questions[0].kind not in CHOICES:
        return None
    return None if questions[0].settings.get("only_if") else questions[0]


def plan_on(project: Project) -> RoutingPlan | None:
    return (
        RoutingPlan.objects.filter(project=project, is_on=True).select_related("question").first()
    )


def trial_last(project: Project) -> Job | None:
    """The newest trial that was not cancelled."""
    return (
        Job.objects.filter(project=project, kind=TRIAL)
        .exclude(state=JobState.CANCELLED)
        .order_by("-pk")
        .first()
    )


def trial_done(project: Project) -> Job | None:
    """The newest trial that is done."""
    return (
        Job.objects.filter(project=project, kind=TRIAL, state=JobState.DONE).order_by("-pk").first()
    )


def judges_of(question: Question) -> list[Rater]:
    """Judges with live labels of the question."""
    ids = (
        Label.objects.filter(
            question=question, status=LabelStatus.LIVE, rater__kind=RaterKind.JUDGE
        )
        .values("rater")
        .distinct()
    )
    return list(Rater.objects.filter(pk__in=ids).order_by("name", "pk"))


# --- The kept model -----------------------------------------------------------------------------


def model_kept(model: RoutingModel, rater_ids: Sequence[int]) -> dict[str, Any]:
    """As plain values: confusions by rater id, and under PEOPLE and JUDGES of one nobody knows."""
    of_judges = model.confusion[model.judges]
    weights = model.n_labels[model.judges]
    confusion: dict[str, Any] = {
        str(pk): model.confusion[n].round(6).tolist() for n, pk in enumerate(rater_ids)
    }
    confusion[PEOPLE] = model.people.round(6).tolist()
    if len(of_judges) and weights.sum():
        mean = (of_judges * weights[:, None, None]).sum(axis=0) / weights.sum()
        confusion[JUDGES] = mean.round(6).tolist()
    return {
        "classes": model.classes.round(6).tolist(),
        "confusion": confusion,
        "labels": dict(zip(map(str, rater_ids), model.n_labels.tolist(), strict=True)),
    }


def model_for(kept: Mapping[str, Any], raters: Mapping[int, bool]) -> RoutingModel:
    """The kept model for these raters, in the order of their ids: id -> whether it is a judge."""
    import numpy as np

    from consensus.routing import RoutingModel

    confusion = kept["confusion"]
    unknown = {False: confusion[PEOPLE], True: confusion.get(JUDGES, confusion[PEOPLE])}
    ids = sorted(raters)
    shape = (len(ids), len(kept["classes"]), len(kept["classes"]))
    return RoutingModel(
        classes=np.array(kept["classes"]),
        confusion=np.array(
            [confusion.get(str(pk), unknown[raters[pk]]) for pk in ids], dtype=float
        ).reshape(shape),
        people=np.array(confusion[PEOPLE]),
        judges=np.array([raters[pk] for pk in ids], dtype=bool),
        n_labels=np.array([kept["labels"].get(str(pk), 0) for pk in ids], dtype=np.int64),
    )


@dataclass(frozen=True)
class Said:
    """The live choices of some items: ``table`` has the items in the order of ``item_ids`` and the
    raters in the order of their ids, ``raters``: id -> whether it is a judge."""

    table: LabelTable
    item_ids: list[int]
    raters: dict[int, bool]


def said_of_items(
    question: Question, item_ids: Collection[int], *, judges: Collection[int], n_classes: int
) -> Said:
    """What people and judges say now of these items. One query.

    ``judges``: raters that belong in the table also without labels here: those who could be asked.
    """
    import numpy as np

    from consensus.table import LabelTable

    rows = list(
        Label.objects.filter(
            item__in=item_ids,
            question=question,
            status=LabelStatus.LIVE,
            choice__isnull=False,
            choice__lt=n_classes,
        ).values_list("item_id", "rater_id", "choice", "rater__kind")
    )
    raters = {rater: kind == RaterKind.JUDGE for _item, rater, _choice, kind in rows}
    raters |= dict.fromkeys(judges, True)
    ids = sorted(item_ids)
    item_at = {pk: n for n, pk in enumerate(ids)}
    rater_at = {pk: n for n, pk in enumerate(sorted(raters))}
    table = LabelTable.from_codes(
        [item_at[item] for item, *_rest in rows],
        [rater_at[rater] for _item, rater, *_rest in rows],
        [int(choice or 0) for _item, _rater, choice, _kind in rows],
        n_classes=n_classes,
        n_items=len(ids),
        n_raters=len(raters),
        judges=np.array([raters[pk] for pk in sorted(raters)], dtype=bool),
    )
    return Said(table, ids, raters)


# --- How things stand ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """Under the plan that is on. ``spared``: open slots that need not be asked for; ``next``:
    items by (whom, judge's id or None)."""

    items: int
    settled: int
    spared: int
    next: dict[tuple[str, int | None], int]


def standing(plan: RoutingPlan) -> Standing:
    """Two queries."""
    rows = RoutedItem.objects.filter(plan=plan).values_list("next", "rater").annotate(n=Count("pk"))
    found: Counter[tuple[str, int | None]] = Counter()
    for following, rater, n in rows:
        found[following, rater] += n
    settled = RoutedItem.objects.filter(plan=plan, settled=True)
    spared = Slot.objects.filter(
        Q(item__in=settled.values("item")),
        project=plan.project_id,
        excused=True,
        state=SlotState.OPEN,
    ).count()
    return Standing(items=found.total(), settled=settled.count(), spared=spared, next=dict(found))


def next_items(
    plan: RoutingPlan, following: str, *, rater: int | None, limit: int
) -> list[RoutedItem]:
    """The items that are next for somebody, most gain first."""
    rows = RoutedItem.objects.filter(plan=plan, next=following, rater=rater)
    return list(rows.select_related("item").order_by("-gain", "pk")[:limit])
