"""Rulings: a reviewer's final answer to a question of an item."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, NotFound
from annotate.kinds import Said, Unfit, asked_of, kind_of, said_of
from annotate.models import (
    Gold,
    GoldSource,
    Item,
    Question,
    Ruling,
    RulingReason,
    RulingStatus,
    User,
)
from annotate.services.events import event_write
from annotate.services.summaries import summaries_recount


def ruling_make(
    actor: User,
    item: Item,
    question: Question,
    *,
    choice: int | None = None,
    value: Any = None,
    reason: str,
    comment: str = "",
) -> Ruling:
    """Rule on a question of an item; a ruling that stood is superseded. Locks the item.

    ``choice`` or ``value``, as a label has them. Ruling the same again changes nothing and returns
    what stands. Raises BadInput for an answer that does not fit or a reason that is none of ours.
    """
    asked = asked_of(question)
    try:
        said = kind_of(asked).check(asked, Said(choice, value), item.fields)
    except Unfit as error:
        raise BadInput(error.message) from None
    if reason not in RulingReason.values:
        raise BadInput(_("Say why: %(reasons)s.") % {"reasons": ", ".join(RulingReason.values)})
    with transaction.atomic():
        Item.objects.select_for_update(no_key=True).get(pk=item.pk)
        standing = Ruling.objects.filter(
            item=item, question=question, status=RulingStatus.LIVE
        ).first()
        if standing:
            same = said_of(standing) == said
            if same and (standing.reason, standing.comment) == (reason, comment):
                return standing
            standing.status = RulingStatus.SUPERSEDED
            standing.save(update_fields=["status"])
        ruling = Ruling.objects.create(
            project_id=item.project_id,
            item=item,
            question=question,
            choice=said.choice,
            value=said.value,
            reason=reason,
            comment=comment,
            reviewer=actor,
            created_at=timezone.now(),
        )
        event_write(actor, "ruling.made", project=item.project, target=ruling, reason=reason)
        summaries_recount(item.project, [item.pk])
        return ruling


def ruling_withdraw(actor: User, item: Item, ruling_id: int) -> Ruling:
    """Take a ruling back: the item is open again. Idempotent. Raises NotFound. Locks the item."""
    with transaction.atomic():
        Item.objects.select_for_update(no_key=True).get(pk=item.pk)
        ruling = Ruling.objects.filter(item=item, pk=ruling_id).first()
        if ruling is None:
            raise NotFound(_("There is no such ruling on this item."))
        if ruling.status == RulingStatus.LIVE:
            ruling.status = RulingStatus.WITHDRAWN
            ruling.save(update_fields=["status"])
            event_write(actor, "ruling.withdrawn", project=item.project, target=ruling)
            summaries_recount(item.project, [item.pk])
        return ruling


def gold_promote(actor: User, ruling: Ruling) -> Gold:
    """Make a standing ruling a known answer. Idempotent; replaces the one there was."""
    if ruling.status != RulingStatus.LIVE:
        raise BadInput(_("Only a ruling that stands can become a known answer."))
    with transaction.atomic():
        gold, _created = Gold.objects.update_or_create(
            item=ruling.item,
            question=ruling.question,
            defaults={
                "project_id": ruling.project_id,
                "choice": ruling.choice,
                "value": ruling.value,
                "source": GoldSource.RULING,
                "ruling": ruling,
            },
        )
        event_write(actor, "gold.promoted", project=ruling.project, target=gold)
        summaries_recount(ruling.project, [ruling.item_id])
        return gold
