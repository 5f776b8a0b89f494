"""Made-up labels of judges and people, of which the truth is known.

A family has an opinion of each item, drawn by its confusion; a member repeats it, or (with what is
left of `copying`) judges for itself by the same confusion. Read by benchmarks and tests.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from consensus.table import LabelTable

Errors = Literal["even", "near", "biased"]


class World(NamedTuple):
    table: LabelTable  # says who is a judge; families and gold are kept apart
    truth: np.ndarray
    families: np.ndarray  # of each rater, -1 on its own


class People(NamedTuple):
    number: int
    accuracy: float
    per_item: int


def world(
    seed: int,
    *,
    n_items: int = 1000,
    n_classes: int = 3,
    families: tuple[tuple[int, float], ...] = (),
    alone: tuple[float, ...] = (),
    copying: float = 0.85,
    errors: Errors = "even",
    shares: tuple[float, ...] | None = None,
    missing: float = 0.0,
    people: People | None = None,
) -> World:
    """`families` are (size, accuracy), `alone` the accuracies of judges on their own.

    A negative accuracy is that of an adversary, who means the next class. `errors` go to all
    classes evenly, to near ones, or to those that a judge prefers. `missing` is the share of
    judges' labels left out.
    """
    rng = np.random.default_rng(seed)
    truth = rng.choice(n_classes, n_items, p=shares)
    columns, numbers = [], []
    for number, (size, accuracy) in enumerate(families):
        confusion = _confusion(n_classes, accuracy, errors, rng)
        opinion = _said(confusion, truth, rng)
        for _ in range(size):
            own = _said(confusion, truth, rng)
            columns.append(np.where(rng.random(n_items) < copying, opinion, own))
            numbers.append(number)
    for accuracy in alone:
        columns.append(_said(_confusion(n_classes, accuracy, errors, rng), truth, rng))
        numbers.append(-1)
    n_judges = len(columns)
    labels = np.stack(columns, axis=1) if columns else np.zeros((n_items, 0), dtype=np.int64)
    items, raters = np.nonzero(rng.random(labels.shape) >= missing)
    codes = labels[items, raters]
    if people is not None:
        who = np.argsort(rng.random((n_items, people.number)), axis=1)[:, : people.per_item].ravel()
        asked = np.repeat(np.arange(n_items), people.per_item)
        answers = np.zeros(len(who), dtype=np.int64)
        for person in range(people.number):
            skill = float(np.clip(rng.normal(people.accuracy, 0.08), 0.35, 0.98))
            mine = who == person
            confusion = _confusion(n_classes, skill, errors, rng)
            answers[mine] = _said(confusion, truth[asked[mine]], rng)
        items, raters = np.append(items, asked), np.append(raters, who + n_judges)
        codes = np.append(codes, answers)
        numbers += [-1] * people.number
    table = LabelTable.from_codes(
        items,
        raters,
        codes,
        n_classes=n_classes,
        n_items=n_items,
        n_raters=len(numbers),
        judges=np.arange(len(numbers)) < n_judges,
    )
    return World(table, truth, np.array(numbers))


def pairs_found(planted: np.ndarray, found: np.ndarray) -> tuple[int, int, int]:
    """Pairs of one family that were found, that there are, and found though there are none."""
    above = np.triu_indices(len(planted), 1)
    real = ((planted[:, None] == planted) & (planted >= 0))[above]
    said = ((found[:, None] == found) & (found >= 0))[above]
    return int((real & said).sum()), int(real.sum()), int((said & ~real).sum())


def _confusion(
    n_classes: int, accuracy: float, errors: Errors, rng: np.random.Generator
) -> np.ndarray:
    wrong = np.ones((n_classes, n_classes))
    if errors == "near":
        codes = np.arange(n_classes)
        wrong = np.exp(-1.2 * np.abs(codes[:, None] - codes))
    elif errors == "biased":
        wrong = rng.dirichlet(np.full(n_classes, 0.6), size=n_classes)
        wrong += 1e-6
    np.fill_diagonal(wrong, 0.0)
    confusion = (1 - abs(accuracy)) * wrong / wrong.sum(axis=1, keepdims=True)
    np.fill_diagonal(confusion, abs(accuracy))
    return np.roll(confusion, 1, axis=1) if accuracy < 0 else confusion


def _said(confusion: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    drawn = rng.random(len(truth))[:, None] > confusion[truth].cumsum(axis=1)
    return np.minimum(drawn.sum(axis=1), len(confusion) - 1)
