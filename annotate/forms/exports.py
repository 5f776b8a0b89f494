"""What is asked for when data is taken out."""

from __future__ import annotations

from django import forms

from annotate.models import WhoCounts
from annotate.selectors.exports import FORMAT_NAMES, WHAT_NAMES


class ExportForm(forms.Form):
    what = forms.ChoiceField(choices=list(WHAT_NAMES.items()))
    format = forms.ChoiceField(choices=list(FORMAT_NAMES.items()))
    who = forms.ChoiceField(choices=WhoCounts.choices)
    method = forms.CharField(required=False, max_length=40)
    history = forms.BooleanField(required=False)
