"""What each way of combining labels returns, one shape for each kind of answer.

All of them are an `Estimate`: how it was found, and how far each rater is to be trusted. What is
said of the items depends on what was asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimate:
    """What every method says, whatever was asked.

    method          name of the method
    ability         (n_raters,) or None: how good each rater's own labels are, 0 (worst) to 1; for
                    classes the expected share of them that is right (votes: that agrees). NaN where
                    nothing can be said, as of a rater without labels
    ability_interval  (n_raters, 2) or None: ends of the 95 % interval of `ability`, NaN as there
    iterations      rounds taken; 0 for a method without rounds
    converged       whether it stopped because nothing moved any more, not because rounds ran out
    log_likelihood  after each round, with log priors where there are priors (for variational
                    methods the lower bound), in nats; None for a method that has none. It never
                    falls from one round to the next
    """

    method: str
    ability: NDArray[np.float64] | None = None
    ability_interval: NDArray[np.float64] | None = None
    iterations: int = 0
    converged: bool = True
    log_likelihood: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassEstimate(Estimate):
    """The classes of the items, as one method sees them.

    posterior       (n_items, n_classes): probability, or share of votes, of each class. A row sums
                    to 1, or is all zero where the item has no labels (and no gold, if that counts)
    choice          (n_items,): the most probable class; -1 where the row is zero or the first
                    place is tied. A tie is reported, never broken
    tied            (n_items,): whether two or more classes share the first place
    confusion       (n_raters, n_classes, n_classes) or None: [r, k, c] is the probability that
                    rater r says c where k is true. NaN rows: nothing was seen to estimate them from
    """

    posterior: NDArray[np.float64]
    choice: NDArray[np.int64]
    tied: NDArray[np.bool_]
    confusion: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class ScaleEstimate(Estimate):
    """A place on a scale for each item: a strength, a mean, a latent rating.

    value     (n_items,): NaN where nothing is known of the item
    error     (n_items,): standard error of `value`; NaN where it cannot be had
    interval  (n_items, 2): ends of the 95 % interval of `value`
    bias      (n_raters,) or None: how far each rater's labels lie above the items' values
    """

    value: NDArray[np.float64]
    error: NDArray[np.float64]
    interval: NDArray[np.float64]
    bias: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class OrdinalEstimate(ClassEstimate, ScaleEstimate):
    """Ratings: the ordered class of each item, and its place on the scale under the classes.

    value, error, interval and bias are in units of the scale (see the method); `choice` is the
    class in whose range the value most probably lies.

    rating          (n_items,): expected class code, 0..n_classes-1; NaN without labels
    thresholds      (n_classes - 1,) or None: ends of the classes on the scale, rising
    discrimination  (n_raters,) or None: how steeply a rater's labels follow the value; NaN for a
                    rater without labels
    """

    rating: NDArray[np.float64]
    thresholds: NDArray[np.float64] | None = None
    discrimination: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class PairwiseEstimate(ScaleEstimate):
    """Strengths of items from comparisons: log odds, relative to the mean of the compared items.

    `value`, `error` and `interval` are NaN for an item that was never compared. `ability` is the
    share of a rater's decided comparisons that agree with the order of the values.

    covariance  (n_items, n_items) or None: of the values; NaN for items never compared
    order       how much more often the left place wins, in log odds; None where not asked
    order_interval  (2,) or None: its 95 % interval
    tie         Davidson's nu: odds of a tie against a win between two equal items; None where ties
                count as half a win each
    tie_interval  (2,) or None: its 95 % interval
    connected   whether every item is linked with every other by wins in both directions. If not,
                only the prior keeps the values of different components from drifting apart
    component   (n_items,): items of one number are so linked; -1 for an item never compared. The
                numbers say nothing else
    """

    covariance: NDArray[np.float64] | None = None
    order: float | None = None
    order_interval: tuple[float, float] | None = None
    tie: float | None = None
    tie_interval: tuple[float, float] | None = None
    connected: bool
    component: NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class MultiLabelEstimate(Estimate):
    """Which of several options belong to each item. An empty set is an answer.

    `ability` is the mean of `option_ability` over the options; rounds are those of the option that
    took most, `log_likelihood` is the sum over the options.

    posterior       (n_items, n_options): probability that the option belongs to the item, each on
                    its own: a row need not sum to 1. NaN without answers
    chosen          (n_items, n_options) bool: the set. All False without answers
    tied            (n_items, n_options) bool: the set with these options is just as good. They are
                    not in `chosen`
    labelled        (n_items,) bool: whether the item has answers
    expected_f1     (n_items,): F1 that the set has on average if the posteriors hold; NaN without
                    answers
    option_ability  (n_raters, n_options) or None: ability at each option
    sensitivity     (n_raters, n_options) or None: how often a rater chooses an option that belongs
    specificity     (n_raters, n_options) or None: how often a rater leaves out one that does not
    """

    posterior: NDArray[np.float64]
    chosen: NDArray[np.bool_]
    tied: NDArray[np.bool_]
    labelled: NDArray[np.bool_]
    expected_f1: NDArray[np.float64]
    option_ability: NDArray[np.float64] | None = None
    sensitivity: NDArray[np.float64] | None = None
    specificity: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class SpanEstimate(Estimate):
    """Marked spans, from what is known of each place.

    Places of all items stand in one row: those of item i are offsets[i] to offsets[i + 1].
    `ability` is the expected F1 of a rater's marked places against the posterior.

    offsets    (n_items + 1,)
    posterior  (n_places, n_tags): probability that the place carries the tag; NaN in items without
               answers. Where tags exclude each other, a row sums to at most 1
    tied       (n_places,) bool: a tag and nothing, or two tags, are equally probable there. Such
               places are in no span
    items, starts, ends, tags  (n_spans,): the spans, in this order; the end does not belong
    scores     (n_spans,): mean posterior of the span's places
    labelled   (n_items,) bool: whether the item has answers. One with answers and without spans is
               known to have none
    """

    offsets: NDArray[np.int64]
    posterior: NDArray[np.float64]
    tied: NDArray[np.bool_]
    items: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    tags: NDArray[np.int64]
    scores: NDArray[np.float64]
    labelled: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class NumberEstimate(ScaleEstimate):
    """Numbers: a robust mean for each item, with the offset and the precision of each rater.

    `ability` is the reliability of a rater's numbers: the share of their variance, apart from the
    rater's offset, that is the items' own. `bias` is NaN for a rater who shares no item with others
    or with a second number of the own.

    bias_error  (n_raters,): standard error of `bias`
    spread      (n_raters,): scale of a rater's noise, in the unit of the numbers; NaN as `bias`
    tail        degrees of freedom of the noise: 200 is normal, below 5 has wild outliers; NaN where
                nothing was fitted
    weights     (n_labels,): how much each number counts beside others of its rater, in the order of
                the rows; near 0 for an outlier, NaN for the only number of an item
    """

    bias_error: NDArray[np.float64]
    spread: NDArray[np.float64]
    tail: float
    weights: NDArray[np.float64]
