"""The replacement test as plain values for JSON: what a plan promises, what a decision found.

The statistics are in consensus.alt_test and alt_test_power; docs/statistics/trust.md says what they
are for and what not.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from annotate.models import Question
from judges.models import ReplacementTest
from judges.selectors.blind_table import BlindTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.alt_test import Score
    from consensus.alt_test_power import EpsilonMeaning
    from consensus.table import LabelTable

MIN_ITEMS = 30
LEVEL = 0.05
CONFIDENCE = 0.95
N_BOOTSTRAP = 1_000
N_SIMULATIONS = 1_000
GAPS = (0.0, 0.05, 0.1, 0.15, 0.2)
# Planned numbers of items that are tried, and the chance that is enough.
SIZES = (50, 75, 100, 150, 200, 300, 400, 600)
TARGET = 0.8
# How often a person is right where their labels do not tell.
ASSUMED = 0.85


def score_of(test: ReplacementTest) -> Score:
    return "neg_rmse" if test.score == "neg_rmse" else "accuracy"


def plan_content(
    question: Question,
    blind: BlindTable,
    test: ReplacementTest,
    *,
    n_people: int,
    per_item: int,
    gap: float,
) -> dict[str, Any]:
    """What a sample of each size would show, and what there is already.

    n_people, per_item, gap    as asked: people, labels an item, and how much less accurate a judge
                               must be for nobody to accept it
    accuracy, is_assumed       of a person: from people's agreement, else assumed
    sizes, equal, worse        items; chance of an equal judge, and of one worse by ``gap``, to
                               reach a winning rate of one half: [{value, low, high}], value None
                               where nobody would have enough items
    enough                     the smallest size at which an equal judge has a chance of TARGET
    n_judged                   items that the judge has labelled
    now                        {people, items}: who has enough items already, and on how many
    """
    from consensus.alt_test import compare
    from consensus.alt_test_power import alt_test_power, people_model

    said = blind.said_by(test.rater_id)
    model = people_model(blind.people)
    # A person right no more often than the worse judge needs room below.
    accuracy = ASSUMED if model is None else model.accuracy
    options = len(question.options.all())
    planned: dict[str, Any] = {
        "n_people": n_people,
        "people_per_item": per_item,
        "epsilon": test.epsilon,
        "accuracy": accuracy,
        "n_classes": max(options, 2),
        "min_items": MIN_ITEMS,
        "level": LEVEL,
        "n_simulations": N_SIMULATIONS,
        "seed": test.seed,
    }
    equal = alt_test_power(SIZES, **planned)
    worse = alt_test_power(SIZES, gap=min(gap, accuracy), **planned)
    rows = compare(blind.people, said, score=score_of(test))
    enough_people, n_items = _counting(rows.raters, rows.items)
    return {
        "n_people": n_people,
        "per_item": per_item,
        "gap": gap,
        "accuracy": accuracy,
        "is_assumed": model is None,
        "sizes": list(SIZES),
        "equal": _chances(equal.probability, equal.intervals),
        "worse": _chances(worse.probability, worse.intervals),
        "enough": equal.enough(TARGET),
        "n_judged": int((said >= 0).sum()),
        "now": {"people": enough_people, "items": n_items},
    }


def _counting(raters: NDArray[np.int64], items: NDArray[np.int64]) -> tuple[int, int]:
    """How many people have enough items, and on how many items those are."""
    import numpy as np

    if not len(raters):
        return 0, 0
    counted = np.flatnonzero(np.bincount(raters) >= MIN_ITEMS)
    return len(counted), len(np.unique(items[np.isin(raters, counted)]))


def used_rows(blind: BlindTable, test: ReplacementTest) -> tuple[LabelTable, NDArray[np.int64]]:
    """The people's labels and the judge's that a test looks at: of its batch, where it has one."""
    import numpy as np

    said = blind.said_by(test.rater_id)
    people = blind.people
    if test.batch:
        inside = np.isin(blind.found.item_ids, np.array(test.batch["items"], dtype=np.int64))
        said = np.where(inside, said, -1)
        people = people.rows(inside[people.items])
    return people.rows(said[people.items] >= 0), said


def labels_used(
    blind: BlindTable, people: LabelTable, said: NDArray[np.int64], rater_id: int
) -> Iterable[tuple[int, int, int]]:
    """(item id, rater id, option code) of all labels of a test, the judge's too, in order."""
    import numpy as np

    ids, raters = blind.found.item_ids, blind.found.rater_ids
    judged = np.unique(people.items)
    rows = np.concatenate(
        [
            np.column_stack([ids[people.items], raters[people.raters], people.codes]),
            np.column_stack([ids[judged], np.full(len(judged), rater_id), said[judged]]),
        ]
    ).astype(np.int64)
    order = np.lexsort((rows[:, 1], rows[:, 0]))
    return [(int(item), int(rater), int(code)) for item, rater, code in rows[order]]


def labels_fingerprint(rows: Iterable[tuple[int, int, int]]) -> str:
    """SHA-256 of "item id,rater id,option code" lines."""
    made = hashlib.sha256()
    for row in rows:
        made.update(("{},{},{}\n".format(*row)).encode("ascii"))
    return made.hexdigest()


def result_content(
    blind: BlindTable, test: ReplacementTest, people: LabelTable, said: NDArray[np.int64]
) -> dict[str, Any]:
    """What the test found; None for what is not defined.

    winning_rate, advantage, needed   {value, low, high}; needed: the smallest epsilon at which half
                                      of the people are beaten
    people       [{rater, n_items, difference, advantage, p, beaten}] of who counts
    skipped      ids of people with fewer than MIN_ITEMS items
    curve        [[epsilon, winning rate, low, high]], empty where nobody counts
    n_items      items of those who count; n_labels their labels; n_named options they gave
    meaning      of epsilon on this data: {agreement, accuracy, forgiven, chances [{gap, value, low,
                 high}]}, None where people's agreement does not tell it
    """
    import numpy as np

    from consensus.alt_test import alt_test, compare
    from consensus.alt_test_power import epsilon_meaning

    score = score_of(test)
    found = alt_test(
        people,
        said,
        epsilon=test.epsilon,
        score=score,
        min_items=MIN_ITEMS,
        level=LEVEL,
        n_bootstrap=N_BOOTSTRAP,
        confidence=CONFIDENCE,
        seed=test.seed,
    )
    ids = blind.found.rater_ids
    rows = compare(people, said, score=score)
    _n, n_items = _counting(rows.raters, rows.items)
    meaning = (
        epsilon_meaning(
            people,
            said,
            epsilon=test.epsilon,
            score=score,
            gaps=GAPS,
            min_items=MIN_ITEMS,
            level=LEVEL,
            n_simulations=N_SIMULATIONS,
            seed=test.seed,
        )
        if len(found.raters)
        else None
    )
    needed = found.epsilon_needed_interval or (None, None)
    return {
        "winning_rate": _ends(found.winning_rate, found.winning_interval),
        "advantage": _ends(found.advantage, found.advantage_interval),
        "needed": _ends(found.epsilon_needed, needed),
        "people": [
            {
                "rater": int(ids[rater]),
                "n_items": int(found.n_items[k]),
                "difference": float(found.difference[k]),
                "advantage": float(found.advantages[k]),
                "p": float(found.p_value[k]),
                "beaten": bool(found.beaten[k]),
            }
            for k, rater in enumerate(found.raters)
        ],
        "skipped": [int(ids[rater]) for rater in found.skipped],
        "curve": [
            [round(float(epsilon), 4), float(rate), float(low), float(high)]
            for epsilon, rate, (low, high) in zip(
                found.epsilons, found.winning_rates, found.winning_bands, strict=True
            )
        ]
        if len(found.raters)
        else [],
        "n_items": n_items,
        "n_labels": int(np.isin(rows.raters, found.raters).sum()),
        "n_named": len(np.unique(people.codes)),
        "n_helped": blind.n_helped,
        "meaning": None if meaning is None else _meaning(meaning),
    }


def _meaning(meaning: EpsilonMeaning) -> dict[str, Any]:
    chances = _chances(meaning.probability, meaning.intervals)
    return {
        "agreement": meaning.agreement,
        "accuracy": meaning.accuracy,
        "forgiven": meaning.forgiven,
        "chances": [
            {"gap": float(gap), **chance} for gap, chance in zip(meaning.gaps, chances, strict=True)
        ],
    }


def _chances(
    probability: NDArray[np.float64], intervals: NDArray[np.float64]
) -> list[dict[str, float | None]]:
    return [
        {"value": _finite(value), "low": _finite(low), "high": _finite(high)}
        for value, (low, high) in zip(probability, intervals, strict=True)
    ]


def _ends(
    value: float | None, interval: tuple[float | None, float | None] | None
) -> dict[str, float | None]:
    low, high = interval or (None, None)
    return {"value": value, "low": low, "high": high}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
