"""What a lead enters to work a hand-over out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


def _percent(label: Any, help_text: Any, initial: int) -> forms.FloatField:
    return forms.FloatField(
        label=label, help_text=help_text, min_value=0.1, max_value=50, initial=initial
    )


class HandOverForm(forms.Form):
    """Shares are entered in percent; ``levels`` has them from 0 to 1."""

    alpha = _percent(_("At most so many percent wrong"), "", 5)
    delta = _percent(_("Risk in percent that more are"), _("5 means 95 % sure."), 5)
    audit_share = _percent(
        _("Percent of them checked by people"),
        _("Drawn at random, at least 20 items. The more, the sooner a worse judge is noticed."),
        10,
    )
    label_price = forms.DecimalField(
        label=_("What a label of a person costs, in US dollars"),
        help_text=_("If you want to see what is saved."),
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(10_000),
        decimal_places=4,
    )
    imported = forms.BooleanField(
        label=_("The imported labels of people were given blind, on items drawn at random"),
        help_text=_("Only you can know. That you said so is kept with the decision."),
        required=False,
    )

    def levels(self) -> dict[str, Any]:
        """Arguments of hand_over_work_out, of a form that is valid."""
        entered = self.cleaned_data
        return {
            "alpha": entered["alpha"] / 100,
            "delta": entered["delta"] / 100,
            "audit_share": entered["audit_share"] / 100,
            "label_price": entered["label_price"],
            "imported": entered["imported"],
        }
