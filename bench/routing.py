"""Labels needed to be as right as with all of them, by who decides which item is labelled next.

    REFERENCE_DATA=path/to/data python -m bench.routing [--quick]

cebab_aspects: 1,008 items with four people's labels each. One label of each item, drawn at random,
is kept aside; the other three come one after the other, as each rule asks for them. After every 2 %
the answers are compared with what was kept aside: how often a person nobody asked agrees. Rules:

- gain     expected gain of a label (consensus.routing), with what is known by then
- random   any label that is left
- entropy  the item whose votes are most evenly spread, each class with one vote ahead
- fixed    every item once, then every item again, and so on: fixed overlap

All four have the same answers made of their labels (consensus.routing.routing_posterior): people's
labels alone, and then with the six LLM judges of the set, who are there from the start. As many
labels are needed as it takes until the mean agreement over the draws is that with all labels, less
SLACK. The goal: gain needs no more than the best of the others. Exits 1 where it falls short.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.published import dataset
from consensus.routing import expected_gain, routing_model, routing_posterior
from consensus.table import LabelTable

NAME = "alttest_cebab_aspects"
RULES = ("gain", "random", "entropy", "fixed")
STEP = 0.02
# Of the agreement: what one cannot tell apart with some thousand items.
SLACK = 0.002
AHEAD = 3


@dataclass(frozen=True)
class Draw:
    """One label an item kept aside; the rest in a random order within each item: row ``rows[i, r]``
    is the r-th label of item i, -1 where there is none."""

    aside: NDArray[np.int64]
    rows: NDArray[np.int64]
    rng: np.random.Generator


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two draws, under a minute")
    draws = 2 if parser.parse_args().quick else 20
    short = 0
    for with_judges in (False, True):
        table = dataset(NAME, None if with_judges else "human").table
        curves = np.stack([_replay(table, seed) for seed in range(draws)])
        short += _show(curves, with_judges=with_judges)
    return 1 if short else 0


def _show(curves: NDArray[np.float64], *, with_judges: bool) -> int:
    """``curves`` (draws, rules, steps + 1): agreement with the labels kept aside."""
    print("With six LLM judges" if with_judges else "People alone")
    steps = curves.shape[2] - 1
    mean = curves.mean(axis=0)
    goal = mean[:, -1].mean() - SLACK
    print(f"  all labels: {mean[:, -1].mean():.4f} agree; to reach: {goal:.4f}")
    needed = {rule: _needed(mean[n], goal) / steps for n, rule in enumerate(RULES)}
    for n, rule in enumerate(RULES):
        # How the number moves over the draws: each draw left out in turn.
        parts = [
            _needed(np.delete(curves, d, axis=0).mean(axis=0)[n], goal) / steps
            for d in range(len(curves))
        ]
        error = np.sqrt((len(parts) - 1) * np.var(parts))
        shown = "  ".join(
            f"{mean[n, round(share * steps)]:.4f}" for share in (0.34, 0.5, 0.66, 0.8)
        )
        print(
            f"  {rule:8} {100 * needed[rule]:5.1f} % of the labels (± {100 * error:.1f})"
            f"   at 34, 50, 66, 80 %: {shown}"
        )
    best = min(needed[rule] for rule in RULES[1:])
    fine = needed["gain"] <= best + 1e-9
    print(f"  goal, no more than the best of the others ({100 * best:.1f} %): ", end="")
    print("met" if fine else "NOT MET")
    return int(not fine)


def _needed(curve: NDArray[np.float64], goal: float) -> int:
    """The first step from which the agreement is there, and has been once."""
    return int(np.argmax(curve >= goal)) if (curve >= goal).any() else len(curve) - 1


def _replay(table: LabelTable, seed: int) -> NDArray[np.float64]:
    """(rules, steps + 1) agreement with the labels kept aside, from none to all labels."""
    draw = _draw(table, seed)
    return np.stack([_one(table, draw, rule, seed) for rule in RULES])


def _draw(table: LabelTable, seed: int) -> Draw:
    rng = np.random.default_rng(seed)
    people = ~_judges(table)[table.raters]
    order = rng.permutation(np.flatnonzero(people))
    order = order[np.argsort(table.items[order], kind="stable")]
    sizes = np.bincount(table.items[order], minlength=table.n_items)
    nth = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = np.full((table.n_items, sizes.max()), -1)
    rows[table.items[order], nth] = order
    return Draw(rows[:, 0], rows[:, 1:], rng)


def _judges(table: LabelTable) -> NDArray[np.bool_]:
    return np.zeros(table.n_raters, dtype=bool) if table.judges is None else table.judges


def _one(table: LabelTable, draw: Draw, rule: str, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng([seed, RULES.index(rule)])
    n_pool = int((draw.rows >= 0).sum())
    steps = round(1 / STEP)
    have = np.zeros(table.n_items, dtype=np.int64)
    by_judges = _judges(table)[table.raters]
    curve = []
    for step in range(steps + 1):
        taken = draw.rows[np.arange(draw.rows.shape[1]) < have[:, None]]
        kept = by_judges.copy()
        kept[taken] = True
        now = table.rows(kept)
        posterior, gain = _known(now, n_people=len(taken))
        wanted = table.codes[draw.aside]
        top = posterior >= posterior.max(axis=1, keepdims=True) - 1e-9
        right = top[np.arange(table.n_items), wanted] / top.sum(axis=1)
        curve.append(float(right[draw.aside >= 0].mean()))
        if step < steps:
            batch = round(n_pool * (step + 1) / steps) - int(have.sum())
            _ask(rule, have, draw, gain, now, batch, rng)
    return np.array(curve)


def _known(now: LabelTable, *, n_people: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The posterior of each item, and what a further label of a person is expected to add."""
    if not n_people:
        even = np.full((now.n_items, now.n_classes), 1 / now.n_classes)
        return even, np.zeros(now.n_items)
    model = routing_model(now)
    posterior = routing_posterior(model, now)
    return posterior, expected_gain(posterior, model.people, ahead=AHEAD)


def _ask(
    rule: str,
    have: NDArray[np.int64],
    draw: Draw,
    gain: NDArray[np.float64],
    now: LabelTable,
    batch: int,
    rng: np.random.Generator,
) -> None:
    """Take the next ``batch`` labels, counted in ``have``; ties are broken at random."""
    limit = (draw.rows >= 0).sum(axis=1)
    people = now.rows(~_judges(now)[now.raters])
    votes = people.counts() + 1.0
    shares = votes / votes.sum(axis=1, keepdims=True)
    spread = -(shares * np.log(shares)).sum(axis=1)
    while batch:
        left = limit - have
        if rule == "random":
            pool = rng.permutation(np.repeat(np.arange(len(have)), left))[:batch]
            have += np.bincount(pool, minlength=len(have))
            return
        order = {"gain": -gain, "entropy": -spread, "fixed": have.astype(float)}[rule]
        ranked = np.lexsort((rng.random(len(have)), order))
        chosen = ranked[left[ranked] > 0][:batch]
        have[chosen] += 1
        batch -= len(chosen)


if __name__ == "__main__":
    sys.exit(main())
