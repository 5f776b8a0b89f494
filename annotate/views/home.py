"""The first page after log-in: one's projects. And the theme switch."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from annotate.models import Membership, Theme
from annotate.views.page import AuthenticatedRequest, render_page


@require_GET
def home(request: AuthenticatedRequest) -> HttpResponse:
    memberships = (
        Membership.objects.filter(user=request.user)
        .select_related("project")
        .order_by("project__status", "-project__created_at")
    )
    return render_page(
        request,
        "annotate/home.html",
        {
            "memberships": memberships,
            "may_start": request.user.is_founder or request.user.is_superuser,
        },
    )


@login_not_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    wanted = request.POST.get("theme", "")
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}):
        back = "/"
    response = redirect(back)
    if wanted in Theme.values:
        if request.user.is_authenticated:
            request.user.theme = wanted
            request.user.save(update_fields=["theme"])
        response.set_cookie("theme", wanted, max_age=31_536_000, samesite="Lax", httponly=True)
    return response
