"""Labels by item, in blocks: any size of block finds the same."""

from __future__ import annotations

import numpy as np
import pytest

from consensus.blocks import Blocks, sorted_labels
from consensus.methods import aggregate
from consensus.table import LabelTable
from tests.consensus.test_methods import CALLS, call


def crowd(n_items=50, seed=9):
    rng = np.random.default_rng(seed)
    n = 6 * n_items
    items = np.append(rng.integers(0, n_items - 5, n), n_items - 1)
    return LabelTable.from_codes(
        items,
        rng.integers(0, 3, n + 1),
        rng.integers(0, 3, n + 1),
        n_classes=3,
        n_items=n_items,
        gold=np.where(np.arange(n_items) % 7 == 3, 1, -1),
    )


@pytest.mark.parametrize("name", CALLS)
def test_blocks_change_nothing(name, monkeypatch):
    table = crowd()
    whole = call(name, table)
    monkeypatch.setattr("consensus.blocks.BLOCK_LABELS", 40)
    assert len(Blocks(table).blocks) > 5
    parts = call(name, table)
    np.testing.assert_allclose(parts.posterior, whole.posterior, atol=1e-9)
    assert (parts.choice == whole.choice).all()
    if whole.log_likelihood is not None:
        assert parts.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-7)
        np.testing.assert_allclose(parts.ability_interval, whole.ability_interval, atol=1e-7)


def test_labels_come_by_item_and_then_by_column():
    table = crowd()
    starts, columns = sorted_labels(table)
    order = np.lexsort((table.codes, table.raters, table.items))
    assert (columns == (table.raters * 3 + table.codes)[order]).all()
    assert (np.diff(starts) == np.bincount(table.items, minlength=50)).all()


def test_blocks_are_few_where_raters_are_many(monkeypatch):
    # Each block fills a table of all raters: with few labels a rater that would cost most.
    monkeypatch.setattr("consensus.blocks.BLOCK_LABELS", 10)
    rng = np.random.default_rng(0)
    items = np.arange(1000)
    raters = rng.integers(0, 400, 1000)
    table = LabelTable.from_codes(items, raters, items % 2, n_classes=2, n_raters=400)
    assert len(Blocks(table).blocks) <= 2


def test_support_counts_what_others_say():
    table = LabelTable.from_codes([0, 0, 0, 1, 1], [0, 1, 2, 0, 0], [1, 1, 0, 1, 1], n_classes=2)
    support = Blocks(table).support()
    # Rater 0 said 1 thrice, on items with 3 + 2 + 2 labels, of which 2 + 2 + 2 say 1.
    assert support[0].tolist() == [[0, 0, 0], [3, 7, 6]]
    assert support[2].tolist() == [[1, 3, 1], [0, 0, 0]]


def test_memory_holds_the_labels_once():
    table = LabelTable.from_codes(np.zeros(9, int), np.arange(9), np.ones(9, int), n_classes=2)
    block = Blocks(table).blocks[0]
    assert np.shares_memory(block.votes.indices, block.columns.indices)
    assert np.shares_memory(block.votes.data, block.columns.data)
    assert aggregate(table).choice.tolist() == [1]
