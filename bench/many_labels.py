"""A project of very many labels, put into the database as fast as it takes them.

Past the services and past the database's checks, which take a hundred times as long: for benches
on a database of their own only. All labels of a rater hang on one submission; nothing that is
measured reads submissions.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np

CHUNK = 50_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def project_made(
    n_items: int,
    *,
    labels_each: int = 5,
    n_raters: int = 500,
    n_classes: int = 5,
    seed: int = 1,
    content: Callable[[int], tuple[str, dict[str, Any]]] = lambda n: (f"Item {n}.", {}),
) -> Any:
    """The question of a new project with so many live labels of imported people. ``content`` gives
    the text and the metadata of the item of a number.

    Raters are right with a probability of their own, from .45 to .9; the items of the same number
    of options come in equal shares. Labels are stored in an order drawn at random, as if many
    people had worked at once.
    """
    from annotate.models import Item, Label, Rater, RaterKind, Submission, User
    from annotate.services.projects import OptionDraft, QuestionDraft, project_create
    from annotate.services.raters import rater_imported

    owner, _new = User.objects.get_or_create(username="owner", is_founder=True)
    options = tuple(OptionDraft(f"o{n}", f"Option {n}") for n in range(n_classes))
    draft = QuestionDraft(key="q", name="Question", kind="single", text="Which?", options=options)
    project = project_create(owner, name=f"{n_items} items", questions=[draft], seed=seed)
    question = project.questions.get()
    raters = [
        rater_imported(project, name=f"rater {n}", kind=RaterKind.PERSON) for n in range(n_raters)
    ]
    submissions: list[Any] = []
    rng = np.random.default_rng(seed)
    with unchecked(Item, Label, Submission):
        first_item = newest(Item) + 1
        insert(
            Item,
            (
                "id",
                "project_id",
                "external_id",
                "status",
                "fields",
                "metadata",
                "content_hash",
                "draw",
                "created_at",
            ),
            (
                (
                    first_item + n,
                    project.pk,
                    f"i{n}",
                    "live",
                    json.dumps([["text", text]]),
                    json.dumps(metadata),
                    "0" * 64,
                    draw,
                    NOW,
                )
                for n, draw in enumerate(rng.random(n_items).tolist())
                for text, metadata in [content(n)]
            ),
        )
        first = newest(Submission) + 1
        submissions = [first + n for n in range(n_raters)]
        insert(
            Submission,
            (
                "id",
                "project_id",
                "item_id",
                "rater_id",
                "status",
                "client_key",
                "flagged",
                "comment",
                "exposure",
                "sides",
                "visibility",
                "arm",
                "revealed",
                "created_at",
            ),
            (
                (
                    first + n,
                    project.pk,
                    first_item,
                    rater.pk,
                    "submitted",
                    f"s{n}",
                    False,
                    "",
                    "[]",
                    "{}",
                    "",
                    "",
                    "[]",
                    NOW,
                )
                for n, rater in enumerate(raters)
            ),
        )
        first_label = newest(Label) + 1
        insert(
            Label,
            (
                "id",
                "project_id",
                "submission_id",
                "item_id",
                "question_id",
                "rater_id",
                "status",
                "choice",
                "confidence_source",
                "rationale",
                "created_at",
            ),
            (
                (
                    first_label + n,
                    project.pk,
                    submissions[rater],
                    first_item + item,
                    question.pk,
                    raters[rater].pk,
                    "live",
                    choice,
                    "",
                    "",
                    NOW,
                )
                for n, (item, rater, choice) in enumerate(
                    _labels(rng, n_items, labels_each, n_raters, n_classes)
                )
            ),
        )
    settled(Item, Label, Submission, Rater)
    return question


def settled(*models: Any) -> None:
    """Set the ids that come next, and let the database look at its tables, as a server does by
    itself after so many rows."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("ANALYZE")
            return
        for model in models:
            table = model._meta.db_table
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608
            )
        cursor.execute("VACUUM ANALYZE")


def _labels(
    rng: np.random.Generator, n_items: int, each: int, n_raters: int, n_classes: int
) -> Iterator[tuple[int, int, int]]:
    """(item, rater, choice) in random order; a rater labels an item once."""
    items = np.repeat(np.arange(n_items), each)
    # A first rater drawn for each item, and the others at distances that differ.
    steps = np.arange(each) * (n_raters // each)
    raters = (rng.integers(n_raters, size=n_items)[:, None] + steps).ravel() % n_raters
    right = rng.random(items.size) < rng.uniform(0.45, 0.9, n_raters)[raters]
    truth = rng.integers(n_classes, size=n_items)[items]
    wrong = (truth + rng.integers(1, n_classes, size=items.size)) % n_classes
    order = rng.permutation(items.size)
    columns = (items[order], raters[order], np.where(right, truth, wrong)[order])
    for start in range(0, items.size, CHUNK):
        yield from zip(*(c[start : start + CHUNK].tolist() for c in columns), strict=True)


def newest(model: Any) -> int:
    newest = model.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest or 0


@contextmanager
def unchecked(*models: Any) -> Iterator[None]:
    """Without foreign keys, and with the indexes of these tables made afterwards."""
    from django.db import connection

    if connection.vendor != "postgresql":
        with connection.constraint_checks_disabled():
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname "
            "NOT IN (SELECT conname FROM pg_constraint)",
            [[model._meta.db_table for model in models]],
        )
        indexes = cursor.fetchall()
        for name, _made in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = DEFAULT")
        for _name, made in indexes:
            cursor.execute(made)


def insert(model: Any, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    """Rows of these columns; the others that may not be empty get what the model gives them."""
    from django.db import connection, transaction

    others = _others(model, columns)
    columns += tuple(others)
    given = tuple(others.values())
    rows = (row + given for row in rows)
    table, names = model._meta.db_table, ", ".join(f'"{name}"' for name in columns)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608
            return
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            out = io.StringIO()
            for n, row in enumerate(rows, 1):
                out.write("\t".join(map(str, row)) + "\n")
                if not n % 10_000:
                    copy.write(out.getvalue())
                    out = io.StringIO()
            copy.write(out.getvalue())


def _others(model: Any, columns: tuple[str, ...]) -> dict[str, Any]:
    """The default by column of what may not be empty and is not named."""
    from django.db.models import JSONField

    return {
        field.column: json.dumps(field.get_default())
        if isinstance(field, JSONField)
        else field.get_default()
        for field in model._meta.concrete_fields
        if not (field.column in columns or field.null or field.primary_key or field.generated)
    }
