"""The labels that a judge may be measured by: people's that were given blind, and all judges'."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from annotate.models import Arm, Label, LabelStatus, Question, RaterKind
from annotate.selectors.agreement import majorities
from annotate.selectors.tables import QuestionTable, question_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.table import LabelTable


@dataclass(frozen=True)
class BlindTable:
    """``people``: labels of people that were given blind, with the places of ``found``, which holds
    all labels. ``n_helped``: labels of people left out because a judge's had been shown to them.
    """

    found: QuestionTable
    people: LabelTable
    n_helped: int

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """People's labels of each item and class."""
        return self.people.counts()

    @cached_property
    def most(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """What most people said of each item, and whether that is one class."""
        return majorities(self.counts)

    def said_by(self, rater_id: int) -> NDArray[np.int64]:
        """A rater's class of each item, -1 where it has none."""
        import numpy as np

        from consensus.alt_test import labels_of

        ids = self.found.rater_ids
        place = int(np.searchsorted(ids, rater_id))
        if place == len(ids) or int(ids[place]) != rater_id:
            return np.full(self.found.table.n_items, -1, dtype=np.int64)
        return labels_of(self.found.table, place)

    def decided(self, said: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places of the items with a label of the judge and one answer of most people."""
        import numpy as np

        return np.flatnonzero((said >= 0) & self.most[1])


def blind_table(question: Question) -> BlindTable:
    """The live choices of a question. People's labels of a page that showed them a judge's are left
    out, by what their submission keeps of it; imported ones count, nobody knows of them.
    """
    import numpy as np

    found = question_table(question)
    table = found.table
    people = np.array(
        [found.raters[pk].kind == RaterKind.PERSON for pk in found.rater_ids.tolist()], dtype=bool
    )
    kept = people[table.raters]
    helped = np.array(
        list(
            Label.objects.filter(
                question=question,
                status=LabelStatus.LIVE,
                rater__kind=RaterKind.PERSON,
                submission__arm__in=[Arm.SHOWN, Arm.REVEALED],
            )
            .values_list("item_id", "rater_id")
            .iterator()
        ),
        dtype=np.int64,
    ).reshape(-1, 2)
    if len(helped):
        own = found.item_ids[table.items] * (int(found.rater_ids.max()) + 1)
        own = own + found.rater_ids[table.raters]
        seen = helped[:, 0] * (int(found.rater_ids.max()) + 1) + helped[:, 1]
        shown = kept & np.isin(own, seen)
        return BlindTable(found, table.rows(kept & ~shown), int(shown.sum()))
    return BlindTable(found, table.rows(kept), 0)
