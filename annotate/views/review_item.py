"""What the review screen and the page of an item show of one question of one item."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.access import Place
from annotate.models import (
    Item,
    Label,
    LabelStatus,
    Option,
    Question,
    RaterKind,
    RulingReason,
    Submission,
    SubmissionStatus,
)
from annotate.selectors.estimates import estimate_latest
from annotate.selectors.questions import question_text
from annotate.selectors.review import labels_of, records_of, remarks_of, ruling_of

# Keys of the reasons; the letters are on the buttons.
REASON_KEYS = {
    RulingReason.AMBIGUOUS_ITEM: "a",
    RulingReason.RATER_ERROR: "e",
    RulingReason.GUIDELINE_GAP: "d",
    RulingReason.JUDGE_ERROR: "j",
}
LONG_TEXT = 900


def item_shown(place: Place, item: Item, question: Question) -> dict[str, Any]:
    """The context of templates/annotate/review.html for one item (all but the queue)."""
    options = {option.code: option for option in question.options.all()}
    labels = labels_of(item, question)
    counted = [label for label in labels if label.status == LabelStatus.LIVE]
    remarks = remarks_of(item)
    ruling = ruling_of(item, question)
    return {
        "question": {
            "name": question.name,
            "text": question_text(question, item.fields),
            "kind": question.kind,
        },
        "item": {
            "pk": item.pk,
            "external_id": item.external_id,
            "fields": [{"name": name, "text": text} for name, text in item.fields.items()],
            "url": reverse("item", args=[place.project.pk, item.pk]),
            "is_long": sum(len(str(text)) for text in item.fields.values()) > LONG_TEXT,
            "flagged": any(remark.flagged for remark in remarks),
        },
        "why": why(counted, options, remarks),
        "comments": [_remark(remark) for remark in remarks],
        "options": [
            _option(option, place, checked=bool(ruling and ruling.choice == option.code))
            for option in options.values()
        ],
        "reasons": [
            {"code": reason.value, "name": reason.label, "key": REASON_KEYS[reason]}
            for reason in REASON_KEYS
        ],
        "rule_url": reverse("review_rule", args=[place.project.pk, question.pk, item.pk]),
        "ruling": ruling
        and {
            "option": _chip(options.get(ruling.choice if ruling.choice is not None else -1)),
            "reason": ruling.get_reason_display(),
            "by": ruling.reviewer.shown_name,
            "when": naturaltime(ruling.created_at),
            "comment": ruling.comment,
            "withdraw_url": reverse("ruling_withdraw", args=[place.project.pk, ruling.pk]),
        },
        "people": [_vote(v, options) for v in labels if v.rater.kind == RaterKind.PERSON],
        "judges": [_vote(v, options) for v in labels if v.rater.kind == RaterKind.JUDGE],
        "skills": [
            {
                "rater": {
                    "kind": record.rater.kind,
                    "name": record.rater.name,
                    "note": _("%(right)s of %(ruled)s rulings")
                    % {"right": record.right, "ruled": record.ruled},
                },
                "value": record.share,
                "low": record.low,
                "high": record.high,
            }
            for record in records_of(question, [label.rater for label in counted])
        ],
        **_shares(counted, options),
        **_aggregate(item, question, counted, options),
    }


def why(labels: list[Label], options: dict[int, Option], remarks: list[Submission]) -> str:
    """Why the item is worth a look, in words: who said what, how sure, who flagged it."""
    said = []
    for kind, one, many in (
        (RaterKind.PERSON, "%(n)s person: %(name)s", "%(n)s people: %(name)s"),
        (RaterKind.JUDGE, "%(n)s judge: %(name)s", "%(n)s judges: %(name)s"),
    ):
        votes = Counter(label.choice for label in labels if label.rater.kind == kind)
        said.extend(
            ngettext(one, many, n) % {"n": n, "name": options[code].name}
            for code, n in sorted(votes.items(), key=lambda vote: -vote[1])
            if code in options
        )
    sentence = "; ".join(said) + "." if said else _("Nobody has answered yet.")
    flags = sum(remark.flagged for remark in remarks)
    if flags:
        sentence += " " + ngettext("Flagged by %(n)s rater.", "Flagged by %(n)s raters.", flags) % {
            "n": flags
        }
    unsure = [
        label.confidence
        for label in labels
        if label.rater.kind == RaterKind.JUDGE and label.confidence is not None
    ]
    if unsure:
        sentence += " " + _("Least sure judge: %(percent)s %%.") % {
            "percent": round(100 * min(unsure))
        }
    return sentence


def _option(option: Option, place: Place, *, checked: bool) -> dict[str, Any]:
    return {
        "code": option.code,
        "name": option.name,
        "definition": option.definition,
        "colour": option.colour,
        "key": str(option.code + 1) if option.code < 9 else "",
        "checked": checked,
    }


def _chip(option: Option | None) -> dict[str, str] | None:
    return {"name": option.name, "colour": option.colour} if option else None


def _vote(label: Label, options: dict[int, Option]) -> dict[str, Any]:
    surplus = label.status == LabelStatus.SURPLUS
    return {
        "rater": {
            "kind": label.rater.kind,
            "name": label.rater.name,
            "note": _("surplus, not counted") if surplus else "",
        },
        "option": _chip(options.get(label.choice if label.choice is not None else -1)),
        "confidence": label.confidence,
        "source": label.get_confidence_source_display() if label.confidence is not None else "",
        "rationale": label.rationale,
    }


def _remark(remark: Submission) -> dict[str, Any]:
    words = []
    if remark.status == SubmissionStatus.SKIPPED:
        words.append(_("skipped"))
    if remark.flagged:
        words.append(_("flagged"))
    text = ", ".join(words)
    if remark.comment:
        text = f"{text}: {remark.comment}" if text else remark.comment
    return {"rater": {"kind": remark.rater.kind, "name": remark.rater.name}, "text": text}


def _shares(labels: list[Label], options: dict[int, Option]) -> dict[str, Any]:
    votes = Counter(label.choice for label in labels)
    total = votes.total()
    return {
        "total": total,
        "shares": [
            {
                "name": option.name,
                "colour": option.colour,
                "percent": 100 * votes[code] / total,
                "count": votes[code],
            }
            for code, option in options.items()
            if votes[code]
        ],
    }


def _aggregate(
    item: Item, question: Question, labels: list[Label], options: dict[int, Option]
) -> dict[str, Any]:
    """The newest aggregation where it saw the votes there are now, else people's majority."""
    people = [label for label in labels if label.rater.kind == RaterKind.PERSON]
    newest = max((label.created_at for label in people), default=None)
    run = estimate_latest(question)
    estimate = run.item_estimates.filter(item=item).first() if run else None
    if run and estimate and newest is not None and run.created_at >= newest:
        if estimate.choice is None:
            return {"tied": [options[int(c)].name for c in _top(estimate.payload["posterior"])]}
        return {
            "aggregate": {
                "name": options[estimate.choice].name,
                "colour": options[estimate.choice].colour,
                "probability": estimate.probability,
                "method": f"{run.get_method_display()}, {run.get_who_counts_display()}",
            }
        }
    votes = Counter(label.choice for label in people if label.choice is not None)
    if not votes:
        return {}
    top = _top(votes)
    if len(top) > 1:
        return {"tied": [options[code].name for code in top]}
    return {
        "aggregate": {
            "name": options[top[0]].name,
            "colour": options[top[0]].colour,
            "probability": votes[top[0]] / votes.total(),
            "method": _("majority of people"),
        }
    }


def _top(weights: dict[Any, float] | Counter[int]) -> list[Any]:
    highest = max(weights.values())
    return [code for code, weight in weights.items() if weight == highest]
