"""What people said of items, and which of their answers stands against a judge's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db.models import Count

from annotate.models import ItemStatus, Label, LabelStatus, Question, RaterKind

Said = list[tuple[int, int]]


def people_counts(question: Question, items: Collection[int] | None = None) -> dict[int, Said]:
    """(option code, how many people) by item, most named first, then by code; of all live items
    without ``items``. One query.
    """
    labels = Label.objects.filter(
        question=question,
        status=LabelStatus.LIVE,
        choice__isnull=False,
        rater__kind=RaterKind.PERSON,
        item__status=ItemStatus.LIVE,
    )
    if items is not None:
        labels = labels.filter(item__in=items)
    found: dict[int, Said] = defaultdict(list)
    rows = labels.values_list("item_id", "choice").annotate(n=Count("pk")).order_by()
    for item_id, code, n in rows.iterator(chunk_size=20_000):
        found[item_id].append((code or 0, n))
    return {item: sorted(said, key=lambda one: (-one[1], one[0])) for item, said in found.items()}


def majority(said: Sequence[tuple[int, int]]) -> int | None:
    """What most people said; None where nobody did, or two options are tied."""
    if not said or (len(said) > 1 and said[1][1] == said[0][1]):
        return None
    return said[0][0]


def people_majorities(question: Question) -> dict[int, int]:
    """The answer of most people by item, without the items on which they are tied. One query over
    their labels.
    """
    found = {item: majority(said) for item, said in people_counts(question).items()}
    return {item: code for item, code in found.items() if code is not None}
