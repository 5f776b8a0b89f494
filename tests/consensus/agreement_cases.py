"""Label tables that several tests of agreement measure."""

from __future__ import annotations

import numpy as np

from consensus.table import LabelTable

# Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), section C: four observers,
# twelve units, classes 1 to 5, nothing where an observer did not code a unit.
TEXTBOOK = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
# Almost the same in K. L. Gwet, Handbook of Inter-Rater Reliability (2014), and as cac.raw4raters
# in the documentation of his R package irrCAC.
FOUR_RATERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, None],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 3],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
# Fleiss (1971): thirty patients, six psychiatrists each, five diagnoses. The first fifteen are
# distrib.6raters in irrCAC.
PSYCHIATRISTS = [
    [int(digit) for digit in row]
    for row in (
        *("00060", "03003", "01401", "00006", "03030", "20400", "00402", "20310", "20040", "00006"),
        *("10050", "11040", "03300", "10050", "02031", "00501", "30012", "51000", "02040", "10203"),
        *("00006", "01050", "02013", "20040", "10041", "05010", "40002", "02040", "10500", "00006"),
    )
]
# cont3x3abstractors in irrCAC: two abstractors, a hundred charts, classes in order.
ABSTRACTORS = {(0, 0): 13, (1, 1): 20, (1, 2): 7, (2, 1): 4, (2, 2): 56}


def from_grid(grid, n_classes, first=0):
    """A table from a line of values a rater; None where there is none."""
    rows = [
        (item, rater, value - first)
        for rater, line in enumerate(grid)
        for item, value in enumerate(line)
        if value is not None
    ]
    items, raters, codes = zip(*rows, strict=True)
    return LabelTable.from_codes(
        items, raters, codes, n_classes=n_classes, n_items=len(grid[0]), n_raters=len(grid)
    )


def from_counts(counts):
    """A table from a row of counts of each class an item; who said what is made up."""
    rows = [
        (item, rater, code)
        for item, row in enumerate(counts)
        for rater, code in enumerate(np.repeat(np.arange(len(row)), row))
    ]
    return LabelTable.from_codes(*zip(*rows, strict=True), n_classes=len(counts[0]))


def from_cells(cells):
    """The codes of two raters from how often each pair of them occurs."""
    a, b = np.repeat(np.array(list(cells)), list(cells.values()), axis=0).T
    return a, b


def side_by_side(a, b, n_classes):
    """A table of two raters with these codes of the same items."""
    n = len(a)
    return LabelTable.from_codes(
        np.tile(np.arange(n), 2), np.repeat([0, 1], n), np.concatenate([a, b]), n_classes=n_classes
    )


def noisy_table(n_items, n_raters=4, n_classes=3, seed=8):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, n_classes, n_items)
    items, raters = np.divmod(np.arange(n_items * n_raters), n_raters)
    noise = rng.random(len(items)) < 0.4
    codes = np.where(noise, rng.integers(0, n_classes, len(items)), truth[items])
    return LabelTable.from_codes(items, raters, codes, n_classes=n_classes)
