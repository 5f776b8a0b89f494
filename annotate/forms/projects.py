"""Starting a project and changing its settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.errors import BadInput
from annotate.models import Project, Visibility
from annotate.selectors.item_display import HOWS, TEXT, fields_known


class ConcordForm(forms.Form):
    """A form that can show what a service found wrong."""

    def refuse(self, error: BadInput) -> None:
        fields = error.detail.get("fields", {})
        for field, message in fields.items():
            self.add_error(field if field in self.fields else None, message)
        if not fields:
            self.add_error(None, error.message)


class NewProjectForm(ConcordForm):
    name = forms.CharField(label=_("Name of the project"), max_length=200)
    description = forms.CharField(
        label=_("What it is for"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    labels_per_item = forms.IntegerField(
        label=_("Labels per item"),
        min_value=1,
        max_value=100,
        initial=2,
        help_text=_(
            "So many people label each item, none sees the others. From two on you learn how far "
            "they agree."
        ),
    )
    guideline = forms.CharField(
        label=_("Guideline"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown. People read it beside each item, and judges are given it."),
    )


class SettingsForm(ConcordForm):
    _item_fields: list[str]

    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(
        label=_("What it is for"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    labels_per_item = forms.IntegerField(
        label=_("Labels per item"),
        min_value=1,
        max_value=100,
        help_text=_(
            "Raising it asks for more labels on every item. Lowering it takes away what is still "
            "open; labels that are in stay, and so does what somebody is working on."
        ),
    )
    visibility = forms.ChoiceField(
        label=_("What annotators see of judges"),
        choices=Visibility.choices,
        widget=forms.RadioSelect,
        help_text=_(
            "Shown a suggestion, people work faster and follow it, also where it is wrong: their "
            "labels then say less about what they would have said, and agreement with the judge "
            "comes out too high. A random share tells you by how much: the overview then compares "
            "items on which a suggestion was shown with items on which it was hidden. The rule and "
            "what was shown are kept with each label; what is hidden is not sent to the browser."
        ),
    )
    shown_percent = forms.IntegerField(
        label=_("Random share: suggestions are shown on so many items of 100"),
        min_value=1,
        max_value=99,
        required=False,
        help_text=_("Drawn for each person and item. Only used with the last of these rules."),
    )
    submit_on_choice = forms.BooleanField(
        label=_("Choosing an option also submits"),
        required=False,
        help_text=_("Works where one single-choice question is asked. Undo takes it back."),
    )
    lease_minutes = forms.IntegerField(
        label=_("Minutes an item is kept for who opened it"),
        min_value=1,
        max_value=10_080,
        help_text=_("After that others may be given it. An answer that comes late is kept."),
    )
    data_may_leave = forms.BooleanField(
        label=_("Item texts may be sent to judges outside this machine"),
        required=False,
        help_text=_("Off: only judges that run here may be asked."),
    )
    outside_images = forms.BooleanField(
        label=_("Pictures may come from other sites"),
        required=False,
        help_text=_(
            "Off: a field shown as a picture stands as a link. On: the site that has the picture "
            "learns who looks at it and when. Only addresses that begin with https."
        ),
    )

    @classmethod
    def of(cls, project: Project, data: Any = None) -> SettingsForm:
        """With a choice for each field of the items: how it is shown."""
        form = cls(data, initial={name: getattr(project, name) for name in cls.base_fields})
        form._item_fields = fields_known(project)
        for number, name in enumerate(form._item_fields):
            form.fields[f"display_{number}"] = forms.ChoiceField(
                label=_("How “%(field)s” is shown") % {"field": name},
                choices=list(HOWS.items()),
                initial=project.display.get(name, TEXT),
                required=False,
            )
        return form

    def wanted(self) -> dict[str, Any]:
        """What the services take, of a form that is valid."""
        given = dict(self.cleaned_data)
        given["display"] = {
            name: given.pop(f"display_{number}") or TEXT
            for number, name in enumerate(self._item_fields)
        }
        return given


class GuidelineForm(ConcordForm):
    text = forms.CharField(
        label=_("Guideline"),
        strip=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 24}),
        help_text=_("Markdown: # heading, **bold**, *italic*, - list, tables. No images."),
    )
