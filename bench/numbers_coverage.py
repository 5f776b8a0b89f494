"""Do the 95 % intervals of `robust_mean` hold? Simulated raters with offsets, noise and slips.

    python -m bench.numbers_coverage            # 200 projects a row, some minutes
    python -m bench.numbers_coverage --quick    # 20 projects a row

Prints for each design the share of items whose interval holds the true value, the mean width of the
interval beside that of the classical one (mean of the item's numbers, t quantile of their own
standard deviation), the coverage of the classical one, and the root mean square errors of both.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy import stats

from consensus.numbers import Numbers
from consensus.robust_mean import robust_mean


class Design(NamedTuple):
    noise: str
    n_items: int
    n_raters: int
    each: int


def designs() -> Iterator[Design]:
    for noise in ("normal", "t4", "t2", "slips"):
        for size in (
            (200, 10, 3),
            (200, 10, 5),
            (50, 5, 5),
            (30, 5, 3),
            (300, 50, 3),
            (20, 12, 12),
        ):
            yield Design(noise, *size)


def simulated(design: Design, seed: int) -> tuple[np.ndarray, Numbers]:
    """True values and numbers; values of items are skewed, raters differ in offset and noise."""
    rng = np.random.default_rng(seed)
    truth = 3 * np.exp(rng.normal(size=design.n_items))
    offset = 0.5 * rng.normal(size=design.n_raters)
    scale = np.exp(0.5 * rng.normal(size=design.n_raters))
    items = np.repeat(np.arange(design.n_items), design.each)
    raters = np.concatenate(
        [rng.choice(design.n_raters, design.each, replace=False) for _ in range(design.n_items)]
    )
    if design.noise.startswith("t"):
        noise = rng.standard_t(int(design.noise[1:]), len(items))
    else:
        noise = rng.normal(size=len(items))
    values = truth[items] + offset[raters] + scale[raters] * noise
    if design.noise == "slips":
        slipped = rng.random(len(items)) < 0.03
        values[slipped] *= 10
    return truth, Numbers(items, raters, values, design.n_items, design.n_raters)


def classical(rows: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """Means of the items, and ends of their t intervals."""
    counts = np.bincount(rows.items, minlength=rows.n_items)
    means = np.bincount(rows.items, rows.values, rows.n_items) / counts
    squares = np.bincount(rows.items, (rows.values - means[rows.items]) ** 2, rows.n_items)
    half = stats.t.ppf(0.975, counts - 1) * np.sqrt(squares / (counts - 1) / counts)
    return means, np.stack([means - half, means + half], axis=1)


def held(interval: np.ndarray, truth: np.ndarray) -> float:
    return float(((interval[:, 0] <= truth) & (truth <= interval[:, 1])).mean())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="20 projects a row")
    projects = 20 if parser.parse_args().quick else 200
    print(f"{projects} projects a row; coverage, mean width, root mean square error")
    print(f"{'noise':>8} {'items':>6} {'raters':>6} {'each':>5}   {'robust_mean':>22}   classical")
    lowest = 1.0
    for design in designs():
        rows = []
        for seed in range(projects):
            truth, numbers = simulated(design, seed)
            estimate = robust_mean(numbers)
            means, ends = classical(numbers)
            rows.append(
                (
                    held(estimate.interval, truth),
                    float(np.diff(estimate.interval, axis=1).mean()),
                    float(((estimate.value - truth) ** 2).mean()),
                    held(ends, truth),
                    float(np.diff(ends, axis=1).mean()),
                    float(((means - truth) ** 2).mean()),
                )
            )
        ours = np.mean(rows, axis=0)
        lowest = min(lowest, float(ours[0]))
        print(
            f"{design.noise:>8} {design.n_items:>6} {design.n_raters:>6} {design.each:>5}   "
            f"{ours[0]:7.3f} {ours[1]:6.2f} {np.sqrt(ours[2]):7.2f}   "
            f"{ours[3]:7.3f} {ours[4]:6.2f} {np.sqrt(ours[5]):7.2f}",
            flush=True,
        )
    print(f"lowest coverage: {lowest:.3f} (goal .930)")
    return 0 if lowest >= 0.93 else 1


if __name__ == "__main__":
    raise SystemExit(main())
