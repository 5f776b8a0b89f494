"""The items behind a number, in words: who said what, and when."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from annotate.access import Place
from annotate.kinds import CHOICES
from annotate.models import Question, Rater, RaterKind
from annotate.selectors.item_filters import Filters
from annotate.views.bidi import isolated
from annotate.views.differing_shown import behind_words


def said_shown(place: Place, filters: Filters) -> dict[str, Any]:
    """A sentence on what the list is narrowed to, the raters it is about, and where these two
    stand side by side; empty where nothing of the kind narrows it."""
    question, a, b = filters.question, filters.a, filters.b
    if question is None:
        return {}
    if a is None and filters.differ:
        return {"words": behind_words(question, filters.differ)}
    if a is None:
        return {"words": _on_days(filters)} if filters.since or filters.until else {}
    compare_url = ""
    if b is not None and question.kind in CHOICES:
        compare_url = f"{pair_address(place, a, b)}?question={question.pk}"
    return {
        "words": " ".join(filter(None, [_words(question, filters), _days(filters)])),
        "raters": [
            {
                "kind": rater.kind,
                "name": rater.name,
                "url": f"{rater_address(place, rater)}?question={question.pk}",
            }
            for rater in (a, b)
            if rater
        ],
        "compare_url": compare_url,
    }


def rater_address(place: Place, rater: Rater) -> str:
    return reverse("rater", args=[place.project.pk, rater.pk])


def pair_address(place: Place, a: Rater, b: Rater) -> str:
    return reverse("rater_pair", args=[place.project.pk, a.pk, b.pk])


def _words(question: Question, filters: Filters) -> str:
    own, other = (_option(question, code) for code in (filters.a_says, filters.b_says))
    if filters.b is None:
        if own and filters.most_say is not None:
            return _("Items to which this rater says %(own)s and most other people %(most)s:") % {
                "own": own,
                "most": _option(question, filters.most_say),
            }
        if own:
            return _("Items to which this rater says %(own)s:") % {"own": own}
        return _("Items that this rater labelled:")
    if own and other:
        return _("Items to which the first says %(own)s and the second %(other)s:") % {
            "own": own,
            "other": other,
        }
    if filters.both:
        return _("Items that these two labelled:")
    return _("Items on which these two differ:")


def _option(question: Question, code: int | None) -> str:
    if code is None:
        return ""
    names = {option.code: option.name for option in question.options.all()}
    return isolated(names.get(code, str(code)))


def _on_days(filters: Filters) -> str:
    who = {
        RaterKind.PERSON.value: _("Items that people labelled"),
        RaterKind.JUDGE.value: _("Items that judges labelled"),
    }.get(filters.who, _("Items labelled"))
    said = ""
    if filters.question and filters.answer is not None:
        said = _("as %(option)s") % {"option": _option(filters.question, filters.answer)}
    return " ".join(filter(None, [who, said, _days(filters)]))


def _days(filters: Filters) -> str:
    since, until = (
        date.fromisoformat(day) if day else None for day in (filters.since, filters.until)
    )
    if since and until and since == until:
        return _("on %(day)s") % {"day": date_format(since, "DATE_FORMAT")}
    if since and until:
        return _("from %(since)s to %(until)s") % {
            "since": date_format(since, "DATE_FORMAT"),
            "until": date_format(until, "DATE_FORMAT"),
        }
    if since:
        return _("since %(day)s") % {"day": date_format(since, "DATE_FORMAT")}
    return _("until %(day)s") % {"day": date_format(until, "DATE_FORMAT")} if until else ""
