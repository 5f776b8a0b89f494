"""Physical lines of an uploaded file: numbered, with their place in bytes, decoded one by one.

One line at a time and each cut at a bound, so that neither a large file nor one endless line
fills the memory. A line that is not in the encoding does not stop the reading: it says so.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# Bytes of one physical line that are kept; the rest of a longer one is passed over.
MAX_LINE = 8 * 1024 * 1024
# Name -> codec. utf-16 by its byte-order mark only; the last two only where a person chose them.
ENCODINGS = {
    "utf-8": "utf-8",
    "utf-16": "utf-16",
    "windows-1252": "cp1252",
    "latin-1": "latin-1",
}
BOMS = {"utf-8": (codecs.BOM_UTF8,), "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)}


@dataclass(slots=True)
class Line:
    """One physical line. ``start`` and ``end`` are bytes in the file, ``end`` after the newline.

    ``bad`` is "" or why the text is not to be used: "encoding" (undecodable bytes replaced),
    "long" (cut). ``odd`` says whether the whole line, cut or not, has an odd number of quotes.
    """

    text: str
    number: int
    start: int
    end: int
    bad: str = ""
    odd: bool = False


class Lines:
    """Iterate over the lines of a binary file, from its beginning (after a byte-order mark)."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._codec = ENCODINGS[encoding]
        self._wide = ""  # "le" or "be" for UTF-16
        file.seek(0)
        head = file.read(3)
        mark = next((bom for bom in BOMS.get(encoding, ()) if head.startswith(bom)), b"")
        if encoding == "utf-16":
            self._wide = "be" if mark == codecs.BOM_UTF16_BE else "le"
            self._codec = f"utf-16-{self._wide}"
        self.bom = mark
        self.number = 0
        self.offset = len(mark)
        file.seek(self.offset)

    def go_back(self, offset: int, number: int) -> None:
        """Go on at ``offset``, where the line after ``number`` begins."""
        self._file.seek(offset)
        self.offset, self.number = offset, number

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        raw, size, odd = self._read()
        if not size:
            raise StopIteration
        start = self.offset
        self.offset += size
        self.number += 1
        bad = "long" if size > len(raw) else ""
        try:
            text = raw.decode(self._codec)
        except UnicodeDecodeError:
            text = raw.decode(self._codec, errors="replace")
            bad = bad or "encoding"
        return Line(text, self.number, start, self.offset, bad, odd)

    def _read(self) -> tuple[bytes, int, bool]:
        """Bytes kept of the next line, its full size, and whether its quotes are odd."""
        kept, size, quotes, ended = b"", 0, 0, False
        while not ended:
            piece = self._file.readline(MAX_LINE)
            if not piece:
                break
            ended = piece.endswith(b"\n")
            if ended and self._wide:
                # The byte 0x0A is half of many a UTF-16 character.
                if self._wide == "be":
                    ended = (size + len(piece)) % 2 == 0 and piece.endswith(b"\0\n")
                elif (size + len(piece)) % 2:
                    other = self._file.read(1)
                    piece += other
                    ended = other == b"\0"
                else:
                    ended = False
            size += len(piece)
            quotes += piece.count(b'"')
            if size <= MAX_LINE:
                kept += piece
            elif not kept:
                kept = piece[:MAX_LINE]
        return kept, size, bool(quotes % 2)


@dataclass(frozen=True)
class EncodingFound:
    """``name`` is "" where the bytes are neither UTF-8 nor marked as UTF-16: a person chooses."""

    name: str
    lines: int = 0
    bad_lines: int = 0
    first_bad: int = 0
    sample: bytes = b""


def encoding_find(path: Path) -> EncodingFound:
    """Say whether a file is UTF-8 or marked UTF-16. Reads all of it once, in bounded memory.

    Never guesses: where it is neither, the first line that is not UTF-8 is given, for a person.
    """
    with path.open("rb") as file:
        if file.read(2) in BOMS["utf-16"]:
            return EncodingFound("utf-16")
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _encoding_unclear(file)
        return EncodingFound("utf-8")


def _encoding_unclear(file: BinaryIO) -> EncodingFound:
    bad = first = number = 0
    sample = b""
    place = 0
    for line in Lines(file, "utf-8"):
        number = line.number
        if line.bad != "encoding":
            continue
        bad += 1
        if bad == 1:
            first, place = line.number, line.start
    if bad:
        file.seek(place)
        sample = _around_fault(file.readline(1 << 16))
    return EncodingFound("", number, bad, first, sample)


def _around_fault(raw: bytes, width: int = 60) -> bytes:
    """The bytes around the first one that is not UTF-8, without cutting a character before it."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        start = max(0, error.start - width)
        while 0 < start < error.start and raw[start] & 0xC0 == 0x80:
            start += 1
        return raw[start : error.start + width].strip()
    return raw[: 2 * width].strip()
