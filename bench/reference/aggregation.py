"""Accuracy of the ways of combining labels against gold, and Dawid and Skene's patients.

iBCC: notebooks of Y. Li, B. Rubinstein and T. Cohn (truth-inference-at-scale, 2019), to six
decimals. The others were recomputed; their starts, priors and stopping differ between programs.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.published import accuracy, dataset
from bench.reference.figures import Figure, to_digits

SETS = ("bluebird", "snow_rte", "dog", "senti_1k", "product")
METHODS: dict[str, tuple[str, dict[str, str], tuple[float, ...], float]] = {
    "majority": ("majority", {}, (0.7593, 0.8969, 0.8222, 0.9335, 0.8966), to_digits(4)),
    "Dawid-Skene": ("dawid_skene", {}, (0.8981, 0.9275, 0.8426, 0.960, 0.9396), 0.005),
    "iBCC": ("ibcc", {}, (0.888889, 0.9275, 0.838910, 0.96, 0.938304), to_digits(6)),
    "MACE, VB": ("mace", {"variant": "vb"}, (0.8611, 0.9263, 0.8302, 0.957, 0.828), 0.005),
    "MACE, EM": ("mace", {"variant": "em"}, (0.8889, 0.9288, 0.8327, 0.959, 0.829), 0.005),
    "GLAD": ("glad", {}, (0.7222, 0.925, 0.8340, 0.948, 0.9283), 0.005),
}


def accuracies(*, quick: bool) -> Iterator[Figure]:
    from consensus.methods import aggregate

    for at, name in enumerate(SETS):
        data = dataset(name, "human")
        for words, (method, parameters, published, within) in METHODS.items():
            if quick and method in ("mace", "glad") and name == "product":
                continue
            estimate = aggregate(data.table, method, seed=1, **parameters)
            ours = accuracy(estimate.posterior, data.gold)
            yield Figure(name, f"{words}, accuracy", ours, published[at], within)


def patients(*, quick: bool) -> Iterator[Figure]:
    """A. P. Dawid and A. M. Skene, Applied Statistics 28 (1979), 20-28."""
    from consensus.dawid_skene import dawid_skene

    data = dataset("anesthesia", "human")
    estimate = dawid_skene(data.table)
    shares = estimate.posterior.mean(axis=0)
    for code, published in enumerate((0.400, 0.422, 0.112, 0.067)):
        yield Figure("anesthesia", f"share of class {code + 1}", shares[code], published, 1e-3)
    by_name = dict(zip(data.items, estimate.posterior, strict=True))
    for patient, at, published in (
        ("35", 1, 0.948),
        ("35", 2, 0.052),
        ("38", 1, 0.021),
        ("38", 2, 0.979),
    ):
        posterior = by_name[patient][at]
        what = f"patient {patient}, class {at + 1}"
        yield Figure("anesthesia", what, posterior, published, to_digits(3))
    others = [row.max() for name, row in by_name.items() if name not in ("35", "38")]
    yield Figure("anesthesia", "least of the other 43", min(others), 0.99, at_least=True)
