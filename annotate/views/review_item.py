"""What the review screen and the page of an item show of one question of one item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.access import Place
from annotate.models import (
    VOTES,
    EstimateRun,
    Item,
    Label,
    LabelStatus,
    Option,
    Question,
    Rater,
    RaterKind,
    Ruling,
    RulingReason,
    Submission,
    SubmissionStatus,
    WhoCounts,
)
from annotate.selectors.estimates import estimate_latest
from annotate.selectors.evidence import Evidence, evidence_of
from annotate.selectors.label import option_keys
from annotate.selectors.questions import question_text
from annotate.selectors.review import labels_of, records_of, remarks_of, ruling_of
from annotate.views.bidi import isolated

# Keys of the reasons; the letters are on the buttons.
REASON_KEYS = {
    RulingReason.AMBIGUOUS_ITEM: "a",
    RulingReason.RATER_ERROR: "e",
    RulingReason.GUIDELINE_GAP: "d",
    RulingReason.JUDGE_ERROR: "j",
}
# A longer text is set smaller and scrolls in its own box.
LONG_TEXT = 420


def item_shown(place: Place, item: Item, question: Question) -> dict[str, Any]:
    """The context of templates/annotate/review.html for one item (all but the queue)."""
    remarks = remarks_of(item)
    return {
        "item": item_text(place, item, remarks),
        "comments": [remark_shown(remark) for remark in remarks],
        **question_shown(place, item, question, remarks),
    }


def item_text(place: Place, item: Item, remarks: Collection[Submission]) -> dict[str, Any]:
    return {
        "pk": item.pk,
        "external_id": item.external_id,
        "fields": [{"name": name, "text": text} for name, text in item.fields.items()],
        "url": reverse("item", args=[place.project.pk, item.pk]),
        "is_long": sum(len(str(text)) for text in item.fields.values()) > LONG_TEXT,
        "flagged": any(remark.flagged for remark in remarks),
    }


def question_shown(
    place: Place, item: Item, question: Question, remarks: Collection[Submission]
) -> dict[str, Any]:
    """What was asked, said, counted and ruled. Six queries, given the question's options."""
    options = {option.code: option for option in question.options.all()}
    labels = labels_of(item, question)
    counted = [label for label in labels if label.status == LabelStatus.LIVE]
    ruling = ruling_of(item, question)
    run = estimate_latest(question)
    evidence = evidence_of([label for label in counted if label.rater.kind == RaterKind.JUDGE])
    return {
        "question": {
            "pk": question.pk,
            "name": question.name,
            "text": question_text(question, item.fields),
            "kind": question.kind,
        },
        "why": why(counted, options, remarks),
        "options": _options(question, options, ruling),
        "reasons": [
            {"code": reason.value, "name": reason.label, "key": key}
            for reason, key in REASON_KEYS.items()
        ],
        "rule_url": reverse("review_rule", args=[place.project.pk, question.pk, item.pk]),
        "ruling": ruling and _ruling(place, ruling, options),
        "withdraw_form": f"withdraw-{question.pk}",
        "people": [_vote(v, options) for v in counted if v.rater.kind == RaterKind.PERSON],
        "judges": [
            {**_vote(v, options), **_evidence(evidence.get(v.pk), options)}
            for v in counted
            if v.rater.kind == RaterKind.JUDGE
        ],
        "surplus": [_vote(v, options) for v in labels if v.status == LabelStatus.SURPLUS],
        "skills": _skills(question, [label.rater for label in counted], run),
        "spread": _spread(counted, options),
        **_aggregate(item, run, counted, options),
    }


# --- Why it is in the queue, in words -----------------------------------------------------------


def why(
    labels: Collection[Label], options: dict[int, Option], remarks: Collection[Submission]
) -> str:
    """Why the item is worth a look: who said what, how sure, who flagged it."""
    people = [label for label in labels if label.rater.kind == RaterKind.PERSON]
    judges = [label for label in labels if label.rater.kind == RaterKind.JUDGE]
    parts = [", ".join(_said(people, options, by_people=True)), ", ".join(_judged(judges, options))]
    said = "; ".join(part for part in parts if part)
    sentences = [f"{said}." if said else _("Nobody has answered yet.")]
    flags = [isolated(remark.rater.name) for remark in remarks if remark.flagged]
    if flags:
        sentences.append(_("Flagged by %(names)s.") % {"names": ", ".join(sorted(set(flags)))})
    return " ".join(sentences)


def _said(labels: list[Label], options: dict[int, Option], *, by_people: bool) -> list[str]:
    """“2 people say Positive”, “1 says Not mentioned”: the commonest first."""
    votes = Counter(label.choice for label in labels if label.choice in options)
    words: list[str] = []
    for code, n in sorted(votes.items(), key=lambda vote: (-vote[1], vote[0] or 0)):
        values = {"n": n, "name": isolated(options[code or 0].name)}
        if words:
            words.append(ngettext("%(n)s says %(name)s", "%(n)s say %(name)s", n) % values)
        elif by_people:
            told = ngettext("%(n)s person says %(name)s", "%(n)s people say %(name)s", n)
            words.append(told % values)
        else:
            told = ngettext("%(n)s judge says %(name)s", "%(n)s judges say %(name)s", n)
            words.append(told % values)
    return words


def _judged(labels: list[Label], options: dict[int, Option]) -> list[str]:
    if len(labels) != 1 or labels[0].choice not in options:
        return _said(labels, options, by_people=False)
    label = labels[0]
    values = {
        "judge": isolated(label.rater.name),
        "name": isolated(options[label.choice or 0].name),
    }
    if label.confidence is None:
        return [_("the judge %(judge)s says %(name)s") % values]
    values["percent"] = str(round(100 * label.confidence))
    return [_("the judge %(judge)s says %(name)s, %(percent)s %% sure") % values]


# --- Options, votes, remarks, rulings -----------------------------------------------------------


def _options(
    question: Question, options: dict[int, Option], ruling: Ruling | None
) -> list[dict[str, Any]]:
    shown = list(options.values())
    return [
        {
            "code": option.code,
            "name": option.name,
            "definition": option.definition,
            "colour": option.colour,
            "key": key,
            "checked": ruling is not None and ruling.choice == option.code,
        }
        for option, key in zip(shown, option_keys(question, shown), strict=True)
    ]


def _ruling(place: Place, ruling: Ruling, options: dict[int, Option]) -> dict[str, Any]:
    return {
        "pk": ruling.pk,
        "option": _chip(options, ruling.choice),
        "reason": ruling.get_reason_display(),
        "by": ruling.reviewer.shown_name,
        "when": naturaltime(ruling.created_at),
        "comment": ruling.comment,
        "withdraw_url": reverse("ruling_withdraw", args=[place.project.pk, ruling.pk]),
    }


def _chip(options: dict[int, Option], code: int | None) -> dict[str, str] | None:
    option = options.get(code) if code is not None else None
    return {"name": option.name, "colour": option.colour} if option else None


def _vote(label: Label, options: dict[int, Option]) -> dict[str, Any]:
    exposure = label.submission.exposure
    return {
        "rater": {
            "kind": label.rater.kind,
            "name": label.rater.name,
            "note": _("saw a judge’s answer first") if exposure else "",
        },
        "option": _chip(options, label.choice),
        "state": "",
        "confidence": label.confidence,
        "source": label.get_confidence_source_display().lower() if label.confidence_source else "",
        "rationale": label.rationale,
    }


def _evidence(evidence: Evidence | None, options: dict[int, Option]) -> dict[str, Any]:
    """What a judge's answer came of, for annotate/_vote.html; {} where nothing is known of it."""
    if evidence is None:
        return {}
    return {
        "came_of": evidence.sentence,
        "witnesses": [
            {
                "name": witness.name,
                "option": _chip(options, witness.choice),
                "confidence": witness.confidence,
                "source": witness.source,
                "rationale": witness.rationale,
                "note": witness.note,
                "round": witness.round,
            }
            for witness in evidence.witnesses
        ],
    }


def remark_shown(remark: Submission) -> dict[str, Any]:
    words = []
    if remark.status == SubmissionStatus.SKIPPED:
        words.append(_("skipped"))
    if remark.status == SubmissionStatus.SURPLUS:
        words.append(_("surplus"))
    if remark.flagged:
        words.append(_("flagged"))
    return {
        "rater": {
            "kind": remark.rater.kind,
            "name": remark.rater.name,
            "note": ", ".join(words),
        },
        "text": remark.comment,
    }


def _skills(
    question: Question, raters: Collection[Rater], run: EstimateRun | None
) -> list[dict[str, Any]]:
    """How often each rater of this item is right: by rulings, else by the newest aggregation."""
    shown: list[tuple[Rater, str, tuple[float, float | None, float | None]]] = [
        (
            record.rater,
            _("%(right)s of %(ruled)s rulings") % {"right": record.right, "ruled": record.ruled},
            (record.share, record.low, record.high),
        )
        for record in records_of(question, raters)
    ]
    ruled = {rater.pk for rater, _note, _figures in shown}
    rest = {rater.pk: rater for rater in raters if rater.pk not in ruled}
    if run is not None and run.method not in VOTES and rest:
        abilities = run.rater_estimates.filter(rater__in=rest, ability__isnull=False)
        shown += [
            (
                rest[estimate.rater_id],
                _("expected over %(n)s labels, %(method)s")
                % {"n": estimate.n_labels, "method": run.get_method_display()},
                (estimate.ability or 0.0, estimate.ability_low, estimate.ability_high),
            )
            for estimate in abilities
        ]
    shown.sort(key=lambda row: (row[0].kind != RaterKind.PERSON, row[0].name))
    return [
        {
            "rater": {"kind": rater.kind, "name": rater.name, "note": note},
            "value": value,
            "low": low,
            "high": high,
        }
        for rater, note, (value, low, high) in shown
    ]


# --- Counting -----------------------------------------------------------------------------------


def _spread(labels: list[Label], options: dict[int, Option]) -> list[dict[str, Any]]:
    """Shares of the options among people and among judges: never mixed, judges would outvote."""
    spread = []
    for kind, name in ((RaterKind.PERSON, _("People")), (RaterKind.JUDGE, _("Judges"))):
        votes = Counter(label.choice for label in labels if label.rater.kind == kind)
        if not votes:
            continue
        total = votes.total()
        shares = [
            {
                "name": option.name,
                "colour": option.colour,
                "percent": 100 * votes[code] / total,
                "count": votes[code],
            }
            for code, option in options.items()
            if votes[code]
        ]
        spread.append({"kind": kind.value, "name": name, "shares": shares, "total": total})
    return spread


def _aggregate(
    item: Item, run: EstimateRun | None, labels: list[Label], options: dict[int, Option]
) -> dict[str, Any]:
    """The newest aggregation where it saw the votes there are now, else people's majority."""
    estimate = run.item_estimates.filter(item=item).first() if run else None
    # Where every label weighed nothing, there is no posterior and no answer.
    if run and estimate and estimate.payload["posterior"]:
        counted = _votes(labels, run.who_counts)
        if estimate.payload["votes"] == {str(code): n for code, n in counted.items()}:
            posterior = {int(c): p for c, p in estimate.payload["posterior"].items()}
            how = f"{run.get_method_display()}, {run.get_who_counts_display().lower()}"
            return _winner(posterior, estimate.choice, options, how, _("probability"))
    votes = _votes(labels, WhoCounts.PEOPLE)
    if not votes:
        return {}
    top = _top(votes)
    shares = {code: n / votes.total() for code, n in votes.items()}
    first = top[0] if len(top) == 1 else None
    return _winner(shares, first, options, _("majority of people"), _("share"))


def _winner(
    weights: dict[int, float],
    choice: int | None,
    options: dict[int, Option],
    method: str,
    measure: str,
) -> dict[str, Any]:
    if choice is None:
        names = [isolated(options[code].name) for code in _top(weights) if code in options]
        return {"tied": names, "tied_method": method}
    chip = _chip(options, choice)
    if chip is None:
        return {}
    return {
        "aggregate": {**chip, "probability": weights[choice], "measure": measure, "method": method}
    }


def _votes(labels: Collection[Label], who: str) -> Counter[int]:
    kinds = {WhoCounts.PEOPLE: {RaterKind.PERSON}, WhoCounts.JUDGES: {RaterKind.JUDGE}}.get(
        WhoCounts(who), set(RaterKind)
    )
    return Counter(
        label.choice
        for label in labels
        if label.choice is not None and RaterKind(label.rater.kind) in kinds
    )


def _top(weights: dict[int, Any] | Counter[int]) -> list[int]:
    # Posteriors are stored in millionths: those of a tie may differ by one.
    least = max(weights.values()) - 1.5e-6
    return [code for code, weight in weights.items() if weight >= least]
