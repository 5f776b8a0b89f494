"""What every measure of agreement returns: one shape, so that a screen can show any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Measure = Literal[
    "percent_agreement",
    "cohen_kappa",
    "fleiss_kappa",
    "krippendorff_alpha",
    "gwet_ac",
    "pearson",
    "spearman",
    "kendall_tau_b",
    "rank_biased_overlap",
    "f1",
    "f1_macro",
    "f1_micro",
    "precision",
    "recall",
    "span_f1",
]

# Why a value is undefined: nothing to compare; too few items to say anything; neither rater named
# the class (or marked a span); or nothing differs, so that nobody could have disagreed.
Reason = Literal["no_pairs", "few_items", "no_case", "one_class"]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """One measure of agreement with its interval.

    measure      which measure it is
    value        None where undefined
    low, high    ends of the interval; None where `value` is, or where too few items bear it
    n_items      items that count, such as those with two labels or more
    n            labels, pairs or spans on those items; what, each function says
    n_undefined  parts left out because they have no value of their own, such as a class that
                 neither rater named in a mean over classes
    level        how far classes differ: a level of measurement, weights, or a way of matching
    confidence   of the interval, such as .95
    reason       why `value` is None; None where it is not
    """

    measure: Measure
    value: float | None
    low: float | None
    high: float | None
    n_items: int
    n: int
    n_undefined: int = 0
    level: str = "nominal"
    confidence: float = 0.95
    reason: Reason | None = None
