"""What a lead enters to plan a replacement test, and to have labels collected for it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotate.models import Project, Question, QuestionKind
from judges.models import Closeness
from judges.selectors.replacement import labellers

EPSILONS = (
    ("0.2", _(".20: people are experts, and dear")),
    ("0.15", _(".15: people are trained for this")),
    ("0.1", _(".10: people are of a crowd, or as good as one")),
    ("0.05", _(".05: stricter than the authors of the test ask for")),
    ("0", _("0: the judge must be at least as close, with nothing taken off")),
)


class PlanForm(forms.Form):
    """What is fixed before anybody looks at a result."""

    epsilon = forms.TypedChoiceField(
        label=_("Epsilon"),
        choices=EPSILONS,
        coerce=float,
        initial="0.1",
        help_text=_(
            "What people are docked, as a share of items: they cost more, so the judge may be a "
            "little further from the others. The larger, the more lenient."
        ),
    )
    score = forms.ChoiceField(
        label=_("Closer to the others is measured by"), choices=Closeness, widget=forms.RadioSelect
    )
    n_people = forms.IntegerField(label=_("People"), min_value=2, max_value=20, initial=3)
    per_item = forms.IntegerField(label=_("Labels an item"), min_value=2, max_value=20, initial=3)
    gap = forms.TypedChoiceField(
        label=_("A judge nobody would accept is less accurate by"),
        choices=[("0.05", _("5 points")), ("0.1", _("10 points")), ("0.15", _("15 points"))],
        coerce=float,
        initial="0.1",
    )

    def __init__(self, question: Question, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rating = question.kind == QuestionKind.RATING
        self.fields["score"].initial = Closeness.DISTANCE if rating else Closeness.ACCURACY


class CollectForm(forms.Form):
    """How many items are drawn, and who labels them."""

    n_items = forms.IntegerField(label=_("Items"), min_value=1, max_value=100_000)
    per_item = forms.IntegerField(label=_("Labels an item"), min_value=2, max_value=20)
    members = forms.TypedMultipleChoiceField(
        label=_("Who labels them"), coerce=int, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["members"].choices = [  # type: ignore[attr-defined]
            (member.user_id, member.user.shown_name) for member in labellers(project)
        ]
