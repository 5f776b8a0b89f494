"""Which items: the filters of the list, as queries for indexes to answer, and in a form to keep."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from annotate.kinds import CHOICES
from annotate.models import (
    WANTED,
    Item,
    ItemStatus,
    ItemSummary,
    Label,
    LabelStatus,
    Project,
    Question,
    Rater,
    RaterKind,
    Reason,
    SavedView,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
    SummaryState,
    User,
)
from annotate.selectors.items_said import items_said
from annotate.selectors.review import HasBit, waiting

# For the names of metadata, so many items are looked at, and so many names offered.
LOOKED_AT = 100
MOST_NAMES = 50


class State(models.TextChoices):
    """Where an item stands, for the filter."""

    UNLABELLED = "unlabelled", _("No answer of people yet")
    IN_WORK = "in_work", _("Some answers, more wanted")
    DONE = "done", _("All wanted answers are there")
    RULED = "ruled", _("Ruled")
    SURPLUS = "surplus", _("Has surplus answers")


class Disagreement(models.TextChoices):
    """How far those who answered agree."""

    SPLIT = "split", _("People do not all agree")
    AGREE = "agree", _("Two people or more, and all agree")
    JUDGES = "judges", _("A judge against people")
    ALONE = "alone", _("One person only")


class Confidence(models.TextChoices):
    """How sure some judge says it is."""

    BELOW_60 = "below_60", _("Below 60 %")
    BELOW_80 = "60_80", _("60 to 80 %")
    BELOW_95 = "80_95", _("80 to 95 %")
    ABOVE_95 = "above_95", _("95 % and above")


# From, and below.
RANGES = {
    Confidence.BELOW_60: (None, 0.6),
    Confidence.BELOW_80: (0.6, 0.8),
    Confidence.BELOW_95: (0.8, 0.95),
    Confidence.ABOVE_95: (0.95, None),
}


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to. ``answer`` is an option code that somebody named, or that
    ``rater`` did where both are there.

    ``meta`` and ``meta_value``: an entry of the metadata. ``a`` and ``b``: two raters who named
    different options; with ``both``, any options; with ``a_says`` and ``b_says``, these. ``a``
    alone: what that rater labelled; with ``a_says`` and ``most_say``, so where most other people
    say that. ``since`` and ``until``: the first and last day (ISO) on which the labels were given,
    by ``who`` (a kind of rater; "" anybody). ``differ``: behind a number of the map of disagreement
    (selectors.differing.items_differing).
    """

    question: Question | None = None
    text: str = ""
    state: str = ""
    reason: str = ""
    answer: int | None = None
    rater: Rater | None = None
    confidence: str = ""
    disagreement: str = ""
    meta: str = ""
    meta_value: str = ""
    a: Rater | None = None
    b: Rater | None = None
    a_says: int | None = None
    b_says: int | None = None
    both: bool = False
    since: str = ""
    until: str = ""
    who: str = ""
    most_say: int | None = None
    differ: str = ""

    def kept(self) -> dict[str, Any]:
        """As plain values, for a job; ``filters_kept`` reads them."""
        found = {name: getattr(self, name) for name in PLAIN}
        for name in ROWS:
            row = getattr(self, name)
            found[name] = row.pk if row else None
        return {name: value for name, value in found.items() if value not in ("", None)}


PLAIN = (
    *("text", "state", "reason", "answer", "confidence", "disagreement", "meta", "meta_value"),
    *("a_says", "b_says", "both", "since", "until", "who", "most_say", "differ"),
)
ROWS = ("question", "rater", "a", "b")


def filters_kept(project: Project, kept: Mapping[str, Any]) -> Filters:
    """Filters from Filters.kept(). Rows that are gone narrow nothing any more."""
    raters = {
        rater.pk: rater
        for rater in Rater.objects.filter(
            project=project, pk__in=[kept[name] for name in ROWS[1:] if name in kept]
        )
    }
    questions = project.questions.filter(pk=kept.get("question") or 0)
    return Filters(
        question=questions.prefetch_related("options").first(),
        rater=raters.get(kept.get("rater", 0)),
        a=raters.get(kept.get("a", 0)),
        b=raters.get(kept.get("b", 0)),
        **{name: kept[name] for name in PLAIN if name in kept},
    )


def items_filtered(project: Project, filters: Filters) -> QuerySet[Item]:
    items = Item.objects.filter(project=project, status=ItemStatus.LIVE)
    if filters.text:
        items = _searched(items, filters.text)
    if filters.state:
        items = _in_state(items, project, filters)
    if filters.reason:
        there = _summaries(filters).filter(waiting(filters.reason), project=project)
        items = items.filter(pk__in=there.values("item_id"))
    if filters.disagreement:
        found = _summaries(filters).filter(_disagreeing(filters.disagreement), project=project)
        items = items.filter(pk__in=found.values("item_id"))
    if filters.confidence and filters.question:
        # By their ids: joined to the raters, the database would not foresee how many labels a judge
        # has, and go through all of them.
        judges = Rater.objects.filter(project=project, kind=RaterKind.JUDGE)
        ids = {filters.rater.pk} if filters.rater else set(judges.values_list("pk", flat=True))
        sure = _labels(filters.question).filter(
            _as_sure(Confidence(filters.confidence)), rater__in=ids
        )
        items = items.filter(pk__in=sure.values("item_id"))
    if filters.meta and filters.meta_value:
        items = _with_metadata(items, filters.meta, filters.meta_value)
    if filters.question and filters.rater:
        items = items.filter(pk__in=_of_rater(filters.question, filters.rater, filters.answer))
    elif filters.question and filters.answer is not None:
        items = items.filter(Exists(_naming(filters.question, filters.answer)))
    return items_said(items, filters)


class OneText(Func):
    """The id and the fields (as stored) of an item in one text. The index item_search is on its
    capitals (migration 0010), so this expression and that one must stay the same."""

    template = "(%(expressions)s)"
    arg_joiner = " || E'\\n' || "
    output_field = TextField()


def _searched(items: QuerySet[Item], text: str) -> QuerySet[Item]:
    """A plain search: the words as they stand, in the fields (as stored) or the external id."""
    stored = Cast("fields", TextField())
    if connection.vendor == "postgresql":
        words = json.dumps(text, ensure_ascii=False)[1:-1]
        return items.annotate(stored=OneText(F("external_id"), stored)).filter(
            stored__icontains=words
        )
    # SQLite keeps what is not ASCII escaped.
    return items.annotate(stored=stored).filter(
        Q(stored__icontains=json.dumps(text)[1:-1]) | Q(external_id__icontains=text)
    )


def _with_metadata(items: QuerySet[Item], name: str, value: str) -> QuerySet[Item]:
    """Items whose metadata say so, as text or as the number or truth value that it reads as."""
    if connection.vendor != "postgresql":
        # SQLite has 1 and 0 for true and false.
        meant = Cast(KeyTextTransform(name, "metadata"), TextField())
        plain = _plain(value)
        same = [value, str(int(plain))] if isinstance(plain, bool) else [value]
        return items.annotate(meant=meant).filter(meant__in=same)
    values = [value] if _plain(value) == value else [value, _plain(value)]
    means = Q()
    for each in values:
        # "Contains" is what the index item_metadata answers.
        means |= Q(metadata__contains={name: each})
    return items.filter(means)


def _plain(text: str) -> Any:
    """12 for "12", True for "true"; other text as it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    finite = not isinstance(value, float) or math.isfinite(value)
    return value if isinstance(value, int | float | bool) and finite else text


def _disagreeing(how: str) -> Q:
    match how:
        case Disagreement.SPLIT:
            return Q(entropy__gt=0)
        case Disagreement.AGREE:
            return Q(n_people__gte=2, entropy=0)
        case Disagreement.JUDGES:
            return Q(HasBit(F("reason_bits"), Reason.JUDGE_DIFFERS.bit))
        case _:
            return Q(n_people=1)


def _as_sure(confidence: Confidence) -> Q:
    least, below = RANGES[confidence]
    sure = Q(confidence__isnull=False)
    if least is not None:
        sure &= Q(confidence__gte=least)
    if below is not None:
        sure &= Q(confidence__lt=below)
    return sure


def _of_rater(question: Question, rater: Rater, code: int | None) -> QuerySet[Label, Any]:
    """Ids of the items that a rater has answered, with this option where there is one."""
    labels = _labels(question).filter(rater=rater)
    if code is not None and question.kind in CHOICES:
        labels = labels.filter(choice=code)
    return labels.values("item_id")


def saved_views(project: Project, user: User) -> list[SavedView]:
    """The views of a person, and those shared in the project. One query."""
    views = SavedView.objects.filter(project=project).filter(Q(owner=user) | Q(shared=True))
    return list(views.select_related("owner").order_by("name", "pk"))


def metadata_names(project: Project) -> list[str]:
    """Names of entries of the metadata, as the first items have them. One query."""
    items = Item.objects.filter(project=project, status=ItemStatus.LIVE).order_by("pk")
    found: dict[str, None] = {}
    for metadata in items.values_list("metadata", flat=True)[:LOOKED_AT]:
        found |= dict.fromkeys(metadata)
    return list(found)[:MOST_NAMES]


def _in_state(items: QuerySet[Item], project: Project, filters: Filters) -> QuerySet[Item]:
    here = OuterRef("pk")
    slots = Slot.objects.filter(WANTED, item=here)
    unfilled = Exists(slots.exclude(state=SlotState.FILLED))
    match filters.state:
        case State.UNLABELLED:
            return items.exclude(Exists(_summaries(filters).filter(item=here, n_people__gt=0)))
        case State.IN_WORK:
            answered = _summaries(filters).filter(item=here, n_people__gt=0)
            return items.filter(unfilled, Exists(answered))
        case State.DONE:
            return items.filter(Exists(slots)).exclude(unfilled)
        case State.RULED:
            return items.filter(
                Exists(_summaries(filters).filter(item=here, state=SummaryState.RULED))
            )
        case _:
            surplus = Submission.objects.filter(project=project, status=SubmissionStatus.SURPLUS)
            return items.filter(pk__in=surplus.values("item_id"))


def _summaries(filters: Filters) -> QuerySet[ItemSummary]:
    summaries = ItemSummary.objects.all()
    return summaries.filter(question=filters.question) if filters.question else summaries


def _labels(question: Question) -> QuerySet[Label]:
    return Label.objects.filter(question=question, status=LabelStatus.LIVE)


def _naming(question: Question, code: int) -> QuerySet[Any, Any]:
    """Of an item, what names this option: a label, or a count of the options of all labels."""
    if question.kind in CHOICES:
        return _labels(question).filter(item=OuterRef("pk"), choice=code)
    summaries = ItemSummary.objects.filter(question=question, item=OuterRef("pk"))
    return summaries.filter(
        Q(people_counts__has_key=str(code)) | Q(judge_counts__has_key=str(code))
    )
