"""What comes back from the review screen and the page of an item."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.errors import BadInput
from annotate.forms.label import entries_posted
from annotate.kinds import CHOICES, Said, Unfit, asked_of, kind_of, said_of
from annotate.models import Item, Label, Question, Reason, RulingReason

CHOOSE_FIRST = gettext_lazy("Choose an option first, then say why: a, e, d or j.")


class RulingForm(forms.Form):
    """A ruling, and where in which queue it was made."""

    # One of the options; else an answer that somebody gave, by its label, or "own": the one entered
    # in the field of the question (answer_ruled).
    choice = forms.IntegerField(min_value=0, max_value=32_000, required=False)
    pick = forms.CharField(max_length=20, required=False)
    reason = forms.ChoiceField(choices=RulingReason.choices)
    note = forms.CharField(max_length=1000, required=False)
    # Kept as a known answer, too.
    gold = forms.BooleanField(required=False)
    # The ruling that stood when the page was made; another one now means that somebody was faster.
    standing = forms.IntegerField(required=False)
    of = forms.ChoiceField(choices=[("", ""), *Reason.choices], required=False)
    after = forms.CharField(max_length=60, required=False)
    # "item": ruled on the page of the item, which is shown again.
    back = forms.ChoiceField(choices=[("", ""), ("item", "")], required=False)

    def said(self, item: Item, question: Question) -> Said:
        """The answer that is ruled, of a form that is valid. Raises BadInput."""
        given, asked = self.cleaned_data, asked_of(question)
        if asked.kind in CHOICES:
            if given["choice"] is None:
                raise BadInput(str(CHOOSE_FIRST))
            return Said(choice=given["choice"])
        if given["pick"].isascii() and given["pick"].isdecimal():
            label = Label.objects.filter(item=item, question=question, pk=given["pick"]).first()
            if label is None:
                raise BadInput(_("That answer is not here any more. Choose another one."))
            return said_of(label)
        entries = entries_posted(self.data).get(question.pk, [])
        try:
            said = kind_of(asked).posted(asked, entries)
        except Unfit as error:
            raise BadInput(error.message) from None
        if said is None:
            raise BadInput(str(CHOOSE_FIRST))
        return said
