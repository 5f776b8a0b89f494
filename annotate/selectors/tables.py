"""From rows in the database to the integer-coded table that consensus works on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotate.models import (
    Gold,
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

    from annotate.selectors.label_blocks import Block
    from annotate.selectors.table_files import Columns
    from consensus.table import LabelTable

# From so many labels on a table is kept in a file (table_files): fewer are read in no time.
KEPT_FROM = 200_000
# Labels looked at together: bounds the memory.
CHUNK = 500_000
# Ids that lie within so many are coded by a look-up; else they are sorted.
LOOKED_UP = 2**22


@dataclass(frozen=True)
class QuestionTable:
    """A LabelTable with what its codes stand for.

    ``item_ids`` and ``rater_ids`` are ascending database ids: position k is the table's item or
    rater k. The table knows which raters are judges, their families where anybody said, and the
    known answers of its items, where there are any.

    ``labels_digest`` is the SHA-256 of the (item, rater, choice) triples in that order, and
    ``fingerprint`` that of these and the known answers: the same, unless there are some. Kinds and
    families of raters are not in it; they are said once, when a rater is made.
    """

    table: LabelTable
    item_ids: NDArray[np.int64]
    rater_ids: NDArray[np.int64]
    raters: dict[int, Rater]
    labels_digest: str
    fingerprint: str

    def of(self, who: str) -> QuestionTable:
        """The labels of those who count, as question_table(question, who) finds them."""
        import numpy as np

        from annotate.selectors.table_files import Columns

        if who == WhoCounts.ALL:
            return self
        kind = RaterKind.PERSON if who == WhoCounts.PEOPLE else RaterKind.JUDGE
        counts = np.array([self.raters[int(pk)].kind == kind for pk in self.rater_ids], dtype=bool)
        if counts.all():
            return self
        kept = counts[self.table.raters]
        items, raters = self.table.items[kept], self.table.raters[kept]
        codes = self.table.codes[kept]
        with_labels = np.bincount(items, minlength=self.table.n_items) > 0
        new_items, new_raters = np.cumsum(with_labels) - 1, np.cumsum(counts) - 1
        item_ids, rater_ids = self.item_ids[with_labels], self.rater_ids[counts]
        items, raters = new_items[items].astype(np.int32), new_raters[raters].astype(np.int32)
        digest = _digest(item_ids, rater_ids, items, raters, codes)
        return _question_table(
            Columns(item_ids, rater_ids, items, raters, codes, digest),
            self.table.n_classes,
            {int(pk): self.raters[int(pk)] for pk in rater_ids},
            None if self.table.gold is None else self.table.gold[with_labels],
        )

    def fingerprint_knowing(self, answers: KnownAnswers) -> str:
        """The fingerprint of the same labels with these known answers and no others."""
        return _fingerprint(self.labels_digest, self.item_ids, answers.by_item(self.item_ids))


@dataclass(frozen=True)
class KnownAnswers:
    """Known classes by item id. Where an item is named more than once, the last counts."""

    item_ids: NDArray[np.int64]
    codes: NDArray[np.int64]

    def by_item(self, item_ids: NDArray[np.int64]) -> NDArray[np.int32] | None:
        """The known class of each of these ascending ids, -1 for none; None where none is known."""
        import numpy as np

        if not len(item_ids):
            return None
        gold = np.full(len(item_ids), -1, dtype=np.int32)
        places = np.minimum(np.searchsorted(item_ids, self.item_ids), len(item_ids) - 1)
        there = item_ids[places] == self.item_ids
        gold[places[there]] = self.codes[there]
        return gold if there.any() else None


def question_table(
    question: Question, who: str = WhoCounts.ALL, *, rulings: bool = False
) -> QuestionTable:
    """The live choices of a question on live items as a table, of those who count.

    Known answers are its gold and, with ``rulings``, the rulings that stand, which come first where
    both say something. Costs about 14 bytes a label beside the table's own 12. Where there are very
    many labels they are kept in a file, and read again only when they are no longer the same.
    """
    import numpy as np

    with one_moment() as is_one:
        columns = _columns(question, keep=is_one)
        raters = Rater.objects.in_bulk(columns.rater_ids.tolist())
        answers = known_answers(question, rulings=rulings)
    n_classes = max((option.code for option in question.options.all()), default=0) + 1
    found = _question_table(
        columns, n_classes, raters, answers.by_item(np.asarray(columns.item_ids))
    )
    return found.of(who)


def known_answers(question: Question, *, rulings: bool = False) -> KnownAnswers:
    """The gold of a question and, with ``rulings``, the rulings that stand on it."""
    import numpy as np

    sources = [Gold.objects.filter(question=question, choice__isnull=False)]
    if rulings:
        standing = Ruling.objects.filter(question=question, status=RulingStatus.LIVE)
        sources.append(standing.filter(choice__isnull=False))  # type: ignore[arg-type]
    pairs = np.array(
        [pair for rows in sources for pair in rows.values_list("item_id", "choice").iterator()],
        dtype=np.int64,
    ).reshape(-1, 2)
    return KnownAnswers(pairs[:, 0], pairs[:, 1])


# --- Reading ------------------------------------------------------------------------------------


def _columns(question: Question, *, keep: bool) -> Columns:
    """The labels as they are now: from a file where they are the same, else from the database."""
    from annotate.selectors.label_blocks import label_blocks, labels_mark
    from annotate.selectors.table_files import columns_keep, columns_kept

    mark = labels_mark(question)
    if mark is None or mark[1] < KEPT_FROM:
        return _coded(label_blocks(question))
    kept = columns_kept(question.pk, mark[0])
    if kept is not None:
        return kept
    columns = _coded(label_blocks(question))
    if keep:
        columns_keep(question.pk, mark[0], columns)
    return columns


def _coded(blocks: Iterable[Block]) -> Columns:
    """Code blocks of labels, which come in the order of items and raters."""
    import numpy as np

    from annotate.selectors.table_files import Columns

    item_ids: list[NDArray[np.int64]] = []
    items: list[NDArray[np.int32]] = []
    raters: list[NDArray[np.int64]] = []
    codes: list[NDArray[np.uint16]] = []
    n_items = 0
    for block in blocks:
        # An item's labels are in one block: the first of each item makes its code.
        first = np.ones(len(block.items), dtype=bool)
        np.not_equal(block.items[1:], block.items[:-1], out=first[1:])
        item_ids.append(block.items[first])
        items.append((np.cumsum(first) + (n_items - 1)).astype(np.int32))
        n_items += len(item_ids[-1])
        raters.append(block.raters)
        codes.append(block.codes)
    rater_ids, rater_codes = _codes(raters)
    columns = (
        np.concatenate([np.zeros(0, dtype=np.int64), *item_ids]),
        rater_ids,
        np.concatenate([np.zeros(0, dtype=np.int32), *items]),
        rater_codes,
        np.concatenate([np.zeros(0, dtype=np.uint16), *codes]),
    )
    return Columns(*columns, digest=_digest(*columns))


def _codes(parts: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The different ids, ascending, and the place of each id among them. Empties the list."""
    import numpy as np

    codes = np.zeros(sum(map(len, parts)), dtype=np.int32)
    if not len(codes):
        return np.zeros(0, dtype=np.int64), codes
    low = min(int(part.min()) for part in parts if len(part))
    high = max(int(part.max()) for part in parts if len(part))
    seen = np.zeros(0, dtype=bool)
    if high - low < LOOKED_UP:
        seen = np.zeros(high - low + 1, dtype=bool)
        for part in parts:
            seen[part - low] = True
        ids = np.flatnonzero(seen) + low
        place = np.cumsum(seen, dtype=np.int32) - 1
    else:
        ids = np.unique(np.concatenate([np.unique(part) for part in parts]))
    at = 0
    for part in parts:
        codes[at : at + len(part)] = place[part - low] if len(seen) else np.searchsorted(ids, part)
        at += len(part)
    parts.clear()
    return ids, codes


def _digest(
    item_ids: NDArray[np.int64],
    rater_ids: NDArray[np.int64],
    items: NDArray[np.int32],
    raters: NDArray[np.int32],
    codes: NDArray[Any],
) -> str:
    import numpy as np

    made = hashlib.sha256()
    for start in range(0, len(codes), CHUNK):
        rows = slice(start, start + CHUNK)
        triples = np.empty((len(codes[rows]), 3), dtype="<i8")
        triples[:, 0] = item_ids[items[rows]]
        triples[:, 1] = rater_ids[raters[rows]]
        triples[:, 2] = codes[rows]
        made.update(triples.data)
    return made.hexdigest()


# --- What is known besides ----------------------------------------------------------------------


def _question_table(
    columns: Columns, n_classes: int, raters: dict[int, Rater], gold: NDArray[np.int32] | None
) -> QuestionTable:
    import numpy as np

    from consensus.table import LabelTable

    item_ids, rater_ids = np.array(columns.item_ids), np.array(columns.rater_ids)
    in_order = [raters[int(pk)] for pk in rater_ids]
    if gold is not None and not (gold >= 0).any():
        gold = None
    return QuestionTable(
        table=LabelTable.from_codes(
            columns.items,
            columns.raters,
            columns.codes,
            n_classes=n_classes,
            n_items=len(item_ids),
            n_raters=len(rater_ids),
            judges=np.array([rater.kind == RaterKind.JUDGE for rater in in_order], dtype=bool),
            families=_families(in_order),
            gold=gold,
        ),
        item_ids=item_ids,
        rater_ids=rater_ids,
        raters={rater.pk: rater for rater in in_order},
        labels_digest=columns.digest,
        fingerprint=_fingerprint(columns.digest, item_ids, gold),
    )


def _families(raters: Sequence[Rater]) -> NDArray[np.int32] | None:
    """The number of each rater's family, -1 for a rater of whom nobody said one, or none at all.

    A rater of several families joins them: what two of its members say and what it says itself are
    then one voice.
    """
    import numpy as np

    if not any(rater.family for rater in raters):
        return None
    joined: dict[str, str] = {}  # a family -> another one that it is joined with, up to the last

    def last(name: str) -> str:
        while (further := joined.setdefault(name, name)) != name:
            name = further
        return name

    for rater in raters:
        first, *others = rater.family.split("\n")
        for other in others:
            joined[last(other)] = last(first)
    numbers: dict[str, int] = {}
    named = [last(rater.family.split("\n")[0]) if rater.family else "" for rater in raters]
    return np.array(
        [numbers.setdefault(name, len(numbers)) if name else -1 for name in named],
        dtype=np.int32,
    )


def _fingerprint(
    labels_digest: str, item_ids: NDArray[np.int64], gold: NDArray[np.int32] | None
) -> str:
    import numpy as np

    if gold is None:
        return labels_digest
    known = gold >= 0
    pairs = np.column_stack([item_ids[known], gold[known]]).astype("<i8")
    return hashlib.sha256(labels_digest.encode("ascii") + b" gold " + pairs.tobytes()).hexdigest()
