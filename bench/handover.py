"""Hand-over replayed: is the promise kept, and is as much handed over as might be?

REFERENCE_DATA=path/to/data python -m bench.handover [--quick]

On the published sets, each judge's labels are set beside people's majority; items on which people
are tied are left out. Its confidence is the share of the other judges that say the same. In each of
1,000 splits some items drawn at random are the blind labels and the rest is unread. Then the same
on simulated projects (bench/coverage_hand_over.py). Without REFERENCE_DATA only these are run.

Goals: in at most delta of the splits (binomial, one per cent) more than alpha of what was handed
over is wrong; and of what the best fixed threshold hands over under the exact bound, chosen with
hindsight, at least 80 %. Beside them, without a goal: all labels with a confidence above .9, and
all labels where the judge agrees with people on a share 1 - alpha of the blind ones. Exits 1 where
a goal falls short.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

import numpy as np
from scipy.stats import binom

from bench.coverage_hand_over import LUCK, OF_BEST, hand_overs
from bench.published import dataset
from consensus.alt_test import labels_of
from consensus.audit import audit
from consensus.error_bounds import rate_p_value
from consensus.hand_over import hand_over
from consensus.people_targets import judge_losses

# Set, alpha, share of the items that is labelled.
SETS = [
    ("alttest_cebab_aspects", 0.10, 0.3),
    ("alttest_cebab_aspects", 0.05, 0.3),
    ("alttest_framing", 0.10, 0.5),
    ("alttest_framing", 0.15, 0.5),
    ("alttest_cebab_stars", 0.30, 0.3),
    ("alttest_wax", 0.40, 0.5),
]
DELTA = 0.10
SURE = 0.9
RULES = ("hand-over", "best fixed", "above .9", "agreement")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer splits, under a minute")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    short: list[str] = []
    if os.environ.get("REFERENCE_DATA"):
        short += published(60 if options.quick else 1000, rng, quick=options.quick)
    else:
        print("REFERENCE_DATA is not set: the published sets are left out.")
    short += hand_overs(25 if options.quick else 1000, rng, quick=options.quick)
    short += alarms(300 if options.quick else 3000, rng)
    for line in short:
        print(f"SHORT: {line}")
    print("All goals met." if not short else f"{len(short)} goals fell short.")
    return 1 if short else 0


def published(splits: int, rng: np.random.Generator, *, quick: bool) -> Iterator[str]:
    print(f"Published sets, {splits} splits a judge, delta {DELTA}. Of the splits: promise broken;")
    print("of the unread items: handed over. For each rule, broken and share.")
    print(f"{'set, judge':38}{'alpha':>6}{'labels':>7}{'most':>6}", end="")
    print("".join(f"{rule:>16}" for rule in RULES))
    for name, alpha, labelled in SETS:
        data = dataset(name)
        said = np.stack([labels_of(data.table, int(j)) for j in np.flatnonzero(data.table.judges)])
        names = [data.raters[j] for j in np.flatnonzero(data.table.judges)]
        for place, judge in enumerate(names[:2] if quick else names):
            loss = judge_losses(said[place], data.table)
            others = np.delete(said, place, axis=0)
            votes = (others >= 0).sum(axis=0)
            there = ~np.isnan(loss) & (votes > 0)
            confidence = ((others == said[place]).sum(axis=0) / np.maximum(votes, 1))[there]
            about = f"{name.removeprefix('alttest_')}, {judge}"
            yield from _line(
                about, confidence, loss[there], alpha, labelled, splits, rng, quick=quick
            )


def _line(
    about: str,
    confidence: np.ndarray,
    loss: np.ndarray,
    alpha: float,
    labelled: float,
    splits: int,
    rng: np.random.Generator,
    *,
    quick: bool,
) -> Iterator[str]:
    n, items = round(labelled * len(loss)), len(loss)
    asked = rng.random((splits, items)).argsort(axis=1) < n
    chosen = np.zeros((len(RULES), splits, items), dtype=bool)
    for k, inside in enumerate(asked):
        found = hand_over(
            confidence[inside], loss[inside], confidence[~inside], alpha=alpha, delta=DELTA
        )
        chosen[0, k, ~inside] = found.chosen
    chosen[1] = _best_fixed(confidence, loss, asked, alpha)
    chosen[2] = ~asked & (confidence > SURE)
    agree = 1 - (asked * loss).sum(axis=1) / n
    chosen[3] = ~asked & (agree >= 1 - alpha)[:, None]
    handed = chosen.sum(axis=2)
    wrong = (chosen * loss).sum(axis=2)
    broken = (wrong > alpha * handed + 1e-9).sum(axis=1)
    shares = handed / (items - n)
    most = int(binom.ppf(1 - LUCK, splits, DELTA))
    line = f"{about:38}{alpha:6.2f}{n:7d}{most:6d}"
    line += "".join(f"{b:9d}{s.mean():7.3f}" for b, s in zip(broken, shares, strict=True))
    enough = shares[0].mean() >= OF_BEST * shares[1].mean()
    if quick:
        slack = 2.33 * np.std(shares[0] - OF_BEST * shares[1]) / np.sqrt(splits)
        enough = shares[0].mean() + slack >= OF_BEST * shares[1].mean()
    # Where even the best hands next to nothing over there is nothing to compare.
    enough = enough or shares[1].mean() <= 0.01
    fine = broken[0] <= most and enough
    print(line + ("" if fine else "  SHORT"), flush=True)
    if not fine:
        yield f"{about}, alpha {alpha}: {broken[0]} broken, share {shares[0].mean():.3f}"


def _best_fixed(
    confidence: np.ndarray, loss: np.ndarray, asked: np.ndarray, alpha: float
) -> np.ndarray:
    """What the fixed threshold chooses that hands over most on average: it is known only with
    hindsight. Clopper and Pearson's bound, on the same labels."""
    best = np.zeros(asked.shape, dtype=bool)
    for threshold in np.unique(confidence):
        above = confidence >= threshold
        labelled = (above & asked).sum(axis=1)
        errors = (loss * (above & asked)).sum(axis=1)
        passes = rate_p_value(errors, labelled, alpha) <= DELTA
        chosen = passes[:, None] & above & ~asked
        if chosen.sum() > best.sum():
            best = chosen
    return best


def alarms(runs: int, rng: np.random.Generator) -> Iterator[str]:
    """The audit after a hand-over: how often it goes off, on items drawn without replacement."""
    alpha = 0.1
    print(
        f"\nAlarm of the audit, alpha and delta {alpha}, {runs} hand-overs of 1,000 items a line."
    )
    print(f"{'wrong':>8}{'checked':>9}{'stopped':>9}{'goal':>14}")
    for rate in (0.05, 0.10, 0.20, 0.30):
        losses = np.zeros(1000)
        losses[: round(1000 * rate)] = 1
        for checked in (20, 50, 100):
            off = sum(
                audit(rng.permutation(losses)[:checked], alpha=alpha, false_alarm=alpha).alarm_at
                is not None
                for _ in range(runs)
            )
            goal, fine = "", True
            if rate <= alpha:
                most = int(binom.ppf(1 - LUCK, runs, alpha))
                goal, fine = f"at most {most / runs:.3f}", off <= most
            line = f"{rate:8.2f}{checked:9d}{off / runs:9.3f}{goal:>14}"
            print(line + ("" if fine else "  SHORT"), flush=True)
            if not fine:
                yield f"alarm at {rate} wrong, {checked} checked: {off} of {runs}"


if __name__ == "__main__":
    sys.exit(main())
