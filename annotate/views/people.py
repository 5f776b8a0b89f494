"""Who belongs to a project: roles, leaving, and links that let people in."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, Conflict
from annotate.forms.people import BatchForm, InvitationForm, RoleForm
from annotate.models import Invitation, Membership, ProjectStatus, Role
from annotate.selectors.people import invitations_open, members_of
from annotate.services.invitations import invitation_make, invitation_revoke
from annotate.services.item_work import assign_choices, batch_start
from annotate.services.members import member_remove, member_set_role
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page
from annotate.written import within


@require_GET
def people(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    return _page(request, place, InvitationForm())


@never_cache
@require_POST
def invitation_new(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    form = InvitationForm(request.POST)
    if form.is_valid():
        try:
            invitation, token = invitation_make(request.user, place.project, **form.cleaned_data)
        except BadInput as error:
            form.refuse(error)
        else:
            # No redirect: the link is kept nowhere, so this answer is the one place it stands.
            link = request.build_absolute_uri(reverse("join", args=[token]))
            return _page(request, place, InvitationForm(), made=invitation, link=link)
    return _page(request, place, form, status=422)


def _page(
    request: AuthenticatedRequest,
    place: Place,
    form: InvitationForm,
    *,
    made: Invitation | None = None,
    link: str = "",
    batch: BatchForm | None = None,
    status: int = 200,
) -> HttpResponse:
    given_to = assign_choices(place.project)
    active = place.project.status == ProjectStatus.ACTIVE
    context = {
        "batch": (batch or BatchForm(members=given_to)) if given_to and active else None,
        "members": members_of(place.project),
        "roles": Role.choices,
        "invitations": invitations_open(place.project),
        "form": form,
        "made": made,
        "link": link,
    }
    return render_page(
        request, "annotate/people.html", context, place=place, current="people", status=status
    )


@require_POST
def items_give(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """Give somebody the next items that still want an answer."""
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    form = BatchForm(request.POST, members=assign_choices(place.project))
    if form.is_valid():
        given = form.cleaned_data
        try:
            job = batch_start(place.user, place.project, given["member"], given["items"])
        except BadInput as error:
            form.refuse(error)
        else:
            job_nudge(job)
            return redirect("job", project_id, job.pk)
    return _page(request, place, InvitationForm(), batch=form, status=422)


@require_POST
def invitation_end(
    request: AuthenticatedRequest, project_id: int, invitation_id: int
) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    invitation = get_object_or_404(Invitation, project=place.project, pk=invitation_id)
    invitation_revoke(request.user, invitation)
    messages.success(request, _("The link lets nobody in any more. Who came by it stays."))
    return redirect("people", project_id)


@require_POST
def member_role(request: AuthenticatedRequest, project_id: int, member_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    membership = _member(place, member_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise BadInput(_("Choose one of the roles."))
    try:
        changed = member_set_role(request.user, membership, form.cleaned_data["role"])
    except Conflict as error:
        messages.error(request, error.message)
    else:
        said = _("%(name)s is %(role)s now.")
        messages.success(
            request,
            said % {"name": changed.user.shown_name, "role": within(changed.get_role_display())},
        )
    if membership.user_id == request.user.pk and not _may_still_manage(request, project_id):
        return redirect("project", project_id)
    return redirect("people", project_id)


@require_http_methods(["GET", "POST"])
def member_out(request: AuthenticatedRequest, project_id: int, member_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    membership = _member(place, member_id)
    name = membership.user.shown_name
    if request.method == "POST":
        try:
            member_remove(request.user, membership)
        except Conflict as error:
            messages.error(request, error.message)
        else:
            messages.success(request, _("%(name)s is no member any more.") % {"name": name})
        still_in = membership.user_id != request.user.pk or membership.pk is not None
        return redirect("people", project_id) if still_in else redirect("home")
    context = {
        "title": _("Take %(name)s out of the project?") % {"name": name},
        "text": _(
            "They can no longer open it. Labels and rulings stay under their name; what "
            "they are working on is given to others. They can be invited again."
        ),
        "action": _("Take out"),
        "post_url": reverse("member_out", args=[project_id, member_id]),
        "cancel_url": reverse("people", args=[project_id]),
    }
    return render_page(
        request, "components/confirm_page.html", context, place=place, current="people"
    )


def _member(place: Place, member_id: int) -> Membership:
    return get_object_or_404(
        Membership.objects.select_related("user", "project"), project=place.project, pk=member_id
    )


def _may_still_manage(request: AuthenticatedRequest, project_id: int) -> bool:
    return access.project_of(request.user, project_id).may(Right.MANAGE)
