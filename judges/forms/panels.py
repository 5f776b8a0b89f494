"""What a lead enters to make a panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotate.models import Question
from judges.prompting.panel import SURE
from judges.selectors.judges import JudgeRow


class PanelForm(forms.Form):
    """Which judges of a question vote together, and how."""

    members = forms.MultipleChoiceField(
        label=_("Judges"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Two to nine. They are asked cheapest first, whatever the order here."),
        error_messages={"required": _("Choose two judges at least.")},
    )
    stop = forms.ChoiceField(
        label=_("How many are asked"),
        widget=forms.RadioSelect,
        choices=[
            ("settled", _("Until the vote is settled: the same labels as if all were asked")),
            ("sure", _("Until settled, or sure enough by the weights")),
            ("all", _("All of them, about every item")),
        ],
        initial="settled",
    )
    sure = forms.IntegerField(
        label=_("Sure enough, in %"),
        min_value=51,
        max_value=99,
        initial=round(100 * SURE),
        required=False,
        help_text=_(
            "Estimated from the known answers that the weights are from: right on average, and "
            "no promise. Some labels may differ from those of the whole panel."
        ),
    )
    discussion = forms.BooleanField(
        label=_("Discuss where they differ"),
        required=False,
        help_text=_(
            "All are then asked, and each once more with the reasons of the others, without names. "
            "Needs judges that give their reason."
        ),
    )
    weights = forms.ChoiceField(
        label=_("How votes count"),
        widget=forms.RadioSelect,
        choices=[
            ("equal", _("All alike")),
            ("people", _("By how often each agreed with people")),
            ("qualification", _("By how often each was right on the gold items")),
        ],
        initial="equal",
    )
    name = forms.CharField(label=_("Name"), max_length=90, required=False)

    def __init__(self, question: Question, rows: Sequence[JudgeRow], *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.question = question
        self._versions = {str(row.version.pk): row.version for row in rows if row.version}
        self.fields["members"].choices = [  # type: ignore[attr-defined]
            (str(row.version.pk), _shown(row)) for row in rows if row.version
        ]

    def settings(self) -> dict[str, Any]:
        """What services.panels takes besides question and judges, of a form that is valid."""
        entered = self.cleaned_data
        return {
            "stop": entered["stop"],
            "sure": (entered["sure"] or round(100 * SURE)) / 100,
            "discussion": entered["discussion"],
            "weights": entered["weights"],
        }

    def judges(self) -> list[Any]:
        """The versions chosen, of a form that is valid."""
        return [self._versions[key] for key in self.cleaned_data["members"]]


def _shown(row: JudgeRow) -> str:
    """A judge with how far it agrees with people, where that is known."""
    share = row.agreement.share if row.agreement else None
    if share is None:
        return row.rater.name
    return gettext("%(judge)s (agrees with people on %(percent)s %%)") % {
        "judge": row.rater.name,
        "percent": round(100 * share),
    }
