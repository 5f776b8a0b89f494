"""What a lead enters to audit a judge."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from judges.prompting.audits.catalogue import AUDITS
from judges.services.audits import AUDIT_ITEMS, MOST_AUDITED


class AuditForm(forms.Form):
    """Which audits, over which items, for how much."""

    audits = forms.MultipleChoiceField(
        choices=[(key, key) for key in AUDITS],
        error_messages={"required": _("Choose one audit at least.")},
    )
    n_items = forms.IntegerField(
        label=_("Items"), min_value=2, max_value=MOST_AUDITED, initial=AUDIT_ITEMS
    )
    source = forms.ChoiceField(
        label=_("Which items"),
        choices=[
            ("known", _("Those first that people have labelled")),
            ("random", _("Any, in random order")),
        ],
    )
    seed = forms.IntegerField(
        label=_("Seed"), min_value=0, max_value=2**31 - 1, required=False, initial=0
    )
    cap = forms.DecimalField(
        label=_("At most, in $"), required=False, max_digits=17, decimal_places=8
    )
