"""What an epsilon of the Alternative Annotator Test forgives, and what a planned sample can show.

Both by simulation under the one-coin model: a person is right with one probability and errs
independently of the others. Formulas, checks and limits are in docs/statistics/trust.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.alt_test import LIMIT, AltTest, Score, closer, compare, winning_rates
from consensus.intervals import proportion_interval
from consensus.plain_agreement import observed_agreement
from consensus.table import LabelTable

# Simulated samples are laid side by side until a batch has about this many labels.
_BATCH = 200_000


@dataclass(frozen=True, eq=False, kw_only=True)
class PeopleModel:
    """How people err: right with probability `accuracy`, else one of the other classes.

    spread  1: all other classes are equally likely. Below 1, for ordered classes: a class one step
            further off is `spread` times as likely
    shares  (n_classes,): how often each class is the true one
    """

    accuracy: float
    spread: float
    shares: NDArray[np.float64]

    def confusion(self, accuracy: float) -> NDArray[np.float64]:
        """(n_classes, n_classes): row k is what is said where k is true, at another accuracy."""
        off = _misses(len(self.shares), self.spread) * (1 - accuracy)
        np.fill_diagonal(off, accuracy)
        return off


@dataclass(frozen=True, eq=False, kw_only=True)
class EpsilonMeaning:
    """What an epsilon is on this data.

    agreement    share of pairs of people's labels that agree, over the items that count
    accuracy     of a person, under the model that gives this agreement
    epsilon      the epsilon in question
    forgiven     accuracy gap at which the judge's mean difference is epsilon: with ever more items
                 a judge of a smaller gap is let through. None: a judge that is never right would be
    gaps         (G,) judges less accurate than people by so much
    probability  (G,) how often such a judge reaches a winning rate of one half in a sample like
                 this one; NaN where nobody has enough items
    intervals    (G, 2) 95 % interval of each, for the number of simulated samples
    """

    agreement: float
    accuracy: float
    epsilon: float
    forgiven: float | None
    gaps: NDArray[np.float64]
    probability: NDArray[np.float64]
    intervals: NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Power:
    """How often a judge reaches a winning rate of one half in a planned sample.

    n_items      (G,) planned numbers of items
    probability  (G,) share of the simulated samples; NaN where nobody would have enough items
    intervals    (G, 2) 95 % interval of each, for the number of simulated samples
    """

    n_items: NDArray[np.int64]
    probability: NDArray[np.float64]
    intervals: NDArray[np.float64]

    def enough(self, target: float = 0.8) -> int | None:
        """The smallest planned number of items that reaches `target`; None if none does."""
        reached = self.n_items[self.probability >= target]
        return int(reached.min()) if len(reached) else None


def people_model(table: LabelTable, *, score: Score = "accuracy") -> PeopleModel | None:
    """The model whose people agree with each other as the people of the table do.

    For "neg_rmse" the spread is fitted to the mean squared distance of two labels as well. None
    where no item has two people, where they agree less often than people who guess, and where there
    is only one class.
    """
    people = _people(table)
    agreement = observed_agreement(people)
    if agreement is None or people.n_classes < 2:
        return None
    counts = people.counts().astype(np.float64)
    counts = counts[counts.sum(axis=1) > 1]
    shares = counts.sum(axis=0) / counts.sum()
    if score == "accuracy":
        accuracy = _accuracy(agreement, 1 / (people.n_classes - 1))
        return None if accuracy is None else _model(accuracy, 1.0, shares)
    values = np.arange(people.n_classes, dtype=np.float64)
    sizes = counts.sum(axis=1)
    distance = 2 * (sizes * (counts @ values**2) - (counts @ values) ** 2).sum()
    distance /= (sizes * (sizes - 1)).sum()
    best: tuple[float, PeopleModel] | None = None
    for spread in np.arange(1, 101) / 100:
        misses = _misses(people.n_classes, float(spread))
        accuracy = _accuracy(agreement, float(shares @ (misses**2).sum(axis=1)))
        if accuracy is None:
            continue
        model = _model(accuracy, float(spread), shares)
        said = model.confusion(accuracy)
        expected = 2 * float(shares @ (said @ values**2 - (said @ values) ** 2))
        if best is None or abs(expected - distance) < best[0]:
            best = abs(expected - distance), model
    return None if best is None else best[1]


def epsilon_meaning(
    table: LabelTable,
    judge: ArrayLike,
    *,
    epsilon: float,
    score: Score = "accuracy",
    gaps: Sequence[float] = (0.0, 0.05, 0.1, 0.15, 0.2),
    min_items: int = 30,
    level: float = 0.05,
    n_simulations: int = 400,
    seed: int,
) -> EpsilonMeaning | None:
    """What `epsilon` forgives at these people's agreement, on the same items and people.

    Arguments as of `alt_test`; of `judge` only matters which items have a label. The simulated
    judge errs as people do, only more often by the gap. None where `people_model` has none.

    Raises ValueError for a gap that leaves an accuracy outside 0..1, and as `alt_test`.
    """
    _check_epsilon(epsilon)
    rows = compare(table, judge, score=score)
    people = _people(table)
    people = people.rows(np.isin(people.items, rows.items))
    agreement = observed_agreement(people)
    model = people_model(people, score=score)
    if model is None or agreement is None:
        return None
    _, items = np.unique(rows.items, return_inverse=True)
    _, raters = np.unique(rows.raters, return_inverse=True)
    rng = np.random.default_rng(seed)
    # The mean difference is linear in the judge's accuracy, and 0 where that is people's own.
    totals = _simulate(rng, items, raters, model, 0.0, score, n_simulations).sum(axis=(0, 1))
    slope = (totals[2] - totals[0]) / totals.sum() / model.accuracy
    forgiven = epsilon / slope if slope * model.accuracy > epsilon else None
    reached = []
    for gap in gaps:
        tallies = _simulate(rng, items, raters, model, model.accuracy - gap, score, n_simulations)
        reached.append(_reached(tallies, epsilon, min_items, level))
    probability, intervals = _shares(reached, n_simulations)
    return EpsilonMeaning(
        agreement=agreement,
        accuracy=model.accuracy,
        epsilon=epsilon,
        forgiven=None if forgiven is None else float(forgiven),
        gaps=np.asarray(gaps, dtype=np.float64),
        probability=probability,
        intervals=intervals,
    )


def alt_test_power(
    n_items: Sequence[int] | NDArray[np.int64],
    *,
    n_people: int,
    epsilon: float,
    accuracy: float,
    gap: float = 0.0,
    n_classes: int = 2,
    people_per_item: int | None = None,
    min_items: int = 30,
    level: float = 0.05,
    n_simulations: int = 2000,
    seed: int,
) -> Power:
    """How often a judge `gap` less accurate than people would reach a winning rate of one half.

    `n_people` people of equal `accuracy` take part; each item gets `people_per_item` of them (all,
    by default) in rotation. With gap 0 this is the power of the test for an equal judge; with a gap
    that nobody would accept it is the risk of being fooled. Errors are equally likely to be any
    other class; classes are equally frequent (which changes nothing then).

    Raises ValueError for fewer than two people or people an item, more people an item than there
    are, fewer than two classes, or an accuracy, accuracy less gap or epsilon outside 0..1.
    """
    _check_epsilon(epsilon)
    each = n_people if people_per_item is None else people_per_item
    if not 2 <= each <= n_people:
        raise ValueError(f"people_per_item must lie in 2..n_people, not {each} of {n_people}")
    if n_classes < 2:
        raise ValueError(f"n_classes must be at least 2, not {n_classes}")
    model = _model(accuracy, 1.0, np.full(n_classes, 1 / n_classes))
    planned = np.asarray(n_items, dtype=np.int64)
    if planned.ndim != 1 or planned.min(initial=1) < 1:
        raise ValueError("n_items must be a sequence of numbers of at least 1")
    rng = np.random.default_rng(seed)
    reached = []
    for n in planned:
        items, place = np.divmod(np.arange(n * each), each)
        raters = (items + place) % n_people
        tallies = _simulate(rng, items, raters, model, accuracy - gap, "accuracy", n_simulations)
        reached.append(_reached(tallies, epsilon, min_items, level))
    probability, intervals = _shares(reached, n_simulations)
    return Power(n_items=planned, probability=probability, intervals=intervals)


def alt_test_sentence(result: AltTest, meaning: EpsilonMeaning | None = None) -> str:
    """What a result means, in plain English; never "passed" and nothing else."""
    k = len(result.raters)
    if result.winning_rate is None or result.winning_interval is None:
        return "The test says nothing: no person has enough items that another person labelled too."
    low, high = result.winning_interval
    parts = [
        f"At epsilon {_short(result.epsilon)} the judge does at least as well as "
        f"{int(result.beaten.sum())} of {k} {'person' if k == 1 else 'people'} (winning rate "
        f"{_short(result.winning_rate)}, interval {_short(low)} to {_short(high)}).",
        _needed_sentence(result),
    ]
    if meaning is not None:
        parts.append(_meaning_sentence(meaning))
    if low < LIMIT <= high:
        parts.append("Other items might turn the result: label more before relying on it.")
    if k < 3:
        parts.append("Fewer than three people are too few to speak for people.")
    return " ".join(parts)


# --- Steps --------------------------------------------------------------------------------------


def _needed_sentence(result: AltTest) -> str:
    if result.epsilon_needed is None or result.epsilon_needed_interval is None:
        return "At no epsilon would it do so for half of them."
    low, high = result.epsilon_needed_interval
    ends = (
        ""
        if low is None
        else f", interval {_short(low)} to {'above 1' if high is None else _short(high)}"
    )
    return f"It does so for half of them from epsilon {_short(result.epsilon_needed)} on{ends}."


def _meaning_sentence(meaning: EpsilonMeaning) -> str:
    if meaning.forgiven is None:
        return f"An epsilon of {_short(meaning.epsilon)} would forgive any judge here."
    text = (
        f"Epsilon {_short(meaning.epsilon)} forgives a judge up to {100 * meaning.forgiven:.0f} "
        "points less accurate than people here"
    )
    chances = [
        f"{100 * chance:.0f} % for one {_gap_words(gap)}"
        for gap, chance in zip(meaning.gaps.tolist(), meaning.probability.tolist(), strict=True)
        if not np.isnan(chance)
    ]
    if chances:
        text += f". In a sample like this the chance to beat half of them is {', '.join(chances)}"
    return text + "."


def _gap_words(gap: float) -> str:
    if gap == 0:
        return "as accurate"
    return f"{100 * abs(gap):.0f} points {'less' if gap > 0 else 'more'} accurate"


def _people(table: LabelTable) -> LabelTable:
    return table if table.judges is None else table.of_raters(~table.judges)


def _check_epsilon(epsilon: float) -> None:
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon must lie in 0..1, not {epsilon}")


def _model(accuracy: float, spread: float, shares: NDArray[np.float64]) -> PeopleModel:
    if not 0 <= accuracy <= 1:
        raise ValueError(f"accuracy must lie in 0..1, not {accuracy}")
    return PeopleModel(accuracy=accuracy, spread=spread, shares=shares)


def _misses(n_classes: int, spread: float) -> NDArray[np.float64]:
    """(C, C): where k is true and c is wrong, the share of c among the wrong answers."""
    places = np.arange(n_classes)
    weights = spread ** np.abs(places[:, None] - places).astype(np.float64)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _accuracy(agreement: float, meet: float) -> float | None:
    """The accuracy a at which two people agree so often: a^2 + (1 - a)^2 meet = agreement.

    `meet` is the probability that two wrong answers are the same one. Of the two roots the one for
    people who are right more often than by chance; None where there is none.
    """
    inside = meet**2 - (1 + meet) * (meet - agreement)
    return None if inside < 0 else (meet + float(np.sqrt(inside))) / (1 + meet)


def _simulate(
    rng: np.random.Generator,
    items: NDArray[np.int64],
    raters: NDArray[np.int64],
    model: PeopleModel,
    judge_accuracy: float,
    score: Score,
    n_simulations: int,
) -> NDArray[np.float64]:
    """Tallies (n_simulations, n_raters, 3) of judge closer, neither, person closer.

    Row k says that rater `raters[k]` labels item `items[k]`; each item has two rows or more.
    """
    if n_simulations < 1:
        raise ValueError(f"n_simulations must be at least 1, not {n_simulations}")
    if not 0 <= judge_accuracy <= 1:
        raise ValueError(f"the judge's accuracy must lie in 0..1, not {judge_accuracy}")
    n_items, n_raters, n_classes = int(items.max()) + 1, int(raters.max()) + 1, len(model.shares)
    people, judge = model.confusion(model.accuracy), model.confusion(judge_accuracy)
    step = max(1, _BATCH // len(items))
    parts = []
    for done in range(0, n_simulations, step):
        here = min(step, n_simulations - done)
        blocks = np.repeat(np.arange(here), len(items))
        places = np.tile(items, here) + blocks * n_items
        truth = rng.choice(n_classes, size=here * n_items, p=model.shares)
        own = _draw(rng, people, truth[places])
        sides = closer(places, own, _draw(rng, judge, truth), n_classes, score)
        cells = (blocks * n_raters + np.tile(raters, here)) * 3 + sides + 1
        parts.append(np.bincount(cells, minlength=here * n_raters * 3))
    return np.concatenate(parts).reshape(n_simulations, n_raters, 3).astype(np.float64)


def _draw(
    rng: np.random.Generator, confusion: NDArray[np.float64], truth: NDArray[np.int64]
) -> NDArray[np.int64]:
    ends = np.cumsum(confusion, axis=1)[:, :-1]
    return np.asarray((rng.random(len(truth))[:, None] >= ends[truth]).sum(axis=1))


def _reached(
    tallies: NDArray[np.float64], epsilon: float, min_items: int, level: float
) -> int | None:
    """In how many samples half of the people are beaten; None where nobody has enough items."""
    counted = tallies[0].sum(axis=-1) >= min_items
    if not counted.any():
        return None
    rates = winning_rates(tallies[:, counted], np.array(epsilon), level)
    return int((rates >= LIMIT).sum())


def _shares(
    reached: Sequence[int | None], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    probability = [np.nan if k is None else k / n for k in reached]
    intervals = [(np.nan, np.nan) if k is None else proportion_interval(k, n) for k in reached]
    return np.array(probability), np.array(intervals).reshape(-1, 2)


def _short(value: float) -> str:
    """Two decimals, as statisticians write them: .50, 1.00."""
    return f"{value:.2f}".removeprefix("0")
