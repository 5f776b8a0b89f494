"""What the report on a judge holds: worked out from the labels, as plain values for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from annotate.models import Question, QuestionKind, Rater
from judges.models import JudgeVersion
from judges.selectors.blind_table import BlindTable
from judges.selectors.comparison import effort_of
from judges.selectors.report_calibration import calibration_content
from judges.selectors.report_slices import ItemFacts, slices_content

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def report_content(
    question: Question,
    blind: BlindTable,
    rater: Rater,
    version: JudgeVersion | None,
    facts: ItemFacts,
) -> dict[str, Any]:
    """The report on one judge, beside the comparison with other judges (``beside_content``).

    n_labels, n_items      labels of the judge; items with a label of it and of a person
    n_tied, n_helped       of these, items on which people are tied; labels of people left out
                           because they had seen a judge's
    agree, n, share ...    items on which it says what most people said, out of how many
    with_people            fields of consensus.beside_people.BesidePeople
    kappa                  with what most people said: {value, low, high}; quadratic for a rating
    confusion              [[n]]: row what most people said, column what the judge said
    classes                of each option code: {n_people, n_judge, precision, recall, f1}, each of
                           the last three {value, low, high}
    calibration, slices    as calibration_content, slices_content
    effort                 {spent, seconds} a label, None where not known
    """
    from consensus.beside_people import beside_people
    from consensus.intervals import proportion_interval

    said = blind.said_by(rater.pk)
    at = blind.decided(said)
    mine, most = said[at], blind.most[0][at]
    agree, n = int((mine == most).sum()), len(at)
    low, high = proportion_interval(agree, n) if n else (None, None)
    with_person = (said >= 0) & (blind.counts.sum(axis=1) > 0)
    return {
        "n_labels": int((said >= 0).sum()),
        "n_items": int(with_person.sum()),
        "n_tied": int(with_person.sum()) - n,
        "n_helped": blind.n_helped,
        "n_people": _n_people(blind, said),
        "agree": agree,
        "n": n,
        "share": agree / n if n else None,
        "low": low,
        "high": high,
        "with_people": asdict(beside_people(blind.people, said)),
        "kappa": _kappa(question, most, mine, blind.found.table.n_classes),
        **_classes(most, mine, blind.found.table.n_classes),
        "calibration": calibration_content(question, blind, rater, said),
        "slices": slices_content(question, blind, said, facts),
        "effort": _effort(version),
    }


def _n_people(blind: BlindTable, said: NDArray[np.int64]) -> int:
    import numpy as np

    return len(np.unique(blind.people.raters[said[blind.people.items] >= 0]))


def _kappa(
    question: Question, most: NDArray[np.int64], mine: NDArray[np.int64], n_classes: int
) -> dict[str, float | None]:
    from consensus.kappa import cohen_kappa_interval

    rating = question.kind == QuestionKind.RATING
    found = cohen_kappa_interval(most, mine, n_classes, weights="quadratic" if rating else "none")
    return {"value": found.value, "low": found.low, "high": found.high}


def _classes(
    most: NDArray[np.int64], mine: NDArray[np.int64], n_classes: int
) -> dict[str, list[Any]]:
    import numpy as np

    from consensus.f1 import f1_scores

    cells = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(cells, (most, mine), 1)
    found = f1_scores(mine, most, n_classes)
    classes = []
    for code in range(n_classes):
        scores = {
            # Of what the judge calls so, and of what people call so.
            "precision": found.precision[code],
            "recall": found.recall[code],
            "f1": found.f1[code],
        }
        classes.append(
            {
                "n_people": int(cells[code].sum()),
                "n_judge": int(cells[:, code].sum()),
                **{
                    name: {"value": each.value, "low": each.low, "high": each.high}
                    for name, each in scores.items()
                },
            }
        )
    return {"confusion": cells.tolist(), "classes": classes}


def _effort(version: JudgeVersion | None) -> dict[str, str | float | None]:
    if version is None:
        return {"spent": None, "seconds": None}
    found = effort_of(version)
    spent = None if found.spent_each is None else str(found.spent_each)
    return {"spent": spent, "seconds": found.seconds_each}


def beside_content(
    blind: BlindTable, rater_id: int, others: dict[int, NDArray[np.int64]]
) -> list[dict[str, Any]]:
    """The judge beside each other one, on the items of both on which people are not tied.

    ``others``: what each judge said, by id, this one's too. Rows of {rater, n, both, first_only,
    second_only, neither, p, difference}: p of McNemar's exact test, and how much more the first
    one got, with its interval.
    """
    from consensus.beside_people import paired_difference
    from consensus.mcnemar import mcnemar

    most, decided = blind.most
    mine = others[rater_id]
    rows = []
    for other_id, theirs in others.items():
        at = decided & (mine >= 0) & (theirs >= 0)
        if other_id == rater_id or not at.any():
            continue
        first, second = (mine == most)[at], (theirs == most)[at]
        both, neither = int((first & second).sum()), int((~first & ~second).sum())
        first_only, second_only = int((first & ~second).sum()), int((~first & second).sum())
        rows.append(
            {
                "rater": other_id,
                "n": int(at.sum()),
                "both": both,
                "first_only": first_only,
                "second_only": second_only,
                "neither": neither,
                "p": mcnemar(first_only, second_only),
                "difference": asdict(paired_difference(both, first_only, second_only, neither)),
            }
        )
    return rows
