"""Krippendorff's alpha over people."""

from __future__ import annotations

from collections.abc import Iterator

from bench.published import dataset
from bench.reference.figures import Figure, to_digits

ALPHAS = {
    "alttest_cebab_aspects": 0.742,
    "alttest_wax": 0.265,
    "alttest_framing": 0.567,
    "alttest_cebab_stars": 0.357,
    "bluebird": 0.126,
    "snow_rte": 0.241,
    "dog": 0.519,
    "senti_1k": 0.149,
    "product": 0.157,
}


def alphas(*, quick: bool) -> Iterator[Figure]:
    from consensus.krippendorff import krippendorff_alpha

    for name, published in ALPHAS.items():
        alpha = krippendorff_alpha(dataset(name, "human").table)
        assert alpha is not None
        yield Figure(name, "nominal alpha", alpha, published, to_digits(3))
    stars = dataset("alttest_cebab_stars", "human").table
    alpha = krippendorff_alpha(stars, level="ordinal")
    assert alpha is not None
    yield Figure("alttest_cebab_stars", "ordinal alpha", alpha, 0.679, to_digits(3))
