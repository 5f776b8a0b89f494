"""Examples are chosen as asked, whatever the order of the pool, and never give an answer away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from judges.prompting.examples import NEAR_COPY, SPARE, chosen, shown
from judges.prompting.how import Choice, Examples


def unit(seed: int, dimensions: int = 6) -> NDArray[np.float32]:
    vector = np.random.default_rng(seed).normal(size=dimensions)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


VECTORS = {item: unit(item) for item in range(1, 41)}
CHOICES: list[Choice] = ["random", "similar", "diverse"]


def asked(choice: Choice, count: int = 4, **more: object) -> Examples:
    return Examples("people", count, choice, **more)  # type: ignore[arg-type]


@given(st.permutations(range(1, 41)), st.sampled_from(CHOICES))
def test_the_order_of_the_pool_changes_nothing(pool: list[int], choice: Choice) -> None:
    assert chosen(asked(choice), pool, VECTORS) == chosen(asked(choice), sorted(pool), VECTORS)


@given(st.sampled_from(CHOICES), st.integers(1, 40), st.integers(1, 40))
def test_no_item_is_an_example_for_itself_or_a_copy(choice: Choice, item: int, copied: int) -> None:
    how = asked(choice)
    kept = chosen(how, VECTORS, VECTORS)
    for vector in (VECTORS[item], VECTORS[copied]):
        found = shown(how, kept, item, vector, VECTORS)
        assert len(found) == len(set(found)) == 4
        assert item not in found
        assert all(float(VECTORS[each] @ vector) < NEAR_COPY for each in found)


def test_fixed_ones_are_shown_as_named_and_must_be_answered() -> None:
    how = Examples("people", 3, "fixed", items=(9, 2, 5))
    kept = chosen(how, VECTORS)
    assert shown(how, kept, 40, VECTORS[40], VECTORS) == [9, 2, 5]
    assert shown(how, kept, 2, VECTORS[2], VECTORS) == [9, 5]
    with pytest.raises(ValueError, match="Item 99 has no answer"):
        chosen(Examples("people", 1, "fixed", items=(99,)), VECTORS)


def test_random_ones_go_by_the_seed() -> None:
    drawn = {tuple(chosen(asked("random", seed=seed), VECTORS)) for seed in range(20)}
    assert len(drawn) == 20
    assert all(len(each) == 4 + SPARE for each in drawn)
    assert {item for each in drawn for item in each} == set(VECTORS)


def test_the_most_similar_are_shown_with_the_nearest_last() -> None:
    how, item = asked("similar", 3), unit(1000)
    found = shown(how, chosen(how, VECTORS), None, item, VECTORS)
    cosines = {each: float(vector @ item) for each, vector in VECTORS.items()}
    assert found == sorted(VECTORS, key=lambda each: cosines[each])[-3:]


def test_diverse_ones_come_from_every_crowd_before_two_from_one() -> None:
    centres = np.eye(4, dtype=np.float32)
    vectors = {}
    for item in range(40):
        vector = centres[item % 4] + 0.1 * np.append(unit(item, 3), 0).astype(np.float32)
        vectors[item] = vector / np.linalg.norm(vector)
    found = chosen(asked("diverse"), vectors, vectors)
    assert {item % 4 for item in found[:4]} == {0, 1, 2, 3}


def test_diverse_ones_need_vectors() -> None:
    with pytest.raises(ValueError, match="need the vectors"):
        chosen(asked("diverse"), [1, 2], {1: unit(1)})


@pytest.mark.parametrize("choice", CHOICES)
def test_of_a_small_pool_all_are_taken(choice: Choice) -> None:
    assert sorted(chosen(asked(choice), [3, 1], VECTORS)) == [1, 3]
    assert chosen(asked(choice), [], VECTORS) == []
