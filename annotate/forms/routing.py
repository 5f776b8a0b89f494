"""Switching routing on: the rule, what labels cost, and how much is left out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.models import Rater


class RoutingForm(forms.Form):
    """``rule`` is "certainty:people", of the rules that were tried."""

    rule = forms.CharField(max_length=20, widget=forms.HiddenInput)
    control_percent = forms.IntegerField(
        min_value=1,
        max_value=90,
        initial=10,
        label=gettext_lazy("Items of 100 left out of the rule"),
        help_text=gettext_lazy(
            "Drawn by lot; they get all their labels, so that estimates stay legal and the rule is "
            "checked."
        ),
    )
    cost_person = forms.FloatField(
        min_value=0.000001, initial=1, label=gettext_lazy("Cost of a person’s label")
    )
    cost_expert = forms.FloatField(
        min_value=0.000001, initial=5, label=gettext_lazy("Cost of an expert’s ruling")
    )
    expert_right = forms.FloatField(
        min_value=1,
        max_value=100,
        initial=95,
        label=gettext_lazy("How often an expert is right, in percent"),
    )

    def __init__(self, *args: Any, judges: Sequence[Rater] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._judges = judges
        for rater in judges:
            self.fields[f"judge_{rater.pk}"] = forms.FloatField(
                min_value=0.000001,
                initial=0.05,
                label=_("Cost of a label by %(judge)s") % {"judge": rater.name},
            )

    def clean_rule(self) -> tuple[float, int]:
        certainty, _colon, least = self.cleaned_data["rule"].partition(":")
        try:
            return float(certainty), int(least)
        except ValueError:
            raise forms.ValidationError(_("Choose one of the rules.")) from None

    def costs(self) -> dict[str, Any]:
        given = self.cleaned_data
        return {
            "person": given["cost_person"],
            "expert": given["cost_expert"],
            "judges": {str(rater.pk): given[f"judge_{rater.pk}"] for rater in self._judges},
        }
