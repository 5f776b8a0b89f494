"""Correlated judges: consensus.hybrid beside its goals, on published and on made-up labels.

    python -m bench.correlated_judges [--quick]

Reads the sets in REFERENCE_DATA. Prints each figure beside its goal; exit status 1 where one falls
short. Every set in the folder that has judges' labels is measured; only llmjudge has goals of its
own. --quick draws less often and takes under a minute.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bench.judge_worlds import People, pairs_found, world
from bench.published import Dataset, accuracy, as_given, clipped, dataset, folder
from consensus.dawid_skene import dawid_skene
from consensus.families import Families, detect_families
from consensus.hybrid import JudgedEstimate, aggregate_judges
from consensus.ibcc import ibcc
from consensus.kappa import cohen_kappa
from consensus.majority import majority
from consensus.overconfidence import against_gold, against_support
from consensus.table import LabelTable

GOLD = 400


class Bench:
    def __init__(self) -> None:
        self.short = 0

    def row(
        self, what: str, value: float, goal: float | None = None, *, most: bool = False
    ) -> None:
        """Print a figure; `goal` is the least it may be, or the most."""
        text = f"  {what:<64} {value:8.4f}"
        if goal is not None:
            met = value <= goal if most else value >= goal
            self.short += not met
            text += f"   goal {'<=' if most else '>='} {goal:.4f}   {'ok' if met else 'SHORT'}"
        print(text, flush=True)


def kappa(posterior: np.ndarray, gold: np.ndarray) -> float:
    """Cohen's kappa of the first places; a tie is shared among its classes, as in accuracy."""
    kept = (gold >= 0) & posterior.any(axis=1)
    first = posterior[kept] >= posterior[kept].max(axis=1, keepdims=True) - 1e-9
    first = first / first.sum(axis=1, keepdims=True)
    answers = np.eye(posterior.shape[1])[gold[kept]]
    chance = float(first.mean(axis=0) @ answers.mean(axis=0))
    return float(((first * answers).sum(axis=1).mean() - chance) / (1 - chance))


def stated(estimate: JudgedEstimate, kept: np.ndarray) -> float:
    return float(estimate.posterior[kept].max(axis=1).mean())


def best_single(table: LabelTable, gold: np.ndarray) -> float:
    found = []
    for rater in np.unique(table.raters):
        mine = (table.raters == rater) & (gold[table.items] >= 0)
        found.append(
            cohen_kappa(table.codes[mine], gold[table.items[mine]], table.n_classes) or 0.0
        )
    return max(found)


def judges_against_gold(
    bench: Bench, name: str, data: Dataset, gold: np.ndarray, draws: int
) -> JudgedEstimate:
    """Judges' labels alone, without gold and with some of it."""
    table = data.table.of_raters(data.table.judges)
    judged = name == "llmjudge"
    known = gold >= 0
    plain = dawid_skene(table)
    estimate = aggregate_judges(table)
    support = estimate.support
    assert support is not None
    assert support.effective is not None
    voices, judges = support.n_voices, support.n_raters
    print(
        f"{name}: {judges} judges, {voices} voices, {known.sum()} items with an answer to compare"
    )
    bench.row("kappa: best single judge", best_single(table, gold))
    bench.row("kappa: majority", kappa(majority(table).posterior, gold))
    bench.row("kappa: plain Dawid-Skene", kappa(plain.posterior, gold))
    bench.row(
        "kappa: ours, without gold",
        kappa(estimate.posterior, gold),
        0.28 if judged else None,
    )
    bench.row(
        "accuracy: ours less majority",
        accuracy(estimate.posterior, gold) - accuracy(majority(table).posterior, gold),
        -0.01,
    )
    bench.row("effective number of independent raters", support.effective)
    bench.row("agreement of two voices", support.agreement or 0.0)
    bench.row(
        "mean stated confidence less what agreement supports",
        stated(estimate, estimate.choice >= 0) - support.claim,
        1e-6,
        most=True,
    )
    bench.row(
        "mean stated confidence less accuracy",
        stated(estimate, known) - accuracy(estimate.posterior, gold),
        0.05,
        most=True,
    )
    warning = against_support(plain, support)
    bench.row("plain Dawid-Skene's stated confidence is warned of", warning.warns, 1.0)
    print(f"    {support.sentence}\n    Dawid-Skene. {warning.sentence}")
    print(f"    Dawid-Skene. {against_gold(plain, gold).sentence}")

    size = min(GOLD, int(known.sum()) // 2)
    kappas, gaps, rights = [], [], []
    for draw in range(draws):
        some = np.random.default_rng(draw).permutation(np.flatnonzero(known))[:size]
        given = np.full(len(gold), -1)
        given[some] = gold[some]
        rest = known & (given < 0)
        trained = aggregate_judges(replace(table, gold=given))
        kappas.append(kappa(trained.posterior[rest], gold[rest]))
        rights.append(accuracy(trained.posterior[rest], gold[rest]))
        gaps.append(stated(trained, rest) - rights[-1])
    print(f"  with {size} gold items, mean of {draws} draws, on the rest:")
    bench.row("kappa", float(np.mean(kappas)), 0.298 if judged else None)
    bench.row("kappa: standard deviation over draws", float(np.std(kappas)))
    bench.row("accuracy", float(np.mean(rights)))
    bench.row(
        "mean stated confidence less accuracy, absolute", abs(float(np.mean(gaps))), 0.05, most=True
    )
    bench.row(
        "  the same in single draws: root mean square", float(np.sqrt(np.mean(np.square(gaps))))
    )
    return estimate


def teams(bench: Bench, data: Dataset, families: Families) -> None:
    """The names of llmjudge's judges begin with their team: found families should not mix them.

    Only for looking at what was found; the rule sees no names.
    """
    team = np.unique([name.split("-")[0] for name in data.raters], return_inverse=True)[1]
    for number, excess in enumerate(families.excess):
        members = [data.raters[r] for r in np.flatnonzero(families.numbers == number)]
        print(f"    a family (excess {excess:.2f}): {', '.join(members)}")
    same, _, mixed = pairs_found(team, families.numbers)
    bench.row("pairs found as near-copies within a team", same)
    bench.row("pairs found as near-copies across teams", mixed)


def people_alone(bench: Bench) -> None:
    print("people alone: accuracy, the rule less iBCC")
    for name in sets():
        if "human" not in kinds(name):
            continue
        data = dataset(name, "human", as_given)
        if (data.gold >= 0).any():
            ours = accuracy(aggregate_judges(data.table).posterior, data.gold)
            theirs = accuracy(ibcc(data.table).posterior, data.gold)
            bench.row(f"{name} (ours {ours:.4f})", ours - theirs, -0.002)
            found = detect_families(data.table)
            if found.excess:
                print(f"    families found among them: {len(found.excess)}")


def kinds(name: str) -> set[str]:
    with (folder() / f"{name}.labels.csv").open(encoding="utf-8") as file:
        return {line.split(",")[-2] for line in file} & {"human", "llm"}


def sets() -> list[str]:
    """Sets of single choices with one label a rater and item, by name."""
    names = sorted(path.name.removesuffix(".labels.csv") for path in folder().glob("*.labels.csv"))
    return [name for name in names if not name.startswith("varierr")]


class Scenario(NamedTuple):
    name: str
    setting: dict[str, object]
    found: bool = True  # whether planted families must be found
    beats: bool = True  # whether the rule must beat majority and iBCC over all labels


SCENARIOS = [
    Scenario("independent, all .95", {"alone": (0.95,) * 8}, beats=False),
    Scenario(
        "independent, good and bad", {"alone": (0.95, 0.95, 0.95, 0.5, 0.45, 0.6, 0.5)}, beats=False
    ),
    Scenario(
        "independent, biased",
        {"alone": (0.9, 0.9, 0.9, 0.6, 0.7, 0.8), "errors": "biased"},
        beats=False,
    ),
    Scenario(
        "independent, five ordered",
        {"alone": (0.9, 0.9, 0.7, 0.6, 0.7, 0.8), "errors": "near", "n_classes": 5},
        beats=False,
    ),
    Scenario("20 copies (.6), 5 alone (.8)", {"families": ((20, 0.6),), "alone": (0.8,) * 5}),
    Scenario("20 good copies (.9), 5 alone (.8)", {"families": ((20, 0.9),), "alone": (0.8,) * 5}),
    Scenario(
        "families of 8, 6, 4, one good alone",
        {"families": ((8, 0.6), (6, 0.55), (4, 0.65)), "alone": (0.9,)},
    ),
    Scenario(
        "the same, half the labels missing",
        {"families": ((8, 0.6), (6, 0.55), (4, 0.65)), "alone": (0.9,), "missing": 0.5},
    ),
    Scenario("families of 8, 6, 4 and nobody else", {"families": ((8, 0.7), (6, 0.7), (4, 0.7))}),
    Scenario(
        "two families and nobody else",
        {"families": ((8, 0.7), (6, 0.7))},
        found=False,
    ),
    Scenario(
        "3 copies (.7), 6 good alone (.9)",
        {"families": ((3, 0.7),), "alone": (0.9,) * 6, "copying": 0.9},
    ),
    Scenario(
        "5 copies of a bad one (.5), 6 good alone (.9)",
        {"families": ((5, 0.5),), "alone": (0.9,) * 6, "copying": 0.9},
        beats=False,
    ),
    Scenario(
        "5 copies (.5), one alone (.8)",
        {"families": ((5, 0.5),), "alone": (0.8,)},
        found=False,
        beats=False,
    ),
    Scenario("6 adversarial copies, 4 alone", {"families": ((6, -0.7),), "alone": (0.8,) * 4}),
    Scenario(
        "the same, two classes", {"families": ((6, -0.8),), "alone": (0.8,) * 4, "n_classes": 2}
    ),
    Scenario(
        "three pairs, three alone",
        {"families": ((2, 0.7), (2, 0.8), (2, 0.6)), "alone": (0.8, 0.7, 0.9)},
    ),
    Scenario(
        "five ordered classes",
        {
            "families": ((5, 0.6), (4, 0.55)),
            "alone": (0.7, 0.6, 0.5),
            "errors": "near",
            "n_classes": 5,
        },
    ),
    Scenario(
        "one class of nine tenths",
        {"families": ((5, 0.85),), "alone": (0.9,) * 4, "n_classes": 2, "shares": (0.9, 0.1)},
    ),
    Scenario(
        "half copies (not near ones)",
        {"families": ((20, 0.6),), "alone": (0.8,) * 5, "copying": 0.6},
        found=False,
        beats=False,
    ),
]


def made_up(bench: Bench, worlds: int) -> None:
    print(f"made-up judges, {worlds} worlds of 1,000 items each: accuracy, families, confidence")
    print("  accuracy: majority, iBCC over all, ours; then stated confidence")
    for scenario in SCENARIOS:
        rows, pairs = [], np.zeros(3, dtype=int)
        for seed in range(worlds):
            made = world(seed, **scenario.setting)  # type: ignore[arg-type]
            ours = aggregate_judges(made.table)
            assert ours.families is not None
            pairs += pairs_found(made.families, ours.families.numbers)
            rows.append(
                [
                    accuracy(majority(made.table).posterior, made.truth),
                    accuracy(ibcc(made.table).posterior, made.truth),
                    accuracy(ours.posterior, made.truth),
                    stated(ours, ours.posterior.any(axis=1)),
                ]
            )
        by_vote, by_ibcc, right, said = np.mean(rows, axis=0)
        print(f"  {scenario.name}: {by_vote:.3f}, {by_ibcc:.3f}, {right:.3f}; {said:.3f}")
        if scenario.found and pairs[1]:
            bench.row("  planted pairs found", pairs[0] / pairs[1], 0.95)
        bench.row("  false pairs", pairs[2], 0.0, most=True)
        if scenario.beats:
            bench.row(
                "  accuracy above majority and iBCC over all", right - max(by_vote, by_ibcc), 0.0
            )
        bench.row("  stated confidence less accuracy", said - right, 0.02, most=True)


def with_people(bench: Bench, worlds: int) -> None:
    print(f"made-up people and judges, {worlds} worlds of 600 items: accuracy (stated confidence)")
    panels = {
        "good": {"families": ((6, 0.75), (4, 0.7)), "alone": (0.85,)},
        "bad copies": {"families": ((12, 0.45),), "alone": (0.5,)},
        "adversarial": {"families": ((8, -0.7), (4, -0.6)), "alone": (-0.6,)},
    }
    for name, setting in panels.items():
        for per_item in (1, 3, 5):
            rows = []
            for seed in range(worlds):
                made = world(seed, n_items=600, people=People(40, 0.75, per_item), **setting)  # type: ignore[arg-type]
                people = ibcc(made.table.of_raters(~made.table.judges)).posterior
                everyone = ibcc(made.table).posterior
                ours = aggregate_judges(made.table).posterior
                rows.append(
                    [
                        value
                        for p in (people, everyone, ours)
                        for value in (accuracy(p, made.truth), float(p.max(axis=1).mean()))
                    ]
                )
            p, pc, e, ec, o, oc = np.mean(rows, axis=0)
            print(
                f"  {name} panel, {per_item} people an item: people {p:.3f} ({pc:.3f}), "
                f"iBCC over all {e:.3f} ({ec:.3f}), ours {o:.3f} ({oc:.3f})"
            )
            bench.row("  ours less people alone", o - p, -0.01)
            # iBCC is somewhat too sure of people; judges must not make that worse.
            bench.row("  too sure, ours less people alone", (oc - o) - (pc - p), 0.02, most=True)


def main() -> int:
    quick = "--quick" in sys.argv[1:]
    start = time.perf_counter()
    bench = Bench()
    for name in sets():
        if "llm" not in kinds(name):
            continue
        data = dataset(name, None, clipped if name == "llmjudge" else as_given)
        gold = data.gold
        if not (gold >= 0).any():
            gold = majority(data.table.of_raters(~data.table.judges)).choice
            print("(compared with the majority of people)")
        main_set = name == "llmjudge"
        draws = (2 if quick else 50) if main_set else (1 if quick else 5)
        estimate = judges_against_gold(bench, name, data, gold, draws)
        if main_set and estimate.families is not None:
            teams(bench, data, estimate.families)
    people_alone(bench)
    made_up(bench, 2 if quick else 10)
    with_people(bench, 2 if quick else 10)
    print(f"{bench.short} short of the goal; {time.perf_counter() - start:.0f} s")
    return 1 if bench.short else 0


if __name__ == "__main__":
    sys.exit(main())
