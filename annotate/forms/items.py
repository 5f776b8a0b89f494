"""What the list of items is narrowed to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from annotate.kinds import CHOICES
from annotate.models import Project, Question, QuestionKind, Rater, RaterKind, Reason
from annotate.selectors.item_filters import (
    Confidence,
    Disagreement,
    Filters,
    State,
    metadata_names,
)

LARGEST = 2**63 - 1
LARGEST_CODE = 2**15 - 1
# Filters without a field that one could fill in.
LED_BY = ("a", "b", "a_says", "b_says", "both", "since", "until", "who", "most_say", "differ")
# More raters than this are not offered to choose from.
MOST_RATERS = 500


# What of the list's address a view keeps.
KEPT = (
    *("q", "question", "state", "reason", "answer", "rater", "disagreement", "confidence"),
    *("meta", "meta_value", "a", "b"),
)


class ItemsForm(forms.Form):
    """Read leniently: what does not fit narrows nothing, and shows in the form as not chosen."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    question = forms.ChoiceField(label=_("Question"), required=False)
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("Any")), *State.choices]
    )
    reason = forms.ChoiceField(
        label=_("In review because"), required=False, choices=[("", _("Any")), *Reason.choices]
    )
    answer = forms.ChoiceField(label=_("Somebody says"), required=False)
    rater = forms.ChoiceField(label=_("Answered by"), required=False)
    disagreement = forms.ChoiceField(
        label=_("Agreement"), required=False, choices=[("", _("Any")), *Disagreement.choices]
    )
    confidence = forms.ChoiceField(
        label=_("A judge is sure"), required=False, choices=[("", _("Any")), *Confidence.choices]
    )
    meta = forms.ChoiceField(label=_("Metadata"), required=False)
    meta_value = forms.CharField(label=_("is"), required=False, max_length=200)
    a = forms.IntegerField(required=False, min_value=1, max_value=LARGEST)
    b = forms.IntegerField(required=False, min_value=1, max_value=LARGEST)
    # What a number of a figure leads here with: what these two raters said, and when.
    a_says = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_CODE)
    b_says = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_CODE)
    both = forms.BooleanField(required=False)
    since = forms.DateField(required=False, input_formats=["%Y-%m-%d"])
    until = forms.DateField(required=False, input_formats=["%Y-%m-%d"])
    who = forms.ChoiceField(required=False, choices=[("", ""), *RaterKind.choices])
    # Most of the people but ``a`` say this.
    most_say = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_CODE)
    # Behind a number of the map of disagreement.
    differ = forms.CharField(required=False, max_length=20)
    after = forms.IntegerField(required=False, min_value=0, max_value=LARGEST)
    before = forms.IntegerField(required=False, min_value=0, max_value=LARGEST)

    def __init__(
        self, data: Any, *, project: Project, questions: Sequence[Question], **more: Any
    ) -> None:
        super().__init__(data, **more)
        self._project, self._questions = project, questions
        self._choose("question", [(str(q.pk), q.name) for q in questions])
        asked = self.asked
        # Of other kinds nobody says one option.
        named = (*CHOICES, QuestionKind.MULTIPLE)
        options = asked.options.all() if asked and asked.kind in named else []
        raters = list(Rater.objects.filter(project=project).order_by("kind", "name")[:MOST_RATERS])
        self._choose("rater", [("", _("Anybody")), *((str(r.pk), r.name) for r in raters)])
        self._raters = {str(rater.pk): rater for rater in raters}
        names = metadata_names(project)
        self._choose("meta", [("", _("Any")), *((name, name) for name in names)])
        self._choose("answer", [("", _("Anything")), *((str(o.code), o.name) for o in options)])

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  (as declared above)
        field.choices = choices

    @property
    def asked(self) -> Question | None:
        """The question that the list is about: the one chosen, else the first."""
        wanted = self.data.get("question", "")
        for question in self._questions:
            if str(question.pk) == wanted:
                return question
        return self._questions[0] if self._questions else None

    def filters(self) -> Filters:
        self.is_valid()
        given = self.cleaned_data
        answer = given.get("answer") or ""
        a = self._rater(given.get("a"))
        return Filters(
            question=self.asked,
            text=(given.get("q") or "").strip(),
            state=given.get("state") or "",
            reason=given.get("reason") or "",
            answer=int(answer) if answer else None,
            a=a,
            b=self._rater(given.get("b")) if a else None,
            a_says=given.get("a_says"),
            b_says=given.get("b_says"),
            both=bool(given.get("both")),
            since=_iso(given.get("since")),
            until=_iso(given.get("until")),
            who=given.get("who") or "",
            most_say=given.get("most_say"),
            differ=given.get("differ") or "",
            rater=self._raters.get(given.get("rater") or ""),
            confidence=given.get("confidence") or "",
            disagreement=given.get("disagreement") or "",
            meta=given.get("meta") or "",
            meta_value=(given.get("meta_value") or "").strip(),
        )

    def led_by(self) -> list[tuple[str, str]]:
        """What the form carries on unseen: name and value."""
        return [(name, self.data[name]) for name in LED_BY if self.data.get(name)]

    def _rater(self, pk: int | None) -> Rater | None:
        return Rater.objects.filter(project=self._project, pk=pk).first() if pk else None


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def query_kept(query: QueryDict) -> str:
    """A query with the filters alone, in one order, so that equal views have equal queries."""
    kept = QueryDict(mutable=True)
    for name in KEPT:
        value = query.get(name)
        if value:
            kept[name] = str(value)
    return kept.urlencode()
