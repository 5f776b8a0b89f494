"""How far raters agree: with each other, and each with the people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotate.models import Question, QuestionKind, Rater, RaterKind, WhoCounts
from annotate.selectors.tables import QuestionTable, question_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.agreement import Agreement
    from consensus.krippendorff import Level

# Labels looked at together: bounds the memory.
CHUNK = 200_000


@dataclass(frozen=True)
class RaterAgreement:
    """One rater against the people on the items they share.

    ``agree`` of ``shared`` items have the rater's label equal to the majority of the *other* people
    (a person never counts for themselves); items where the others are tied are left out. ``low``
    and ``high`` are Wilson's 95 % interval of the share; all three are None without shared items.
    """

    rater: Rater
    n_labels: int
    agree: int
    shared: int
    share: float | None
    low: float | None
    high: float | None


def people_agreement(question: Question, found: QuestionTable | None = None) -> Agreement:
    """Krippendorff's alpha over people's live labels (ordinal for a rating), with its interval."""
    found = found.of(WhoCounts.PEOPLE) if found else question_table(question, WhoCounts.PEOPLE)
    return alpha_of(question, found)


def alpha_of(question: Question, found: QuestionTable) -> Agreement:
    """Krippendorff's alpha of all raters of a table, at the level that fits the question."""
    from consensus.krippendorff import krippendorff_interval

    level: Level = "ordinal" if question.kind == QuestionKind.RATING else "nominal"
    return krippendorff_interval(found.table, level=level)


def raters_against_people(
    question: Question, found: QuestionTable | None = None
) -> list[RaterAgreement]:
    """Every rater of the question against the other people, people first, then judges, by name."""
    import numpy as np

    from consensus.intervals import proportion_interval

    found = found or question_table(question)
    table = found.table
    if not table.n_labels:
        return []
    is_person = np.array(
        [found.raters[int(pk)].kind == RaterKind.PERSON for pk in found.rater_ids], dtype=bool
    )
    by_person = is_person[table.raters]
    counts = np.zeros((table.n_items, table.n_classes), dtype=np.int32)
    np.add.at(counts, (table.items[by_person], table.codes[by_person]), 1)
    agree = np.zeros(table.n_raters, dtype=np.int64)
    shared = np.zeros(table.n_raters, dtype=np.int64)
    for start in range(0, table.n_labels, CHUNK):
        rows = slice(start, start + CHUNK)
        items, raters, codes = table.items[rows], table.raters[rows], table.codes[rows]
        others = counts[items]
        own = np.flatnonzero(by_person[rows])
        others[own, codes[own]] -= 1
        first, decided = majorities(others)
        shared += np.bincount(raters[decided], minlength=table.n_raters)
        agree += np.bincount(raters[decided & (first == codes)], minlength=table.n_raters)
    n_labels = np.bincount(table.raters, minlength=table.n_raters)
    result = []
    for k, pk in enumerate(found.rater_ids):
        n, right = int(shared[k]), int(agree[k])
        low, high = proportion_interval(right, n) if n else (None, None)
        result.append(
            RaterAgreement(
                rater=found.raters[int(pk)],
                n_labels=int(n_labels[k]),
                agree=right,
                shared=n,
                share=right / n if n else None,
                low=low,
                high=high,
            )
        )
    return sorted(
        result, key=lambda r: (r.rater.kind != RaterKind.PERSON, r.rater.name, r.rater.pk)
    )


def majorities(counts: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The most frequent class of each row, and whether it is the only one and there is any."""
    top = counts.max(axis=1, initial=0)
    decided = (top > 0) & ((counts == top[:, None]).sum(axis=1) == 1)
    return counts.argmax(axis=1), decided
