"""The live choices of a question, straight from the database, and a mark that tells them apart.

The database packs a label into one whole number and sends thousands of them as one row: so neither
side handles labels one by one, and millions take seconds. Labels go by *parts*, of 1,024
neighbouring item ids each.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from numpy.typing import NDArray

from annotate.models import Item, ItemStatus, Label, LabelStatus, Question

# Bits of a packed label: ten of its item's id within the part, 37 of its rater's id, 16 of its
# choice. It stays below 2^63, and the packed labels of a part sort by item and rater.
_PACKED = "((item_id & 1023) << 53) | (rater_id << 16) | choice"
_PART = 10

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
# Two fields, each after its length: a number, and an array after its number of dimensions, a flag,
# the type of its elements, how many they are, and the number of the first.
_ROW = struct.Struct("!hiqiiiIii")
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])


@dataclass(frozen=True)
class Block:
    """Labels of whole parts, in the order of items and raters. Arrays of one length."""

    items: NDArray[np.int64]
    raters: NDArray[np.int64]
    codes: NDArray[np.uint16]


def label_blocks(question: Question, *, least: int = 200_000) -> Iterator[Block]:
    """Blocks of at least so many labels (but the last), in ascending order of items.

    Labels of withdrawn items are left out. Call it inside one_moment: there are several queries.
    """
    withdrawn = np.fromiter(
        _withdrawn(question).values_list("pk", flat=True).iterator(), dtype=np.int64
    )
    read = _copied if connection.vendor == "postgresql" else _concatenated
    parts: list[int] = []
    packed: list[NDArray[np.int64]] = []
    waiting = 0
    for part, labels in read(_live(question)):
        labels.sort()
        parts.append(part)
        packed.append(labels)
        waiting += len(labels)
        if waiting >= least:
            yield _block(parts, packed, withdrawn)
            parts, packed, waiting = [], [], 0
    if waiting:
        yield _block(parts, packed, withdrawn)


def labels_mark(question: Question) -> tuple[str, int] | None:
    """A mark of the live choices and of the withdrawn items, and how many such choices there are.

    Of two states with one mark the labels are the same. It is made of their contents, in one
    statement that sends no row, so nothing that writes labels has to know of it.

    None on SQLite, where the labels themselves are there in the time that a mark would take.
    """
    if connection.vendor != "postgresql":
        return None
    # The hash by which PostgreSQL itself spreads rows over partitions, and XOR, which it may work
    # out in parallel. Nothing cancels itself: the unique constraints admit no row twice.
    of_label = "bit_xor(hashint8extended(item_id, hashint8extended(rater_id, choice)))"
    of_item = "bit_xor(hashint8extended(id, 0))"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT l.n, l.x, i.n, i.x FROM "  # noqa: S608
            f"(SELECT count(*) AS n, {of_label} AS x FROM {_live(question)}) AS l, "
            f"(SELECT count(*) AS n, {of_item} AS x FROM {Item._meta.db_table} "
            f"WHERE project_id = {int(question.project_id)} AND status = 'withdrawn') AS i"
        )
        n, labels, n_items, items = cursor.fetchone()
    return f"{n} {labels} {n_items} {items}", int(n)


def _live(question: Question) -> str:
    """What comes after FROM: one partial index has it all (label_live_for_tables).

    Written into the statements of this module, since COPY takes no parameters. Nothing that anybody
    typed is in it: names of the models' own tables, a status, and a number made by int().
    """
    return (
        f"{Label._meta.db_table} WHERE question_id = {int(question.pk)} "
        f"AND status = '{LabelStatus.LIVE.value}' AND choice IS NOT NULL"
    )


def _withdrawn(question: Question) -> QuerySet[Item]:
    return Item.objects.filter(project=question.project_id, status=ItemStatus.WITHDRAWN)


def _block(
    parts: list[int], packed: list[NDArray[np.int64]], withdrawn: NDArray[np.int64]
) -> Block:
    labels = np.concatenate(packed)
    items = np.repeat(np.array(parts, dtype=np.int64) << _PART, [len(each) for each in packed])
    items |= labels >> 53
    raters = (labels >> 16) & (2**37 - 1)
    codes = (labels & 0xFFFF).astype(np.uint16)
    if len(withdrawn):
        kept = ~np.isin(items, withdrawn)
        items, raters, codes = items[kept], raters[kept], codes[kept]
    return Block(items, raters, codes)


# --- PostgreSQL ---------------------------------------------------------------------------------


def _copied(live: str) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each part and its packed labels, as one COPY: one row a part that has labels.

    The parts are found by jumping through the index from each to the next, so that ids which lie
    far apart cost nothing.
    """
    statement = (
        "COPY (WITH RECURSIVE parts(part) AS ("  # noqa: S608
        f"SELECT min(item_id) >> {_PART} FROM {live} UNION ALL "
        f"SELECT (SELECT min(item_id) >> {_PART} FROM {live} "
        f"AND item_id >= (part + 1) << {_PART}) FROM parts WHERE part IS NOT NULL) "
        f"SELECT part, (SELECT array_agg({_PACKED}) FROM {live} "
        f"AND item_id >= part << {_PART} AND item_id < (part + 1) << {_PART}) "
        "FROM parts WHERE part IS NOT NULL) TO STDOUT (FORMAT BINARY)"
    )
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")  # the parts are small: compiling takes longer
        with cursor.copy(statement) as stream:
            yield from copy_rows(stream)


def copy_rows(
    stream: Iterable[bytes | bytearray | memoryview],
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Rows of (bigint, bigint[]) from a stream of COPY in the binary format, cut anywhere.

    Takes the stream to its end. Raises ValueError for one that is not of this form or breaks off.
    """
    waiting = b""
    begun = ended = False
    for piece in stream:
        waiting = waiting + piece if waiting else bytes(piece)
        at = 0
        if not begun:
            if len(waiting) < len(_SIGNATURE) + 8:
                continue
            if not waiting.startswith(_SIGNATURE):
                raise ValueError("this is no COPY in the binary format")
            (extension,) = struct.unpack_from("!i", waiting, len(_SIGNATURE) + 4)
            at, begun = len(_SIGNATURE) + 8 + extension, True
        while len(waiting) >= at + 2:
            if waiting[at : at + 2] == b"\xff\xff":
                ended = True
            if len(waiting) < at + _ROW.size:
                break
            fields, _length, part, _size, dimensions, _null, _type, n, _first = _ROW.unpack_from(
                waiting, at
            )
            if (fields, dimensions) != (2, 1):
                raise ValueError(f"a row of {fields} fields, {dimensions} dimensions in the second")
            end = at + _ROW.size + n * _ELEMENT.itemsize
            if len(waiting) < end:
                break
            elements = np.frombuffer(waiting, _ELEMENT, n, at + _ROW.size)
            yield part, elements["value"].astype(np.int64)
            at = end
        waiting = waiting[at:]
    if not ended:
        raise ValueError("the stream broke off")


# --- SQLite -------------------------------------------------------------------------------------


def _concatenated(live: str) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each part and its packed labels, as one text a part: far quicker than a row a label."""
    following = f"SELECT min(item_id) >> {_PART} FROM {live} AND item_id >= %s"  # noqa: S608
    labels = (
        f"SELECT group_concat({_PACKED}, ' ') FROM {live} "  # noqa: S608
        "AND item_id >= %s AND item_id < %s"
    )
    begin = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(following, [begin])
            (part,) = cursor.fetchone()
            if part is None:
                return
            begin = (part + 1) << _PART
            cursor.execute(labels, [part << _PART, begin])
            yield part, np.fromstring(cursor.fetchone()[0], dtype=np.int64, sep=" ")
