"""A first look at an uploaded file: how it is written, its columns, rows and distinct values."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import ImportFormat
from annotate.services.import_lines import Lines
from annotate.services.import_records import (
    DELIMITERS,
    MAX_COLUMN_NAME,
    MAX_COLUMNS,
    Reading,
    Record,
    records_open,
)
from annotate.services.import_refusals import refusal_sentence

HEAD = 1 << 18  # bytes looked at to tell format and delimiter
ROWS = 10  # shown
ROWS_FOR_COLUMNS = 1000  # of JSON lines, whose columns are the keys of all of them
CUT = 300  # characters of a value shown
# A column with more values, or longer ones, holds no labels.
MAX_VALUES, MAX_VALUE = 500, 100
BY_ENDING = {
    ".csv": ImportFormat.CSV,
    ".tsv": ImportFormat.CSV,
    ".txt": ImportFormat.CSV,
    ".jsonl": ImportFormat.JSONL,
    ".ndjson": ImportFormat.JSONL,
    ".json": ImportFormat.JSONL,
}


@dataclass(frozen=True)
class LookRow:
    """One of the first rows: cut values in the order of the columns, or why it is refused."""

    line: int
    cells: list[str]
    wrong: str = ""


@dataclass(frozen=True)
class Look:
    """``examples``: some values of each column; ``header``: its bytes; ``bom``: length in bytes."""

    columns: list[str]
    rows: list[LookRow] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=dict)
    header: tuple[int, int] = (0, 0)
    bom: int = 0


def format_guess(name: str, path: Path) -> str:
    """The format by the file's ending, else by its first character."""
    known = BY_ENDING.get(Path(name.lower()).suffix)
    if known:
        return known.value
    with path.open("rb") as file:
        head = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    return (ImportFormat.JSONL if head[:1] == b"{" else ImportFormat.CSV).value


def delimiter_guess(path: Path, encoding: str) -> str:
    """The one of , ; and tab that cuts the first lines into the same number of columns, over 1."""
    with path.open("rb") as file:
        lines = _head(file, encoding)
    best, best_score = ",", 0.0
    for name, delimiter in DELIMITERS.items():
        rows = csv.reader(lines, delimiter=delimiter)
        try:
            widths = [len(row) for row in islice(rows, 50)]
        except csv.Error:
            continue
        widths = [width for width in widths if width]
        if not widths or widths[0] < 2:
            continue
        score = sum(width == widths[0] for width in widths) / len(widths) + widths[0] / 1e4
        if score > best_score:
            best, best_score = name, score
    return best


def _head(file: BinaryIO, encoding: str) -> list[str]:
    texts: list[str] = []
    for line in Lines(file, encoding):
        texts.append(line.text)
        if line.end > HEAD:
            break
    return texts


def look(path: Path, reading: Reading) -> Look:
    """Read the first rows. Raises BadInput where the file as a whole cannot be what it should."""
    _check_whole(path, reading)
    with records_open(path, reading) as records:
        if records.header_wrong:
            raise BadInput(
                _("The first line, which must name the columns, cannot be read: %(why)s")
                % {"why": refusal_sentence(records.header_wrong, {})}
            )
        first: list[Record] = []
        columns = list(records.columns)
        known = set(columns)
        wanted = ROWS if columns else ROWS_FOR_COLUMNS
        for record in islice(records, wanted):
            if len(first) < ROWS:
                first.append(record)
            if reading.format == ImportFormat.JSONL:
                for name in record.values:
                    if name not in known:
                        known.add(name)
                        columns.append(name)
        header, bom = records.header, len(records.bom)
    if not columns:
        raise BadInput(_("There is no row in this file that can be read. Is it the right file?"))
    if len(columns) > MAX_COLUMNS or any(len(name) > MAX_COLUMN_NAME for name in columns):
        raise BadInput(
            _(
                "This file has %(n)s columns, or names of more than %(long)s characters. Is the "
                "first line the header, and is it the right delimiter?"
            )
            % {"n": len(columns), "long": MAX_COLUMN_NAME}
        )
    return _shown(columns, first, header, bom)


def _check_whole(path: Path, reading: Reading) -> None:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise BadInput(_("This file is empty."))
    if head[:4] == b"PK\x03\x04" or head[:2] == b"\x1f\x8b":
        raise BadInput(
            _("This is a compressed file or a spreadsheet. Save it as CSV and send that.")
        )
    if b"\n" not in head and b"\r" in head:
        raise BadInput(
            _("The lines of this file end in the old Mac way. Save it again with usual line ends.")
        )
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if reading.format == ImportFormat.JSONL and start[:1] == b"[":
        raise BadInput(
            _(
                "This file is one JSON list. Concord reads JSON lines: one object a line, without "
                "brackets around and commas between them."
            )
        )


def _shown(columns: list[str], records: list[Record], header: tuple[int, int], bom: int) -> Look:
    rows: list[LookRow] = []
    examples: dict[str, list[str]] = {name: [] for name in columns}
    for record in records:
        if record.wrong:
            rows.append(LookRow(record.line, [], refusal_sentence(record.wrong, record.args)))
            continue
        cells = [cell_text(record.values.get(name)) for name in columns]
        for name, cell in zip(columns, cells, strict=True):
            examples[name].append(cell[:CUT])
        rows.append(
            LookRow(record.line, [c if len(c) <= CUT else c[: CUT - 1] + "…" for c in cells])
        )
    return Look(columns, rows, examples, header, bom)


def cell_text(value: Any) -> str:
    """A value of a file as text: JSON's null is empty, its lists and objects stay JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False)


def values_count(
    path: Path, reading: Reading, columns: list[str], *, up_to: int | None
) -> tuple[dict[str, dict[str, int]], bool]:
    """How often each value comes, for the columns that have few and short ones.

    Reads ``up_to`` bytes (None: all); the second of the pair says whether that was the whole file.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in columns}
    whole = True
    with records_open(path, reading) as records:
        for record in records:
            if up_to is not None and record.end > up_to:
                whole = False
                break
            if record.wrong:
                continue
            many = []
            for name, counter in counts.items():
                value = cell_text(record.values.get(name)).strip()
                counter[value] += 1
                if len(counter) > MAX_VALUES or len(value) > MAX_VALUE:
                    many.append(name)
            for name in many:
                del counts[name]
    return {name: dict(counter) for name, counter in counts.items()}, whole


def key_guess(name: str) -> str:
    """A question's key from the name of a column."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.strip().lower()).strip("-_")[:50] or "label"
