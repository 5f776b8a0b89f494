"""Giving an answer back to who handed it in, with a comment: it is withdrawn, and asked again."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict, NotFound
from annotate.models import (
    Assignment,
    GivenBack,
    Membership,
    Project,
    Submission,
    SubmissionStatus,
    User,
)
from annotate.services.claims import GIVEN_FOR
from annotate.services.events import event_write
from annotate.services.submissions import submission_withdraw

MOST = 1000


@transaction.atomic
def submission_give_back(
    actor: User, project: Project, submission_id: int, comment: str
) -> GivenBack:
    """Withdraw a member's counted answer and give the item back to them, with a comment.

    Nothing is thrown away: the answer stays as a withdrawn one and is filled in when they open the
    item, which they find before all others, for a week. Idempotent: what was given back before is
    returned as it is. Raises BadInput without a comment, Conflict for an answer that does not
    stand, or of nobody who could answer again, NotFound. Locks as submission_withdraw.
    """
    comment = comment.strip()
    if not comment or len(comment) > MOST:
        raise BadInput(
            _("Write what they should look at, in at most %(n)s characters.") % {"n": MOST}
        )
    if "\x00" in comment:
        raise BadInput(_("A comment cannot hold the character NUL. Take it out."))
    found = (
        Submission.objects.select_related("rater", "assignment")
        .filter(project=project, pk=submission_id)
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such answer in this project."))
    before = GivenBack.objects.filter(submission=found).first()
    if before is not None:
        return before
    rater = found.rater
    member = Membership.objects.filter(project=project, user=rater.user_id or 0)
    if found.assignment is None or not member.exists():
        raise Conflict(_("Only a member of the project can be given an answer back."))
    if found.status != SubmissionStatus.SUBMITTED:
        raise Conflict(_("This answer does not stand any more. Reload the page to see what does."))
    rater.project = project
    submission_withdraw(rater, found.pk, actor=actor)
    Assignment.objects.filter(pk=found.assignment.pk).update(lease_until=timezone.now() + GIVEN_FOR)
    back = GivenBack.objects.create(
        project=project, submission=found, comment=comment, by=actor, created_at=timezone.now()
    )
    event_write(actor, "submission.given_back", project=project, target=found)
    return back
