"""How the labels of a question are to be combined."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.models import Method, WhoCounts
from annotate.services.estimates import JUDGE_WEIGHT


class AggregateForm(forms.Form):
    method = forms.ChoiceField(label=_("Method"), choices=Method.choices, initial=Method.IBCC.value)
    who = forms.ChoiceField(
        label=_("Who counts"), choices=WhoCounts.choices, initial=WhoCounts.PEOPLE.value
    )
    rulings = forms.BooleanField(
        label=_("Rulings count as known answers"),
        help_text=_("Raters are then judged by them. For rulings on items drawn at random."),
        required=False,
    )
    judge_weight = forms.FloatField(
        label=_("Weight of a judge"),
        help_text=_("For a weighted majority: what a judge’s label weighs beside a person’s."),
        initial=JUDGE_WEIGHT,
        min_value=0,
        max_value=1000,
        step_size=None,
        required=False,
    )
