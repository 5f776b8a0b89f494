"""Saying what is asked: a question with its options, as rows or as pasted lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.http import QueryDict
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from annotate.errors import BadInput
from annotate.forms.question_settings import SettingsForm
from annotate.forms.question_templates import QuestionTemplate
from annotate.kinds import KINDS
from annotate.models import Colour, Question, QuestionKind
from annotate.services.projects import OptionDraft, QuestionDraft

EMPTY_ROWS = 3
MOST_OPTIONS = 500


class QuestionForm(forms.Form):
    """The question itself. ``many`` takes options by paste, one a line."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("Short, as it heads a column: Sentiment."),
    )
    text = forms.CharField(
        label=_("Question"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_(
            "What people and judges are asked of each item. A field of the item may be named in "
            "braces: How is the {aspect} judged?"
        ),
    )
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=QuestionKind.choices,
        widget=forms.RadioSelect,
        initial=QuestionKind.SINGLE,
        help_text=_("A rating has an order: its options stand from lowest to highest."),
    )
    required = forms.BooleanField(
        label=_("An item is done only when this is answered"), required=False, initial=True
    )
    key = forms.SlugField(
        label=_("Key"),
        required=False,
        max_length=50,
        help_text=_("Names the question in files. Left empty, it is made from the name."),
    )
    many = forms.CharField(
        label=_("Options, one a line"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=_("key | name | definition, or only the name. They come after the rows above."),
    )


class OptionForm(forms.Form):
    """One row. A row without a name is left out."""

    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    definition = forms.CharField(
        label=_("Definition"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 1}),
    )
    key = forms.CharField(label=_("Key"), max_length=100, required=False)
    colour = forms.ChoiceField(
        label=_("Colour"), required=False, choices=[("", _("By itself")), *Colour.choices]
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("name") and (cleaned.get("key") or cleaned.get("definition")):
            self.add_error("name", _("Name this option, or empty the row to leave it out."))
        return cleaned


def _formset(extra: int) -> type[BaseFormSet[OptionForm]]:
    return formset_factory(
        OptionForm, extra=extra, max_num=MOST_OPTIONS, absolute_max=MOST_OPTIONS + EMPTY_ROWS
    )


class QuestionForms:
    """The question's form and its rows of options as one: bound together, wrong together."""

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        question: Question | None = None,
        template: QuestionTemplate | None = None,
    ) -> None:
        initial, options = _initial(question, template)
        self._fixed_key = question.key if question else ""
        self.is_bound = data is not None
        self.form = QuestionForm(data, initial=initial, prefix="question")
        asked = question or template
        self.settings = SettingsForm(
            data, initial=asked.settings if asked else {}, prefix="settings"
        )
        if question is not None:
            self.form.fields["key"].disabled = True
            self.form.fields["key"].help_text = _("It stays: labels and files name it.")
        extra = EMPTY_ROWS if options else EMPTY_ROWS + 1
        self.rows = _formset(extra)(data, initial=options, prefix="option")

    @classmethod
    def with_more_rows(cls, data: QueryDict, *, question: Question | None = None) -> QuestionForms:
        """The same as it was sent, nothing checked, with some empty rows more."""
        copy = data.copy()
        try:
            total = int(str(copy.get("option-TOTAL_FORMS", "0")))
        except ValueError:
            total = 0
        copy["option-TOTAL_FORMS"] = str(min(max(total, 0) + EMPTY_ROWS, MOST_OPTIONS))
        sent = cls(question=question)
        sent.form.initial = _strings(copy, QuestionForm, "question")
        sent.form.initial["required"] = "question-required" in copy
        if question is not None:
            sent.form.initial["key"] = question.key
        rows = [
            _strings(copy, OptionForm, f"option-{number}")
            for number in range(int(str(copy["option-TOTAL_FORMS"])))
        ]
        sent.rows = _formset(0)(initial=rows, prefix="option")
        sent.settings = SettingsForm(
            initial=_strings(copy, SettingsForm, "settings"), prefix="settings"
        )
        return sent

    def draft(self) -> QuestionDraft | None:
        """What was written, or None where a form says what is wrong."""
        if not (self.form.is_valid() & self.rows.is_valid() & self.settings.is_valid()):
            return None
        given = self.form.cleaned_data
        options = []
        if KINDS[given["kind"]].writes_options:
            options = [
                OptionDraft(row["key"], row["name"], row["definition"], row["colour"])
                for row in self.rows.cleaned_data
                if row.get("name")
            ]
            options += options_of_lines(given["many"])
        key = self._fixed_key or given["key"] or key_of(given["name"], "question")
        return QuestionDraft(
            key=key,
            name=given["name"],
            kind=given["kind"],
            options=options_with_keys(options, numbered=given["kind"] == QuestionKind.RATING),
            text=given["text"],
            required=given["required"],
            settings=self.settings.of_kind(given["kind"]),
        )

    def refuse(self, error: BadInput) -> None:
        """Show what a service found wrong, beside its field where there is one."""
        fields: Mapping[str, str] = error.detail.get("fields", {})
        for field, message in fields.items():
            if field in self.settings.fields:
                self.settings.add_error(field, message)
            else:
                self.form.add_error(field if field in self.form.fields else None, message)
        if not fields:
            self.form.add_error(None, error.message)

    @property
    def has_errors(self) -> bool:
        return self.is_bound and bool(
            self.form.errors or self.settings.errors or self.rows.total_error_count()
        )


def options_of_lines(text: str) -> list[OptionDraft]:
    """Options from pasted lines: ``key | name | definition``, ``key | name``, or ``name``."""
    options = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|", 2)]
        if len(parts) == 1:
            parts.insert(0, "")
        if any(parts):
            key, name, *definition = parts
            options.append(OptionDraft(key, name or key, definition[0] if definition else ""))
    return options


def options_with_keys(options: Sequence[OptionDraft], *, numbered: bool) -> list[OptionDraft]:
    """Give a key to each option that has none: its number for a rating, else from its name."""
    taken = {option.key for option in options if option.key}
    found = []
    for number, option in enumerate(options, 1):
        key = option.key
        if not key:
            wanted = str(number) if numbered else key_of(option.name, f"option_{number}")
            key, again = wanted, 2
            while key in taken:
                key, again = f"{wanted}_{again}", again + 1
            taken.add(key)
        found.append(OptionDraft(key, option.name, option.definition, option.colour))
    return found


def key_of(name: str, otherwise: str) -> str:
    """A key made from a name; a name without Latin letters or digits gives ``otherwise``."""
    return slugify(name).replace("-", "_")[:50] or otherwise


def _initial(
    question: Question | None, template: QuestionTemplate | None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    source: Question | QuestionTemplate
    if question is not None:
        source, options = question, list(question.options.all())
    elif template is not None:
        source, options = template, list(template.options)  # type: ignore[arg-type]
    else:
        return {}, []
    names = ("key", "name", "text", "kind")
    initial: dict[str, Any] = {name: getattr(source, name) for name in names}
    initial["required"] = getattr(source, "required", True)
    return initial, [
        {name: getattr(option, name) for name in ("key", "name", "definition", "colour")}
        for option in options
    ]


def _strings(data: QueryDict, form: type[forms.Form], prefix: str) -> dict[str, Any]:
    return {name: data.get(f"{prefix}-{name}", "") for name in form.base_fields}
