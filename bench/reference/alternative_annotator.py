"""The Alternative Annotator Test: winning rate and advantage of six LLMs, to the printed digits.

N. Calderon, R. Reichart and R. Dror, "The Alternative Annotator Test for LLM-as-a-Judge", ACL 2025.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.published import dataset
from bench.reference.figures import Figure, to_digits

JUDGES = ("gpt-4o", "gemini_pro", "gemini_flash", "gpt-4o-mini", "llama-31", "mistral-v03")
# Set: epsilon, score, and for each judge the winning rate and the advantage.
TABLES: dict[str, tuple[float, str, tuple[tuple[float, float], ...]]] = {
    "alttest_wax": (
        0.1,
        "accuracy",
        ((0.50, 0.73), (0.50, 0.74), (0.38, 0.69), (0.00, 0.59), (0.00, 0.57), (0.00, 0.50)),
    ),
    "alttest_framing": (
        0.15,
        "accuracy",
        ((1.0, 0.92), (1.0, 0.91), (1.0, 0.83), (1.0, 0.87), (0.50, 0.80), (0.25, 0.80)),
    ),
    "alttest_cebab_aspects": (
        0.1,
        "accuracy",
        ((0.90, 0.93), (0.90, 0.94), (0.70, 0.91), (0.50, 0.90), (0.60, 0.89), (0.10, 0.81)),
    ),
    "alttest_cebab_stars": (
        0.1,
        "neg_rmse",
        ((0.90, 0.90), (0.80, 0.87), (0.60, 0.82), (0.90, 0.89), (0.60, 0.85), (0.50, 0.83)),
    ),
}


def alt_tests(*, quick: bool) -> Iterator[Figure]:
    from consensus.alt_test import alt_test, labels_of

    for name, (epsilon, score, published) in TABLES.items():
        data = dataset(name)
        for judge, (rate, advantage) in zip(JUDGES, published, strict=True):
            found = alt_test(
                data.table,
                labels_of(data.table, data.raters.index(judge)),
                epsilon=epsilon,
                score=score,  # type: ignore[arg-type]
                epsilons=[],
                n_bootstrap=1,
                seed=1,
            )
            assert found.winning_rate is not None
            assert found.advantage is not None
            for what, ours, printed in (
                ("winning rate", found.winning_rate, rate),
                ("advantage", found.advantage, advantage),
            ):
                yield Figure(name, f"{judge}, {what}", ours, printed, to_digits(2))
