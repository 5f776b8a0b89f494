"""What a lead enters to watch a judge."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from judges.services.watching import ANCHOR_ITEMS, MOST_ANCHORS


class WatchForm(forms.Form):
    """How often, on how many items, for how much a round. The items stay once they are drawn."""

    n_items = forms.IntegerField(
        label=_("Items"), min_value=2, max_value=MOST_ANCHORS, initial=ANCHOR_ITEMS, required=False
    )
    seed = forms.IntegerField(
        label=_("Seed"), min_value=0, max_value=2**31 - 1, initial=1, required=False
    )
    every_days = forms.TypedChoiceField(
        label=_("Ask them again"),
        choices=[
            ("", _("Only when I say so")),
            ("1", _("Every day")),
            ("7", _("Every week")),
            ("30", _("Every 30 days")),
        ],
        required=False,
        coerce=int,
        empty_value=None,
    )
    cap = forms.DecimalField(
        label=_("At most a round, in $"), required=False, max_digits=17, decimal_places=8
    )
