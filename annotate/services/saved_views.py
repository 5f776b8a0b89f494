"""Keeping filters of the list of items by a name, for oneself or for the project."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput, NotAllowed, NotFound
from annotate.models import Project, SavedView, User
from annotate.services.events import event_write

MOST = 50


@transaction.atomic
def view_save(
    actor: User, project: Project, *, name: str, query: str, shared: bool = False
) -> SavedView:
    """Keep a query by a name; the same name of the same person again replaces it. Raises
    BadInput."""
    name = name.strip()
    if not name or len(name) > 80:
        raise BadInput(_("A view needs a name of at most 80 characters."))
    if "\x00" in name:
        raise BadInput(_("A name cannot hold the character NUL. Take it out."))
    if not query or len(query) > 2000:
        raise BadInput(_("Narrow the list first: a view keeps what it is narrowed to."))
    own = SavedView.objects.filter(project=project, owner=actor)
    if not own.filter(name=name).exists() and own.count() >= MOST:
        raise BadInput(_("You have %(n)s views. Remove one first.") % {"n": MOST})
    view, _created = SavedView.objects.update_or_create(
        project=project, owner=actor, name=name, defaults={"query": query, "shared": shared}
    )
    if shared:
        event_write(actor, "view.shared", project=project, target=view, name=name)
    return view


@transaction.atomic
def view_drop(actor: User, project: Project, view_id: int, *, any_shared: bool = False) -> None:
    """Remove a view of one's own, or with ``any_shared`` a shared one. Raises NotFound and
    NotAllowed."""
    view = SavedView.objects.filter(project=project, pk=view_id).first()
    if view is None:
        raise NotFound(_("There is no such view."))
    if not (view.owner_id == actor.pk or (view.shared and any_shared)):
        raise NotAllowed(_("This view is somebody else’s."))
    view.delete()
