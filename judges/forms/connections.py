"""What an owner enters to connect a provider, to test it, and to say what it costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from judges.services.presets import OTHER, PRESETS


class ConnectionForm(forms.Form):
    """An endpoint. The key is never shown again, so the field comes back empty."""

    preset = forms.ChoiceField(
        label=_("What to connect"),
        required=False,
        initial="openai",
        widget=forms.RadioSelect,
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        required=False,
        help_text=_("As your project calls it. Empty: the name above, or the address’s host."),
    )
    base_url = forms.CharField(
        label=_("Address"),
        max_length=500,
        required=False,
        help_text=_("Leave it empty for the address above."),
        widget=forms.TextInput(
            attrs={"inputmode": "url", "placeholder": "https://api.example.org/v1"}
        ),
    )
    key = forms.CharField(
        label=_("Key"),
        required=False,
        max_length=2_000,
        strip=True,
        help_text=_(
            "Kept encrypted and never shown again. For a Label Studio ML backend: user:password."
        ),
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
    )
    key_variable = forms.CharField(
        label=_("Or the environment variable that holds it"),
        required=False,
        max_length=100,
        help_text=_("Its name must end in _API_KEY. It is read where the worker runs."),
    )
    concurrency = forms.IntegerField(
        label=_("Calls at once"), min_value=1, max_value=128, initial=2
    )
    timeout_seconds = forms.IntegerField(
        label=_("Seconds to wait for an answer"), min_value=1, max_value=600, initial=60
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["preset"].choices = [  # type: ignore[attr-defined]
            (
                preset.key,
                format_html(
                    '<span>{} <span class="choice__help">{}</span></span>',
                    str(preset.name),
                    preset.help,
                ),
            )
            for preset in PRESETS.values()
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "preset" not in self.fields:
            return cleaned
        preset = PRESETS.get(cleaned.pop("preset", "") or OTHER)
        if preset is None:
            return cleaned
        cleaned["provider"] = preset.provider
        cleaned["base_url"] = cleaned.get("base_url") or preset.address
        if not cleaned["base_url"] and "base_url" not in self.errors:
            self.add_error("base_url", _("Enter the address of the endpoint."))
        usual = _host(cleaned.get("base_url", "")) if preset.key == OTHER else str(preset.name)
        cleaned["name"] = cleaned.get("name", "").strip() or usual[:100]
        return cleaned


def _host(address: str) -> str:
    """The host of an address with its port, to call a connection by."""
    try:
        host = urlsplit(address).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return host or str(_("Endpoint"))


class ConnectionEditForm(ConnectionForm):
    """A connection that is there. Its kind stays; so the address has to be given."""

    forget_key = forms.BooleanField(label=_("Forget the key that is kept"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["preset"]
        self.fields["base_url"].required = True
        self.fields["name"].required = True
        self.fields["name"].help_text = ""
        self.fields["base_url"].help_text = ""
        self.fields["key"].label = _("New key")
        self.fields["key"].help_text = _("Leave empty to keep the one there is.")


class ConnectionTestForm(forms.Form):
    """The model to test a connection with."""

    model = forms.CharField(label=_("Model"), max_length=200)


class PriceForm(forms.Form):
    """What a model costs at a connection, in US dollars for a million tokens."""

    model = forms.CharField(label=_("Model"), max_length=200)
    input = forms.DecimalField(
        label=_("Prompt"), min_value=Decimal(0), max_digits=12, decimal_places=6
    )
    output = forms.DecimalField(
        label=_("Reply"), min_value=Decimal(0), max_digits=12, decimal_places=6
    )
    cached_input = forms.DecimalField(
        label=_("Prompt from its cache"),
        required=False,
        min_value=Decimal(0),
        max_digits=12,
        decimal_places=6,
    )
