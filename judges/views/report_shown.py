"""A kept report on a judge in the form in which its page, its file and its sentences show it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.models import ConfidenceSource, Option, Project, Question, QuestionKind, Rater
from annotate.views.confusion_shown import Cell, confusion_rows
from annotate.views.needs_shown import items_address
from annotate.written import decimal
from judges.models import JudgeReport, JudgeVersion
from judges.selectors.money import dollars
from judges.views.report_words import next_step, report_sentences, report_warnings

METHODS = {
    "identity": gettext_lazy("left as stated: no map made it better"),
    "temperature": gettext_lazy("temperature scaling"),
    "platt": gettext_lazy("Platt scaling"),
    "isotonic": gettext_lazy("isotonic regression"),
}
# The picture of confidence is so many units wide and high; a margin keeps circles inside.
SIDE = 200


def report_shown(
    project: Project,
    question: Question,
    report: JudgeReport,
    raters: dict[int, Rater],
    version: JudgeVersion | None,
) -> dict[str, Any]:
    """For judges/_report.html. ``raters``: the judges that it is set beside, by id."""
    content = report.content
    options = list(question.options.all())
    return {
        "sentences": report_sentences(content),
        "warnings": report_warnings(content),
        "next": next_step(content),
        "n": content["n"],
        "n_tied": content["n_tied"],
        "n_people": content["n_people"],
        "most": {key: content[key] for key in ("share", "low", "high", "agree", "n")},
        "kappa": content["kappa"],
        "kappa_name": _("kappa, quadratic weights")
        if question.kind == QuestionKind.RATING
        else _("kappa"),
        "with_people": content["with_people"],
        "options": options,
        "confusion": _confusion(project, question, report.rater, options, content),
        "classes": _classes(options, content["classes"]),
        "calibration": _calibration(content["calibration"]),
        "slices": [
            _slice(project, question, report.rater, options, each) for each in content["slices"]
        ],
        "stands_out": [_slice_name(options, each) for each in content["slices"] if _fails(each)],
        "beside": _beside(content["beside"], raters),
        "spent": dollars(Decimal(content["effort"]["spent"]))
        if content["effort"]["spent"] is not None
        else "",
        "is_free": content["effort"]["spent"] is not None
        and Decimal(content["effort"]["spent"]) == 0,
        "seconds": decimal(content["effort"]["seconds"], 2)
        if content["effort"]["seconds"] is not None
        else "",
        "n_labels": content["n_labels"],
        "n_helped": content["n_helped"],
        "made_at": report.made_at,
        "fingerprint": report.fingerprint,
        "version": version,
    }


def _confusion(
    project: Project, question: Question, rater: Rater, options: list[Any], content: dict[str, Any]
) -> list[dict[str, Any]]:
    def cell(people: Option, judge: Option) -> Cell:
        says = {"a_says": judge.code, "most_say": people.code}
        return Cell(
            content["confusion"][people.code][judge.code],
            items_address(project, question=question.pk, a=rater.pk, **says),
        )

    return confusion_rows(options, cell)


def _classes(options: list[Any], classes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"option": option, **classes[option.code]} for option in options]


def _calibration(content: dict[str, Any] | None) -> dict[str, Any] | None:
    if content is None:
        return None
    sides = [(_("As the judge states it"), content["stated"])]
    if content["calibrated"]:
        sides.append((_("Once calibrated"), content["calibrated"]))
    sources = [str(ConfidenceSource(source).label) for source in content["sources"]]
    return {
        "n": content["n"],
        "source": ", ".join(sources),
        "method": METHODS.get(content["method"] or ""),
        "sides": [
            {
                "title": title,
                "error": side["error"],
                "brier": side["brier"],
                "bins": side["bins"],
                "points": [_point(each, side["bins"]) for each in side["bins"]],
                "sentence": _error_sentence(side),
            }
            for title, side in sides
        ],
    }


def _point(each: dict[str, Any], bins: list[dict[str, Any]]) -> dict[str, str]:
    """Places in the picture: x the confidence stated, y the share that is right, from above."""
    most = max(other["n"] for other in bins)
    low, high = each["interval"]
    places = {
        "x": SIDE * each["confidence"],
        "y": SIDE * (1 - each["accuracy"]),
        "y_low": SIDE * (1 - low),
        "y_high": SIDE * (1 - high),
        "r": 3 + 4 * (each["n"] / most) ** 0.5,
    }
    # With a point in any language: these go into attributes.
    return {name: f"{value:.2f}" for name, value in places.items()}


def _error_sentence(side: dict[str, Any]) -> str:
    bins = side["bins"]
    n = sum(each["n"] for each in bins)
    stated = sum(each["n"] * each["confidence"] for each in bins) / n
    right = sum(each["n_right"] for each in bins) / n
    words = {"stated": round(100 * stated), "right": round(100 * right)}
    if side["error"]["low"]:
        if stated > right:
            return (
                _("It is too sure: %(stated)s %% on average, and %(right)s %% are right.") % words
            )
        if stated < right:
            return (
                _("It is surer than it says: %(stated)s %% on average, and %(right)s %% are right.")
                % words
            )
    return (
        _("Nothing speaks against it: %(stated)s %% on average, and %(right)s %% are right.")
        % words
    )


def _slice(
    project: Project, question: Question, rater: Rater, options: list[Any], each: dict[str, Any]
) -> dict[str, Any]:
    url = ""
    if each["by"] == "metadata":
        url = items_address(
            project, question=question.pk, a=rater.pk, meta=each["name"], meta_value=each["value"]
        )
    return {
        **each,
        "title": _slice_name(options, each),
        "fails": _fails(each),
        "better": each["stands_out"] and each["difference"]["value"] > 0,
        "url": url,
    }


def _fails(each: dict[str, Any]) -> bool:
    return bool(each["stands_out"] and each["difference"]["value"] < 0)


def _slice_name(options: list[Any], each: dict[str, Any]) -> str:
    by, name, value = each["by"], each["name"], each["value"]
    if by == "length":
        return _("%(value)s characters long") % {"value": value}
    if by == "label":
        names = {str(option.code): option.name for option in options}
        return _("most people say %(option)s") % {"option": names.get(value, value)}
    if by == "cluster":
        return _("texts like “%(words)s”") % {"words": value}
    return f"{name}: {value}"


def _beside(rows: list[dict[str, Any]], raters: dict[int, Rater]) -> list[dict[str, Any]]:
    """The others, those that got most first; who is gone meanwhile is left out."""
    found = [{**row, "other": raters[row["rater"]]} for row in rows if row["rater"] in raters]
    for row in found:
        row["p_written"] = _("below .001") if row["p"] < 0.001 else decimal(row["p"], 3).lstrip("0")
        row["told_apart"] = row["p"] < 0.05
    return sorted(found, key=lambda row: row["difference"]["value"])
