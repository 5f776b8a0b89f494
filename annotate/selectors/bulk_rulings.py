"""What ruling on many items at once would do to each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from annotate.kinds import Said, said_of
from annotate.models import Item, Question, Ruling, RulingStatus
from annotate.selectors.chosen import Chosen
from annotate.selectors.item_filters import Filters
from annotate.selectors.items import rows_of

# A preview looks at so many items.
PREVIEWED = 2000
CHUNK = 500
# So many are shown of them.
SAMPLE = 10


class Fate(StrEnum):
    """What becomes of one item."""

    RULED = "ruled"
    OVERRULED = "overruled"  # a ruling that stands is replaced
    KEPT = "kept"  # a ruling stands and stays
    SAME = "same"  # it is ruled so already
    NO_ANSWER = "no_answer"  # it has none that could be ruled: a tie, or nobody answered


@dataclass(frozen=True)
class RulingPlan:
    """What is ruled on each item: the option ``choice``; None, the answer that it has now, which is
    the newest aggregate's, else people's majority. ``overrule``: also where a ruling stands."""

    choice: int | None
    reason: str
    comment: str = ""
    overrule: bool = False


@dataclass(frozen=True)
class Planned:
    item: Item
    fate: Fate
    said: Said | None = None
    standing: Ruling | None = None

    @property
    def rules(self) -> bool:
        return self.fate in {Fate.RULED, Fate.OVERRULED}


@dataclass
class Preview:
    """``looked`` items were looked at, and there are ``more``. ``answers``: how many would be ruled
    what, by the answer's one text; ``sample``: the first that would be ruled."""

    looked: int = 0
    more: bool = False
    fates: Counter[Fate] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    said: dict[str, tuple[Said, Item]] = field(default_factory=dict)
    sample: list[Planned] = field(default_factory=list)

    @property
    def n_ruled(self) -> int:
        return self.fates[Fate.RULED] + self.fates[Fate.OVERRULED]


def rulings_planned(question: Question, items: Sequence[Item], plan: RulingPlan) -> list[Planned]:
    """What becomes of each item, in their order. A few queries, whatever the number of items."""
    standing = {
        ruling.item_id: ruling
        for ruling in Ruling.objects.filter(
            item__in=items, question=question, status=RulingStatus.LIVE
        )
    }
    if plan.choice is not None:
        wanted: dict[int, Said | None] = {item.pk: Said(plan.choice) for item in items}
    else:
        rows = rows_of(list(items), Filters(question=question))
        wanted = {row.item.pk: row.answer for row in rows}
    return [_planned(item, wanted[item.pk], standing.get(item.pk), plan) for item in items]


def _planned(item: Item, said: Said | None, standing: Ruling | None, plan: RulingPlan) -> Planned:
    if said is None:
        return Planned(item, Fate.KEPT if standing else Fate.NO_ANSWER, standing=standing)
    if standing is None:
        return Planned(item, Fate.RULED, said)
    if said_of(standing) == said:
        return Planned(item, Fate.SAME, said, standing)
    if not plan.overrule:
        return Planned(item, Fate.KEPT, standing=standing)
    return Planned(item, Fate.OVERRULED, said, standing)


def rulings_preview(question: Question, chosen: Chosen, plan: RulingPlan) -> Preview:
    """What the plan would do now, over the first PREVIEWED items."""
    preview = Preview()
    for chunk in chosen.chunks(CHUNK):
        if preview.looked >= PREVIEWED:
            preview.more = True
            break
        preview.looked += len(chunk)
        for planned in rulings_planned(question, chunk, plan):
            preview.fates[planned.fate] += 1
            if planned.rules and planned.said is not None:
                preview.answers[planned.said.canonical] += 1
                preview.said.setdefault(planned.said.canonical, (planned.said, planned.item))
                if len(preview.sample) < SAMPLE:
                    preview.sample.append(planned)
    return preview
