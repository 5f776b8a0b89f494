"""The binary stream of PostgreSQL is read right however it is cut, and never half."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.selectors.label_blocks import copy_rows

WHOLE = st.integers(0, 2**63 - 1)
ROWS = st.lists(st.tuples(WHOLE, st.lists(WHOLE, min_size=1, max_size=4)), max_size=4)
HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
END = struct.pack("!h", -1)
INT8 = 20  # the type of the elements


def written(rows: list[tuple[int, list[int]]]) -> bytes:
    """As PostgreSQL writes (bigint, bigint[]) in COPY ... (FORMAT BINARY)."""
    out = HEAD
    for part, labels in rows:
        array = struct.pack("!iiIii", 1, 0, INT8, len(labels), 1)
        array += b"".join(struct.pack("!iq", 8, label) for label in labels)
        out += struct.pack("!hiqi", 2, 8, part, len(array)) + array
    return out + END


def read(pieces: list[bytes]) -> list[tuple[int, list[int]]]:
    return [(part, labels.tolist()) for part, labels in copy_rows(pieces)]


@settings(derandomize=True, database=None, max_examples=50)
@given(ROWS, st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_rows_come_out_as_they_went_in_wherever_the_stream_is_cut(
    rows: list[tuple[int, list[int]]], lengths: list[int]
) -> None:
    stream, pieces = written(rows), []
    while stream:
        length = lengths[len(pieces) % len(lengths)]
        pieces.append(stream[:length])
        stream = stream[length:]

    assert read(pieces) == rows


@pytest.mark.parametrize("end", [3, len(HEAD), len(HEAD) + 9, -4, -2])
def test_a_stream_that_breaks_off_is_refused(end: int) -> None:
    with pytest.raises(ValueError, match="broke off"):
        read([written([(1, [2, 3])])[:end]])


def test_what_is_no_such_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="no COPY"):
        read([b"item_id,label\n" * 5])
    with pytest.raises(ValueError, match="3 fields"):
        read([HEAD + struct.pack("!h", 3) + bytes(60)])
