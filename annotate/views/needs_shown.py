"""What needs somebody now, as sentences with a number and a link. First on the overview."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.access import Place, Right
from annotate.models import JobState, Project, Question, Reason
from annotate.selectors.overview import (
    flagged_count,
    imports_refused,
    jobs_stopped,
    surplus_count,
)
from annotate.selectors.review import queue_counts
from annotate.views.bidi import isolated
from annotate.views.jobs import job_card
from annotate.written import ended


@dataclass(frozen=True)
class Need:
    """One line: ``number`` and ``sentence`` read on from each other. ``url`` "" for who may not."""

    number: int | str
    sentence: str
    url: str = ""
    action: str = ""
    hue: str = ""


Needer = Callable[[Place], Iterable[Need]]
_needers: list[Needer] = []


def needs_register(needer: Needer) -> None:
    """Have another app's lines among those shown. Called once, at start-up."""
    if needer not in _needers:
        _needers.append(needer)


def needs_shown(place: Place, questions: Sequence[Question], *, has_items: bool) -> list[Need]:
    """The lines, the most pressing first. Five queries, and those of other apps."""
    return [
        *_stopped(place),
        *(need for needer in _needers for need in needer(place)),
        *_missing(place, questions, has_items=has_items),
        *_disputed(place, questions),
        *_flagged(place),
        *_surplus(place),
        *_refused(place),
    ]


def _stopped(place: Place) -> Iterator[Need]:
    """Failed and paused jobs, with what they said."""
    for job in jobs_stopped(place.project):
        card = job_card(job)["job"]
        url = _link(place, Right.REVIEW, "job", job.pk) or _link(place, Right.DATA, "job", job.pk)
        failed = job.state == JobState.FAILED
        words = _("%(job)s failed: %(message)s") if failed else _("%(job)s is paused: %(message)s")
        yield Need(
            1,
            words % {"job": card["title"], "message": job.message or _("it says no reason.")},
            url=url,
            action=_("Look at it"),
            hue="error" if failed else "doubt",
        )


def _missing(place: Place, questions: Sequence[Question], *, has_items: bool) -> Iterator[Need]:
    if not questions:
        yield Need(
            0,
            _("questions: nothing is asked of the items yet."),
            url=_link(place, Right.MANAGE, "question_new"),
            action=_("Add a question"),
        )
    if not has_items:
        yield Need(
            0,
            _("items: there is nothing to label yet."),
            url=_link(place, Right.DATA, "data"),
            action=_("Bring in data"),
        )


def _disputed(place: Place, questions: Sequence[Question]) -> Iterator[Need]:
    counts = queue_counts(place.project)
    for question in questions:
        for reason in Reason:
            n = counts.get((question.pk, reason.value), 0)
            if not n or reason == Reason.FLAGGED:
                continue
            words = _words(reason, n)
            if len(questions) > 1:
                words = _("%(words)s, on %(question)s") % {
                    "words": words,
                    "question": isolated(question.name),
                }
            yield Need(
                intcomma(n),
                ended(words),
                url=_queue(place, question=question.pk, reason=reason.value),
                action=_("Settle them") if place.may(Right.REVIEW) else _("See them"),
                hue="doubt",
            )


def _words(reason: Reason, n: int) -> str:
    if reason == Reason.PEOPLE_SPLIT:
        return ngettext("item on which people are split", "items on which people are split", n)
    if reason == Reason.JUDGE_DIFFERS:
        return ngettext(
            "item on which the judges say otherwise than people",
            "items on which the judges say otherwise than people",
            n,
        )
    if reason == Reason.JUDGES_SPLIT:
        return ngettext("item on which judges are split", "items on which judges are split", n)
    if reason == Reason.LIKELY_ERROR:
        return ngettext("item with a likely label error", "items with a likely label error", n)
    if reason == Reason.GOLD_MISSED:
        return ngettext(
            "item on which a known answer was missed",
            "items on which a known answer was missed",
            n,
        )
    return ngettext("item on which a judge is unsure", "items on which a judge is unsure", n)


def _flagged(place: Place) -> Iterator[Need]:
    n = flagged_count(place.project)
    if n:
        yield Need(
            intcomma(n),
            ngettext("item flagged and not ruled on.", "items flagged and not ruled on.", n),
            url=_items(place, reason="flagged"),
            action=_("See them"),
            hue="doubt",
        )


def _surplus(place: Place) -> Iterator[Need]:
    n = surplus_count(place.project)
    if n:
        yield Need(
            intcomma(n),
            ngettext(
                "answer came too late and is kept, not counted.",
                "answers came too late and are kept, not counted.",
                n,
            ),
            url=_items(place, state="surplus"),
            action=_("See the items"),
        )


def _refused(place: Place) -> Iterator[Need]:
    for batch in imports_refused(place.project):
        n = int(batch.counts["refused"])
        yield Need(
            intcomma(n),
            ngettext("line of %(name)s was refused.", "lines of %(name)s were refused.", n)
            % {"name": isolated(batch.name)},
            url=_link(place, Right.DATA, "import_report", batch.pk),
            action=_("See why"),
        )


def _link(place: Place, right: Right, name: str, *args: Any) -> str:
    return reverse(name, args=[place.project.pk, *args]) if place.may(right) else ""


def _queue(place: Place, **query: Any) -> str:
    """The review queue for those who review, the list of items for those who may only look."""
    if not place.may(Right.REVIEW):
        return _items(place, **query)
    return f"{reverse('review', args=[place.project.pk])}?{urlencode(query)}"


def _items(place: Place, **query: Any) -> str:
    return items_address(place.project, **query)


def items_address(project: Project, **query: Any) -> str:
    """The list of items with a filter."""
    return f"{reverse('items', args=[project.pk])}?{urlencode(query)}"
