"""Items by what certain raters said of them, and when: the items behind a number of a figure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from annotate.kinds import CHOICES
from annotate.models import FigureName, Item, Label, LabelStatus, Question, Rater
from annotate.selectors.differing import items_differing
from annotate.selectors.kept_figures import figure_of

if TYPE_CHECKING:
    from annotate.selectors.item_filters import Filters


def items_said(items: QuerySet[Item], filters: Filters) -> QuerySet[Item]:
    """Narrow to what raters ``a`` and ``b`` said, or to what anybody said within some days."""
    question = filters.question
    if question is None:
        return items
    if filters.differ and question.kind in CHOICES:
        items = items.filter(pk__in=items_differing(question, filters.differ))
    if filters.a is None:
        if not filters.since and not filters.until:
            return items
        within = _within(_labels(question).filter(item=OuterRef("pk")), filters)
        if filters.answer is not None:
            within = within.filter(choice=filters.answer)
        if filters.who:
            within = within.filter(rater__kind=filters.who)
        return items.filter(Exists(within))
    if filters.a_says is not None and filters.most_say is not None and question.kind in CHOICES:
        behind = items_against(question, filters.a, filters.a_says, filters.most_say)
        return items.filter(pk__in=behind)
    mine = _within(_labels(question).filter(rater=filters.a), filters)
    if filters.a_says is not None:
        mine = mine.filter(choice=filters.a_says)
    if filters.b is not None:
        theirs = _labels(question).filter(item=OuterRef("item"), rater=filters.b)
        if filters.b_says is not None:
            theirs = theirs.filter(choice=filters.b_says)
        elif not filters.both:
            held = "choice" if question.kind in CHOICES else "value"
            theirs = theirs.exclude(**{held: OuterRef(held)})
        mine = mine.filter(Exists(theirs))
    return items.filter(pk__in=mine.values("item_id"))


def _labels(question: Question) -> QuerySet[Label]:
    return Label.objects.filter(question=question, status=LabelStatus.LIVE)


def _within(labels: QuerySet[Label], filters: Filters) -> QuerySet[Label]:
    if filters.since:
        labels = labels.filter(created_at__gte=_midnight(filters.since))
    if filters.until:
        labels = labels.filter(created_at__lt=_midnight(filters.until, 1))
    return labels


def _midnight(day: str, later: int = 0) -> datetime:
    """The beginning of a day, or of one some days later."""
    begins = date.fromisoformat(day) + timedelta(days=later)
    return timezone.make_aware(datetime.combine(begins, time.min))


def items_against(question: Question, rater: Rater, own: int, most: int) -> list[int]:
    """Ids of items to which the rater gave one option and most of the other people another one:
    those behind a cell of the rater's profile, of which the first rater_figures.BEHIND are kept."""
    from annotate.selectors.rater_figures import profile_now

    profile = figure_of(
        question, FigureName.PROFILE, rater.pk, lambda: profile_now(question, rater)
    ).content
    cells = profile["against"] if profile else []
    return next((ids for c, d, _n, ids in cells if (c, d) == (own, most)), [])
