"""What people and judges say of each option of each item: for the search for label errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotate.models import (
    Label,
    LabelStatus,
    Question,
    QuestionKind,
    RaterKind,
    WhoCounts,
)
from annotate.selectors.tables import question_table
from annotate.selectors.value_tables import value_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from consensus.table import LabelTable


@dataclass(frozen=True)
class PeopleSaid:
    """People's live answers: a row for each option that one named. Ids are ascending, position k is
    the table's item or rater k. ``several``: an answer may name several options, or none, which has
    no row; ``n_people`` (n_items,) counts those, too.
    """

    table: LabelTable
    item_ids: NDArray[np.int64]
    rater_ids: NDArray[np.int64]
    n_people: NDArray[np.int64]
    several: bool

    def peers(self) -> NDArray[np.float64]:
        """For each row, the share of the other people of its item who named its option, (n_rows,);
        NaN where there are no others."""
        import numpy as np

        table = self.table
        same = table.counts()[table.items, table.codes] - 1
        others = self.n_people[table.items] - 1
        share = np.full(table.n_labels, np.nan)
        np.divide(same, others, out=share, where=others > 0)
        return share


def people_said(question: Question) -> PeopleSaid:
    """What people answered to a question whose answers are options, one or several."""
    import numpy as np

    from consensus.table import LabelTable

    if question.kind != QuestionKind.MULTIPLE:
        found = question_table(question, WhoCounts.PEOPLE)
        n_people = np.bincount(found.table.items, minlength=found.table.n_items)
        return PeopleSaid(found.table, found.item_ids, found.rater_ids, n_people, several=False)
    values = value_table(question, WhoCounts.PEOPLE)
    rows = [
        (item, rater, code)
        for item, rater, said in zip(values.items, values.raters, values.answers, strict=True)
        for code in said.value
    ]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return PeopleSaid(
        LabelTable.from_codes(
            *columns,
            n_classes=_n_classes(question),
            n_items=len(values.item_ids),
            n_raters=len(values.rater_ids),
        ),
        np.array(values.item_ids, dtype=np.int64),
        np.array(values.rater_ids, dtype=np.int64),
        np.bincount(np.array(values.items, dtype=np.int64), minlength=len(values.item_ids)),
        several=True,
    )


def judges_said(question: Question, said: PeopleSaid) -> NDArray[np.float64] | None:
    """The judges' mean probability that an option is right, (n_items, n_classes); NaN where none
    was asked of it, None where none was asked at all.

    A judge's distribution counts as it is. Without one, what it named counts with its confidence
    (else 1), and the rest shares what is left; of several options, each of the rest has it.
    """
    import numpy as np

    shape = (said.table.n_items, said.table.n_classes)
    total, times = np.zeros(shape), np.zeros(shape)
    place = {int(pk): n for n, pk in enumerate(said.item_ids)}
    rows = Label.objects.filter(
        question=question, status=LabelStatus.LIVE, rater__kind=RaterKind.JUDGE
    ).values_list("item_id", "choice", "value", "confidence", "distribution")
    for item_id, choice, value, confidence, distribution in rows.iterator(chunk_size=20_000):
        n = place.get(item_id)
        if n is None:
            continue
        if distribution:
            for code, share in distribution.items():
                if int(code) < shape[1]:
                    total[n, int(code)] += min(1.0, max(0.0, share))
                    times[n, int(code)] += 1
            continue
        named: list[int] = [choice] if choice is not None else []
        if said.several and isinstance(value, list):
            named = value
        if any(code >= shape[1] for code in named):
            continue
        sure = 1.0 if confidence is None else confidence
        rest = (1 - sure) if said.several else (1 - sure) / max(shape[1] - 1, 1)
        total[n] += rest
        total[n, named] += sure - rest
        times[n] += 1
    if not times.any():
        return None
    mean = np.full(shape, np.nan)
    np.divide(total, times, out=mean, where=times > 0)
    return np.asarray(np.clip(mean, 0.0, 1.0))


def commonest(said: PeopleSaid) -> dict[int, int]:
    """The option that most people gave, by item id; the lowest code of those that are tied."""
    counts = said.table.counts()
    answered = counts.any(axis=1)
    first = counts.argmax(axis=1)
    return {
        int(pk): int(code)
        for pk, code in zip(said.item_ids[answered], first[answered], strict=True)
    }


def as_rows(said: PeopleSaid, shares: Mapping[int, Mapping[int, float]]) -> NDArray[np.float64]:
    """Probabilities by item id and code as (n_items, n_classes); NaN where there are none."""
    import numpy as np

    found = np.full((said.table.n_items, said.table.n_classes), np.nan)
    for n, pk in enumerate(said.item_ids):
        for code, share in shares.get(int(pk), {}).items():
            if code < found.shape[1]:
                found[n, code] = min(1.0, max(0.0, share))
    return found


def _n_classes(question: Question) -> int:
    return max((option.code for option in question.options.all()), default=0) + 1
