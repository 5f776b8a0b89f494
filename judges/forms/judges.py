"""What a lead enters to make a judge and to run it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.models import Project, Question
from annotate.selectors.questions import questions_live
from judges.models import CONNECTED, Connection, ProviderName
from judges.prompting.how import (
    MAX_EXAMPLES,
    MAX_PERSONA,
    MAX_REPEATS,
    Examples,
    How,
    Repeats,
)

ZERO_SHOT = "zero_shot"
TRAINED = "trained"
LOCAL_LLM = "local_llm"
CONNECTION = "connection-"
BACKEND = "backend-"


class JudgeForm(forms.Form):
    """A new judge: the question, what answers it, and for a language model how it is asked."""

    question = forms.ModelChoiceField(
        Question.objects.none(), label=_("Question"), empty_label=None
    )
    how = forms.ChoiceField(label=_("What answers"), widget=forms.RadioSelect)
    model = forms.CharField(
        label=_("Model"),
        max_length=200,
        required=False,
        help_text=_("The name by which the endpoint knows it."),
    )
    system = forms.CharField(
        label=_("Opening instruction"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "Instead of Concord’s own. Guideline, options and the item are added in any case."
        ),
    )
    ask_rationale = forms.BooleanField(
        label=_("Ask for a reason"),
        required=False,
        help_text=_("A sentence with each answer, shown in review. Slower and dearer."),
    )
    examples = forms.IntegerField(
        label=_("Examples"),
        min_value=0,
        max_value=MAX_EXAMPLES,
        initial=0,
        required=False,
        help_text=_(
            "Answered items shown before the one asked, from people’s labels. An item is never "
            "shown itself or a near copy."
        ),
    )
    example_choice = forms.ChoiceField(
        label=_("Which examples"),
        choices=[
            ("diverse", _("Unlike each other")),
            ("similar", _("Most like the item asked")),
            ("random", _("Drawn at random")),
        ],
        initial="diverse",
        required=False,
    )
    orders = forms.ChoiceField(
        label=_("Order of the options"),
        choices=[
            ("given", _("As given: one call an item")),
            ("both", _("As given and reversed, averaged: two calls")),
            ("rotations", _("Each option first once, averaged: a call an option")),
        ],
        initial="given",
        required=False,
        help_text=_("Weak models lean to what stands first. Averaging over orders takes that out."),
    )
    repeats = forms.IntegerField(
        label=_("Ask up to so many times"),
        min_value=1,
        max_value=MAX_REPEATS,
        initial=1,
        required=False,
        help_text=_(
            "More than once: at temperature 1, until the leading answer is settled (at a risk of "
            "5 %). The share of its answers is then the confidence."
        ),
    )
    persona = forms.CharField(
        label=_("Who answers"),
        required=False,
        max_length=MAX_PERSONA,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("A person as whom the model answers, such as “a parent of small children”."),
    )

    # Settings that most leave alone: folded away unless one of them was changed or is wrong.
    MORE = ("examples", "example_choice", "orders", "repeats", "persona")

    def __init__(self, project: Project, *args: Any, local_llm: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        live = questions_live(project)
        self.fields["question"].queryset = Question.objects.filter(  # type: ignore[attr-defined]
            pk__in=[question.pk for question in live]
        )
        self.fields["question"].label_from_instance = lambda question: question.name  # type: ignore[attr-defined]
        self.fields["how"].choices = self._ways(project, local_llm=local_llm)  # type: ignore[attr-defined]
        self.fields["question"].initial = live[0].pk if live else None
        self.fields["how"].initial = ZERO_SHOT

    def how_asked(self) -> How:
        """How the language model is asked, of a form that is valid."""
        entered = self.cleaned_data
        count, most = entered.get("examples") or 0, entered.get("repeats") or 1
        examples = Examples("people", count, entered.get("example_choice") or "diverse")
        return How(
            persona=entered.get("persona", "").strip(),
            orders=entered.get("orders") or "given",
            repeats=Repeats(most=most) if most > 1 else None,
            examples=examples if count else None,
        )

    @property
    def more_open(self) -> bool:
        """Whether the folded settings are shown at once."""
        return self.is_bound and any(
            self[name].errors
            or str(self[name].value() or "").strip() not in {"", str(self[name].initial)}
            for name in self.MORE
        )

    def _ways(self, project: Project, *, local_llm: bool) -> list[tuple[str, Any]]:
        ways: list[tuple[str, Any]] = [
            (ZERO_SHOT, _("Local classifier, from the options’ definitions")),
            (TRAINED, _("Local classifier, learnt from people’s labels")),
        ]
        if local_llm:
            ways.append((LOCAL_LLM, _("Local language model")))
        connections = Connection.objects.filter(project=project, provider__in=CONNECTED)
        ways += [
            (f"{_prefix(connection)}{connection.pk}", connection.name)
            for connection in connections.order_by("name")
        ]
        return ways

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        needs_model = str(cleaned.get("how", "")).startswith(CONNECTION)
        if needs_model and not cleaned.get("model", "").strip():
            self.add_error("model", _("Name the model to ask."))
        return cleaned


def _prefix(connection: Connection) -> str:
    return BACKEND if connection.provider == ProviderName.LABEL_STUDIO else CONNECTION


class RunForm(forms.Form):
    """How many items to run a judge on."""

    limit = forms.IntegerField(label=_("Items"), min_value=1, max_value=10_000_000)
    cap = forms.DecimalField(
        label=_("At most, in $"), required=False, max_digits=17, decimal_places=8
    )


class CapForm(forms.Form):
    """The most that may be spent, in US dollars; empty: no limit."""

    cap = forms.DecimalField(label=_("Limit in $"), required=False, max_digits=17, decimal_places=8)
