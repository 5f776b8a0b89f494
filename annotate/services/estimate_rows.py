"""Storing what an aggregation found, a row an item and a row a rater.

Millions of rows, so past Django's model instances: text for COPY on PostgreSQL, plain tuples on
SQLite. Each chunk is a transaction that holds the job, so a worker that lost it writes no more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from annotate.models import EstimateRun, ItemEstimate, RaterEstimate
from annotate.selectors.tables import QuestionTable
from annotate.services.deletion import rows_delete
from annotate.services.jobs import RunningJob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.estimate import ClassEstimate

# Items of a transaction: less than a second's work, for which whoever wants to pause the job waits.
CHUNK = 20_000
# Lines handed to PostgreSQL at a time: it works on them while the next are made.
LINES = 2_000
COLUMNS = ("run_id", "item_id", "choice", "tied", "probability", "payload")
# What a method may say of a rater besides, an array whose first axis are the raters.
RATER_FACTS = ("confusion", "competence", "habit", "skill", "weight")
# Posteriors are stored in millionths.
MILLION = 1_000_000

# Item, choice, tied, probability, payload as JSON.
Row = tuple[int, int | None, bool, float | None, str]


def rows_clear(running: RunningJob, run: EstimateRun) -> None:
    """Delete what an attempt that died left of a run."""
    for model in (ItemEstimate, RaterEstimate):
        for _count in rows_delete(model, {"run": run}):
            running.progress()


def items_store(
    running: RunningJob, run: EstimateRun, found: QuestionTable, estimate: ClassEstimate
) -> None:
    """Store the estimate of each item in chunks, with progress. Raises JobStopped."""

    def rows(start: int, end: int) -> Iterator[Row]:
        return _rows(found, estimate, start, end)

    rows_store(running, run, rows, found.table.n_items)


def rows_store(
    running: RunningJob, run: EstimateRun, rows: Callable[[int, int], Iterator[Row]], n_items: int
) -> None:
    """Store what ``rows(start, end)`` gives, chunk by chunk, with progress. Raises JobStopped.

    Payloads hold numbers, codes and marks only: no text that COPY would take for something else.
    """
    store = _copy if connection.vendor == "postgresql" else _insert
    for start in range(0, n_items, CHUNK):
        end = min(start + CHUNK, n_items)
        with transaction.atomic():
            running.hold()
            store(run, rows(start, end))
        running.progress(end, message=_("Storing"))


def raters_store(run: EstimateRun, found: QuestionTable, estimate: ClassEstimate) -> None:
    """Store how able each rater is. Call it in the transaction that ends the run."""
    import numpy as np

    n_labels = np.bincount(found.table.raters, minlength=found.table.n_raters)
    ability, interval = estimate.ability, estimate.ability_interval
    said = {name: getattr(estimate, name, None) for name in RATER_FACTS}
    facts = {name: values for name, values in said.items() if values is not None}
    RaterEstimate.objects.bulk_create(
        (
            RaterEstimate(
                run=run,
                rater_id=int(pk),
                ability=_share(ability[k]) if ability is not None else None,
                ability_low=_share(interval[k, 0]) if interval is not None else None,
                ability_high=_share(interval[k, 1]) if interval is not None else None,
                n_labels=int(n_labels[k]),
                payload={name: _numbers(values[k]) for name, values in facts.items()},
            )
            for k, pk in enumerate(found.rater_ids)
        ),
        batch_size=500,
    )


def _numbers(values: NDArray[np.float64]) -> Any:
    """Numbers for JSON, in the arrays' shape, to six digits; null where nothing is known."""
    import numpy as np

    rounded: Any = np.asarray(values, dtype=np.float64).round(6).astype(object)
    return np.where(np.isfinite(values), rounded, np.array(None)).tolist()


def _share(value: float) -> float | None:
    return None if math.isnan(value) else min(1.0, max(0.0, float(value)))


# --- Rows ---------------------------------------------------------------------------------------


def _rows(found: QuestionTable, estimate: ClassEstimate, start: int, end: int) -> Iterator[Row]:
    """The rows of items start..end-1."""
    import numpy as np

    choice = estimate.choice[start:end]
    posterior = estimate.posterior[start:end]
    chosen = posterior[np.arange(end - start), np.maximum(choice, 0)]
    votes = _votes(found, start, end)
    # Items with the same votes are many, and different votes few.
    patterns, which = np.unique(votes, axis=0, return_inverse=True)
    votes_texts = _objects(patterns, lambda counts: map(str, counts.tolist()))
    millionths = np.rint(posterior * MILLION).astype(np.int64)
    posteriors = _objects(millionths, lambda parts: map(repr, (parts / MILLION).tolist()))
    for item_id, code, tied, probability, shares, pattern in zip(
        found.item_ids[start:end].tolist(),
        choice.tolist(),
        estimate.tied[start:end].tolist(),
        np.minimum(chosen, 1.0).tolist(),
        posteriors,
        which.ravel().tolist(),
        strict=True,
    ):
        payload = f'{{"posterior": {shares}, "votes": {votes_texts[pattern]}}}'
        if code < 0:
            yield item_id, None, tied, None, payload
        else:
            yield item_id, code, tied, probability, payload


def _votes(found: QuestionTable, start: int, end: int) -> NDArray[np.int64]:
    """How often each of the items was given each class. The table's rows are in order of items."""
    import numpy as np

    table = found.table
    first, last = np.searchsorted(table.items, [start, end])
    cells = (table.items[first:last].astype(np.int64) - start) * table.n_classes
    cells += table.codes[first:last]
    counts = np.bincount(cells, minlength=(end - start) * table.n_classes)
    return counts.reshape(-1, table.n_classes)


def _objects(values: NDArray[np.int64], written: Callable[[NDArray[np.int64]], Any]) -> list[str]:
    """Each row as a JSON object by class, of what is not 0."""
    import numpy as np

    rows, classes = np.nonzero(values)
    names = [f'"{code}": ' for code in range(values.shape[1])]
    parts = [
        names[code] + text
        for code, text in zip(classes.tolist(), written(values[rows, classes]), strict=True)
    ]
    ends = np.cumsum(np.bincount(rows, minlength=len(values))).tolist()
    return [
        "{" + ", ".join(parts[begin:end]) + "}"
        for begin, end in zip([0, *ends], ends, strict=False)
    ]


def _copy(run: EstimateRun, rows: Iterator[Row]) -> None:
    table, columns = ItemEstimate._meta.db_table, ", ".join(COLUMNS)
    lines: list[str] = []
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        for item_id, choice, tied, probability, payload in rows:
            code = r"\N" if choice is None else choice
            share = r"\N" if probability is None else repr(probability)
            lines.append(f"{run.pk}\t{item_id}\t{code}\t{tied}\t{share}\t{payload}\n")
            if len(lines) == LINES:
                copy.write("".join(lines))
                lines.clear()
        copy.write("".join(lines))


def _insert(run: EstimateRun, rows: Iterator[Row]) -> None:
    table, columns = ItemEstimate._meta.db_table, ", ".join(COLUMNS)
    marks = ", ".join(["%s"] * len(COLUMNS))  # names are the model's own; values are parameters
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608
            [(run.pk, *row) for row in rows],
        )
