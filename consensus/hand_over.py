"""Which items a judge may label unread, so that few of those labels are wrong.

The judge's labels of some items, drawn at random, were checked by people who did not see them.
From these the functions here find the lowest confidence at which the judge's labels may stand
unread, with a guarantee: in all but a share delta of projects at most a share alpha of the labels
handed over is wrong. docs/statistics/hand-over.md has the formulas, the proof and the assumptions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consensus.blind_labels import About, BlindLabels
from consensus.hand_over_search import Tally, ladder, start_of_tests

Reason = Literal[
    "handed_over",
    "nothing_unread",
    "no_labels",
    "too_few_labels",
    "not_sure_yet",
    "too_many_errors",
]


@dataclass(frozen=True, eq=False, kw_only=True)
class HandOver:
    """What may be handed over, and why not more.

    threshold    least confidence that is handed over; None where nothing is
    chosen       (n_unread,) which of the unread items are handed over
    n_chosen     how many these are
    n_labelled   labelled items at or above the threshold; 0 where nothing is handed over
    n_errors     sum of their losses: how many of them the judge got wrong
    upper_bound  upper bound of the error rate above this threshold, had it been fixed in advance,
                 of confidence 1 - delta. The search chose it, so what is guaranteed is alpha. None
                 where nothing is handed over
    reason       "handed_over", or why nothing is: "nothing_unread", "no_labels", "too_few_labels"
                 (not even without an error would they suffice), "not_sure_yet" (so far the judge
                 is good enough somewhere, but that may be luck), "too_many_errors" (it is not)
    more_labels  about how many more blind labels it takes until something can be handed over with
                 even chances, if the judge goes on as it did; None where no number helps, and where
                 something is handed over
    alpha, delta, about  as asked for
    """

    threshold: float | None
    chosen: NDArray[np.bool_]
    n_chosen: int
    n_labelled: int
    n_errors: float
    upper_bound: float | None
    reason: Reason
    more_labels: int | None
    alpha: float
    delta: float
    about: About


def hand_over(
    confidence: ArrayLike,
    loss: ArrayLike,
    unread: ArrayLike,
    *,
    alpha: float,
    delta: float,
    probability: ArrayLike | None = None,
    unread_probability: ArrayLike | None = None,
    soft: bool = False,
    about: About = "these",
) -> HandOver:
    """The largest set of unread items whose error rate is at most alpha with confidence 1 - delta.

    confidence   (n,) the judge's confidence in its label of each blindly labelled item; any number,
                 only its order counts, so calibrating it changes nothing. Items of one confidence
                 go together
    loss         (n,) 1 where the judge was wrong, 0 where right. Leave out items whose people are
                 tied (`people_targets.judge_losses`)
    unread       (n_unread,) the judge's confidence in its label of each item nobody read
    probability  (n,) with which each labelled item was drawn, independently of the others; None
                 where all were equally likely (a simple random sample). With it goes
                 `unread_probability`, (n_unread,): with which each unread item might have been
    soft         losses may lie between 0 and 1, and a mean loss of alpha is guaranteed: 1 - the
                 share of people who said what the judge said
    about        "these": the guarantee is about the share of errors among the items handed over;
                 "future": about the error rate of the judge on items of such confidence, of which
                 these are a sample. They hardly differ where far more items are unread than
                 labelled

    Without `probability` and `soft` the bound is exact. Otherwise it is the bound of a betting
    martingale, which hands over less.

    Raises ValueError for lengths that differ, losses or probabilities outside 0..1 (without `soft`
    other than 0 and 1), a confidence that is NaN, and alpha or delta not between 0 and 1.
    """
    labels = BlindLabels.checked(
        confidence,
        loss,
        unread,
        alpha=alpha,
        delta=delta,
        probability=probability,
        unread_probability=unread_probability,
        soft=soft,
        about=about,
    )
    if not labels.unread.size:
        return _nothing(labels, "nothing_unread")
    if not labels.confidence.size:
        return _nothing(labels, "no_labels")
    rungs = ladder(
        labels.confidence,
        labels.loss,
        labels.unread,
        whole_errors=alpha if labels.counts_unread else None,
    )
    start = start_of_tests(rungs, labels.critical_errors(rungs), alpha)
    if start is None:
        return _nothing(labels, "too_few_labels", _fewest_labels(labels, rungs))
    failed = labels.p_values(rungs)[start:] > delta
    passed = int(failed.argmax()) if failed.any() else len(failed)
    if not passed:
        more = _labels_needed(labels, rungs)
        return _nothing(labels, "too_many_errors" if more is None else "not_sure_yet", more)
    return _handed_over(labels, labels.at(float(rungs.threshold[start + passed - 1])))


def fixed_threshold(
    confidence: ArrayLike,
    loss: ArrayLike,
    unread: ArrayLike,
    *,
    threshold: float,
    alpha: float,
    delta: float,
    probability: ArrayLike | None = None,
    unread_probability: ArrayLike | None = None,
    soft: bool = False,
    about: About = "these",
) -> HandOver:
    """All at or above one threshold that was fixed before any label was seen, or nothing.

    Nothing is searched, so nothing need be corrected for a search. With a threshold that was chosen
    by looking at these labels there is no guarantee.
    """
    labels = BlindLabels.checked(
        confidence,
        loss,
        unread,
        alpha=alpha,
        delta=delta,
        probability=probability,
        unread_probability=unread_probability,
        soft=soft,
        about=about,
    )
    tally = labels.at(threshold)
    if not tally.unread[0]:
        return _nothing(labels, "nothing_unread")
    if not tally.labelled[0]:
        return _nothing(labels, "no_labels")
    if labels.p_values(tally)[0] <= delta:
        return _handed_over(labels, tally)
    if labels.critical_errors(tally)[0] < 0:
        return _nothing(labels, "too_few_labels", _fewest_labels(labels, tally))
    more = _labels_needed(labels, tally)
    return _nothing(labels, "too_many_errors" if more is None else "not_sure_yet", more)


def hand_over_by_class(
    codes: ArrayLike,
    confidence: ArrayLike,
    loss: ArrayLike,
    unread_codes: ArrayLike,
    unread: ArrayLike,
    *,
    n_classes: int,
    alpha: float,
    delta: float,
    probability: ArrayLike | None = None,
    unread_probability: ArrayLike | None = None,
    soft: bool = False,
    about: About = "these",
) -> list[HandOver]:
    """One hand-over for each class the judge names: at most alpha of each class's labels is wrong.

    `codes` and `unread_codes` are the judge's labels of the items. A judge that is good overall is
    often bad where it names a rare class. All guarantees hold together with confidence 1 - delta:
    each class that has unread items gets an equal part of delta, which is its `delta`.

    Raises ValueError as `hand_over` does, and for codes outside 0..n_classes-1.
    """
    sure, others = np.asarray(confidence), np.asarray(unread)
    said = _codes("codes", codes, sure.shape, n_classes)
    unread_said = _codes("unread_codes", unread_codes, others.shape, n_classes)
    lost = np.asarray(loss)
    drawn = None if probability is None else np.asarray(probability)
    unread_drawn = None if unread_probability is None else np.asarray(unread_probability)
    for name, some, shape in (
        ("loss", lost, sure.shape),
        ("probability", drawn, sure.shape),
        ("unread_probability", unread_drawn, others.shape),
    ):
        if some is not None and some.shape != shape:
            raise ValueError(f"{name} must have the shape {shape}, not {some.shape}")
    share = delta / max(1, len(np.unique(unread_said)))
    found = []
    for code in range(n_classes):
        mine, left = said == code, unread_said == code
        one = hand_over(
            sure[mine],
            lost[mine],
            others[left],
            alpha=alpha,
            delta=share,
            probability=None if drawn is None else drawn[mine],
            unread_probability=None if unread_drawn is None else unread_drawn[left],
            soft=soft,
            about=about,
        )
        chosen = np.zeros(len(others), dtype=np.bool_)
        chosen[left] = one.chosen
        found.append(replace(one, chosen=chosen))
    return found


def hand_over_sentence(result: HandOver) -> str:
    """What the result means, in plain English; the same words for the same result."""
    sure = f"{1 - result.delta:.4g}".replace("0.", ".")
    if result.upper_bound is not None:
        return (
            f"{result.n_chosen} of {len(result.chosen)} unread items may keep the judge's label. "
            f"Of {result.n_labelled} labelled items as confident as these it got "
            f"{result.n_errors:.4g} wrong; with confidence {sure} at most "
            f"{100 * result.alpha:.4g} % of those handed over are wrong."
        )
    if result.more_labels is None:
        return _NOTHING[result.reason]
    return (
        f"{_NOTHING[result.reason]} About {result.more_labels} more blind labels would do, if the "
        "judge goes on like this."
    )


_NOTHING: dict[str, str] = {
    "nothing_unread": "Nothing can be handed over: no unread item is this confident.",
    "no_labels": "Nothing can be handed over: people have labelled none of these items blind yet.",
    "too_few_labels": (
        "Nothing can be handed over yet: these are too few blind labels, even without a single "
        "error."
    ),
    "not_sure_yet": (
        "Nothing can be handed over yet: the judge looks good enough where it is confident, but "
        "with so few blind labels that may be luck."
    ),
    "too_many_errors": (
        "Nothing can be handed over: the judge is wrong too often even where it is most "
        "confident. More labels will not change that; a better judge, or a larger share of errors "
        "allowed, may."
    ),
}


def _codes(
    name: str, codes: ArrayLike, shape: tuple[int, ...], n_classes: int
) -> NDArray[np.int64]:
    said = np.asarray(codes)
    if said.shape != shape or len(shape) != 1:
        raise ValueError(f"{name} must name a class for each item, not {said.shape} for {shape}")
    if said.size and (said.min() < 0 or said.max() >= n_classes):
        raise ValueError(f"{name} must lie in 0..{n_classes - 1}")
    return said.astype(np.int64)


def _handed_over(labels: BlindLabels, tally: Tally) -> HandOver:
    chosen = labels.unread >= tally.threshold[0]
    return HandOver(
        threshold=float(tally.threshold[0]),
        chosen=chosen,
        n_chosen=int(chosen.sum()),
        n_labelled=int(tally.labelled[0]),
        n_errors=float(tally.loss[0]),
        upper_bound=labels.upper_bound(tally),
        reason="handed_over",
        more_labels=None,
        alpha=labels.alpha,
        delta=labels.delta,
        about=labels.about,
    )


def _nothing(labels: BlindLabels, reason: Reason, more_labels: int | None = None) -> HandOver:
    return HandOver(
        threshold=None,
        chosen=np.zeros(len(labels.unread), dtype=np.bool_),
        n_chosen=0,
        n_labelled=0,
        n_errors=0.0,
        upper_bound=None,
        reason=reason,
        more_labels=more_labels,
        alpha=labels.alpha,
        delta=labels.delta,
        about=labels.about,
    )


def _labels_needed(labels: BlindLabels, tally: Tally) -> int | None:
    """More labels until some threshold would pass at the error rates seen; None where none would.

    Above a threshold where a share s of the labels falls, and with error rate r, n labels bring
    s n labels and about r s n errors. The binomial bound passes with even chances once it allows
    that many (the median of a Poisson variable is close to its mean less a third). Rates are
    (errors + 1/2) / (labels + 1), so that no error among few labels does not count as proof.
    """
    n, most = len(labels.loss), len(labels.loss) + len(labels.unread)
    allowed = np.arange(_MOST_ERRORS)
    enough = _labels_that_allow(labels.alpha, labels.delta)
    rates = (tally.loss + 0.5) / (tally.labelled + 1)
    best = math.inf
    for rate, share in zip(rates.tolist(), (tally.labelled / n).tolist(), strict=True):
        total = np.ceil(enough / share)
        passes = (rate * enough <= allowed + 2 / 3) & (total > n) & (total <= most)
        if passes.any():
            best = min(best, float(total[passes][0]))
    return None if math.isinf(best) else int(best) - n


def _fewest_labels(labels: BlindLabels, tally: Tally) -> int | None:
    """More labels until a judge without errors would pass, or as `_labels_needed` says."""
    more = _labels_needed(labels, tally)
    if more is not None:
        return more
    share = float(tally.labelled[-1]) / len(labels.loss)
    least = float(_labels_that_allow(labels.alpha, labels.delta)[0])
    return max(1, math.ceil(least / share) - len(labels.loss))


@lru_cache(maxsize=64)
def _labels_that_allow(alpha: float, delta: float) -> NDArray[np.float64]:
    """The fewest labels with which 0, 1, 2, ... errors pass the binomial bound."""
    from scipy.special import bdtrin

    return np.asarray(np.ceil(bdtrin(np.arange(_MOST_ERRORS), delta, alpha) - 1e-9))


# As many errors as a bound is planned for; where more would be needed, alpha is out of reach.
_MOST_ERRORS = 300
