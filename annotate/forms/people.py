"""Inviting people, joining by a link, and one's own account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts
from django.utils.translation import gettext_lazy as _

from annotate.forms.projects import ConcordForm
from annotate.models import Role, Theme
from annotate.selectors.keys import USUAL
from annotate.services.invitations import DAYS, LONGEST_DAYS
from annotate.services.item_work import MOST_ASSIGNED

# How a key that is more than a sign is written on it.
USUAL_SHOWN = {"Control+Z": "Ctrl Z"}


class InvitationForm(ConcordForm):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.ANNOTATOR)
    days = forms.IntegerField(
        label=_("Good for so many days"), min_value=1, max_value=LONGEST_DAYS, initial=DAYS
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class BatchForm(ConcordForm):
    """Items for one person: how many of those that still want an answer."""

    items = forms.IntegerField(
        label=_("How many items"), min_value=1, max_value=MOST_ASSIGNED, initial=50
    )

    def __init__(self, *args: Any, members: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["member"] = forms.ChoiceField(label=_("To whom"), choices=members)
        self.order_fields(["member", "items"])


class JoinForm(ConcordForm):
    """A new person's account."""

    username = forms.CharField(
        label=_("User name"),
        max_length=150,
        help_text=_("Letters, digits and @ . + - _ only. You log in with it."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    name = forms.CharField(
        label=_("Your name"),
        required=False,
        max_length=300,
        help_text=_("As the leads of the project see it."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["password"].help_text = " ".join(password_validators_help_texts())


class KeysForm(ConcordForm):
    """A person's own keys of the label screen; the usual ones stand in the empty fields."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (usual, words) in USUAL.items():
            look = {
                "placeholder": USUAL_SHOWN.get(usual, usual),
                "autocapitalize": "none",
                "autocomplete": "off",
            }
            self.fields[name] = forms.CharField(
                label=str(words), required=False, max_length=1, widget=forms.TextInput(attrs=look)
            )


class AccountForm(ConcordForm):
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=300,
        help_text=_("As others see it. Left empty, they see your user name."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    theme = forms.ChoiceField(label=_("Colours"), choices=Theme.choices, widget=forms.RadioSelect)
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=lambda: [("", _("As the browser asks for")), *settings.LANGUAGES],
        help_text=_("Of Concord's own words. Items and guidelines stay as they were written."),
    )
