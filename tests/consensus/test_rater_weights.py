"""Weights of votes from known answers."""

from __future__ import annotations

import numpy as np
import pytest

from consensus.rater_weights import vote_weights, votes_trust


def right(*hits: int, n: int) -> np.ndarray:
    """So many items right of n, for each rater, the first ones."""
    return np.array([[item < h for h in hits] for item in range(n)])


def test_a_weight_is_the_log_odds_of_the_accuracy_drawn_to_the_mean() -> None:
    # 90 and 60 of 100: with two labels of the average rater (76 of 101, one added to each side).
    average = (150 + 1) / (200 + 2)
    wanted = [np.log(2 * p / (1 - p)) for p in ((90 + 2 * average) / 102, (60 + 2 * average) / 102)]
    found = vote_weights(right(90, 60, n=100), n_classes=3)
    assert found == pytest.approx(wanted)


def test_nobody_is_infallible_and_who_errs_like_chance_counts_nothing() -> None:
    found = vote_weights(right(20, 20, 6, 3, n=20), n_classes=3)
    assert np.isfinite(found).all()
    assert found[0] == found[1] > 3
    assert (found[2], found[3]) == (pytest.approx(0.0, abs=0.2), 0.0)
    with_two = vote_weights(right(20, 9, n=20), n_classes=2)
    assert with_two[1] == 0.0


def test_the_order_of_raters_and_items_changes_no_digit() -> None:
    table = np.random.default_rng(4).random((40, 5)) < [0.9, 0.8, 0.7, 0.6, 0.55]
    found = vote_weights(table, n_classes=4)
    order = [3, 1, 4, 0, 2]
    assert (vote_weights(table[:, order], n_classes=4) == found[order]).all()
    assert (vote_weights(table[::-1], n_classes=4) == found).all()


@pytest.mark.parametrize(
    ("table", "n_classes"),
    [([], 2), ([[]], 2), ([0, 1], 2), ([[0.5]], 2), ([[True]], 1)],
)
def test_what_is_no_table_of_right_and_wrong_is_refused(table: object, n_classes: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        vote_weights(table, n_classes=n_classes)  # type: ignore[arg-type]


def sayings(n: int, n_raters: int, *, copies: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Votes of raters right three times in four, independent or all copies of one; the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    hit = rng.random((n, 1 if copies else n_raters)) < 0.75
    wrong = (truth[:, None] + rng.integers(1, 3, hit.shape)) % 3
    said = np.where(hit, truth[:, None], wrong)
    return np.broadcast_to(said, (n, n_raters)), truth


@pytest.mark.parametrize("seed", range(3))
def test_votes_that_are_independent_are_believed_and_copies_are_not(seed: int) -> None:
    for copies, low, high in ((False, 0.85, 1.0), (True, 0.2, 0.5)):
        said, truth = sayings(600, 5, copies=copies, seed=seed)
        weights = vote_weights(said == truth[:, None], n_classes=3)
        assert low <= votes_trust(said, truth, weights, n_classes=3) <= high


def test_few_known_answers_leave_the_votes_nearly_as_they_are() -> None:
    said, truth = sayings(3, 4, copies=True, seed=1)
    assert votes_trust(said, truth, np.full(4, 0.1), n_classes=3) > 0.5
