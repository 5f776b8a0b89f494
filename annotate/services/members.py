"""Who belongs to a project."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import Conflict
from annotate.models import Membership, Project, Role, User
from annotate.services.claims import claims_return
from annotate.services.events import event_write
from annotate.services.raters import rater_of_member


@transaction.atomic
def member_add(actor: User | None, project: Project, user: User, role: str) -> Membership:
    """Make a user a member, or leave a member as they are. Idempotent; the role stays."""
    membership, created = Membership.objects.get_or_create(
        project=project, user=user, defaults={"role": role}
    )
    if created:
        event_write(actor, "member.added", project=project, target=user, role=role)
    return membership


@transaction.atomic
def member_set_role(actor: User, membership: Membership, role: str) -> Membership:
    """Change a member's role. Raises Conflict where it would leave the project without an owner."""
    _lock_owners(membership.project)
    membership.refresh_from_db()
    if role != Role.OWNER:
        _keep_an_owner(membership)
    if membership.role != role:
        event_write(
            actor,
            "member.role_changed",
            project=membership.project,
            target=membership.user,
            role=role,
            was=membership.role,
        )
        membership.role = role
        membership.save(update_fields=["role"])
    return membership


@transaction.atomic
def member_remove(actor: User, membership: Membership) -> None:
    """Take somebody out of a project; their labels stay, what they hold is given back.

    Raises Conflict for the last owner.
    """
    _lock_owners(membership.project)
    _keep_an_owner(membership)
    claims_return(rater_of_member(membership.project, membership.user))
    event_write(actor, "member.removed", project=membership.project, target=membership.user)
    membership.delete()


def _lock_owners(project: Project) -> None:
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def _keep_an_owner(membership: Membership) -> None:
    others = Membership.objects.filter(project=membership.project, role=Role.OWNER).exclude(
        pk=membership.pk
    )
    if membership.role == Role.OWNER and not others.exists():
        raise Conflict(_("A project needs an owner. Make somebody else an owner first."))
