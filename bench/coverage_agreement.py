"""How often the intervals of agreement hold the true value, and how wide they are.

    python -m bench.coverage_agreement [--quick] [--every] [--only WORD] [--draws 1000]

Draws projects of 30, 100 and 300 items from known raters, and counts. Each measure stands beside
the classical interval: value and normal quantile times standard error (for correlations, Fisher's z
with variance 1 / (n - 3)). ``items`` is how many items bring the ends to 0.1 from the middle, from
the mean width. The worst case of each measure and number of items is named; ``--every`` prints all
cases, ``--quick`` draws fewer of 30 and 100 items, ``--only`` keeps the measures whose name has the
word. Exits 1 where a case lies below 93 % by more than twice the error of the draws.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from consensus.agreement import Agreement
from consensus.chance import Measurement, jackknife_variance
from consensus.f1 import f1_scores, macro_parts
from consensus.fleiss import fleiss_kappa_interval, fleiss_measurement
from consensus.gwet import gwet_ac_interval, gwet_measurement
from consensus.kappa import cohen_kappa_interval, kappa_measurement
from consensus.krippendorff import alpha_measurement, krippendorff_interval
from consensus.patterns import count_patterns
from consensus.plain_agreement import differing_parts, observed_agreement_interval
from consensus.rank_agreement import correlation_interval
from consensus.rank_biased_overlap import rank_biased_overlap_interval
from consensus.span_agreement import Marks, span_f1_interval
from consensus.table import LabelTable

GOAL = 0.93
NORMAL = 1.959964

# What one draw gives: the measure with its interval, and the ends of the classical one.
Found = tuple[Agreement, float, float]


@dataclass(frozen=True)
class Case:
    """One kind of project: `draw` makes one of so many items and measures it."""

    measure: str
    name: str
    draw: Callable[[np.random.Generator, int], Found]
    truth_items: int = 400_000


def main() -> int:
    options = _options()
    sizes = (30, 100) if options.quick else (30, 100, 300)
    draws = 200 if options.quick else options.draws
    short = 0
    start = time.process_time()
    print(f"{draws} projects a case; coverage of 95 % intervals, classical ones in brackets")
    print(
        f"{'measure':22}{'n':>5}  {'worst':13} {'mean':13} {'width':13} {'items':>11}  worst case"
    )
    for measure, cases in _by_measure().items():
        if options.only.lower() not in measure.lower():
            continue
        truths = [_truth(case) for case in cases]
        for n in sizes:
            rows = [
                _cover(case, truth, n, draws) for case, truth in zip(cases, truths, strict=True)
            ]
            short += _report(
                measure, n, draws, list(zip(cases, truths, rows, strict=True)), options
            )
    print(f"{time.process_time() - start:.0f} s of a processor")
    print(f"{short} cases fell short" if short else f"every case covers {GOAL:.0%} or more")
    return 1 if short else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--only", default="", metavar="WORD")
    return parser.parse_args()


def _by_measure() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in (*_class_cases(), *_number_cases(), *_ranking_cases(), *_span_cases()):
        found.setdefault(case.measure, []).append(case)
    return found


def _truth(case: Case) -> float:
    value = case.draw(np.random.default_rng(1), case.truth_items)[0].value
    assert value is not None
    return value


def _cover(case: Case, truth: float, n: int, draws: int) -> NDArray[np.float64]:
    """Coverage and mean width of ours, of the classical one, and the share of undefined draws."""
    rng = np.random.default_rng(2)
    rows = []
    for _ in range(draws):
        agreement, low, high = case.draw(rng, n)
        if agreement.low is None or agreement.high is None:
            continue
        rows.append(
            [
                agreement.low <= truth <= agreement.high,
                agreement.high - agreement.low,
                low <= truth <= high,
                high - low,
            ]
        )
    return np.append(np.mean(rows, axis=0), 1 - len(rows) / draws)


def _report(
    measure: str,
    n: int,
    draws: int,
    found: list[tuple[Case, float, NDArray[np.float64]]],
    options: argparse.Namespace,
) -> int:
    ours, width, theirs, their_width, _ = np.array([row for *_, row in found]).T
    worst = int(ours.argmin())
    need = [n * (np.mean(w) / 0.2) ** 2 for w in (width, their_width)]
    print(
        f"{measure:22}{n:5}  {ours.min():.3f} ({theirs.min():.3f}) {ours.mean():.3f} "
        f"({theirs.mean():.3f}) {width.mean():.3f} ({their_width.mean():.3f}) "
        f"{need[0]:5.0f} ({need[1]:.0f})  {found[worst][0].name}"
    )
    if options.every:
        for case, truth, row in found:
            left_out = f", {row[4]:.1%} undefined" if row[4] else ""
            print(f"    {row[0]:.3f} ({row[2]:.3f})  {case.name}: {truth:.3f}{left_out}")
    error = math.sqrt(GOAL * (1 - GOAL) / draws)
    return int((ours + 2 * error < GOAL).sum())


# --- Classes ------------------------------------------------------------------------------------


def _class_cases() -> Iterator[Case]:
    kinds = {
        "two classes": [0.5, 0.5],
        "two uneven": [0.8, 0.2],
        "two, one rare": [0.9, 0.1],
        "three uneven": [0.6, 0.3, 0.1],
        "five": [0.2] * 5,
    }
    for kind, shares in kinds.items():
        for right in (0.3, 0.6, 0.9, 0.97):
            name = f"{kind}, {right:.0%} knowing"
            for raters in (2, 5):
                draw = partial(_table_draw, np.array(shares), right, raters)
                named = f"{name}, {raters} raters"
                for measure, of_table in _OF_TABLES.items():
                    yield Case(measure, named, partial(of_table, draw))
            pair = partial(_pair_draw, np.array(shares), right)
            for measure, of_pair in _OF_PAIRS.items():
                yield Case(measure, name, partial(of_pair, pair))


def _table_draw(
    shares: NDArray[np.float64], right: float, raters: int, rng: np.random.Generator, n: int
) -> LabelTable:
    """Every rater knows the item's class with probability `right`, else says one by the shares."""
    classes = np.arange(len(shares))
    truth = rng.choice(classes, n, p=shares)
    knows = rng.random((raters, n)) < right
    codes = np.where(knows, truth, rng.choice(classes, (raters, n), p=shares))
    return LabelTable.from_codes(
        np.tile(np.arange(n), raters),
        np.repeat(np.arange(raters), n),
        codes.ravel(),
        n_classes=len(shares),
    )


def _pair_draw(
    shares: NDArray[np.float64], right: float, rng: np.random.Generator, n: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    table = _table_draw(shares, right, 2, rng, n)
    return table.codes[:n], table.codes[n:], table.n_classes


def _of_table(
    interval: Callable[[LabelTable], Agreement],
    measurement: Callable[[int], Measurement],
    draw: Callable[[np.random.Generator, int], LabelTable],
    rng: np.random.Generator,
    n: int,
) -> Found:
    table = draw(rng, n)
    found = count_patterns(table)
    measure = measurement(table.n_classes)
    return _beside(interval(table), measure, found[0].astype(float), found[1].astype(float))


def _of_pair(
    interval: Callable[..., Agreement],
    measurement: Callable[[int], Measurement],
    draw: Callable[[np.random.Generator, int], tuple[NDArray[np.int32], NDArray[np.int32], int]],
    rng: np.random.Generator,
    n: int,
) -> Found:
    a, b, n_classes = draw(rng, n)
    cells, times = np.unique(np.stack([a, b], axis=1), axis=0, return_counts=True)
    measure = measurement(n_classes)
    return _beside(interval(a, b, n_classes), measure, cells.astype(float), times.astype(float))


def _beside(
    agreement: Agreement,
    measure: Measurement,
    patterns: NDArray[np.float64],
    times: NDArray[np.float64],
) -> Found:
    if agreement.value is None:
        return agreement, 0.0, 0.0
    error = math.sqrt(jackknife_variance(measure(patterns, times).influence, times))
    return agreement, agreement.value - NORMAL * error, agreement.value + NORMAL * error


def _f1_of_the_last_class(
    draw: Callable[[np.random.Generator, int], tuple[NDArray[np.int32], NDArray[np.int32], int]],
    rng: np.random.Generator,
    n: int,
) -> Found:
    """The last class is the rarest. Classical: the delta method on the share that both named."""
    agreement = f1_scores(*draw(rng, n)).f1[-1]
    if agreement.value is None:
        return agreement, 0.0, 0.0
    share = agreement.value / (2 - agreement.value)
    error = 2 / (1 + share) ** 2 * math.sqrt(share * (1 - share) / agreement.n)
    return agreement, agreement.value - NORMAL * error, agreement.value + NORMAL * error


_OF_TABLES: dict[str, Callable[..., Found]] = {
    "alpha, nominal": partial(
        _of_table, krippendorff_interval, lambda n: alpha_measurement(n, "nominal")
    ),
    "alpha, ordinal": partial(
        _of_table,
        partial(krippendorff_interval, level="ordinal"),
        lambda n: alpha_measurement(n, "ordinal"),
    ),
    "alpha, interval": partial(
        _of_table,
        partial(krippendorff_interval, level="interval"),
        lambda n: alpha_measurement(n, "interval"),
    ),
    "Fleiss' kappa": partial(_of_table, fleiss_kappa_interval, fleiss_measurement),
    "Gwet's AC1": partial(_of_table, gwet_ac_interval, gwet_measurement),
    "Gwet's AC2, linear": partial(
        _of_table,
        partial(gwet_ac_interval, weights="linear"),
        lambda n: gwet_measurement(n, "linear"),
    ),
    "percent agreement": partial(_of_table, observed_agreement_interval, lambda n: differing_parts),
}
_OF_PAIRS: dict[str, Callable[..., Found]] = {
    "Cohen's kappa": partial(_of_pair, cohen_kappa_interval, kappa_measurement),
    "kappa, quadratic": partial(
        _of_pair,
        partial(cohen_kappa_interval, weights="quadratic"),
        lambda n: kappa_measurement(n, "quadratic"),
    ),
    "F1, macro": partial(_of_pair, lambda a, b, n: f1_scores(a, b, n).macro, lambda n: macro_parts),
    "F1, rarest class": _f1_of_the_last_class,
}


# --- Numbers, rankings, spans -------------------------------------------------------------------


def _number_cases() -> Iterator[Case]:
    for measure in ("pearson", "spearman", "kendall_tau_b"):
        for kind in ("normal numbers", "ratings 1 to 5"):
            for rho in (0.0, 0.5, 0.9):
                draw = partial(_numbers_found, measure, kind, rho)
                yield Case(measure, f"{kind}, correlation {rho:g}", draw, truth_items=1_000_000)


def _numbers_found(measure: str, kind: str, rho: float, rng: np.random.Generator, n: int) -> Found:
    a, noise = rng.standard_normal((2, n))
    b = rho * a + math.sqrt(1 - rho**2) * noise
    if kind != "normal numbers":
        a, b = (np.digitize(x, [-1.2, -0.3, 0.5, 1.3]).astype(float) for x in (a, b))
    agreement = correlation_interval(a, b, measure=measure)  # type: ignore[arg-type]
    if agreement.value is None:
        return agreement, 0.0, 0.0
    z = math.atanh(min(max(agreement.value, -1 + 1e-12), 1 - 1e-12))
    reach = NORMAL / math.sqrt(n - 3)
    return agreement, math.tanh(z - reach), math.tanh(z + reach)


def _ranking_cases() -> Iterator[Case]:
    for noise in (0.3, 1.0, 5.0):
        draw = partial(_rankings_found, noise)
        yield Case("rank-biased overlap", f"6 options, noise {noise:g}", draw, truth_items=20_000)


def _rankings_found(noise: float, rng: np.random.Generator, n: int) -> Found:
    worth = rng.standard_normal((n, 1, 6)) + noise * rng.standard_normal((n, 2, 6))
    agreement = rank_biased_overlap_interval(np.argsort(-worth, axis=2).tolist(), persistence=0.7)
    assert agreement.value is not None
    each = [
        rank_biased_overlap_interval([pair], persistence=0.7).value
        for pair in np.argsort(-worth[:2000], axis=2).tolist()
    ]
    error = float(np.std(np.array(each, dtype=float), ddof=1)) / math.sqrt(n)
    return agreement, agreement.value - NORMAL * error, agreement.value + NORMAL * error


def _span_cases() -> Iterator[Case]:
    for match in ("exact", "overlap", "positions"):
        for missed in (0.02, 0.15, 0.4):
            draw = partial(_spans_found, match, missed)
            yield Case(f"span F1, {match}", f"{missed:.0%} missed", draw, truth_items=20_000)


def _spans_found(match: str, missed: float, rng: np.random.Generator, n: int) -> Found:
    """Up to four spans an item; each rater misses some, and the second draws some a bit later."""
    items, places = np.divmod(np.arange(4 * n), 4)
    there = rng.random(4 * n) < rng.random(n)[items]
    length = rng.integers(3, 9, 4 * n)
    rows = np.stack([items, 10 * places, 10 * places + length, places % 2], axis=1)
    moved = rows + np.array([0, 1, 1, 0]) * (rng.random(4 * n) < missed)[:, None]
    of_a, of_b = (there & (rng.random(4 * n) > missed) for _ in range(2))
    marks = Marks.from_rows(rows[of_a]), Marks.from_rows(moved[of_b])
    agreement = span_f1_interval(*marks, match=match)  # type: ignore[arg-type]
    if agreement.value is None:
        return agreement, 0.0, 0.0
    # As if each span were matched on its own.
    error = math.sqrt(agreement.value * (1 - agreement.value) / agreement.n)
    return agreement, agreement.value - NORMAL * error, agreement.value + NORMAL * error


if __name__ == "__main__":
    sys.exit(main())
