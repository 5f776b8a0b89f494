"""How often the 95 % intervals of raters' abilities hold what raters can do, by simulation.

    python -m bench.abilities [--projects 40]

Each project has raters who are right with a probability of their own and err evenly. Printed is,
for each method and kind of project, the share of the intervals that hold that probability, their
mean width, and the mean error of the ability itself. Ends with 1 where a method with a model of
raters' errors covers less than 93 % in some kind of project.
"""

from __future__ import annotations

import argparse
import sys
from typing import NamedTuple

import numpy as np

from consensus.methods import aggregate
from consensus.table import LabelTable

METHODS = ("majority", "wawa", "one_coin", "dawid_skene", "ibcc", "mace", "glad")
PARAMETERS = {"mace": {"restarts": 2}}
PROMISED = dict.fromkeys(("one_coin", "dawid_skene", "ibcc", "mace", "glad"), 0.93)


class Kind(NamedTuple):
    n_items: int
    n_raters: int
    per_item: int
    n_classes: int
    worst: float  # probability of being right: evenly from here
    best: float  # to here

    def __str__(self) -> str:
        return (
            f"{self.n_items:,} items, {self.per_item} of {self.n_raters} raters each, "
            f"{self.n_classes} classes, right {self.worst:.0%} to {self.best:.0%}"
        )


KINDS = (
    Kind(1000, 20, 5, 3, 0.5, 0.95),
    Kind(200, 20, 5, 4, 0.5, 0.95),
    Kind(100, 10, 5, 2, 0.7, 0.95),
    Kind(200, 10, 3, 2, 0.6, 0.95),
    Kind(1000, 100, 3, 2, 0.6, 0.95),
    Kind(300, 60, 3, 2, 0.6, 0.95),
    Kind(300, 60, 3, 2, 0.5, 0.75),
)


def project(kind: Kind, rng: np.random.Generator) -> tuple[np.ndarray, LabelTable]:
    """What each rater can do, and what they said."""
    truth = rng.choice(kind.n_classes, kind.n_items, p=rng.dirichlet(np.full(kind.n_classes, 5.0)))
    can = rng.uniform(kind.worst, kind.best, kind.n_raters)
    order = rng.random((kind.n_items, kind.n_raters)).argsort(axis=1)
    raters = order[:, : kind.per_item].ravel()
    items = np.repeat(np.arange(kind.n_items), kind.per_item)
    wrong = (truth[items] + rng.integers(1, kind.n_classes, len(items))) % kind.n_classes
    codes = np.where(rng.random(len(items)) < can[raters], truth[items], wrong)
    sizes = {"n_classes": kind.n_classes, "n_items": kind.n_items, "n_raters": kind.n_raters}
    return can, LabelTable.from_codes(items, raters, codes, **sizes)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--projects", type=int, default=40, help="of each kind")
    options = parser.parse_args()
    good = True
    for kind in KINDS:
        rng = np.random.default_rng(1)
        found: dict[str, list[np.ndarray]] = {method: [] for method in METHODS}
        for _ in range(options.projects):
            can, table = project(kind, rng)
            for method in METHODS:
                estimate = aggregate(table, method, seed=1, **PARAMETERS.get(method, {}))
                assert estimate.ability is not None
                assert estimate.ability_interval is not None
                low, high = estimate.ability_interval.T
                seen = ~np.isnan(estimate.ability)
                held = (low <= can) & (can <= high)
                columns = [held, high - low, estimate.ability - can]
                found[method].append(np.array(columns, dtype=np.float64)[:, seen])
        print(f"{kind}, {options.projects} projects:")
        for method, parts in found.items():
            held, width, error = np.concatenate(parts, axis=1).mean(axis=1)
            goal = PROMISED.get(method)
            short = goal is not None and held < goal
            good = good and not short
            print(
                f"    {method:<12} holds {held:6.1%}   width {width:.3f}   error {error:+.3f}"
                f"{f'   goal {goal:.0%}' if goal else ''}{'   SHORT' if short else ''}",
                flush=True,
            )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
