"""How the labels of a question are to be combined."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.models import Method, WhoCounts


class AggregateForm(forms.Form):
    method = forms.ChoiceField(
        label=_("Method"), choices=Method.choices, initial=Method.DAWID_SKENE.value
    )
    who = forms.ChoiceField(
        label=_("Who counts"), choices=WhoCounts.choices, initial=WhoCounts.PEOPLE.value
    )
