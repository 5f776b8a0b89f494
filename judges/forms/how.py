"""How a language model is asked, as a lead enters it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.models import Item, Option, Question
from judges.forms.how_entered import Entered, Unreadable, combinations, lines, rules
from judges.prompting.how import (
    MAX_CRITERIA,
    MAX_EXAMPLES,
    MAX_PARAPHRASES,
    MAX_PERSONA,
    MAX_REPEATS,
    MAX_WORDING,
    How,
)
from judges.selectors import settings as words


class HowForm(forms.Form):
    """Every setting of asking, for a question and items with these fields."""

    ask = forms.ChoiceField(label=gettext_lazy("Way of asking"), initial="direct", required=False)
    ask_rationale = forms.BooleanField(
        label=gettext_lazy("A reason first"),
        required=False,
        help_text=gettext_lazy(
            "A sentence before the answer, kept with the label and shown in review. Slower and "
            "dearer."
        ),
    )
    criteria = forms.CharField(
        label=gettext_lazy("Yes/no questions"),
        required=False,
        max_length=MAX_CRITERIA * MAX_WORDING,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One a line. Each is answered yes or no of the item."),
    )
    rule = forms.ChoiceField(
        label=gettext_lazy("The rule that joins them"), initial="all", required=False
    )
    rule_yes = forms.ChoiceField(label=gettext_lazy("Then"), required=False)
    rule_no = forms.ChoiceField(label=gettext_lazy("Else"), required=False)
    rule_least = forms.IntegerField(
        label=gettext_lazy("At least"), min_value=1, max_value=MAX_CRITERIA, initial=1,
        required=False,
    )  # fmt: skip
    rule_codes = forms.CharField(
        label=gettext_lazy("Options"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "An option a line, by its name: for a count beginning with none answered yes, else one "
            "for each question."
        ),
    )
    reference = forms.ChoiceField(
        label=gettext_lazy("Field with the reference answer"), required=False
    )
    pair_first = forms.ChoiceField(label=gettext_lazy("First text"), required=False)
    pair_first_option = forms.ChoiceField(label=gettext_lazy("stands for"), required=False)
    pair_second = forms.ChoiceField(label=gettext_lazy("Second text"), required=False)
    pair_second_option = forms.ChoiceField(label=gettext_lazy("stands for"), required=False)
    examples = forms.IntegerField(
        label=gettext_lazy("How many"), min_value=0, max_value=MAX_EXAMPLES, initial=0,
        required=False,
        help_text=gettext_lazy(
            "Answered items shown before the one asked. An item is never shown itself or a near "
            "copy."
        ),
    )  # fmt: skip
    example_choice = forms.ChoiceField(
        label=gettext_lazy("Which ones"), initial="diverse", required=False
    )
    example_source = forms.ChoiceField(
        label=gettext_lazy("Answered by"), initial="people", required=False
    )
    example_items = forms.CharField(
        label=gettext_lazy("These items"),
        required=False,
        max_length=MAX_EXAMPLES * 510,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Their ids, one a line, in the order shown."),
    )
    example_seed = forms.IntegerField(
        label=gettext_lazy("Seed of the draw"), min_value=0, max_value=2**31 - 1, initial=0,
        required=False,
    )  # fmt: skip
    orders = forms.ChoiceField(
        label=gettext_lazy("Order of the options"),
        initial="given",
        required=False,
        help_text=gettext_lazy(
            "Weak models lean to what stands first. Averaging over orders takes that out."
        ),
    )
    repeats = forms.IntegerField(
        label=gettext_lazy("Ask up to so many times"), min_value=1, max_value=MAX_REPEATS,
        initial=1, required=False,
        help_text=gettext_lazy(
            "More than once: until the leading answer is settled. The share of its answers is then "
            "the confidence."
        ),
    )  # fmt: skip
    delta = forms.FloatField(
        label=gettext_lazy("Risk of stopping too early"), min_value=0, max_value=0.49,
        initial=0.05, required=False, help_text=gettext_lazy("0 asks all of them."),
    )  # fmt: skip
    temperature = forms.FloatField(
        label=gettext_lazy("Temperature of repeats"), min_value=0.01, max_value=2, initial=1.0,
        required=False,
    )  # fmt: skip
    paraphrases = forms.CharField(
        label=gettext_lazy("Other wordings of the question"),
        required=False,
        max_length=MAX_PARAPHRASES * (MAX_WORDING + 10),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One a line, asked beside its own: a call more for each."),
    )
    confidence = forms.ChoiceField(
        label=gettext_lazy("How sure it is, by"), initial="", required=False
    )
    persona = forms.CharField(
        label=gettext_lazy("Who answers"),
        required=False,
        max_length=MAX_PERSONA,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy(
            "A person as whom the model answers, such as “a parent of small children”."
        ),
    )
    quoted = forms.BooleanField(
        label=gettext_lazy("Mark each line of the item as quoted"),
        required=False,
        help_text=gettext_lazy("A verdict that an item holds itself then moves the judge less."),
    )

    def __init__(
        self, question: Question, fields: Sequence[str], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.question = question
        self.options: list[Option] = list(question.options.all())
        self._how: How | None = None
        options = [("", "–"), *((str(option.code), option.name) for option in self.options)]
        names = [("", "–"), *((name, name) for name in fields)]
        ways = words.ways()
        choices: dict[str, list[tuple[str, str]]] = {
            "ask": [(way, ways[way]) for way in ways if way != "rationale"],
            "rule": list(rules().items()),
            "rule_yes": options,
            "rule_no": options,
            "reference": names,
            "pair_first": names,
            "pair_second": names,
            "pair_first_option": options,
            "pair_second_option": options,
            "example_choice": list(words.choices().items()),
            "example_source": [
                ("people", _("people, and rulings")),
                ("rulings", _("rulings alone")),
            ],
            "orders": list(words.orders().items()),
            "confidence": list(words.confidences().items()),
        }
        for name, found in choices.items():
            self.fields[name].choices = found  # type: ignore[attr-defined]

    @property
    def how(self) -> How:
        """How the language model is asked, of a form that is valid; directly, of one that is not
        valid in this.
        """
        return self._how or How()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        entered = Entered(cleaned, self.options)
        try:
            wrong = list(combinations(entered, self.question))
            for fault in wrong:
                self.add_error(fault.field, fault.message)
            if not self.errors:
                self._how = entered.how(self._items(cleaned))
        except Unreadable as error:
            self.add_error(error.field, error.message)
        except ValueError as error:
            self.add_error("ask", str(error))
        return cleaned

    def _items(self, cleaned: Mapping[str, Any]) -> tuple[int, ...]:
        """The ids in the database of the fixed examples."""
        if cleaned.get("example_choice") != "fixed" or not cleaned.get("examples"):
            return ()
        wanted = lines(cleaned.get("example_items", ""))
        items = Item.objects.filter(project_id=self.question.project_id, external_id__in=wanted)
        found = dict(items.values_list("external_id", "pk"))
        for name in wanted:
            if name not in found:
                said = _("There is no item “%(name)s”.") % {"name": name[:80]}
                raise Unreadable("example_items", said)
        return tuple(found[name] for name in wanted)
