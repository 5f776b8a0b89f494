"""The live answers of a question whose labels hold values, as columns; the others are in tables.py.

Sets, numbers, orders and spans are fewer and larger than choices: they are read one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from annotate.kinds import Asked, Said, asked_of, said_of
from annotate.models import (
    Gold,
    Item,
    ItemStatus,
    Label,
    LabelStatus,
    Question,
    Rater,
    RaterKind,
    Ruling,
    RulingStatus,
    WhoCounts,
)
from annotate.selectors.moments import one_moment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ValueTable:
    """Row k: rater ``rater_ids[raters[k]]`` said ``answers[k]`` of item ``item_ids[items[k]]``.

    Ids are ascending; rows are in the order of items and raters. ``known``: gold and, if asked for,
    rulings, by item id; a ruling counts before gold.
    """

    asked: Asked
    item_ids: list[int]
    rater_ids: list[int]
    items: list[int]
    raters: list[int]
    answers: list[Said]
    by_id: dict[int, Rater]
    known: dict[int, Said]

    @property
    def n_labels(self) -> int:
        return len(self.answers)

    def judges(self) -> NDArray[np.bool_]:
        """(n_raters,): which raters are judges."""
        import numpy as np

        kinds = [self.by_id[pk].kind == RaterKind.JUDGE for pk in self.rater_ids]
        return np.array(kinds, dtype=bool)

    def families(self) -> NDArray[np.int32] | None:
        """(n_raters,): as LabelTable has them; None where nobody said any."""
        import numpy as np

        names = [self.by_id[pk].family for pk in self.rater_ids]
        if not any(names):
            return None
        numbers: dict[str, int] = {}
        found = [numbers.setdefault(name, len(numbers)) if name else -1 for name in names]
        return np.array(found, dtype=np.int32)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of who said what of which item, and of the known answers."""
        made = hashlib.sha256()
        for item, rater, said in zip(self.items, self.raters, self.answers, strict=True):
            row = f"{self.item_ids[item]} {self.rater_ids[rater]} {said.canonical}\n"
            made.update(row.encode("ascii"))
        for item_id in self.item_ids:
            if item_id in self.known:
                made.update(f"gold {item_id} {self.known[item_id].canonical}\n".encode("ascii"))
        return made.hexdigest()

    def of(self, who: str) -> ValueTable:
        """Only those who count. Items and raters without an answer are left out."""
        if who == WhoCounts.ALL:
            return self
        kind = RaterKind.PERSON if who == WhoCounts.PEOPLE else RaterKind.JUDGE
        rows = [
            (self.item_ids[item], self.rater_ids[rater], said)
            for item, rater, said in zip(self.items, self.raters, self.answers, strict=True)
            if self.by_id[self.rater_ids[rater]].kind == kind
        ]
        return _table(self.asked, rows, self.by_id, self.known)


def value_table(
    question: Question, who: str = WhoCounts.ALL, *, rulings: bool = False
) -> ValueTable:
    """The live answers of those who count, on live items. Three queries."""
    with one_moment():
        rows = [
            (item_id, rater_id, Said(value=value))
            for item_id, rater_id, value in Label.objects.filter(
                question=question,
                status=LabelStatus.LIVE,
                value__isnull=False,
                item__status=ItemStatus.LIVE,
            )
            .order_by("item_id", "rater_id")
            .values_list("item_id", "rater_id", "value")
            .iterator(chunk_size=5000)
        ]
        by_id = Rater.objects.in_bulk({rater_id for _item, rater_id, _said in rows})
        known = {gold.item_id: said_of(gold) for gold in Gold.objects.filter(question=question)}
        if rulings:
            standing = Ruling.objects.filter(question=question, status=RulingStatus.LIVE)
            known |= {ruling.item_id: said_of(ruling) for ruling in standing}
    return _table(asked_of(question), rows, by_id, known).of(who)


def lengths_of(table: ValueTable) -> list[int]:
    """Characters of the field in which spans are marked, of each item of the table."""
    field = table.asked.settings["field"]
    texts = dict(
        Item.objects.filter(pk__in=table.item_ids).values_list("pk", "fields")
        if len(table.item_ids) < 500
        else _fields_in_chunks(table.item_ids)
    )
    return [len(str(texts[pk].get(field, ""))) for pk in table.item_ids]


def _fields_in_chunks(item_ids: Sequence[int]) -> list[tuple[int, dict[str, str]]]:
    found: list[tuple[int, dict[str, str]]] = []
    for start in range(0, len(item_ids), 500):
        chunk = item_ids[start : start + 500]
        found += Item.objects.filter(pk__in=chunk).values_list("pk", "fields")
    return found


def _table(
    asked: Asked,
    rows: Sequence[tuple[int, int, Said]],
    by_id: dict[int, Rater],
    known: dict[int, Said],
) -> ValueTable:
    item_ids = sorted({item for item, _rater, _said in rows})
    rater_ids = sorted({rater for _item, rater, _said in rows})
    item_at = {pk: at for at, pk in enumerate(item_ids)}
    rater_at = {pk: at for at, pk in enumerate(rater_ids)}
    return ValueTable(
        asked=asked,
        item_ids=item_ids,
        rater_ids=rater_ids,
        items=[item_at[item] for item, _rater, _said in rows],
        raters=[rater_at[rater] for _item, rater, _said in rows],
        answers=[said for _item, _rater, said in rows],
        by_id={pk: by_id[pk] for pk in rater_ids},
        known={pk: said for pk, said in known.items() if pk in item_at},
    )
