"""Everything that the data of one set allow; there is nothing published to compare with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.published import Dataset, accuracy, as_given, dataset, folder, is_number, rows
from bench.reference import errors
from consensus.agreement import Agreement
from consensus.fleiss import fleiss_kappa_interval
from consensus.gwet import gwet_ac_interval
from consensus.kappa import cohen_kappa_interval
from consensus.krippendorff import Level, krippendorff_interval
from consensus.meanings import agreement_sentence
from consensus.plain_agreement import observed_agreement_interval
from consensus.table import LabelTable
from consensus.two_raters import labels_and_gold

EPSILONS = (0.1, 0.15, 0.2)
# Gold items that train the combiner, and how often they are drawn.
TRAINED = 400
DRAWS = 10


def report(name: str, *, seed: int) -> None:
    read = _reader(name)
    data = dataset(name, None, read, (errors.ABSTENTION,))
    table = data.table
    assert table.judges is not None
    ordered = len(data.classes) > 2 and all(map(is_number, data.classes))
    of_judges = table.judges[table.raters]
    print(
        f"{name}: {table.n_items:,} items, {len(data.classes)} classes"
        f"{' in order' if ordered else ''}; people: {(~table.judges).sum()}, "
        f"{(~of_judges).sum():,} labels; LLMs: {table.judges.sum()}, {of_judges.sum():,} labels; "
        f"gold of {(data.gold >= 0).sum():,} items\n"
    )
    both_kinds = table.judges.any() and not table.judges.all()
    for who, kind in (("people", "human"), ("LLMs", "llm"), ("all", None)):
        if not both_kinds and kind != ("llm" if table.judges.any() else "human"):
            continue  # nobody of that kind, or no other kind to put beside it
        # Each with the classes that it uses, as others have measured it.
        part = dataset(name, kind, read, (errors.ABSTENTION,))
        _agreement(part, who, ordered=ordered)
        _aggregates(part, who, seed)
    if table.judges.any():
        _single_judges(data, ordered=ordered)
        _judges_together(data, seed)
    if both_kinds:
        _alt_tests(data, seed, ordered=ordered)
    if errors.has_pairs(name):
        errors.report(name)


def _reader(name: str) -> Callable[[str], str]:
    """Labels as given; a rating beyond the gold ones is read as the nearest of them."""
    labels = {row["label"] for row in rows(f"{name}.labels.csv")} - {errors.ABSTENTION}
    has_gold = (folder() / f"{name}.gold.csv").exists() and not errors.has_pairs(name)
    gold = {row["gold"] for row in rows(f"{name}.gold.csv")} if has_gold else set()
    if len(gold) < 3 or not all(map(is_number, labels | gold)):
        return as_given
    low, high = min(gold, key=float), max(gold, key=float)
    beyond = {
        label: low if float(label) < float(low) else high
        for label in labels
        if not float(low) <= float(label) <= float(high)
    }
    if beyond:
        print(f"Read as the nearest gold class: {beyond}")
    return lambda label: beyond.get(label, label)


def _agreement(data: Dataset, who: str, *, ordered: bool) -> None:
    table = data.table
    print(f"Agreement of {who}")
    found: dict[str, Agreement] = {
        "pairs that agree": observed_agreement_interval(table),
        "alpha, nominal": krippendorff_interval(table),
        "Fleiss' kappa": fleiss_kappa_interval(table),
        "AC1": gwet_ac_interval(table),
    }
    if ordered:
        values = [float(label) for label in data.classes]
        levels: tuple[Level, ...] = ("ordinal", "interval")
        for level in levels:
            numbers = values if level == "interval" else None
            found[f"alpha, {level}"] = krippendorff_interval(table, level=level, values=numbers)
        found["AC2, quadratic"] = gwet_ac_interval(table, weights="quadratic")
    for words, agreement in found.items():
        print(f"  {words:34} {_shown(agreement)}")
    print(f"  {agreement_sentence(found['alpha, nominal'])}\n")


def _aggregates(data: Dataset, who: str, seed: int) -> None:
    from consensus.methods import METHODS, aggregate, parameters_of

    ways: dict[str, tuple[str, dict[str, str]]] = {
        method: (method, {})
        for method in METHODS
        if method != "mace" and inspect.Parameter.empty not in parameters_of(method).values()
    }
    ways |= {f"mace, {variant}": ("mace", {"variant": variant}) for variant in ("vb", "em")}
    print(f"Combined labels of {who} (accuracy: ties shared; kappa: ties left out)")
    for words, (method, parameters) in ways.items():
        estimate = aggregate(data.table, method, seed=seed, **parameters)
        shares = " ".join(f"{share:.3f}" for share in estimate.posterior.mean(axis=0)[:8])
        line = f"  {words:18} {estimate.iterations:4} rounds; class shares {shares}"
        if (data.gold >= 0).any():
            top = estimate.posterior.max(axis=1)
            line = (
                f"  {words:18} accuracy {accuracy(estimate.posterior, data.gold):.6f}  "
                f"kappa {_kappa(estimate.choice, data)}  mean confidence {top.mean():.3f}  "
                f"{estimate.iterations:4} rounds"
            )
        print(line, flush=True)
    print()


def _kappa(choice: NDArray[np.int64], data: Dataset) -> str:
    """Kappa against gold; items whose first place is tied are left out."""
    both = (choice >= 0) & (data.gold >= 0)
    return _shown(cohen_kappa_interval(choice[both], data.gold[both], len(data.classes)))


def _single_judges(data: Dataset, *, ordered: bool) -> None:
    """Each LLM against gold, or where there is none against the majority of people."""
    from consensus.majority import majority

    judges = data.table.judges
    assert judges is not None
    known, against = data.gold, "gold"
    if not (known >= 0).any():
        known, against = majority(data.table.of_raters(~judges)).choice, "the majority of people"
    if not (known >= 0).any():
        return
    table = replace(data.table, gold=known)
    print(f"Single LLMs against {against}, best kappa first")
    found = []
    for judge in np.flatnonzero(judges):
        _, codes, gold = labels_and_gold(table, int(judge))
        kappa = cohen_kappa_interval(codes, gold, len(data.classes))
        line = f"accuracy {(codes == gold).mean():.4f}  kappa {_shown(kappa)}"
        if ordered:
            n = len(codes)
            both = LabelTable.from_codes(
                np.tile(np.arange(n), 2),
                np.repeat([0, 1], n),
                np.concatenate([codes, gold]),
                n_classes=len(data.classes),
            )
            line += f"  ordinal alpha {_shown(krippendorff_interval(both, level='ordinal'))}"
        found.append((-(kappa.value or 0.0), f"  {data.raters[judge]:26} {line}"))
    for _, line in sorted(found):
        print(line)
    print()


def _judges_together(data: Dataset, seed: int) -> None:
    """All LLMs, or people and LLMs, by the default rule: without gold, and with some of it."""
    from consensus.hybrid import aggregate_judges

    print("People and LLMs by the default rule, near-copies counted together")
    estimate = aggregate_judges(data.table)
    for sentence in estimate.sentences:
        print(f"  {sentence}")
    known = data.gold >= 0
    if not known.any():
        print()
        return

    def line(words: str, posterior: NDArray[np.float64], kept: NDArray[np.bool_]) -> str:
        choice = np.where(kept, posterior.argmax(axis=1), -1)
        return (
            f"  {words:18} accuracy {accuracy(posterior[kept], data.gold[kept]):.4f}  "
            f"kappa {_kappa(choice, data)}  "
            f"mean confidence {posterior[kept].max(axis=1).mean():.4f}"
        )

    print(line("without gold", estimate.posterior, known))
    if known.sum() > 2 * TRAINED:
        rng = np.random.default_rng(seed)
        for _ in range(DRAWS):
            drawn = rng.choice(np.flatnonzero(known), TRAINED, replace=False)
            gold = np.full(len(data.gold), -1)
            gold[drawn] = data.gold[drawn]
            trained = aggregate_judges(replace(data.table, gold=gold))
            rest = known & (gold < 0)
            print(line(f"{TRAINED} gold items", trained.posterior, rest), flush=True)
    print()


def _alt_tests(data: Dataset, seed: int, *, ordered: bool) -> None:
    from consensus.alt_test import alt_test, labels_of

    judges = data.table.judges
    assert judges is not None
    for score in ("accuracy", "neg_rmse") if ordered else ("accuracy",):
        print(f"Alternative Annotator Test, score {score}: winning rate at epsilon, advantage")
        for judge in np.flatnonzero(judges):
            labels = labels_of(data.table, int(judge))
            line = f"  {data.raters[judge]:26}"
            for epsilon in EPSILONS:
                found = alt_test(
                    data.table,
                    labels,
                    epsilon=epsilon,
                    score=score,  # type: ignore[arg-type]
                    epsilons=[],
                    n_bootstrap=200,
                    seed=seed,
                )
                line += (
                    f" {epsilon:g}: {_number(found.winning_rate)}{_ends(found.winning_interval)}"
                )
            print(
                f"{line}  {_number(found.advantage)}{_ends(found.advantage_interval)}", flush=True
            )
        print()


def _shown(agreement: Agreement) -> str:
    if agreement.value is None:
        return f"undefined ({agreement.reason})"
    ends = None if agreement.low is None else (agreement.low, agreement.high)
    return f"{agreement.value:.4f}{_ends(ends)}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _ends(interval: tuple[float | None, float | None] | None) -> str:
    return "" if interval is None else f" [{_number(interval[0])} {_number(interval[1])}]"
