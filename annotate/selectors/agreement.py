"""How far raters agree: with each other, and each with the people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotate.models import Question, QuestionKind, Rater, RaterKind, WhoCounts
from annotate.selectors.tables import QuestionTable, question_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.agreement import Agreement

# Any fixed number: the same labels give the same interval on every page.
SEED = 2026


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


def people_agreement(question: Question) -> Agreement:
    """Krippendorff's alpha over people's live labels (ordinal for a rating), with its interval."""
    from consensus.agreement import krippendorff_interval

    level = "ordinal" if question.kind == QuestionKind.RATING else "nominal"
    found = question_table(question, WhoCounts.PEOPLE)
    return krippendorff_interval(found.table, level=level, seed=SEED)  # type: ignore[arg-type]


def raters_against_people(
    question: Question, found: QuestionTable | None = None
) -> list[RaterAgreement]:
    """Every rater of the question against the other people, people first, then judges, by name."""
    import numpy as np

    from consensus.agreement import proportion_interval

    found = found or question_table(question)
    table = found.table
    is_person = np.array(
        [found.raters[int(pk)].kind == RaterKind.PERSON for pk in found.rater_ids], dtype=bool
    )
    counts = np.zeros((table.n_items, table.n_classes), dtype=np.int32)
    by_people = is_person[table.raters] if table.n_labels else np.zeros(0, dtype=bool)
    np.add.at(counts, (table.items[by_people], table.codes[by_people]), 1)
    result = []
    for position, pk in enumerate(found.rater_ids):
        rows = table.raters == position
        items, codes = table.items[rows], table.codes[rows]
        others = counts[items]
        if is_person[position]:
            others[np.arange(len(codes)), codes] -= 1
        first, decided = _majorities(others)
        agree, shared = int((first == codes)[decided].sum()), int(decided.sum())
        low, high = proportion_interval(agree, shared) if shared else (None, None)
        result.append(
            RaterAgreement(
                rater=found.raters[int(pk)],
                n_labels=len(codes),
                agree=agree,
                shared=shared,
                share=agree / shared if shared else None,
                low=low,
                high=high,
            )
        )
    return sorted(
        result, key=lambda r: (r.rater.kind != RaterKind.PERSON, r.rater.name, r.rater.pk)
    )


def _majorities(counts: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The most frequent class of each row, and whether it is the only one and there is any."""
    top = counts.max(axis=1, initial=0)
    decided = (top > 0) & ((counts == top[:, None]).sum(axis=1) == 1)
    return counts.argmax(axis=1), decided
