"""Records of an uploaded file: one row of a CSV or one line of JSON, or why it cannot be read.

A record knows its physical lines and its bytes, so that a refusal names the line where it begins
and the very bytes can be handed back to be mended.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotate.services.import_lines import Line, Lines

# Characters of one value; a longer one is refused by line. The csv module's own bound is far less.
MAX_TEXT = 1_000_000
csv.field_size_limit(MAX_TEXT)
DELIMITERS = {",": ",", ";": ";", "tab": "\t"}
# Lists and objects within each other in one line of JSON.
MAX_DEPTH = 50
# Columns of a file, and characters of a column's name.
MAX_COLUMNS = 500
MAX_COLUMN_NAME = 200


@dataclass(frozen=True)
class Reading:
    """How a file is read: ``format`` csv or jsonl, ``encoding`` and ``delimiter`` by name."""

    format: str
    encoding: str
    delimiter: str = ","


@dataclass(slots=True)
class Record:
    """What stands on the lines ``line`` to ``last``, the bytes ``start`` to ``end``.

    ``wrong`` is "" or the code of a refusal (import_refusals.py) with ``args`` for its sentence;
    ``values`` then hold nothing.
    """

    line: int
    last: int
    start: int
    end: int
    values: dict[str, Any] = field(default_factory=dict)
    wrong: str = ""
    args: dict[str, Any] = field(default_factory=dict)


class Records:
    """Iterate over the records of an open file. Blank lines are passed over.

    ``columns`` are those of a CSV's header, in order and told apart where two have one name; for
    JSON lines they are empty, since each line names its own. ``header`` is the bytes of the header,
    ``header_wrong`` why it cannot be read.
    """

    def __init__(self, lines: Lines, reading: Reading) -> None:
        self._lines = lines
        self.columns: list[str] = []
        self.header = (lines.offset, lines.offset)
        self.header_wrong = ""
        self._rows: Iterator[Record]
        if reading.format == "jsonl":
            self._rows = _json_records(lines)
            return
        rows = _csv_records(lines, DELIMITERS[reading.delimiter])
        for row in rows:
            self.header = (row.start, row.end)
            self.header_wrong = row.wrong
            self.columns = column_names(row.values.get("", []))
            break
        self._rows = (self._named(row) for row in rows)

    @property
    def offset(self) -> int:
        """How far in the file the reading is, in bytes."""
        return self._lines.offset

    @property
    def bom(self) -> bytes:
        return self._lines.bom

    def __iter__(self) -> Iterator[Record]:
        return self._rows

    def _named(self, row: Record) -> Record:
        if row.wrong:
            return row
        cells = row.values[""]
        if len(cells) != len(self.columns):
            row.wrong, row.values = "columns", {}
            row.args = {"found": len(cells), "wanted": len(self.columns)}
            return row
        row.values = dict(zip(self.columns, cells, strict=True))
        return row


@contextmanager
def records_open(path: Path, reading: Reading) -> Iterator[Records]:
    with path.open("rb") as file:
        yield Records(Lines(file, reading.encoding), reading)


def column_names(cells: list[str]) -> list[str]:
    """Names for the columns of a header: trimmed, cut, never empty, no two the same."""
    names: list[str] = []
    for place, cell in enumerate(cells, 1):
        plain = cell.replace("\0", "").strip()[:MAX_COLUMN_NAME] or f"column {place}"
        name, again = plain, 2
        while name in names:
            name, again = f"{plain} ({again})", again + 1
        names.append(name)
    return names


# --- JSON lines ---------------------------------------------------------------------------------


def _json_records(lines: Lines) -> Iterator[Record]:
    for line in lines:
        record = Record(line.number, line.number, line.start, line.end)
        text = line.text.strip()
        if not text:
            continue
        if line.bad:
            record.wrong = "encoding" if line.bad == "encoding" else "too_long"
            yield record
            continue
        try:
            found = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        except json.JSONDecodeError as error:
            at_end = error.pos >= len(text) - 1 or error.msg.startswith("Unterminated")
            record.wrong = "json_cut" if at_end else "not_json"
            record.args = {"detail": error.msg, "place": error.pos + 1}
        except (ValueError, RecursionError) as error:
            record.wrong, record.args = "not_json", {"detail": str(error)[:100], "place": 1}
        else:
            if not isinstance(found, dict):
                record.wrong = "not_object"
            elif text.count("{") + text.count("[") > MAX_DEPTH and _depth(found) > MAX_DEPTH:
                record.wrong = "too_deep"
            else:
                record.values = found
        yield record


def _depth(value: Any) -> int:
    """How deep lists and objects lie in each other. Without recursion: that is what it is for."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, dict | list):
            deepest = max(deepest, depth)
            inner = part.values() if isinstance(part, dict) else part
            waiting.extend((each, depth + 1) for each in inner)
    return deepest


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


# --- CSV ----------------------------------------------------------------------------------------


class _TooLong(Exception):
    """The line at hand is longer than may be kept."""


class _Feed:
    """Hands lines to the csv module and remembers those of the record at hand."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.begin()

    def begin(self) -> None:
        self.first: Line | None = None
        self.number, self.end = self.lines.number, self.lines.offset
        self.odd = self.bad = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.step()
        if line is None:
            raise StopIteration
        if line.bad == "long":
            raise _TooLong
        return line.text

    def step(self) -> Line | None:
        line = next(self.lines, None)
        if line is None:
            return None
        if self.first is None:
            self.first = line
        self.number, self.end = line.number, line.end
        self.odd ^= line.odd
        self.bad |= line.bad == "encoding"
        return line

    def record(self) -> Record:
        first = self.first
        assert first is not None  # noqa: S101 - a record has a line
        return Record(first.number, self.number, first.start, self.end)

    def only_first(self) -> Record:
        """The first line alone, and the reading goes on after it."""
        first = self.first
        assert first is not None  # noqa: S101
        self.lines.go_back(first.end, first.number)
        return Record(first.number, first.number, first.start, first.end)


def _csv_records(lines: Lines, delimiter: str) -> Iterator[Record]:
    """Rows with their cells under the key "". Strict: a stray quote refuses, never garbles.

    A fault of quoting leaves open where its row ends. It is refused up to the line where its quotes
    are even again, since what lies between may be part of the text and must not be taken for rows.
    Where they are never even, its first line alone is refused and the rest is read: linear, since
    no line after that has odd quotes.
    """
    feed = _Feed(lines)
    while True:
        # After a fault the csv module starts on the next line; a new reader makes that plain.
        reader = csv.reader(feed, delimiter=delimiter, strict=True)
        try:
            feed.begin()
            for cells in reader:
                if cells:
                    yield _row(feed, cells)
                feed.begin()
            return
        except _TooLong:
            yield _pass_over(feed, "too_long")
        except csv.Error as error:
            yield _pass_over(feed, _fault(str(error)))


def _fault(message: str) -> str:
    if message.startswith("field larger"):
        return "too_long"
    return "line_end" if message.startswith("new-line") else "quotes"


def _row(feed: _Feed, cells: list[str]) -> Record:
    record = feed.record()
    if feed.bad:
        record.wrong = "encoding"
    else:
        record.values = {
            "": [cell.replace("\r\n", "\n") if "\r" in cell else cell for cell in cells]
        }
    return record


def _pass_over(feed: _Feed, wrong: str) -> Record:
    """Skip to where the quotes of a faulty record are even again."""
    while feed.odd:
        if feed.step() is None:
            record = feed.only_first()
            record.wrong = "quote_open"
            return record
    record = feed.record()
    record.wrong = wrong
    return record
