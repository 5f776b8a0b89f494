"""Published figures on trust: the Alternative Annotator Test, finding label errors."""

from __future__ import annotations

import pytest

from bench.published import dataset
from consensus.alt_test import alt_test, labels_of
from consensus.alt_test_power import alt_test_power

pytestmark = pytest.mark.reference

JUDGES = ("gpt-4o", "gemini_pro", "gemini_flash", "gpt-4o-mini", "llama-31", "mistral-v03")


@pytest.mark.parametrize(
    ("name", "epsilon", "score", "winning_rates", "advantages"),
    [
        (
            "alttest_wax",
            0.1,
            "accuracy",
            (0.50, 0.50, 0.38, 0.00, 0.00, 0.00),
            (0.73, 0.74, 0.69, 0.59, 0.57, 0.50),
        ),
        (
            "alttest_framing",
            0.15,
            "accuracy",
            (1.0, 1.0, 1.0, 1.0, 0.50, 0.25),
            (0.92, 0.91, 0.83, 0.87, 0.80, 0.80),
        ),
        (
            "alttest_cebab_aspects",
            0.1,
            "accuracy",
            (0.90, 0.90, 0.70, 0.50, 0.60, 0.10),
            (0.93, 0.94, 0.91, 0.90, 0.89, 0.81),
        ),
        (
            "alttest_cebab_stars",
            0.1,
            "neg_rmse",
            (0.90, 0.80, 0.60, 0.90, 0.60, 0.50),
            (0.90, 0.87, 0.82, 0.89, 0.85, 0.83),
        ),
    ],
)
def test_the_published_table(name, epsilon, score, winning_rates, advantages):
    data = dataset(name)
    for judge, winning_rate, advantage in zip(JUDGES, winning_rates, advantages, strict=True):
        labels = labels_of(data.table, data.raters.index(judge))
        result = alt_test(
            data.table, labels, epsilon=epsilon, score=score, epsilons=[], n_bootstrap=100, seed=1
        )
        # To the printed digits.
        assert result.winning_rate == pytest.approx(winning_rate, abs=5.1e-3), judge
        assert result.advantage == pytest.approx(advantage, abs=5.1e-3), judge
        assert result.advantage_interval[0] < result.advantage < result.advantage_interval[1]


def test_the_test_is_lenient_and_weak_at_once():
    # The number of people is not printed; three give both figures within the noise of 1,000 draws.
    plan = {"n_people": 3, "accuracy": 0.85, "n_simulations": 10_000, "seed": 1}
    lenient = alt_test_power([200], epsilon=0.2, gap=0.15, **plan)
    assert lenient.probability[0] == pytest.approx(0.73, abs=0.02)
    weak = alt_test_power([50], epsilon=0.1, **plan)
    assert weak.probability[0] == pytest.approx(0.35, abs=0.025)
