"""The set of options with the best expected F1, from the probability of each option.

Source: M. Jansche, "A maximum expected utility framework for binary sequence labeling", ACL 2007;
N. Ye, K. M. A. Chai, W. S. Lee and H. L. Chieu, "Optimizing F-measure: a tale of two approaches",
ICML 2012. For independent options the best set of a size holds the most probable ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from consensus.votes import TIE_WIDTH

# Numbers held at once per chunk of items.
_CHUNK = 4_000_000


def expected_f1(posterior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected F1 of the k most probable options for k = 0..n_options, (n_items, n_options + 1).

    Options belong to an item independently, with the probabilities `posterior`, (n_items,
    n_options). F1 of two empty sets is 1, of an empty and another set 0.
    """
    n_items, n_options = posterior.shape
    result = np.empty((n_items, n_options + 1))
    step = max(1, _CHUNK // (n_options + 1) ** 2)
    for start in range(0, n_items, step):
        part = -np.sort(-posterior[start : start + step], axis=1)
        result[start : start + step] = _of_sorted(part)
    return result


def _of_sorted(p: NDArray[np.float64]) -> NDArray[np.float64]:
    n_items, n_options = p.shape
    # How many of the options from k on belong, for each k: (n_items, count), from the last option.
    behind = [np.ones((n_items, 1))]
    for option in reversed(range(n_options)):
        behind.append(_one_more(behind[-1], p[:, option]))
    behind.reverse()
    result = np.empty((n_items, n_options + 1))
    result[:, 0] = behind[0][:, 0]
    before = np.ones((n_items, 1))
    for size in range(1, n_options + 1):
        before = _one_more(before, p[:, size - 1])
        hits = np.arange(size + 1)[:, None]
        missed = np.arange(n_options - size + 1)[None, :]
        gain = 2 * hits / (size + hits + missed)
        result[:, size] = np.einsum("ia,ab,ib->i", before, gain, behind[size], optimize=True)
    return result


def _one_more(counts: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distribution of a count with one more independent option of probability p."""
    result = np.zeros((counts.shape[0], counts.shape[1] + 1))
    result[:, :-1] = counts * (1 - p)[:, None]
    result[:, 1:] += counts * p[:, None]
    return result


def best_f1_sets(
    posterior: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """The best set of each item, the options that it might as well have, and its expected F1.

    Options of equal probability are taken together or not at all, so that names never decide.
    Where sets of several sizes are equally good the smallest is taken and what the largest has
    besides is called tied.
    """
    n_items, n_options = posterior.shape
    values = expected_f1(posterior)
    ordered = -np.sort(-posterior, axis=1)
    divided = np.ones((n_items, n_options + 1), dtype=np.bool_)
    divided[:, 1:-1] = ordered[:, :-1] > ordered[:, 1:] + TIE_WIDTH
    values[~divided] = -np.inf
    best = values.max(axis=1)
    good = values >= best[:, None] - TIE_WIDTH
    smallest = good.argmax(axis=1)
    largest = n_options - good[:, ::-1].argmax(axis=1)
    chosen = _most_probable(posterior, ordered, smallest)
    tied = _most_probable(posterior, ordered, largest) & ~chosen
    return chosen, tied, best


def _most_probable(
    posterior: NDArray[np.float64], ordered: NDArray[np.float64], sizes: NDArray[np.int64]
) -> NDArray[np.bool_]:
    last = np.take_along_axis(ordered, np.maximum(sizes - 1, 0)[:, None], axis=1)
    return np.asarray((posterior >= last - TIE_WIDTH / 2) & (sizes > 0)[:, None])
