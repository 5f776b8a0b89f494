"""The first page after log-in: one's projects. And the theme switch."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from annotate.models import Theme
from annotate.selectors.projects import deletions_of, projects_of
from annotate.services.deletion import project_delete_again
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page


@require_GET
def home(request: AuthenticatedRequest) -> HttpResponse:
    rows = projects_of(request.user)
    return render_page(
        request,
        "annotate/home.html",
        {
            "active": [row for row in rows if not row.is_archived],
            "archived": [row for row in rows if row.is_archived],
            "deletions": deletions_of(request.user),
            "may_start": request.user.is_founder or request.user.is_superuser,
        },
    )


@require_POST
def deletion_again(request: AuthenticatedRequest, job_id: int) -> HttpResponse:
    job_nudge(project_delete_again(request.user, job_id))
    return redirect("home")


@login_not_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("theme", "")
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}):
        back = "/"
    # Not `redirect`, which takes a word for the name of a view.
    response = HttpResponseRedirect(back)
    if wanted in Theme.values:
        if request.user.is_authenticated:
            request.user.theme = wanted
            request.user.save(update_fields=["theme"])
        response.set_cookie("theme", wanted, max_age=31_536_000, samesite="Lax", httponly=True)
    return response
