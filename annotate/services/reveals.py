"""Own answer first: once an answer is stored, what judges say may be shown, and that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import Conflict
from annotate.models import Project, Question, Rater, Submission, SubmissionStatus, Visibility
from annotate.selectors.item_display import sides_of
from annotate.selectors.label import suggestions_for
from annotate.services.events import event_write

STANDING = (SubmissionStatus.SUBMITTED, SubmissionStatus.SURPLUS)


def submission_reveal(
    rater: Rater, submission: Submission, project: Project, questions: Sequence[Question]
) -> list[Mapping[str, Any]]:
    """Let the rater see what judges say about an item that they have answered; returns what is
    shown, as Submission.exposure has it.

    Kept with the answer, which stays as it was before; idempotent: a second time nothing is added.
    Raises Conflict where the project's rule is another one or the answer does not stand.
    """
    if project.visibility != Visibility.OWN_FIRST:
        raise Conflict(_("This project does not show what judges say."))
    with transaction.atomic():
        kept = (
            Submission.objects.select_for_update(no_key=True, of=("self",))
            .select_related("item")
            .filter(pk=submission.pk, rater=rater, status__in=STANDING)
            .first()
        )
        if kept is None:
            raise Conflict(_("Your answer does not stand any more, so nothing is revealed."))
        if kept.revealed:
            return list(kept.revealed)
        sides = sides_of(project, rater, kept.item_id, questions)
        now = timezone.now()
        shown = [found.exposure(now) for found in suggestions_for(kept.item, questions, sides)]
        if shown:
            Submission.objects.filter(pk=kept.pk).update(revealed=shown)
            event_write(rater.user, "submission.revealed", project=project, target=kept)
        return list(shown)


def seen_before(rater: Rater, item_id: int) -> list[Mapping[str, Any]]:
    """What the rater ever saw of judges on this item, oldest first, each judge's label once."""
    seen: dict[Any, Mapping[str, Any]] = {}
    rows = Submission.objects.filter(rater=rater, item_id=item_id).order_by("pk")
    for exposure, revealed in rows.values_list("exposure", "revealed"):
        for shown in (*exposure, *revealed):
            seen.setdefault(shown.get("label"), shown)
    return list(seen.values())
