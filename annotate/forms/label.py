"""What comes back from the label screen, and the seal that says what the page had shown."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core import signing
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.errors import BadInput
from annotate.kinds import Unfit, asked_of, kind_of
from annotate.models import Question, Rater, SkipReason
from annotate.selectors.help_rules import Rule
from annotate.services.answers import Answer

SALT = "annotate.label"
COMMENT_MAX = 4000
PASTED_MAX = 10**6
# Between the page being made and being seen, clocks and networks take a little.
GRACE_SECONDS = 2.0
_FIELD = re.compile(r"^q(\d{1,18})$")


@dataclass(frozen=True)
class Seal:
    """What a page showed to whom, signed, so that exposure is what was seen and not what is said.

    ``asked``: what the option codes meant, by question id (selectors.label.fingerprints).
    ``exposure``: the suggestions on the page, as Submission.exposure keeps them; ``rule``: the one
    in force. Signed, not hidden: whoever has the page can read it, so it holds nothing else.
    """

    item_id: int
    rater_id: int
    guideline_id: int | None
    asked: Mapping[int, str]
    shown_at: datetime
    exposure: Sequence[Mapping[str, Any]] = ()
    rule: Rule = field(default_factory=Rule)

    def text(self) -> str:
        return signing.dumps(
            [
                self.item_id,
                self.rater_id,
                self.guideline_id,
                list(self.asked.items()),
                self.shown_at.timestamp(),
                list(self.exposure),
                [self.rule.visibility, self.rule.arm, self.rule.shown_probability],
            ],
            salt=SALT,
            compress=True,
        )


def seal_read(text: str, rater: Rater) -> Seal:
    """Read a seal made for this rater. Raises BadInput for any other text."""
    try:
        parts = signing.loads(text, salt=SALT)
        item_id, rater_id, guideline_id, asked, shown_at, exposure, rule = parts
    except (signing.BadSignature, ValueError):
        raise BadInput(_("This page is out of date. Reload it: your answer stays.")) from None
    if rater_id != rater.pk:
        raise BadInput(_("This page was opened by somebody else. Reload it."))
    shown = datetime.fromtimestamp(shown_at, UTC)
    return Seal(item_id, rater_id, guideline_id, dict(asked), shown, exposure, Rule(*rule))


@dataclass(frozen=True)
class HandedIn:
    """What the form says, once it holds together. ``entries``: see entries_posted."""

    item_id: int
    client_key: str
    entries: Mapping[int, Sequence[str]]
    seconds: float | None
    flagged: bool
    comment: str
    seal: Seal
    reason: str
    why: str
    pasted: int = 0


@dataclass(frozen=True)
class Entered:
    """What to fill in again for an item: after an error, or after an answer was taken back.

    ``shown_at`` and ``spent`` (seconds): since when, and how long it was looked at before;
    ``pasted``: characters pasted into it before; ``exposure``: the suggestions that were seen with
    it before.
    """

    item_id: int
    entries: Mapping[int, Sequence[str]] = field(default_factory=dict)
    flagged: bool = False
    comment: str = ""
    exposure: Sequence[Mapping[str, Any]] = ()
    shown_at: datetime | None = None
    spent: float = 0
    pasted: int = 0


class LabelForm(forms.Form):
    """The fields beside the questions; these are in the data as q<question id>."""

    item = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    client_key = forms.CharField(max_length=100)
    seal = forms.CharField(max_length=100_000)
    seconds = forms.CharField(required=False)
    pasted = forms.CharField(required=False)
    flag = forms.BooleanField(required=False)
    comment = forms.CharField(
        required=False,
        max_length=COMMENT_MAX,
        error_messages={"max_length": gettext_lazy("A comment has at most 4,000 characters.")},
    )

    reason = forms.ChoiceField(choices=SkipReason.choices, required=False)
    why = forms.CharField(required=False, max_length=500)

    def handed_in(self, rater: Rater) -> HandedIn:
        """Return what was handed in. Raises BadInput with a sentence for the person."""
        if not self.is_valid():
            errors = {name: str(found[0]) for name, found in self.errors.items()}
            words = errors.get("comment") or _("This page is out of date. Reload it.")
            raise BadInput(words, fields=errors)
        clean = self.cleaned_data
        seal = seal_read(clean["seal"], rater)
        if seal.item_id != clean["item"]:
            raise BadInput(_("This page is out of date. Reload it: your answer stays."))
        return HandedIn(
            item_id=clean["item"],
            client_key=clean["client_key"],
            entries=entries_posted(self.data),
            seconds=seconds_bounded(clean["seconds"], seal.shown_at),
            flagged=clean["flag"],
            comment=clean["comment"],
            seal=seal,
            reason=clean["reason"],
            why=clean["why"].strip(),
            pasted=pasted_bounded(clean["pasted"]),
        )

    def entered(self, rater: Rater) -> Entered | None:
        """What can be filled in again for its item, however wrong the rest is."""
        try:
            seal = seal_read(str(self.data.get("seal", "")), rater)
        except BadInput:
            return None
        return Entered(
            item_id=seal.item_id,
            entries=entries_posted(self.data),
            flagged=bool(self.data.get("flag")),
            comment=str(self.data.get("comment", "")),
            exposure=seal.exposure,
            shown_at=seal.shown_at,
            spent=seconds_bounded(str(self.data.get("seconds", "")), seal.shown_at) or 0,
            pasted=pasted_bounded(str(self.data.get("pasted", ""))),
        )


def entries_posted(data: QueryDict | Mapping[str, Any]) -> dict[int, list[str]]:
    """What was entered for each question, by its id, as it came: kinds read and check it."""
    entries = {}
    for name in data:
        found = _FIELD.match(str(name))
        if found:
            several = data.getlist(name) if isinstance(data, QueryDict) else [data[name]]
            entries[int(found[1])] = [str(text) for text in several]
    return entries


def answers_entered(
    questions: Sequence[Question], entries: Mapping[int, Sequence[str]]
) -> dict[int, Answer]:
    """The answers that were entered; a field left empty is none. Raises BadInput by question key.

    Entries of a question that is not asked any more are handed on, to be refused where all are.
    """
    by_id = {question.pk: question for question in questions}
    answers: dict[int, Answer] = {}
    wrong: dict[str, str] = {}
    for question_id, texts in entries.items():
        question = by_id.get(question_id)
        if question is None:
            answers[question_id] = Answer()
            continue
        asked = asked_of(question)
        try:
            said = kind_of(asked).posted(asked, texts)
        except Unfit as error:
            wrong[question.key] = error.message
        else:
            if said is not None:
                answers[question_id] = Answer(choice=said.choice, value=said.value)
    if wrong:
        raise BadInput(" ".join(wrong.values()), fields=wrong)
    return answers


def seconds_bounded(text: str, shown_at: datetime) -> float | None:
    """The seconds a page says it was looked at, at most since it was made. None without a number.

    Only a measure of pace: nonsense is left out and refuses nobody's answer.
    """
    try:
        seconds = float(text)
    except ValueError:
        return None
    if not math.isfinite(seconds) or seconds < 0:
        return None
    most = (timezone.now() - shown_at).total_seconds() + GRACE_SECONDS
    return round(min(seconds, most), 2)


def pasted_bounded(text: str) -> int:
    """The characters a page says were pasted. Only a hint: nonsense is 0 and refuses nobody."""
    return (
        min(int(text), PASTED_MAX) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
    )
