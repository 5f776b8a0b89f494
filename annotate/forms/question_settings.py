"""What a kind of question needs to know besides its options. Each kind has its own part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.kinds import KINDS
from annotate.kinds.text import LONGEST, USUAL

# A text that names a field of the items; the page offers those there are (question.html).
OF_ITEM: dict[str, Any] = {
    "required": False,
    "max_length": 200,
    "widget": forms.TextInput(attrs={"list": "item-fields", "autocomplete": "off"}),
}


class SettingsForm(forms.Form):
    """One field a setting, of all kinds together; only those of the chosen kind count.

    Texts throughout: what a setting may be is checked by the kind, whose sentence is shown here.
    """

    min_choices = forms.IntegerField(
        label=_("At least"),
        required=False,
        help_text=_("Options to choose. 0 adds the answer “none of these”. Empty: 1."),
    )
    max_choices = forms.IntegerField(
        label=_("At most"), required=False, help_text=_("Empty: all of them.")
    )
    min = forms.CharField(label=_("Smallest number"), required=False, max_length=50)
    max = forms.CharField(label=_("Largest number"), required=False, max_length=50)
    step = forms.CharField(
        label=_("Step"),
        required=False,
        max_length=50,
        help_text=_("1 takes whole numbers only, 0.5 halves too."),
    )
    unit = forms.CharField(
        label=_("Unit"), required=False, max_length=30, help_text=_("Shown beside: points, °C.")
    )
    max_length = forms.IntegerField(
        label=_("Characters at most"),
        required=False,
        help_text=_("Up to %(longest)s. Empty: %(usual)s.") % {"longest": LONGEST, "usual": USUAL},
    )

    field_a = forms.CharField(label=_("One field"), **OF_ITEM)
    field_b = forms.CharField(
        label=_("The other field"),
        help_text=_("Which comes first is drawn for each person and item, and kept."),
        **OF_ITEM,
    )
    tie = forms.BooleanField(label=_("A tie is an answer"), required=False, initial=True)

    of_fields = forms.BooleanField(
        label=_("The options are fields of the item: their keys are its fields’ names"),
        required=False,
    )

    field = forms.CharField(label=_("Field in which parts are marked"), **OF_ITEM)
    overlap = forms.BooleanField(label=_("Spans may overlap"), required=False)

    only_if = forms.CharField(
        label=_("Asked only if"),
        required=False,
        max_length=2000,
        help_text=_(
            "Key of an earlier question, a colon, and keys of its answers: sentiment: negative, "
            "mixed. Empty: always."
        ),
    )

    def __init__(
        self, data: Any = None, *, initial: Mapping[str, Any] | None = None, prefix: str
    ) -> None:
        begun = dict(initial or {})
        if isinstance(begun.get("only_if"), Mapping):
            asked = begun["only_if"]
            begun["only_if"] = f"{asked['question']}: {', '.join(asked['options'])}"
        super().__init__(data, initial=begun, prefix=prefix)

    def of_kind(self, kind: str) -> dict[str, Any]:
        """What was filled in for this kind. Of a form that is valid."""
        names = KINDS[kind].setting_names
        given = {name: self.cleaned_data.get(name) for name in names if name in self.fields}
        wanted = {name: value for name, value in given.items() if value not in (None, "")}
        text = self.cleaned_data.get("only_if", "").strip()
        if text:
            question, _colon, keys = text.partition(":")
            options = [key.strip() for key in keys.split(",") if key.strip()]
            wanted["only_if"] = {"question": question.strip(), "options": options}
        return wanted

    # --- Parts for the page: the fields of each kind ---

    def parts(self) -> list[dict[str, Any]]:
        """The fields by kind, in the order of the kinds; a kind without any has no part."""
        found = []
        for name, kind in KINDS.items():
            fields = [self[setting] for setting in kind.setting_names if setting in self.fields]
            if fields:
                found.append({"kind": name, "fields": fields})
        return found
