"""What is done with many items at once: which ones, and how they are ruled on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from annotate.kinds import CHOICES
from annotate.models import Question, RulingReason
from annotate.selectors.bulk_rulings import RulingPlan

# More than one page of the list are never ticked.
MOST_TICKED = 200
AS_IT_STANDS = "stands"


class BulkRulingForm(forms.Form):
    """``says``: an option's code, or AS_IT_STANDS."""

    says = forms.ChoiceField(label=_("Rule"))
    because = forms.ChoiceField(label=_("because"), choices=[("", ""), *RulingReason.choices])
    note = forms.CharField(label=_("Note"), required=False, max_length=1000)
    overrule = forms.BooleanField(
        label=_("Also where a ruling stands"),
        help_text=_("Taking the batch back lets the earlier rulings stand again."),
        required=False,
    )

    def __init__(self, data: Any, *, question: Question, **more: Any) -> None:
        super().__init__(data, **more)
        says = self.fields["says"]
        assert isinstance(says, forms.ChoiceField)  # noqa: S101  (as declared above)
        options = question.options.all() if question.kind in CHOICES else []
        says.choices = [
            (AS_IT_STANDS, _("The answer that each has now: aggregate, else majority")),
            *((str(option.code), option.name) for option in options),
        ]

    def plan(self) -> RulingPlan:
        """Of a form that is valid."""
        given = self.cleaned_data
        return RulingPlan(
            choice=None if given["says"] == AS_IT_STANDS else int(given["says"]),
            reason=given["because"],
            comment=given["note"],
            overrule=given["overrule"],
        )


def ticked(query: QueryDict) -> tuple[int, ...]:
    """The items that were ticked, of a query; none where all that match are meant."""
    if query.get("scope") != "ticked":
        return ()
    found = [text for text in query.getlist("item") if text.isascii() and text.isdecimal()]
    return tuple(int(text) for text in found[:MOST_TICKED] if len(text) < 19)
