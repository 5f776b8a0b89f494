"""How the labels of a question are to be combined."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.models import Method, WhoCounts
from annotate.services.estimates import JUDGE_WEIGHT

# What each does, in a line: for who has to choose one.
METHOD_LINES = {
    Method.IBCC: _(
        "Learns what each rater confuses with what, and weighs them by it; careful with raters"
        " of few labels. The one to take when in doubt."
    ),
    Method.MAJORITY: _("What most say; a tie stays a tie. The plainest to explain."),
    Method.WEIGHTED_MAJORITY: _("Majority, in which a judge’s label weighs what you say."),
    Method.WAWA: _("Majority, in which a rater weighs as much as they agree with the majority."),
    Method.ONE_COIN: _("Learns one number a rater: how often they are right. For few labels."),
    Method.DAWID_SKENE: _(
        "As iBCC without its care for few labels: for comparing with what others published."
    ),
    Method.MACE: _("Learns who answers without looking, and discounts that."),
    Method.GLAD: _("Learns how hard each item is as well as how able each rater."),
    Method.JUDGE_PANEL: _(
        "Judges only, near-copies with one vote together; people’s labels say how far to"
        " believe the panel."
    ),
}


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
