"""What comes back from the review screen and the page of an item."""

from __future__ import annotations

from django import forms

from annotate.models import Reason, RulingReason


class RulingForm(forms.Form):
    """A ruling, and where in which queue it was made."""

    choice = forms.IntegerField(min_value=0, max_value=32_000)
    reason = forms.ChoiceField(choices=RulingReason.choices)
    note = forms.CharField(max_length=1000, required=False)
    # The ruling that stood when the page was made; another one now means that somebody was faster.
    standing = forms.IntegerField(required=False)
    of = forms.ChoiceField(choices=[("", ""), *Reason.choices], required=False)
    after = forms.CharField(max_length=60, required=False)
    # "item": ruled on the page of the item, which is shown again.
    back = forms.ChoiceField(choices=[("", ""), ("item", "")], required=False)
