"""The page of an invitation link: join with one's account, or make one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from annotate.address import address_of
from annotate.errors import BadInput, NotFound
from annotate.forms.people import JoinForm
from annotate.models import Invitation, Project, User
from annotate.services.invitations import (
    invitation_accept,
    invitation_accept_as_new,
    invitation_find,
)
from annotate.services.throttle import INVITATION_OF_ADDRESS, attempt_check, attempt_count
from annotate.views.page import render_page


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    invitation = _invitation(request, token)
    if request.method == "GET":
        return _page(request, invitation, JoinForm())
    if isinstance(request.user, User):
        return _welcome(request, invitation_accept(token, request.user).project)
    form = JoinForm(request.POST)
    if form.is_valid():
        try:
            user, membership = invitation_accept_as_new(token, **form.cleaned_data)
        except BadInput as error:
            form.refuse(error)
        else:
            login(request, user)
            return _welcome(request, membership.project)
    return _page(request, invitation, form, status=422)


def _invitation(request: HttpRequest, token: str) -> Invitation:
    """Find it, counting what does not exist: secrets are not to be found by trying."""
    who = address_of(request)
    attempt_check(INVITATION_OF_ADDRESS, who)
    try:
        return invitation_find(token)
    except NotFound:
        attempt_count(INVITATION_OF_ADDRESS, who)
        raise


def _page(
    request: HttpRequest, invitation: Invitation, form: JoinForm, status: int = 200
) -> HttpResponse:
    member = request.user.is_authenticated and invitation.project.memberships.filter(
        user=request.user
    )
    context = {
        "invitation": invitation,
        "form": form,
        "is_member": bool(member and member.exists()),
    }
    return render_page(request, "annotate/invitation.html", context, status=status)


def _welcome(request: HttpRequest, project: Project) -> HttpResponse:
    messages.success(request, _("Welcome to “%(name)s”.") % {"name": project.name})
    return redirect("project", project.pk)
