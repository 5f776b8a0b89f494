"""From rows in the database to the integer-coded table that consensus works on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotate.models import (
    ItemStatus,
    Label,
    LabelStatus,
    Question,
    Rater,
    RaterKind,
    WhoCounts,
)

if TYPE_CHECKING:
    import numpy as np
    from django.db.models import QuerySet
    from numpy.typing import NDArray

    from consensus.table import LabelTable

CHUNK = 20_000


@dataclass(frozen=True)
class QuestionTable:
    """A LabelTable with what its codes stand for.

    ``item_ids`` and ``rater_ids`` are sorted database ids: position k is the table's item or rater
    k. ``fingerprint`` is the SHA-256 of the (item, rater, choice) triples in that order.
    """

    table: LabelTable
    item_ids: NDArray[np.int64]
    rater_ids: NDArray[np.int64]
    raters: dict[int, Rater]
    fingerprint: str


def labels_live(question: Question, who: str = WhoCounts.ALL) -> QuerySet[Label]:
    """The live choice labels of a question on live items, by who counts."""
    labels = Label.objects.filter(
        question=question,
        status=LabelStatus.LIVE,
        choice__isnull=False,
        item__status=ItemStatus.LIVE,
    )
    if who == WhoCounts.PEOPLE:
        return labels.filter(rater__kind=RaterKind.PERSON)
    if who == WhoCounts.JUDGES:
        return labels.filter(rater__kind=RaterKind.JUDGE)
    return labels


def question_table(question: Question, who: str = WhoCounts.ALL) -> QuestionTable:
    """The labels of a question as a table. One pass, about 12 bytes a label kept."""
    import numpy as np

    from consensus.table import LabelTable

    parts = []
    rows = (
        labels_live(question, who)
        .order_by("item_id", "rater_id")
        .values_list("item_id", "rater_id", "choice")
    )
    chunk: list[tuple[int, int, int]] = []
    for row in rows.iterator(chunk_size=CHUNK):
        chunk.append(row)  # type: ignore[arg-type]
        if len(chunk) == CHUNK:
            parts.append(np.asarray(chunk, dtype=np.int64))
            chunk = []
    parts.append(np.asarray(chunk, dtype=np.int64).reshape(-1, 3))
    triples = np.concatenate(parts)
    item_ids, items = np.unique(triples[:, 0], return_inverse=True)
    rater_ids, raters = np.unique(triples[:, 1], return_inverse=True)
    table = LabelTable.from_codes(
        items,
        raters,
        triples[:, 2],
        n_classes=max((option.code for option in question.options.all()), default=0) + 1,
        n_items=len(item_ids),
        n_raters=len(rater_ids),
    )
    return QuestionTable(
        table=table,
        item_ids=item_ids,
        rater_ids=rater_ids,
        raters=Rater.objects.in_bulk([int(pk) for pk in rater_ids]),
        fingerprint=hashlib.sha256(triples.astype("<i8").tobytes()).hexdigest(),
    )
