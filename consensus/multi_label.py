"""Choose all that apply: every option is a question of its own, and a set is chosen from all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from consensus.best_sets import best_f1_sets, expected_f1
from consensus.estimate import ClassEstimate, MultiLabelEstimate
from consensus.ibcc import ibcc
from consensus.selections import CHOSEN, NOT_CHOSEN, Selections
from consensus.table import LabelTable
from consensus.votes import TIE_WIDTH

Aggregate = Callable[[LabelTable], ClassEstimate]


def multi_label(
    selections: Selections,
    *,
    method: Aggregate = ibcc,
    sets: Literal["threshold", "f1"] = "threshold",
    threshold: float = 0.5,
) -> MultiLabelEstimate:
    """Each option as a table of "chosen" and "not chosen", combined by `method`.

    `method` takes a LabelTable of two classes and returns a ClassEstimate: `majority`, `ibcc`,
    `partial(dawid_skene, class_prior=1)`. `sets` says how the set is chosen from the posteriors:
    options above `threshold`, or the set with the best expected F1. Options are independent of each
    other in both: that one option excludes another is not known.

    Raises ValueError for a `threshold` outside 0..1 or another name in `sets`.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, not {threshold}")
    if sets not in ("threshold", "f1"):
        raise ValueError(f'sets must be "threshold" or "f1", not {sets!r}')
    found = [method(selections.option_table(k)) for k in range(selections.n_options)]
    posterior = np.stack([estimate.posterior[:, CHOSEN] for estimate in found], axis=1)
    answered = np.stack([estimate.posterior.any(axis=1) for estimate in found], axis=1)
    labelled: NDArray[np.bool_] = np.asarray(answered.all(axis=1), dtype=np.bool_)
    known = posterior[labelled]
    chosen, tied = np.zeros((2, *posterior.shape), dtype=np.bool_)
    best = np.full(selections.n_items, np.nan)
    if sets == "f1":
        chosen[labelled], tied[labelled], best[labelled] = best_f1_sets(known)
    else:
        chosen[labelled] = known > threshold + TIE_WIDTH
        tied[labelled] = np.abs(known - threshold) <= TIE_WIDTH
        sizes = chosen[labelled].sum(axis=1)[:, None]
        best[labelled] = np.take_along_axis(expected_f1(known), sizes, axis=1)[:, 0]
    posterior[~answered] = np.nan
    option_ability = _stacked([estimate.ability for estimate in found])
    hits = [None if e.confusion is None else e.confusion[:, CHOSEN, CHOSEN] for e in found]
    rejects = [
        None if e.confusion is None else e.confusion[:, NOT_CHOSEN, NOT_CHOSEN] for e in found
    ]
    return MultiLabelEstimate(
        method=f"{found[0].method} per option",
        ability=None if option_ability is None else _means(option_ability),
        iterations=max(estimate.iterations for estimate in found),
        converged=all(estimate.converged for estimate in found),
        log_likelihood=summed_traces([estimate.log_likelihood for estimate in found]),
        posterior=posterior,
        chosen=chosen,
        tied=tied,
        labelled=labelled,
        expected_f1=best,
        option_ability=option_ability,
        sensitivity=_stacked(hits),
        specificity=_stacked(rejects),
    )


def _stacked(columns: list[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    given = [column for column in columns if column is not None]
    return np.stack(given, axis=1) if len(given) == len(columns) else None


def _means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of the rows, NaN where a row has nothing but NaN."""
    there = ~np.isnan(values)
    result = np.full(len(values), np.nan)
    np.divide(np.nansum(values, axis=1), there.sum(axis=1), out=result, where=there.any(axis=1))
    return result


def summed_traces(traces: list[tuple[float, ...] | None]) -> tuple[float, ...] | None:
    """Sum of traces round by round; one that has ended stays where it ended."""
    given = [trace for trace in traces if trace is not None]
    if len(given) < len(traces):
        return None
    rounds = max(len(trace) for trace in given)
    return tuple(
        float(sum(trace[min(at, len(trace) - 1)] for trace in given if trace))
        for at in range(rounds)
    )
