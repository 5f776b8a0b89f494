"""Signs that a machine may have given somebody's labels, in words: hints for leads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.access import Place
from annotate.models import Question, Rater
from annotate.selectors.machine_signs import Signs, signs_of
from annotate.selectors.rater_rows import PACE_OVER
from annotate.views.bidi import isolated
from annotate.views.needs_shown import items_address

# What stands out: rules of this house, told on the page. Times that spread by less than a fifth;
# more than a fifth of the answers faster than reading; text pasted into more than a tenth.
EVEN, FAST, PASTED = 0.2, 0.2, 0.1
# Agreement with a judge is looked at from so many items on.
LEAST_ITEMS = 30


@dataclass(frozen=True)
class Sign:
    """One line. ``value``, ``low``, ``high``: shares, None where nothing can be said; ``rests_on``
    says of what; ``stands_out``: the whole interval lies beyond the line."""

    name: str
    rests_on: str
    line: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    stands_out: bool = False
    url: str = ""
    pair_url: str = ""


def signs_shown(
    place: Place, question: Question | None, rater: Rater, likeness: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """{rows, sentence}. Three queries."""
    found = signs_of(rater)
    rows = [*_of_answers(found), *_like_judges(place, question, rater, likeness)]
    n = sum(row.stands_out for row in rows)
    known = sum(row.value is not None for row in rows)
    if not known:
        sentence = _("There are too few answers for any of these signs.")
    elif not n:
        sentence = _("None of the signs stands out.")
    else:
        sentence = ngettext(
            "%(n)s of %(known)s signs stands out. Talk with them before you conclude anything.",
            "%(n)s of %(known)s signs stand out. Talk with them before you conclude anything.",
            n,
        ) % {"n": n, "known": known}
    return {"rows": rows, "sentence": sentence, "over": PACE_OVER}


def _of_answers(found: Signs) -> Iterator[Sign]:
    even = found.even
    yield Sign(
        name=_("How far times differ"),
        rests_on=_("%(n)s answers with a time") % {"n": found.timed},
        line=_("Stands out below .20: people’s times differ more. Items of one kind make it less."),
        value=even.value,
        low=even.low,
        high=even.high,
        stands_out=even.high is not None and even.high < EVEN,
    )
    yield _share(
        _("Faster than reading"),
        found.fast,
        found.timed,
        _(
            "Answers in less time than reading the item takes at ten words a second. Stands out "
            "above .20. Items whose answer shows at a glance make it more."
        ),
        FAST,
    )
    yield _share(
        _("Text from elsewhere"),
        found.pasted,
        found.texts,
        _(
            "Answers with text into which some was pasted that is not in the item. Stands out "
            "above .10. Notes of their own and spelling checkers make it more."
        ),
        PASTED,
    )


def _share(name: str, k: int, n: int, line: str, beyond: float) -> Sign:
    from consensus.intervals import proportion_interval

    if not n:
        return Sign(name, _("no such answers"), line)
    low, high = proportion_interval(k, n)
    rests_on = _("%(k)s of %(n)s answers") % {"k": k, "n": n}
    return Sign(name, rests_on, line, k / n, low, high, stands_out=low > beyond)


def _like_judges(
    place: Place, question: Question | None, rater: Rater, likeness: Sequence[dict[str, Any]]
) -> Iterator[Sign]:
    names = dict(
        place.project.raters.filter(pk__in=[row["judge"] for row in likeness]).values_list(
            "pk", "name"
        )
    )
    for row in likeness:
        pk, few = row["judge"], row["n"] < LEAST_ITEMS or row["excess"] is None
        if question is None or pk not in names:
            continue
        words = (
            _("too few of their items have answers of two other people")
            if few
            else _("%(n)s items: agrees on %(agree)s %%, foretold %(foretold)s %%")
            % {
                "n": row["n"],
                "agree": round(100 * row["agree"]),
                "foretold": round(100 * row["foretold"]),
            }
        )
        query = {"question": question.pk, "a": rater.pk, "b": pk}
        pair = reverse("rater_pair", args=[place.project.pk, rater.pk, pk])
        yield Sign(
            name=_("Like %(judge)s") % {"judge": isolated(names[pk])},
            rests_on=words,
            line=_(
                "Agreement with this judge beyond what agreement with other people foretells. "
                "Stands out where the interval lies above 0. Answers with a suggestion in sight "
                "are left out."
            ),
            value=None if few else row["excess"],
            low=None if few else row["low"],
            high=None if few else row["high"],
            stands_out=not few and row["low"] > 0,
            url=items_address(place.project, **query, both=1),
            pair_url=f"{pair}?question={question.pk}",
        )
