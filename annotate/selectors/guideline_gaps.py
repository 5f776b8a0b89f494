"""Rulings that showed a gap in the guideline, and where in its text each belongs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from annotate.kinds import asked_of, kind_of, said_of
from annotate.models import Guideline, Project, Ruling, RulingReason, RulingStatus

# So many gaps are listed, and so much of an item is quoted.
SHOWN = 20
QUOTED = 160


@dataclass(frozen=True)
class Note:
    """A guideline with a note put in: the whole text, and from where to where the note stands in
    it. ``place``: the line that it stands under, "" for the end of the text."""

    text: str
    start: int
    end: int
    place: str


def gaps_since(project: Project, guideline: Guideline | None) -> QuerySet[Ruling]:
    """Rulings that stand for a gap, made since this version, the newest first."""
    rulings = Ruling.objects.filter(
        project=project, status=RulingStatus.LIVE, reason=RulingReason.GUIDELINE_GAP
    )
    if guideline is not None:
        rulings = rulings.filter(created_at__gt=guideline.created_at)
    return (
        rulings.select_related("item", "question", "reviewer")
        .prefetch_related("question__options")
        .order_by("-pk")[:SHOWN]
    )


def answer_of(ruling: Ruling) -> str:
    """What was ruled, in words."""
    asked = asked_of(ruling.question)
    return kind_of(asked).words(asked, said_of(ruling), ruling.item.fields)


def quote_of(ruling: Ruling) -> str:
    """The beginning of the item, on one line."""
    text = " ".join(str(next(iter(ruling.item.fields.values()), "")).split())
    return Truncator(text).chars(QUOTED)


def noted(text: str, ruling: Ruling) -> Note:
    """The text with a note on what was ruled, where it speaks of that answer: at the end of the
    section whose heading names it, else behind the paragraph that begins with it or mentions it,
    else at the end."""
    answer = answer_of(ruling)
    # What others wrote must not become Markdown: as little as a quotation needs is left.
    quote = re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", quote_of(ruling))
    note = f"- “{quote}” → {answer}"
    if ruling.comment:
        note += f": {' '.join(ruling.comment.split())}"
    lines = text.rstrip().splitlines()
    at, place = _place(lines, answer)
    if at is None:
        head = [*lines, "", _("## Settled in review"), ""] if lines else []
        at, lines = len(head), head
    before = "\n".join(lines[:at])
    if before:
        before += "\n"
    after = "\n".join(lines[at:])
    whole = before + note + "\n" + (f"{after}\n" if after else "")
    return Note(whole, len(before), len(before) + len(note), place)


def _place(lines: list[str], answer: str) -> tuple[int | None, str]:
    """The number of the line to put a note at, and the line that it belongs to."""
    named = re.compile(rf"(?<!\w){re.escape(answer)}(?!\w)", re.IGNORECASE)
    for number, line in enumerate(lines):
        heading = re.match(r"(#+)\s", line)
        if heading and named.search(line):
            return _end_of_section(lines, number, len(heading[1])), line.lstrip("# ")
    # A paragraph or an item of a list that begins with the answer is about it; a mention less so.
    begins = re.compile(rf"[\s*_>|+\d.-]*{re.escape(answer)}(?!\w)", re.IGNORECASE)
    for found in (begins.match, named.search):
        for number, line in enumerate(lines):
            if found(line) and not line.startswith("#"):
                return _end_of_block(lines, number), re.sub(r"[*_>|]", "", line).strip(" -")
    return None, ""


def _end_of_block(lines: list[str], start: int) -> int:
    """Behind the paragraph or the item of a list that a line is part of."""
    end = start + 1
    while end < len(lines) and lines[end].strip():
        if re.match(r"\s*(?:[-*+]\s|\d+[.)]\s|#)", lines[end]):
            break
        end += 1
    return end


def _end_of_section(lines: list[str], start: int, level: int) -> int:
    end = start + 1
    while end < len(lines):
        heading = re.match(r"(#+)\s", lines[end])
        if heading and len(heading[1]) <= level:
            break
        end += 1
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return end
