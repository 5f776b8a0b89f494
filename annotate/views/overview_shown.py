"""What the overview shows of progress and of each question: the figures, put into words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.access import Place, Right
from annotate.forms.aggregates import METHOD_LINES, AggregateForm
from annotate.kinds import CHOICES
from annotate.models import (
    VOTES,
    EstimateRun,
    Question,
    RaterEstimate,
    RaterKind,
    WhoCounts,
    methods_of,
)
from annotate.selectors.estimates import estimate_latest
from annotate.selectors.figures import (
    AT_ONCE,
    figures_latest,
    figures_of,
    fingerprint_key,
    labels_count,
)
from annotate.selectors.overview import DAYS, LEAST, Forecast, Progress
from annotate.views.matrix_shown import matrix_shown, rater_url
from annotate.views.needs_shown import items_address
from annotate.views.over_time_shown import over_time_shown
from annotate.views.value_facts import (
    facts_shown,
    measure_words,
    options_agreement_shown,
    value_meaning,
)
from annotate.written import clauses, within

if TYPE_CHECKING:
    from consensus.agreement import Agreement


@dataclass(frozen=True)
class FiguresShown:
    """The figures of all questions. ``taken_at`` None: they are of this moment.

    ``missing``: there are too many labels to wait for, and nobody has had them computed yet.
    ``newer``: labels more (or less) than there were when they were computed.
    """

    questions: Sequence[dict[str, Any]] = ()
    taken_at: datetime | None = None
    newer: int = 0
    missing: bool = False
    n_labels: int = 0
    compute_url: str = ""
    origins: Counter[str] = field(default_factory=Counter)


# --- Progress -----------------------------------------------------------------------------------


def progress_shown(place: Place, progress: Progress, origins: Counter[str]) -> dict[str, Any]:
    each = place.project.labels_per_item
    return {
        "done": progress.filled,
        "total": progress.wanted,
        "items_done": progress.items_done,
        "items": progress.items,
        "each": each,
        "forecast": _forecast(progress),
        "imported": _imported(origins),
        "empty": not progress.wanted,
    }


def _forecast(progress: Progress) -> str:
    forecast, left = progress.forecast, progress.wanted - progress.filled
    if not progress.wanted:
        return ""
    if not left:
        return _("All labels that were wanted of people are there.")
    if forecast.days is None:
        return _(
            "No forecast yet: it needs at least %(least)s labels of people in the last %(days)s "
            "days, and there were %(n)s."
        ) % {"least": LEAST, "days": DAYS, "n": forecast.labels}
    end = timezone.localdate() + timedelta(days=forecast.days)
    time = ngettext("the last day", "the last %(days)s days", forecast.over_days) % {
        "days": forecast.over_days
    }
    rests_on = ngettext(
        "the %(labels)s labels that %(n)s person gave in %(time)s",
        "the %(labels)s labels that %(n)s people gave in %(time)s",
        forecast.people,
    ) % {"labels": intcomma(forecast.labels), "n": forecast.people, "time": time}
    about = ngettext(
        "About %(n)s day to go, until %(end)s, at %(pace)s labels a day: %(rests_on)s.",
        "About %(n)s days to go, until %(end)s, at %(pace)s labels a day: %(rests_on)s.",
        forecast.days,
    ) % {
        "n": intcomma(forecast.days),
        "end": date_format(end, "DAY_FORMAT"),
        "pace": intcomma(round(forecast.per_day)),
        "rests_on": rests_on,
    }
    return f"{about} {_between(forecast)}"


def _between(forecast: Forecast) -> str:
    """How sure the forecast is, in words."""
    if forecast.low is None:
        return _("From one day’s pace nothing says how sure that is.")
    if forecast.high is None:
        return _(
            "Days differ so much that it may take %(low)s days or far longer: no end is in sight."
        ) % {"low": intcomma(forecast.low)}
    return _(
        "With days as uneven as these, it takes %(low)s to %(high)s days in four of five cases."
    ) % {"low": intcomma(forecast.low), "high": intcomma(forecast.high)}


def _imported(origins: Counter[str]) -> str:
    """What does not fill places: labels that came with files, and those of judges run here."""
    people, judges, run = (
        origins[name] for name in ("person imported", "judge imported", "judge run")
    )
    parts = [
        (
            people,
            ngettext(
                "%(n)s label of a person came with a file",
                "%(n)s labels of people came with files",
                people,
            ),
        ),
        (
            judges,
            ngettext(
                "%(n)s label of a judge came with a file",
                "%(n)s labels of judges came with files",
                judges,
            ),
        ),
        (
            run,
            ngettext("%(n)s label is of a judge", "%(n)s labels are of judges run here", run),
        ),
    ]
    words = [told % {"n": intcomma(n)} for n, told in parts if n]
    if not words:
        return ""
    return _("Beside these, %(parts)s.") % {"parts": clauses(words)}


# --- Questions ----------------------------------------------------------------------------------


def figures_shown(place: Place, questions: Sequence[Question]) -> FiguresShown:
    """Figures of this moment where there are few labels, else those that a job left."""
    n_labels = labels_count(questions)
    may = place.may(Right.REVIEW)
    compute_url = reverse("figures", args=[place.project.pk]) if may else ""
    if n_labels <= AT_ONCE:
        kept = {str(question.pk): figures_of(question) for question in questions}
        taken_at, newer = None, 0
    else:
        job = figures_latest(place.project)
        if job is None:
            return FiguresShown(missing=True, n_labels=n_labels, compute_url=compute_url)
        kept, taken_at = job.result["questions"], job.finished_at
        newer = n_labels - sum(figures["n_labels"] for figures in kept.values())
    origins: Counter[str] = Counter()
    for figures in kept.values():
        origins.update(figures["origins"])
    return FiguresShown(
        questions=[
            _question(place, question, kept[str(question.pk)])
            for question in questions
            if str(question.pk) in kept
        ],
        taken_at=taken_at,
        newer=newer,
        n_labels=n_labels,
        compute_url=compute_url if taken_at else "",
        origins=origins,
    )


def _question(place: Place, question: Question, figures: dict[str, Any]) -> dict[str, Any]:
    run, methods = estimate_latest(question), methods_of(question.kind)
    abilities: dict[int, dict[str, Any]] = {}
    if run is not None:
        shown = [row["pk"] for row in figures["raters"]]
        found = RaterEstimate.objects.filter(run=run, rater__in=shown, ability__isnull=False)
        abilities = {
            row.rater_id: {"value": row.ability, "low": row.ability_low, "high": row.ability_high}
            for row in found
        }
    return {
        "pk": question.pk,
        "name": question.name,
        "text": question.text,
        "n_labels": figures["n_labels"],
        "n_items": figures["n_items"],
        "agreement": _agreement(figures["agreement"], by_people=True),
        "judges_agreement": _agreement(figures["judges_agreement"], by_people=False),
        "options": options_agreement_shown(question, figures),
        "spread": [] if question.kind not in CHOICES else _spread(question, figures),
        "over_time": over_time_shown(place, question, figures),
        "facts": facts_shown(question, figures),
        "raters": [
            {
                **row,
                "ability": abilities.get(row["pk"]),
                "note": _origin(row),
                "url": rater_url(place, question, row["pk"]),
                "labels_url": items_address(place.project, question=question.pk, a=row["pk"]),
            }
            for row in figures["raters"]
        ],
        "abilities_title": _abilities_title(run) if run and abilities else "",
        "has_pace": any(row["seconds"] for row in figures["raters"]),
        "n_raters": figures["n_raters"],
        "matrix": matrix_shown(place, question, figures),
        "raters_url": f"{reverse('raters', args=[place.project.pk])}?question={question.pk}",
        "differing_url": f"{reverse('differing', args=[place.project.pk])}?question={question.pk}"
        if question.kind in CHOICES
        else "",
        "aggregate": _aggregate(run, figures) if run else None,
        "form": _aggregate_form(question, run) if methods else None,
        "methods": [{"name": method.label, "line": METHOD_LINES[method]} for method in methods],
        "aggregate_url": reverse("aggregate", args=[place.project.pk, question.pk]),
    }


def _aggregate_form(question: Question, run: EstimateRun | None) -> AggregateForm:
    """As it was filled in last time, so that aggregating again does the same again."""
    last = {}
    if run:
        last = {"method": run.method, "who": run.who_counts, **run.parameters}
    return AggregateForm(kind=question.kind, auto_id=f"aggregate-{question.pk}-%s", initial=last)


def _abilities_title(run: EstimateRun) -> str:
    title = _("Agrees, by %(method)s") if run.method in VOTES else _("Right, by %(method)s")
    return title % {"method": run.get_method_display()}


def _origin(row: dict[str, Any]) -> str:
    return _("imported") if row["origin"] == "imported" else ""


def _agreement(found: dict[str, Any], *, by_people: bool) -> dict[str, Any]:
    """Alpha with its interval, what it rests on, and what it means."""
    alpha = _alpha(found)
    return {
        "value": alpha.value,
        "low": alpha.low,
        "high": alpha.high,
        "name": "F1" if alpha.measure == "span_f1" else _("alpha"),
        "note": measure_words(alpha),
        "meaning": value_meaning(alpha) or _meaning(alpha, by_people=by_people),
        "rests_on": _("%(labels)s labels on %(items)s items with two or more")
        % {"labels": intcomma(alpha.n), "items": intcomma(alpha.n_items)},
        "n_pairable": alpha.n,
    }


def _alpha(found: dict[str, Any]) -> Agreement:
    """The result from its fields, or from those that figures kept by an older job have."""
    from consensus.agreement import Agreement

    if "n_pairable" not in found:
        return Agreement(**found)
    n, value = found["n_pairable"], found["value"]
    return Agreement(
        measure="krippendorff_alpha",
        value=value,
        low=found["low"],
        high=found["high"],
        n_items=found["n_items"],
        n=n,
        level=found["level"],
        reason=None if value is not None else "one_class" if n else "no_pairs",
    )


def _meaning(alpha: Agreement, *, by_people: bool) -> str:
    from consensus.meanings import agreement_key

    key = agreement_key(alpha)
    who = _("people") if by_people else _("judges")
    meanings = {
        "no_pairs": _("Not defined yet: no item has labels of two %(who)s."),
        "one_class": _("Not defined: all labels name one option, so nobody could have disagreed."),
        "chance": _("No more than chance would have it: these labels say nothing yet."),
        "low": _("Low: the guideline or the items leave too much open to rely on these labels."),
        "tentative": _("Fair: good enough for tentative conclusions, not more."),
        "reliable": _("High: these labels can be relied on."),
    }
    words = meanings[key] % {"who": who}
    if alpha.value is None or alpha.low is None:
        return words
    if agreement_key(replace(alpha, value=alpha.low)) != key:
        words += " " + _("The interval reaches into a lower band: more items would tell.")
    return words


def _spread(question: Question, figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Shares of the options among people and among judges."""
    spread = []
    for kind, name, by_code in (
        (RaterKind.PERSON, _("People"), figures["people"]),
        (RaterKind.JUDGE, _("Judges"), figures["judges"]),
    ):
        total = sum(by_code.values())
        if not total:
            continue
        shares = [
            {
                "name": option.name,
                "colour": option.colour,
                "percent": 100 * by_code.get(str(option.code), 0) / total,
                "count": intcomma(by_code.get(str(option.code), 0)),
            }
            for option in question.options.all()
        ]
        spread.append(
            {"kind": kind.value, "name": name, "shares": shares, "total": intcomma(total)}
        )
    return spread


def _aggregate(run: EstimateRun, figures: dict[str, Any]) -> dict[str, Any]:
    """The newest aggregation in words, and whether labels have changed since."""
    ties = run.job.result.get("ties", 0)
    sentences = [
        _("%(method)s, %(who)s: %(items)s items from %(labels)s labels.")
        % {
            "method": run.get_method_display(),
            "who": within(run.get_who_counts_display()),
            "items": intcomma(run.n_items),
            "labels": intcomma(run.n_labels),
        },
        ngettext(
            "%(n)s item is a tie and has no answer.",
            "%(n)s items are ties and have no answer.",
            ties,
        )
        % {"n": intcomma(ties)}
        if ties
        else _("No ties."),
    ]
    if run.iterations:
        told = (
            ngettext(
                "It settled after %(n)s round.", "It settled after %(n)s rounds.", run.iterations
            )
            if run.converged
            else _("It had not settled after %(n)s rounds: take it with care.")
        )
        sentences.append(told % {"n": run.iterations})
    rulings = bool(run.parameters.get("rulings"))
    if rulings:
        sentences.append(_("Rulings counted as known answers."))
    if "judge_weight" in run.parameters:
        sentences.append(
            _("A judge’s label weighed %(weight)s of a person’s.")
            % {"weight": f"{run.parameters['judge_weight']:g}"}
        )
    sentences += run.found.get("sentences", [])
    seen = figures["fingerprints"].get(fingerprint_key(run.who_counts, rulings=rulings))
    return {
        "sentence": " ".join(sentences),
        "at": run.job.finished_at,
        "by": run.created_by.shown_name,
        "outdated": seen != run.input_fingerprint,
        "with_judges": run.who_counts != WhoCounts.PEOPLE,
    }
