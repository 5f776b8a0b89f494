"""Settling a label that is likely wrong: a ruling by one answer, whose reason follows from it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from annotate.errors import Conflict
from annotate.kinds import Said, said_of
from annotate.models import (
    LabelStatus,
    LikelyError,
    QuestionStatus,
    Ruling,
    RulingReason,
    RulingStatus,
    User,
)
from annotate.services.rulings import ruling_make


def likely_error_settle(actor: User, error: LikelyError, said: Said) -> Ruling:
    """Rule on the item of a suspected label. Raises Conflict where it is settled already or the
    question was changed, BadInput for an answer that does not fit."""
    if error.question.status != QuestionStatus.LIVE:
        raise Conflict(_("This question was changed meanwhile. Reload the page to see it anew."))
    standing = Ruling.objects.filter(
        item=error.item, question=error.question, status=RulingStatus.LIVE
    ).exists()
    if standing or error.label.status != LabelStatus.LIVE:
        raise Conflict(
            _("This label was settled meanwhile by somebody else, so nothing was stored.")
        )
    return ruling_make(
        actor,
        error.item,
        error.question,
        choice=said.choice,
        value=said.value,
        reason=reason_of(error, said),
    )


def reason_of(error: LikelyError, said: Said) -> RulingReason:
    """Why, as it follows from the answer: another one means that the label was an error; the same
    means that those were wrong who spoke against it: other people, else judges. Where it was a
    model alone, the item is one on which it can be wrong: ambiguous."""
    if said != said_of(error.label):
        return RulingReason.RATER_ERROR
    if error.support.get("others") and error.support.get("peers", 1) < 0.5:
        return RulingReason.RATER_ERROR
    if error.support.get("judges", 1) < 0.5:
        return RulingReason.JUDGE_ERROR
    return RulingReason.AMBIGUOUS_ITEM
