"""Sending a file, saying how it is read, and what each of its columns is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.errors import BadInput
from annotate.forms.projects import ConcordForm
from annotate.models import (
    ImportBatch,
    ImportFormat,
    ImportKind,
    Question,
    QuestionKind,
    RaterKind,
)
from annotate.services.import_look import Look, key_guess
from annotate.services.import_plans import (
    OF_ITEMS,
    OF_LABELS,
    ItemPlan,
    LabelPlan,
    Use,
    item_plan,
    label_plan,
    question_guess,
    uses_guess,
)
from annotate.services.projects import OptionDraft, QuestionDraft

NEW = "new"
EXAMPLES = 3


class UploadForm(ConcordForm):
    file = forms.FileField(
        label=gettext_lazy("File"),
        max_length=300,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.jsonl,.ndjson,.json"}),
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Format"),
        required=False,
        choices=[("", gettext_lazy("as the file's name says")), *ImportFormat.choices],
    )


class ReadForm(forms.Form):
    """How the bytes are read. A delimiter left empty is looked for."""

    format = forms.ChoiceField(label=gettext_lazy("Format"), choices=ImportFormat.choices)
    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding"),
        choices=[
            ("utf-8", "UTF-8"),
            ("utf-16", "UTF-16"),
            ("windows-1252", "Windows-1252"),
            ("latin-1", "Latin-1 (ISO 8859-1)"),
        ],
    )
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Columns are divided by"),
        required=False,
        choices=[
            (",", gettext_lazy("comma ,")),
            (";", gettext_lazy("semicolon ;")),
            ("tab", gettext_lazy("tab")),
        ],
    )


@dataclass(frozen=True)
class ColumnRow:
    """One column of the file in the form: its name, a few values, its use, its place."""

    name: str
    examples: list[str]
    use: BoundField
    place: BoundField


class ColumnsForm(ConcordForm):
    """What each column is used as. Fields are numbered: a column's name may be anything."""

    def __init__(
        self, batch: ImportBatch, look: Look, data: Mapping[str, Any] | None = None
    ) -> None:
        self.batch, self.look = batch, look
        super().__init__(data)
        choices = [
            (use.value, use.label)
            for use in (OF_ITEMS if batch.kind == ImportKind.ITEMS else OF_LABELS)
        ]
        guessed = uses_guess(batch.kind, look.columns, look.examples)
        place = 0
        for number, name in enumerate(look.columns):
            shown = guessed[name] == Use.SHOWN
            place += shown
            self.fields[f"use_{number}"] = forms.ChoiceField(
                label=_("“%(name)s” is") % {"name": name}, choices=choices, initial=guessed[name]
            )
            self.fields[f"place_{number}"] = forms.IntegerField(
                label=_("Place of “%(name)s”") % {"name": name},
                required=False,
                min_value=1,
                max_value=999,
                initial=place if shown else None,
            )

    def column_rows(self) -> Iterator[ColumnRow]:
        for number, name in enumerate(self.look.columns):
            examples: list[str] = []
            for value in self.look.examples.get(name, []):
                if value.strip() and value not in examples and len(examples) < EXAMPLES:
                    examples.append(value)
            yield ColumnRow(name, examples, self[f"use_{number}"], self[f"place_{number}"])

    def uses(self) -> dict[str, str]:
        """Column -> use as entered, the columns in the order of their places."""
        ordered = sorted(
            enumerate(self.look.columns),
            key=lambda pair: (self.cleaned_data.get(f"place_{pair[0]}") or 1000, pair[0]),
        )
        return {name: self.cleaned_data.get(f"use_{number}", "") for number, name in ordered}


class ItemsForm(ColumnsForm):
    """The whole mapping of a file of items."""

    def plan(self) -> ItemPlan:
        """Raises BadInput."""
        return item_plan(self.uses())

    def draft(self) -> None:
        return None


class LabelsForm(ColumnsForm):
    """The whole mapping of a file of labels: who labelled, which question, new items."""

    rater_name = forms.CharField(
        label=gettext_lazy("Name of the rater"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Where no column names one: all labels are this rater's."),
    )
    fixed_kind = forms.ChoiceField(
        label=gettext_lazy("Kind of the raters"),
        choices=RaterKind.choices,
        initial=RaterKind.PERSON,
        help_text=gettext_lazy("Where no column says it."),
    )
    create = forms.BooleanField(
        label=gettext_lazy("Create items that are not here yet"),
        required=False,
        help_text=gettext_lazy(
            "From the columns chosen as shown fields, or with the id as their text. Else their "
            "labels are refused."
        ),
    )
    question = forms.ChoiceField(label=gettext_lazy("Which question the labels answer"))
    new_name = forms.CharField(
        label=gettext_lazy("Name of the new question"), required=False, max_length=100
    )
    new_text = forms.CharField(
        label=gettext_lazy("How it is asked"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy(
            "May name shown fields in braces: How does the text judge the {aspect}?"
        ),
    )
    new_kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=QuestionKind.choices, required=False
    )
    new_options = forms.CharField(
        label=gettext_lazy("Options, one a line, in their order"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy(
            "As the file has them. To show another name, write: value | name. A label that is not "
            "in this list is refused."
        ),
    )

    def __init__(
        self,
        batch: ImportBatch,
        look: Look,
        questions: list[Question],
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(batch, look, data)
        field = self.fields["question"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [
            *((question.key, question.name) for question in questions),
            (NEW, _("A new question, made from the values in the file")),
        ]
        label = _column_of(self.guessed(), Use.LABEL)
        fits = [question.key for question in questions if self._fits(question, label)]
        field.initial = fits[0] if fits else NEW
        self.initial.update(self.question_initial(label))
        self.initial["create"] = not batch.project.items.exists()

    def guessed(self) -> dict[str, str]:
        return {
            name: str(self.fields[f"use_{number}"].initial)
            for number, name in enumerate(self.look.columns)
        }

    def question_initial(self, label: str) -> dict[str, Any]:
        """What a question made from the values of this column would be."""
        values = self.batch.mapping.get("values", {}).get(label)
        if not values:
            return {"new_name": label, "new_options": ""}
        kind, options = question_guess(values)
        name = label.replace("_", " ").strip().capitalize()
        return {
            "new_name": name[:100],
            "new_kind": kind,
            "new_options": "\n".join(option.key for option in options),
        }

    def values_found(self) -> list[tuple[str, int]]:
        """Value and how often, of the label column as it stands in the form."""
        label = _column_of(self.uses_now(), Use.LABEL)
        values = self.batch.mapping.get("values", {}).get(label) or {}
        return sorted(values.items(), key=lambda pair: -pair[1])

    def uses_now(self) -> dict[str, str]:
        """Column -> use as it stands in the form, valid or not."""
        return {
            name: str(self[f"use_{number}"].value() or "")
            for number, name in enumerate(self.look.columns)
        }

    def _fits(self, question: Question, label: str) -> bool:
        """Whether the commonest value of the file is an option of the question."""
        values = self.batch.mapping.get("values", {}).get(label) or {}
        known = {name for option in question.options.all() for name in (option.key, option.name)}
        return bool(values) and max(values, key=lambda value: int(values[value])) in known

    def plan(self) -> LabelPlan:
        """Raises BadInput."""
        chosen = self.cleaned_data["question"]
        return label_plan(
            self.uses(),
            rater_name=self.cleaned_data["rater_name"],
            fixed_kind=self.cleaned_data["fixed_kind"],
            question_key="" if chosen == NEW else chosen,
            create=self.cleaned_data["create"],
        )

    def draft(self) -> QuestionDraft | None:
        """The question to be made, or None where one that is here was chosen. Raises BadInput."""
        if self.cleaned_data["question"] != NEW or Use.QUESTION in self.uses().values():
            return None
        name = self.cleaned_data["new_name"].strip()
        if not name:
            raise BadInput(
                _("The new question needs a name."), fields={"new_name": _("Give it a name.")}
            )
        return QuestionDraft(
            key=key_guess(name),
            name=name,
            kind=self.cleaned_data["new_kind"] or QuestionKind.SINGLE.value,
            options=_options(self.cleaned_data["new_options"]),
            text=self.cleaned_data["new_text"].strip(),
        )


def values_again(
    batch: ImportBatch, look: Look, questions: list[Question], data: QueryDict
) -> LabelsForm:
    """The form as entered, with the options taken anew from the column now chosen as label."""
    entered = LabelsForm(batch, look, questions, data)
    label = _column_of(entered.uses_now(), Use.LABEL)
    # Not bound: what is not filled in yet is no mistake.
    form = LabelsForm(batch, look, questions)
    form.initial.update({name: entered[name].value() for name in form.fields})
    form.initial.update({**form.question_initial(label), "question": NEW})
    return form


def _column_of(uses: Mapping[str, str], use: Use) -> str:
    return next((name for name, given in uses.items() if given == use), "")


def _options(text: str) -> list[OptionDraft]:
    drafts = []
    for line in text.splitlines():
        key, _bar, name = (part.strip() for part in line.partition("|"))
        if key:
            drafts.append(OptionDraft(key[:100], (name or key)[:200]))
    return drafts
