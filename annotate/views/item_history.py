"""What happened to an item, newest first: brought in, answered, skipped, ruled on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.kinds import Said, asked_of, said_of
from annotate.models import Item, LabelStatus, Question, Ruling, RulingStatus, Submission
from annotate.views.answer_words import answer_chip
from annotate.views.bidi import isolated
from annotate.written import clauses, listed, within

# The latest so many: an item with more is one of a test.
SHOWN = 200
STATUS_WORDS = {
    LabelStatus.SUPERSEDED: gettext_lazy("replaced later"),
    LabelStatus.WITHDRAWN: gettext_lazy("taken back"),
    LabelStatus.SURPLUS: gettext_lazy("surplus, not counted"),
    LabelStatus.CHECK: gettext_lazy("check of a known item, not counted"),
}


@dataclass(frozen=True)
class Happened:
    """One line: when, who (kind and name), what in words, and what became of it."""

    at: datetime
    kind: str
    name: str
    words: str
    note: str = ""


def history_shown(item: Item) -> list[Happened]:
    """All that is kept of an item, newest first. Four queries."""
    lines = [Happened(item.created_at, "", "", _("Brought in"))]
    lines += _submissions(item)
    lines += _rulings(item)
    return sorted(lines, key=lambda line: line.at, reverse=True)[:SHOWN]


def _submissions(item: Item) -> list[Happened]:
    submissions = (
        Submission.objects.filter(item=item)
        .select_related("rater")
        .prefetch_related("labels__question__options")
        .order_by("-pk")[:SHOWN]
    )
    lines = []
    for submission in submissions:
        labels = list(submission.labels.all())
        said = [
            f"{isolated(label.question.name)}: {_name(item, label.question, said_of(label))}"
            for label in labels
        ]
        notes = {str(STATUS_WORDS[s]) for s in STATUS_WORDS if any(lb.status == s for lb in labels)}
        if submission.flagged:
            notes.add(_("flagged"))
        lines.append(
            Happened(
                submission.created_at,
                submission.rater.kind,
                submission.rater.name,
                clauses(said) or _without_labels(submission),
                listed(sorted(notes)),
            )
        )
    return lines


def _without_labels(submission: Submission) -> str:
    words = str(submission.get_status_display())
    if submission.skip_reason:
        words = _("Skipped: %(reason)s") % {"reason": submission.get_skip_reason_display()}
    if submission.comment:
        words = f"{words} ({isolated(submission.comment)})"
    return words


def _rulings(item: Item) -> list[Happened]:
    rulings = (
        Ruling.objects.filter(item=item)
        .select_related("reviewer", "question")
        .prefetch_related("question__options")
        .order_by("-pk")[:SHOWN]
    )
    became = {
        RulingStatus.LIVE: "",
        RulingStatus.SUPERSEDED: _("replaced later"),
        RulingStatus.WITHDRAWN: _("taken back"),
    }
    return [
        Happened(
            ruling.created_at,
            "ruling",
            ruling.reviewer.shown_name,
            _("ruled on %(question)s: %(option)s, because: %(reason)s")
            % {
                "question": isolated(ruling.question.name),
                "option": _name(item, ruling.question, said_of(ruling)),
                "reason": within(ruling.get_reason_display()),
            },
            became[RulingStatus(ruling.status)],
        )
        for ruling in rulings
    ]


def _name(item: Item, question: Question, said: Said) -> str:
    chip = answer_chip(asked_of(question), said, item, short=True)
    return isolated(chip["name"] if chip else "?")
