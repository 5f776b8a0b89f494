"""What was refused of a file: kept by line with its bytes, told in sentences, handed back whole."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from annotate.models import ImportBatch, ImportFormat
from annotate.services.import_lines import ENCODINGS

# Codes of refusals and what a person is told. Written to the refused file by code, so that each
# reader gets their own language. ``{}`` names come from the refusal's args.
SENTENCES: dict[str, str | Promise] = {
    "encoding": _(
        "Has bytes that are not in the file's encoding. Save the file as UTF-8, or choose the "
        "encoding it was written in."
    ),
    "nul": _("Has a NUL character in “{column}”, which no text may have. Take it out."),
    "surrogate": _("Has half a character (a lone surrogate) in “{column}”. Write it in full."),
    "too_long": _("A value is longer than 1,000,000 characters. Shorten it or split the item."),
    "line_end": _("Has a line end in the middle of a value. Put the value into quotes."),
    "quotes": _(
        "The quotes do not fit: text follows a closing quote. Double the quotes inside a value."
    ),
    "quote_open": _("A quote is opened here and never closed. Close it."),
    "columns": _("Has {found} values, but the header names {wanted} columns."),
    "missing_column": _("Has no “{column}”."),
    "not_json": _("Is not JSON ({detail}, at character {place})."),
    "json_cut": _("Is not whole: the JSON ends too soon ({detail}). The line may be cut off."),
    "not_object": _("Is JSON, but no object: a line must look like {{“text”: “…”}}."),
    "too_deep": _("Has lists and objects within each other more than 50 deep."),
    "empty_id": _("Has no id in “{column}”."),
    "long_id": _("The id in “{column}” is longer than {limit} characters."),
    "duplicate_id": _("The id “{id}” stands in line {first} already."),
    "nothing_shown": _("Has nothing to show: {columns} are empty."),
    "frozen": _(
        "Item “{id}” is here with other content and has been labelled or given out, so its "
        "content stays."
    ),
    "empty_label": _("Has no label in “{column}”."),
    "no_option": _("“{value}” is no option of “{question}”. Its options: {options}."),
    "unfit": "{reason}",
    "no_question": _("“{value}” is no question of this project. Its questions: {questions}."),
    "empty_rater": _("Has no rater in “{column}”."),
    "no_kind": _(
        "“{value}” is no kind of rater. Write person (or human) or judge (or llm, model)."
    ),
    "confidence": _("The confidence “{value}” is no number from 0 to 1."),
    "distribution": _(
        "The probabilities are no object of options and numbers from 0 to 1, as "
        '{{"yes": 0.7, "no": 0.3}}.'
    ),
    "time": _("“{value}” is no time. Write it as 2026-01-31T14:05:00Z."),
    "unknown_item": _(
        "There is no item “{id}” in this project. Import the items first, or let this import "
        "create them."
    ),
    "withdrawn_item": _("Item “{id}” was withdrawn with other content, which stays."),
    "repeated": _("{rater} labelled “{id}” before, as “{stands}”, which stands."),
}
# Characters of a refused line that a report shows.
SHOWN = 160


@dataclass(frozen=True)
class Refusal:
    """One refused record: its lines, its bytes in the upload, and why."""

    line: int
    last: int
    start: int
    end: int
    code: str
    args: dict[str, Any] = field(default_factory=dict)

    def as_line(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=True).encode("ascii") + b"\n"

    @property
    def sentence(self) -> str:
        return refusal_sentence(self.code, self.args)

    @property
    def lines(self) -> str:
        return str(self.line) if self.line == self.last else f"{self.line}–{self.last}"


@dataclass(frozen=True)
class ShownRefusal:
    """For the report: ``lines`` as "7" or "7–9", the sentence, the line's text cut short."""

    lines: str
    sentence: str
    text: str


def refusal_sentence(code: str, args: dict[str, Any]) -> str:
    # A reason is a sentence of ours, written when the file was read.
    cut = {name: _cut(str(value), 300 if name == "reason" else 80) for name, value in args.items()}
    return str(SENTENCES[code]).format(**cut)


def refusals_of(batch: ImportBatch) -> Iterator[Refusal]:
    """All refusals of a batch in the order of the file: those of the check, those of taking in."""
    checked = _read(batch.refused_file, None)
    late = _read(batch.late_file, batch.late_length)
    return heapq.merge(checked, late, key=lambda refusal: refusal.start)


def refusals_shown(batch: ImportBatch, limit: int = 50) -> list[ShownRefusal]:
    """The first refusals with the text of their lines."""
    first = list(islice(refusals_of(batch), limit))
    if not first:
        return []
    codec = _codec(batch)
    with media_path(batch.upload).open("rb") as file:
        shown = []
        for refusal in first:
            file.seek(refusal.start)
            raw = file.read(min(refusal.end - refusal.start, 4 * SHOWN))
            text = raw.decode(codec, errors="replace").strip().replace("\0", "␀")
            shown.append(ShownRefusal(refusal.lines, refusal.sentence, _cut(text, SHOWN)))
    return shown


def refused_upload(batch: ImportBatch) -> Iterator[bytes]:
    """The refused lines byte for byte, with the header of a CSV: to be mended and sent again."""
    start, end = batch.mapping.get("header", (0, 0))
    newline = "\n".encode(_codec(batch))
    with media_path(batch.upload).open("rb") as file:
        yield file.read(batch.mapping.get("bom", 0))
        if batch.format == ImportFormat.CSV:
            yield from _piece(file, start, end, newline)
        for refusal in refusals_of(batch):
            yield from _piece(file, refusal.start, refusal.end, newline)


def reasons_told(reasons: dict[str, int]) -> list[str]:
    """How often each reason came, the commonest first, as short sentences."""
    told = []
    for code, count in sorted(reasons.items(), key=lambda pair: -pair[1]):
        title = str(TITLES.get(code, code))
        told.append(
            ngettext("%(n)s line: %(why)s", "%(n)s lines: %(why)s", count)
            % {"n": intcomma(count), "why": title}
        )
    return told


TITLES: dict[str, str | Promise] = {
    "encoding": _("not in the file's encoding"),
    "nul": _("a NUL character"),
    "surrogate": _("half a character"),
    "too_long": _("a value too long"),
    "line_end": _("a line end inside a value"),
    "quotes": _("quotes that do not fit"),
    "quote_open": _("a quote never closed"),
    "columns": _("the wrong number of columns"),
    "missing_column": _("a column is missing"),
    "not_json": _("not JSON"),
    "json_cut": _("JSON cut off"),
    "not_object": _("no JSON object"),
    "too_deep": _("JSON too deep"),
    "empty_id": _("no id"),
    "long_id": _("an id too long"),
    "duplicate_id": _("an id that stands in the file twice"),
    "nothing_shown": _("nothing to show"),
    "frozen": _("other content for an item already labelled"),
    "empty_label": _("no label"),
    "no_option": _("a label that is no option"),
    "unfit": "{reason}",
    "no_question": _("an unknown question"),
    "empty_rater": _("no rater"),
    "no_kind": _("an unknown kind of rater"),
    "confidence": _("a confidence that is no number from 0 to 1"),
    "distribution": _("probabilities that cannot be read"),
    "time": _("a time that cannot be read"),
    "unknown_item": _("an unknown item"),
    "withdrawn_item": _("an item withdrawn with other content"),
    "repeated": _("another label of a rater for an item they labelled before"),
}


def media_path(relative: str) -> Path:
    """The place of a kept file below MEDIA_ROOT."""
    return Path(settings.MEDIA_ROOT) / relative


def _read(relative: str, length: int | None) -> Iterator[Refusal]:
    if not relative or not media_path(relative).exists():
        return
    with media_path(relative).open("rb") as file:
        while length is None or file.tell() < length:
            line = file.readline()
            if not line:
                return
            yield Refusal(**json.loads(line))


def _piece(file: BinaryIO, start: int, end: int, newline: bytes) -> Iterator[bytes]:
    file.seek(start)
    left, last = end - start, b""
    while left and (piece := file.read(min(left, 1 << 16))):
        left -= len(piece)
        last = (last + piece)[-4:]
        yield piece
    if last and not last.endswith(newline):
        yield newline


def _codec(batch: ImportBatch) -> str:
    if batch.encoding == "utf-16":
        with media_path(batch.upload).open("rb") as file:
            return "utf-16-be" if file.read(2) == b"\xfe\xff" else "utf-16-le"
    return ENCODINGS.get(batch.encoding, "utf-8")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
