"""What a lead enters to make a judge and to run it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.models import Project, Question
from annotate.selectors.questions import questions_live
from judges.models import CONNECTED, Connection, ProviderName
from judges.services.trials import MOST_TRIED

ZERO_SHOT = "zero_shot"
TRAINED = "trained"
LOCAL_LLM = "local_llm"
CONNECTION = "connection-"
BACKEND = "backend-"


class JudgeForm(forms.Form):
    """A new judge: the question, and what answers it."""

    question = forms.ModelChoiceField(
        Question.objects.none(), label=_("Question"), empty_label=None
    )
    how = forms.ChoiceField(label=_("What answers"), widget=forms.RadioSelect)

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

    @property
    def asks_in_words(self) -> bool:
        """Whether a language model was chosen, of a form that is valid."""
        how = str(self.cleaned_data["how"])
        return how == LOCAL_LLM or how.startswith(CONNECTION)

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


def _prefix(connection: Connection) -> str:
    return BACKEND if connection.provider == ProviderName.LABEL_STUDIO else CONNECTION


class RunForm(forms.Form):
    """How many items to run a judge on."""

    limit = forms.IntegerField(label=_("Items"), min_value=1, max_value=10_000_000)
    cap = forms.DecimalField(
        label=_("At most, in $"), required=False, max_digits=17, decimal_places=8
    )
    in_batches = forms.BooleanField(label=_("In the endpoint’s batch lane"), required=False)


class TrialForm(forms.Form):
    """How many items to try a judge on, and which: another seed takes others."""

    n_items = forms.IntegerField(min_value=1, max_value=MOST_TRIED, required=False)
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, required=False)


class CapForm(forms.Form):
    """The most that may be spent, in US dollars; empty: no limit."""

    cap = forms.DecimalField(label=_("Limit in $"), required=False, max_digits=17, decimal_places=8)
