"""Links that make whoever opens them a member. The link is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict, NotFound
from annotate.models import Invitation, Membership, Project, ProjectStatus, Role, User
from annotate.services.accounts import account_create
from annotate.services.events import event_write
from annotate.services.members import member_add

DAYS = 14
LONGEST_DAYS = 365


def token_hash(token: str) -> str:
    """SHA-256, hexadecimal. Plain, not slow: the secret is 256 random bits, no password."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@transaction.atomic
def invitation_make(
    actor: User, project: Project, *, role: str, days: int = DAYS
) -> tuple[Invitation, str]:
    """Make a link; returns it with its secret, which is kept nowhere. Raises BadInput."""
    if role not in Role.values:
        raise BadInput(_("Choose a role."), fields={"role": _("Unknown role.")})
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(
            _("A link is good for 1 to %(days)s days.") % {"days": LONGEST_DAYS},
            fields={"days": _("Out of range.")},
        )
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        project=project,
        role=role,
        token_hash=token_hash(token),
        created_by=actor,
        expires_at=timezone.now() + timedelta(days=days),
    )
    event_write(actor, "invitation.made", project=project, target=invitation, role=role)
    return invitation, token


@transaction.atomic
def invitation_revoke(actor: User, invitation: Invitation) -> None:
    """Make a link useless from now on. Idempotent; who came by it stays."""
    now = timezone.now()
    if Invitation.objects.filter(pk=invitation.pk, revoked_at=None).update(revoked_at=now):
        event_write(actor, "invitation.revoked", project=invitation.project, target=invitation)


def invitation_find(token: str) -> Invitation:
    """The invitation of a link that is still good.

    Raises NotFound for a secret that fits none, Conflict for one that ran out or was revoked or
    whose project is archived. Costs one query.
    """
    found = (
        Invitation.objects.select_related("project", "created_by")
        .filter(token_hash=token_hash(token))
        .first()
    )
    if found is None:
        raise NotFound(_("This link leads nowhere. Check that you have all of it."))
    if found.revoked_at is not None:
        raise Conflict(_("This link was withdrawn. Ask for a new one."))
    if found.expires_at <= timezone.now():
        raise Conflict(_("This link has run out. Ask for a new one."))
    if found.project.status == ProjectStatus.ARCHIVED:
        raise Conflict(_("The project of this link is archived, so nobody can join it now."))
    return found


@transaction.atomic
def invitation_accept(token: str, user: User) -> Membership:
    """Join by a link. Idempotent: a member stays as they are. Raises as invitation_find."""
    invitation = invitation_find(token)
    return member_add(user, invitation.project, user, invitation.role)


@transaction.atomic
def invitation_accept_as_new(
    token: str, *, username: str, name: str, password: str
) -> tuple[User, Membership]:
    """Make an account and join by a link, both or neither.

    Raises as invitation_find and account_create.
    """
    invitation_find(token)
    user = account_create(username=username, name=name, password=password)
    return user, invitation_accept(token, user)
