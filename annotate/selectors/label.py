"""What the label screen shows: the item, what is asked of it, suggestions, one's own pace."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from statistics import median
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.kinds import Asked, OptionAsked, asked_of, kind_of, said_of
from annotate.kinds.bounds import bounds_of
from annotate.kinds.conditions import ONLY_IF, condition_words
from annotate.kinds.multiple import NONE
from annotate.kinds.text import USUAL
from annotate.models import (
    STANDING,
    WANTED,
    Assignment,
    Item,
    ItemStatus,
    Label,
    LabelStatus,
    Option,
    Project,
    Question,
    QuestionKind,
    Rater,
    RaterKind,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
)
from annotate.selectors.questions import question_text

# Beyond so many options a digit no longer names one: type to filter.
DIGITS = 9
# The pace is the median of so many latest answers of today.
PACE_OVER = 50


@dataclass(frozen=True)
class OptionShown:
    """One option; ``key`` is the key that chooses it, empty where there are too many.

    ``excerpt``: of an option that is a field of the item, its text.
    """

    code: int
    name: str
    definition: str
    colour: str
    key: str
    checked: bool
    excerpt: str = ""


@dataclass(frozen=True)
class Condition:
    """Asked only if one of these values (codes) is chosen in the field of another question."""

    field: str
    values: str
    words: str


@dataclass(frozen=True)
class QuestionShown:
    """One question about this item; ``field`` is its name in the form.

    ``entries``: what the fields of that name hold, as they were posted or would be.
    """

    pk: int
    key: str
    field: str
    name: str
    text: str
    kind: str
    required: bool
    options: Sequence[OptionShown]
    error: str
    settings: Mapping[str, Any]
    none_key: str
    entries: Sequence[str]
    only_if: Condition | None

    @property
    def entry(self) -> str:
        return self.entries[-1] if self.entries else ""

    @property
    def is_rating(self) -> bool:
        return self.kind == QuestionKind.RATING

    @property
    def is_many(self) -> bool:
        many = {QuestionKind.SINGLE, QuestionKind.MULTIPLE}
        return self.kind in many and len(self.options) > DIGITS

    @property
    def allows_none(self) -> bool:
        """Whether “none of these” is an answer, so that no option chosen is none yet."""
        return self.settings.get("min_choices") == 0

    @property
    def none_checked(self) -> bool:
        return NONE in self.entries

    @property
    def longest(self) -> int:
        """Characters that a text may have."""
        return int(self.settings.get("max_length", USUAL))

    @property
    def missing(self) -> str:
        """What is said where it has no answer yet and needs one."""
        words: dict[str, str] = {
            QuestionKind.MULTIPLE: _("Choose what applies first."),
            QuestionKind.NUMBER: _("Write a number first."),
            QuestionKind.TEXT: _("Write an answer first."),
            QuestionKind.RANKING: _("Put the options into an order first."),
            QuestionKind.SPAN: _("Mark what there is to mark first, or say that there is nothing."),
        }
        return words.get(self.kind, _("Choose an answer first."))

    @property
    def bounds(self) -> str:
        """Within what an answer lies, in words; "" where that needs none."""
        return bounds_of(self.kind, self.settings, len(self.options))

    @property
    def defines(self) -> bool:
        return any(option.definition for option in self.options)


@dataclass(frozen=True)
class Suggestion:
    """A judge's answer as shown to the person before theirs."""

    label_id: int
    judge: str
    question_key: str
    question_name: str
    choice: int
    option: OptionAsked
    confidence: float | None
    source: str
    rationale: str

    def exposure(self, shown_at: datetime) -> dict[str, object]:
        """How Submission.exposure records it."""
        return {
            "label": self.label_id,
            "judge": self.judge,
            "question": self.question_key,
            "choice": self.choice,
            "shown_at": shown_at.isoformat(timespec="seconds"),
        }


@dataclass(frozen=True)
class Today:
    """What a rater handed in since midnight, and the median of their latest seconds."""

    done: int
    seconds_each: float | None


class Nothing(StrEnum):
    """Why there is no item to label."""

    NO_QUESTION = "no_question"
    NO_ITEM = "no_item"
    WITH_OTHERS = "with_others"  # others hold, or are to label, what is left
    ALL_DONE = "all_done"


def questions_shown(
    questions: Sequence[Question],
    item: Item,
    *,
    entries: Mapping[int, Sequence[str]],
    errors: Mapping[str, str],
    sides: Mapping[str, str] | None = None,
    digits: Mapping[str, str] | None = None,
) -> list[QuestionShown]:
    """The questions with their text filled from the item, and what was entered before.

    ``entries`` is by question id, ``errors`` a sentence by question key, ``sides`` which field of a
    pairwise question comes first, ``digits`` the person's own key for each. No query, given
    questions with their options (questions_live).
    """
    shown = []
    asked = {question.key: asked_of(question) for question in questions}
    fields = {question.key: f"q{question.pk}" for question in questions}
    for question in questions:
        side = (sides or {}).get(question.key, "")
        definitions = {option.code: option.definition for option in question.options.all()}
        options = options_seen(asked[question.key], side)
        keys = [(digits or {}).get(key, key) for key in option_keys(question, options)]
        entered = list(entries.get(question.pk, ()))
        of_fields = question.settings.get("of_fields", False)
        shown.append(
            QuestionShown(
                pk=question.pk,
                key=question.key,
                field=f"q{question.pk}",
                name=question.name,
                text=question_text(question, item.fields) or question.name,
                kind=question.kind,
                required=question.required,
                error=errors.get(question.key, ""),
                settings=question.settings,
                none_key=(digits or {}).get("0", "0"),
                entries=entered,
                only_if=_condition(asked[question.key], asked, fields),
                options=[
                    OptionShown(
                        code=option.code,
                        name=option.name,
                        definition=definitions[option.code],
                        colour=option.colour,
                        key=key,
                        checked=str(option.code) in entered,
                        excerpt=str(item.fields.get(option.key, "")) if of_fields else "",
                    )
                    for option, key in zip(options, keys, strict=True)
                ],
            )
        )
    return shown


def _condition(
    asked: Asked, by_key: Mapping[str, Asked], fields: Mapping[str, str]
) -> Condition | None:
    only_if = asked.settings.get(ONLY_IF)
    other = by_key.get(only_if["question"]) if only_if else None
    if not only_if or other is None:
        return None
    codes = [str(o.code) for o in other.options if o.key in only_if["options"]]
    words = condition_words(asked, by_key)
    return Condition(fields[other.key], " ".join(codes), words)


def options_seen(asked: Asked, first: str) -> list[OptionAsked]:
    """The options as an annotator sees them. ``first`` of a pairwise question ("a" or "b"): that
    side is named first, and none is named or coloured after its field."""
    if asked.kind != QuestionKind.PAIRWISE or not first:
        return list(asked.options)
    one, other = ("a", "b") if first == "a" else ("b", "a")
    names = {one: _("First"), other: _("Second")}
    by_key = {option.key: option for option in asked.options}
    return [
        replace(by_key[key], name=names.get(key, by_key[key].name), colour="slate")
        for key in (one, other, "tie")
        if key in by_key
    ]


def option_keys(question: Question, options: Sequence[Option | OptionAsked]) -> list[str]:
    """The digit that chooses each option: its own where all are digits (a scale from 0), else 1-9.

    A rating of ten has 0 for its last, and so has a tie. Empty strings where digits do not suffice.
    """
    if question.kind == QuestionKind.PAIRWISE:
        digits = iter("12")
        return ["0" if option.key == "tie" else next(digits) for option in options]
    if question.kind == QuestionKind.RATING:
        own = [option.key for option in options]
        if all(len(key) == 1 and key in "0123456789" for key in own):
            return own
        if len(options) == DIGITS + 1:
            return [*map(str, range(1, DIGITS + 1)), "0"]
    if len(options) > DIGITS:
        return [""] * len(options)
    return [str(place) for place in range(1, len(options) + 1)]


def fingerprints(questions: Sequence[Question]) -> dict[int, str]:
    """Short hash of what an answer means, by question id: kind, settings, options' codes.

    A question without labels may still be edited in place: then a code on a page that is open
    must not be taken for the option that has it now.
    """
    return {
        question.pk: hashlib.blake2b(
            json.dumps(
                [
                    question.kind,
                    question.settings,
                    [(option.code, option.key) for option in question.options.all()],
                ]
            ).encode(),
            digest_size=6,
        ).hexdigest()
        for question in questions
    }


def suggestions_for(
    item: Item, questions: Sequence[Question], sides: Mapping[str, str]
) -> list[Suggestion]:
    """The newest live label of a judge for each question, in the order of the questions.

    ``sides``: which field of a pairwise question this person sees first.
    """
    by_id = {question.pk: question for question in questions}
    newest: dict[int, Label] = {}
    rows = (
        Label.objects.filter(
            item=item,
            question_id__in=by_id,
            status=LabelStatus.LIVE,
            choice__isnull=False,
            rater__kind=RaterKind.JUDGE,
        )
        .select_related("rater")
        .order_by("-created_at", "-pk")
    )
    for label in rows:
        newest.setdefault(label.question_id, label)
    shown = []
    for question in questions:
        found = newest.get(question.pk)
        if found is None or found.choice is None:
            continue
        options = options_seen(asked_of(question), sides.get(question.key, ""))
        option = next((o for o in options if o.code == found.choice), None)
        if option is None:
            continue
        shown.append(
            Suggestion(
                label_id=found.pk,
                judge=found.rater.name,
                question_key=question.key,
                question_name=question.name,
                choice=found.choice,
                option=option,
                confidence=found.confidence,
                source=found.get_confidence_source_display() if found.confidence_source else "",
                rationale=found.rationale,
            )
        )
    return shown


def today_of(rater: Rater) -> Today:
    """How many the rater handed in today, and how fast. One query, two after PACE_OVER answers."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    handed_in = Submission.objects.filter(
        rater=rater,
        created_at__gte=midnight,
        status__in=STANDING,
    )
    latest = list(handed_in.order_by("-created_at").values_list("seconds", flat=True)[:PACE_OVER])
    timed = [seconds for seconds in latest if seconds is not None]
    return Today(
        done=len(latest) if len(latest) < PACE_OVER else handed_in.count(),
        seconds_each=median(timed) if timed else None,
    )


def taken_back(assignment: Assignment) -> Submission | None:
    """What the rater took back of this assignment, newest first: its answers are filled in."""
    return (
        Submission.objects.filter(assignment=assignment, status=SubmissionStatus.WITHDRAWN)
        .prefetch_related("labels")
        .order_by("-created_at", "-pk")
        .first()
    )


def entries_of(submission: Submission, questions: Sequence[Question]) -> dict[int, list[str]]:
    """What fills the answers of a submission in again, by question id."""
    by_id = {question.pk: asked_of(question) for question in questions}
    entries = {}
    for label in submission.labels.all():
        asked = by_id.get(label.question_id)
        if asked is not None:
            entries[label.question_id] = kind_of(asked).entries(asked, said_of(label))
    return entries


def why_nothing(project: Project, questions: Sequence[Question]) -> tuple[Nothing, int]:
    """Why a rater has no item, and how many items others are still to label."""
    if not questions:
        return Nothing.NO_QUESTION, 0
    if not Item.objects.filter(project=project, status=ItemStatus.LIVE).exists():
        return Nothing.NO_ITEM, 0
    left = (
        Slot.objects.filter(WANTED, project=project, item__status=ItemStatus.LIVE)
        .exclude(state=SlotState.FILLED)
        .values("item")
        .distinct()
        .count()
    )
    return (Nothing.WITH_OTHERS, left) if left else (Nothing.ALL_DONE, 0)
