"""A language model as a judge, as a lead writes it: who is asked, in which words, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.models import Project, Question
from judges.forms.how import HowForm
from judges.forms.how_entered import how_entered, rule_entered
from judges.forms.judges import CONNECTION, LOCAL_LLM
from judges.models import ASKED_IN_WORDS, Connection, JudgeVersion, ProviderName
from judges.prompting.words import DEFAULT_OUTPUT, DEFAULT_SYSTEM, Part, default_task
from judges.selectors.asked import how_of, task_of
from judges.services.drafts import Draft
from judges.services.prompts import MAX_WORDS
from judges.services.trials import MOST_TRIED, TRIAL_ITEMS

PARTS: tuple[Part, ...] = ("system", "task", "output")


def _words(label: Any, rows: int) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, "spellcheck": "true", "dir": "auto"})
    return forms.CharField(label=label, required=False, max_length=MAX_WORDS, widget=widget)


class PromptForm(HowForm):
    """A draft of a judge. ``by`` names the connection, or the model on this machine."""

    by = forms.ChoiceField(label=gettext_lazy("Asked at"))
    model = forms.CharField(
        label=gettext_lazy("Model"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"list": "models", "autocomplete": "off", "dir": "auto"}),
        help_text=gettext_lazy("The name by which the endpoint knows it."),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Versions of one name are counted: v1, v2. Empty: the model’s."),
    )
    system = _words(gettext_lazy("System prompt"), 2)
    task = _words(gettext_lazy("Task"), 8)
    output = _words(gettext_lazy("How to answer"), 2)
    n_items = forms.IntegerField(
        label=gettext_lazy("Items"), min_value=1, max_value=MOST_TRIED, initial=TRIAL_ITEMS,
        required=False,
    )  # fmt: skip

    # Settings that most leave alone, by the fold that holds them.
    FOLDS = {
        "examples": ("examples", "example_choice", "example_source", "example_items",
                     "example_seed"),
        "steady": ("orders", "repeats", "delta", "temperature", "paraphrases"),
        "more": ("confidence", "persona", "quoted", "name"),
    }  # fmt: skip

    def __init__(
        self,
        project: Project,
        question: Question,
        fields: Sequence[str],
        *args: Any,
        local_llm: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(question, fields, *args, **kwargs)
        self.items_fields = list(fields)
        self.local_llm = local_llm
        self.connections = list(
            Connection.objects.filter(project=project, provider__in=ASKED_IN_WORDS).order_by("name")
        )
        ways = [(LOCAL_LLM, _("Local language model"))] if local_llm else []
        ways += [(f"{CONNECTION}{found.pk}", found.name) for found in self.connections]
        self.fields["by"].choices = ways  # type: ignore[attr-defined]
        self.project = project

    def with_data(self, data: Mapping[str, Any]) -> PromptForm:
        """The same form, sent with this."""
        return PromptForm(
            self.project, self.question, self.items_fields, data, local_llm=self.local_llm
        )

    @property
    def can_ask(self) -> bool:
        """Whether there is any language model to ask."""
        return bool(self.fields["by"].choices)  # type: ignore[attr-defined]

    @property
    def open_folds(self) -> set[str]:
        """The folds in which something was changed or is wrong."""
        return {
            fold
            for fold, names in self.FOLDS.items()
            if any(self[name].errors or self._is_set(name) for name in names)
        }

    def connection(self) -> Connection:
        """The connection chosen. That to the model on this machine may not be kept yet: it is made
        when it is first asked (services/connections.py).
        """
        chosen = self.cleaned_data.get("by", "")
        for found in self.connections:
            if chosen == f"{CONNECTION}{found.pk}":
                return found
        local = Connection.objects.filter(
            project=self.project, provider=ProviderName.LOCAL_LLM
        ).first()
        return local or Connection(
            project=self.project, provider=ProviderName.LOCAL_LLM, leaves_machine=False
        )

    def draft(self, connection: Connection, model: str) -> Draft:
        """What was entered; of a form that is not valid, as far as it is."""
        entered = self.cleaned_data
        return Draft(
            question=self.question,
            connection=connection,
            model=model,
            system=entered.get("system", ""),
            task=entered.get("task", ""),
            output=entered.get("output", ""),
            ask_rationale=bool(entered.get("ask_rationale")),
            how=self.how,
            name=entered.get("name", ""),
        )

    def _is_set(self, name: str) -> bool:
        value, usual = self[name].value(), self.fields[name].initial
        if isinstance(value, bool):
            return value
        return str("" if value is None else value).strip() not in {"", str(usual)}


def prompt_blank(by: str = "", model: str = "") -> dict[str, Any]:
    """What a new prompt begins with: Concord's own words."""
    return {
        "by": by,
        "model": model,
        "system": DEFAULT_SYSTEM,
        "task": default_task("direct"),
        "output": DEFAULT_OUTPUT,
    }


def prompt_entered(version: JudgeVersion) -> dict[str, Any]:
    """A version as the form has it. Two queries at most."""
    how, prompt = how_of(version), version.prompt
    by = (
        LOCAL_LLM
        if version.connection.provider == ProviderName.LOCAL_LLM
        else f"{CONNECTION}{version.connection_id}"
    )
    return {
        **how_entered(how, ask_rationale=bool(prompt and prompt.ask_rationale)),
        **rule_entered(how.rule, list(version.question.options.all())),
        "by": by,
        "model": version.model,
        "name": "" if version.name == version.model[:100] else version.name,
        "system": (prompt.system if prompt else "") or DEFAULT_SYSTEM,
        "task": task_of(version) or default_task(how.ask),
        "output": (prompt.output if prompt else "") or DEFAULT_OUTPUT,
    }


def models_known(connections: Iterable[Connection]) -> list[str]:
    """The models that were tested at these connections, for the field to suggest."""
    return sorted({model for connection in connections for model in connection.capabilities})
