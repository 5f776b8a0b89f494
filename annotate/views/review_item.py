"""What the review screen and the page of an item show of one question of one item."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.urls import reverse
from django.utils.translation import gettext as _

from annotate.access import Place
from annotate.kinds import CHOICES, Asked, Said, asked_of, kind_of, said_of
from annotate.models import (
    VOTES,
    Arm,
    EstimateRun,
    Item,
    Label,
    LabelStatus,
    Question,
    QuestionKind,
    Rater,
    RaterKind,
    Ruling,
    RulingReason,
    Submission,
    SubmissionStatus,
)
from annotate.selectors.estimates import estimate_latest
from annotate.selectors.evidence import Evidence, evidence_of
from annotate.selectors.given_back import given_back_of
from annotate.selectors.item_display import LONG_TEXT, fields_shown
from annotate.selectors.label import option_keys, questions_shown
from annotate.selectors.questions import question_text
from annotate.selectors.review import (
    known_answer,
    labels_of,
    records_of,
    remarks_of,
    ruling_of,
)
from annotate.selectors.value_figures import facts_of
from annotate.views.answer_words import answer_chip
from annotate.views.item_aggregate import aggregate_shown
from annotate.views.review_why import why
from annotate.views.value_facts import fact_words
from annotate.written import listed, within

# Keys of the reasons; the letters are on the buttons.
REASON_KEYS = {
    RulingReason.AMBIGUOUS_ITEM: "a",
    RulingReason.RATER_ERROR: "e",
    RulingReason.GUIDELINE_GAP: "d",
    RulingReason.JUDGE_ERROR: "j",
}


def item_shown(place: Place, item: Item, question: Question) -> dict[str, Any]:
    """The context of templates/annotate/review.html for one item (all but the queue)."""
    remarks = remarks_of(item)
    return {
        "item": item_text(place, item, remarks, [question]),
        "comments": [*map(remark_shown, remarks), *given_back_shown(item)],
        **question_shown(place, item, question, remarks),
    }


def item_text(
    place: Place,
    item: Item,
    remarks: Collection[Submission],
    questions: Sequence[Question],
) -> dict[str, Any]:
    return {
        "pk": item.pk,
        "external_id": item.external_id,
        "fields": fields_shown(place.project, item.fields, questions),
        "url": reverse("item", args=[place.project.pk, item.pk]),
        "is_long": sum(len(str(text)) for text in item.fields.values()) > LONG_TEXT,
        "flagged": any(remark.flagged for remark in remarks),
    }


def question_shown(
    place: Place, item: Item, question: Question, remarks: Collection[Submission]
) -> dict[str, Any]:
    """What was asked, said, counted and ruled. Six queries, given the question's options."""
    asked = asked_of(question)
    labels = labels_of(item, question)
    counted = [label for label in labels if label.status == LabelStatus.LIVE]
    ruling, known = ruling_of(item, question), known_answer(item, question)
    run = estimate_latest(question)
    evidence = evidence_of([label for label in counted if label.rater.kind == RaterKind.JUDGE])
    skills = _skills(question, [label.rater for label in counted], run)
    people = [_vote(v, item, asked, skills) for v in counted if v.rater.kind == RaterKind.PERSON]
    judges = [
        {**_vote(v, item, asked, skills), **_evidence(evidence.get(v.pk), item, asked)}
        for v in counted
        if v.rater.kind == RaterKind.JUDGE
    ]
    return {
        "question": {
            "pk": question.pk,
            "name": question.name,
            "text": question_text(question, item.fields),
            "kind": question.kind,
        },
        "why": why(item, asked, counted, remarks, known),
        "known_answer": (answer_chip(asked, known, item, short=True) or {}).get("name", "")
        if known
        else "",
        **_ruling_ways(item, question, asked, labels, ruling),
        "reasons": [
            {"code": reason.value, "name": reason.label, "key": key}
            for reason, key in REASON_KEYS.items()
        ],
        "rule_url": reverse("review_rule", args=[place.project.pk, question.pk, item.pk]),
        "ruling": ruling and _ruling(place, item, ruling, asked),
        "withdraw_form": f"withdraw-{question.pk}",
        "people": people,
        "judges": judges,
        "said_why": _said_why(people, judges),
        "surplus": [_vote(v, item, asked, {}) for v in labels if v.status == LabelStatus.SURPLUS],
        "spread": _spread(counted, asked) if asked.kind in CHOICES else [],
        "facts": [] if asked.kind in CHOICES else _facts(question, asked, counted),
        **aggregate_shown(item, run, counted, asked),
    }


# --- Options, votes, remarks, rulings -----------------------------------------------------------


def _ruling_ways(
    item: Item, question: Question, asked: Asked, labels: Sequence[Label], ruling: Ruling | None
) -> dict[str, Any]:
    """What a ruling can be chosen from: the options, or the answers given and one's own."""
    if asked.kind in CHOICES:
        return {"options": _options(question, ruling)}
    standing = said_of(ruling) if ruling else None
    entries = {question.pk: kind_of(asked).entries(asked, standing)} if standing else {}
    given: dict[str, dict[str, Any]] = {}
    for label in labels:
        said = said_of(label)
        row = given.setdefault(
            said.canonical,
            {
                "pk": label.pk,
                **(answer_chip(asked, said, item) or {}),
                "by": [],
                "checked": said == standing,
                **_preview(asked, said),
            },
        )
        row["by"].append({"kind": label.rater.kind, "name": label.rater.name})
    rows = list(given.values())
    for number, row in enumerate(rows[:9], 1):
        row["key"] = str(number)
    (own,) = questions_shown([question], item, entries=entries, errors={})
    return {
        "options": [],
        "given": rows,
        "own": own,
        "own_checked": standing is not None and not any(row["checked"] for row in rows),
    }


def _preview(asked: Asked, said: Said) -> dict[str, str]:
    """Spans as static/js/kinds/span.js shows them in the text while the answer is pointed at."""
    if asked.kind != QuestionKind.SPAN:
        return {}
    spans = [
        [start, end, asked.by_code[code].colour, asked.by_code[code].name]
        for start, end, code in said.value
        if code in asked.by_code
    ]
    return {"preview": json.dumps(spans), "field": asked.settings["field"]}


def _options(question: Question, ruling: Ruling | None) -> list[dict[str, Any]]:
    shown = list(question.options.all())
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


def _ruling(place: Place, item: Item, ruling: Ruling, asked: Asked) -> dict[str, Any]:
    return {
        "pk": ruling.pk,
        "option": answer_chip(asked, said_of(ruling), item),
        "reason": ruling.get_reason_display(),
        "by": ruling.reviewer.shown_name,
        "when": naturaltime(ruling.created_at),
        "comment": ruling.comment,
        "withdraw_url": reverse("ruling_withdraw", args=[place.project.pk, ruling.pk]),
    }


def _vote(
    label: Label, item: Item, asked: Asked, skills: Mapping[int, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "rater": {
            "kind": label.rater.kind,
            "name": label.rater.name,
            "note": _seen(label.submission),
        },
        "option": answer_chip(asked, said_of(label), item),
        "state": "",
        "confidence": label.confidence,
        "source": within(label.get_confidence_source_display()) if label.confidence_source else "",
        "rationale": label.rationale,
        "give_back_url": _give_back_url(label.submission),
        "skill": skills.get(label.rater_id),
    }


def _give_back_url(submission: Submission) -> str:
    """Where the answer of a member is given back to them; "" where that is not possible."""
    if submission.assignment_id is None or submission.status != SubmissionStatus.SUBMITTED:
        return ""
    return reverse("give_back", args=[submission.project_id, submission.pk])


def given_back_shown(item: Item) -> list[dict[str, Any]]:
    """What was given back and is not answered anew yet, as remarks are shown."""
    return [
        {
            "rater": {
                "kind": "ruling",
                "name": back.by.shown_name,
                "note": _("given back to %(name)s") % {"name": back.submission.rater.name},
            },
            "text": back.comment,
        }
        for back in given_back_of(item)
    ]


def _said_why(people: list[dict[str, Any]], judges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What people and what judges wrote, side by side; nothing where nobody wrote anything."""
    columns = [
        {"name": name, "votes": [vote for vote in votes if vote["rationale"]]}
        for name, votes in ((_("What people wrote"), people), (_("What judges wrote"), judges))
    ]
    return columns if any(column["votes"] for column in columns) else []


def _seen(submission: Submission) -> str:
    if submission.arm == Arm.REVEALED:
        return _("answered again after a judge’s answer was revealed")
    return _("saw a judge’s answer first") if submission.exposure else ""


def _evidence(evidence: Evidence | None, item: Item, asked: Asked) -> dict[str, Any]:
    """What a judge's answer came of, for annotate/_vote.html; {} where nothing is known of it."""
    if evidence is None:
        return {}
    return {
        "came_of": evidence.sentence,
        "witnesses": [
            {
                "name": witness.name,
                "option": answer_chip(asked, Said(witness.choice), item),
                "confidence": witness.confidence,
                "source": witness.source,
                "rationale": witness.rationale,
                "note": witness.note,
                "round": witness.round,
            }
            for witness in evidence.witnesses
        ],
    }


def skipped_words(submission: Submission) -> str:
    """That an item was skipped, and why where that was said."""
    if not submission.skip_reason:
        return _("skipped")
    return _("skipped: %(reason)s") % {"reason": submission.get_skip_reason_display()}


def remark_shown(remark: Submission) -> dict[str, Any]:
    words = []
    if remark.status == SubmissionStatus.SKIPPED:
        words.append(skipped_words(remark))
    if remark.status == SubmissionStatus.SURPLUS:
        words.append(_("surplus"))
    if remark.flagged:
        words.append(_("flagged"))
    return {
        "rater": {
            "kind": remark.rater.kind,
            "name": remark.rater.name,
            "note": listed(words),
        },
        "text": remark.comment,
    }


def _skills(
    question: Question, raters: Collection[Rater], run: EstimateRun | None
) -> dict[int, dict[str, Any]]:
    """How often each rater of this item is right, by the rater's id: by rulings, else by the newest
    aggregation. With the interval, and in words what it rests on."""
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
    return {
        rater.pk: {"note": note, "value": value, "low": low, "high": high}
        for rater, note, (value, low, high) in shown
    }


# --- Counting -----------------------------------------------------------------------------------


def _spread(labels: list[Label], asked: Asked) -> list[dict[str, Any]]:
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
            for code, option in asked.by_code.items()
            if votes[code]
        ]
        spread.append({"kind": kind.value, "name": name, "shares": shares, "total": total})
    return spread


def _facts(question: Question, asked: Asked, labels: list[Label]) -> list[dict[str, Any]]:
    """Plain facts of the answers to this item, people's and judges' apart."""
    shown = []
    for kind, name in ((RaterKind.PERSON, _("People")), (RaterKind.JUDGE, _("Judges"))):
        answers = [said_of(label) for label in labels if label.rater.kind == kind]
        if answers:
            named = Counter(code for said in answers for code in kind_of(asked).named(said))
            counts = {str(code): n for code, n in named.items()}
            words = fact_words(asked, facts_of(asked, answers), counts)
            shown.append({"kind": kind.value, "name": name, **words})
    return shown
