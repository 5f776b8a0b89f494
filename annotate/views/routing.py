"""Routing: what a stop rule would have saved, switching it on, and who should look next."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput
from annotate.forms.routing import RoutingForm
from annotate.models import ProjectStatus
from annotate.selectors.routing import judges_of, routed_question
from annotate.services.routing import (
    routing_end,
    routing_learn,
    routing_start,
    routing_try,
)
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page
from annotate.views.routing_shown import routing_shown

TEMPLATE = "annotate/routing.html"


@require_GET
def routing(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    return _page(request, place, _form(place, None))


@require_POST
def routing_trial(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    job = routing_try(place.user, place.project)
    job_nudge(job)
    return redirect("job", project_id, job.pk)


@require_POST
def routing_on(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    form = _form(place, request.POST)
    if form is None:
        raise BadInput(
            _("Routing is for projects with one question, whose answers are options, asked of all.")
        )
    if not form.is_valid():
        return _page(request, place, form, status=422)
    plan = routing_start(
        place.user,
        place.project,
        rule=form.cleaned_data["rule"],
        control_percent=form.cleaned_data["control_percent"],
        costs=form.costs(),
        expert_right=form.cleaned_data["expert_right"] / 100,
    )
    if plan.refresh is not None:
        job_nudge(plan.refresh)
    messages.success(request, _("Routing is switched on; items are being given their turn."))
    return redirect("routing", project_id)


@require_POST
def routing_renew(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    job = routing_learn(place.user, place.project)
    job_nudge(job)
    return redirect("job", project_id, job.pk)


@require_POST
def routing_off(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    job_nudge(routing_end(place.user, place.project))
    messages.success(request, _("Routing is switched off; every label is asked for again."))
    return redirect("routing", project_id)


def _form(place: Place, data: Any) -> RoutingForm | None:
    question = routed_question(place.project)
    if question is None:
        return None
    return RoutingForm(data, judges=judges_of(question))


def _page(
    request: AuthenticatedRequest, place: Place, form: RoutingForm | None, status: int = 200
) -> HttpResponse:
    context = {
        **routing_shown(place),
        "form": form,
        "may_change": place.project.status == ProjectStatus.ACTIVE,
    }
    return render_page(request, TEMPLATE, context, place=place, current="trust", status=status)
