"""Aggregating a question, and computing the overview's figures where there are many labels."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from annotate import access
from annotate.access import Right
from annotate.errors import BadInput, Conflict
from annotate.forms.aggregates import AggregateForm
from annotate.models import Job, QuestionStatus
from annotate.selectors.figures import KIND as FIGURES
from annotate.services.estimates import estimate_start
from annotate.services.figures import figures_start
from annotate.tasks import job_nudge
from annotate.views.jobs import JobKind, job_kind_register
from annotate.views.page import AuthenticatedRequest


@require_POST
def aggregate(request: AuthenticatedRequest, project_id: int, question_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    question = access.question_of(place, question_id)
    if question.status != QuestionStatus.LIVE:
        raise Conflict(_("This question was changed meanwhile. Reload the page to see it anew."))
    form = AggregateForm(request.POST, kind=question.kind)
    if not form.is_valid():
        if "judge_weight" in form.errors:
            raise BadInput(_("The weight of a judge is a number from 0 to 1,000."))
        raise BadInput(_("Choose a method and who counts from the lists."))
    run = estimate_start(
        place.user,
        question,
        method=form.cleaned_data["method"],
        who_counts=form.cleaned_data["who"],
        rulings=form.cleaned_data["rulings"],
        judge_weight=form.cleaned_data.get("judge_weight"),
    )
    job_nudge(run.job)
    return redirect(f"{reverse('overview', args=[project_id])}#at-work")


@require_POST
def figures(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    job_nudge(figures_start(place.user, place.project))
    return redirect(f"{reverse('overview', args=[project_id])}#at-work")


def _on_overview(job: Job) -> tuple[str, str]:
    return reverse("overview", args=[job.project_id]), _("Show on the overview")


job_kind_register(
    "aggregate", JobKind(lambda job: _("Aggregation"), gettext_lazy("items"), result=_on_overview)
)
job_kind_register(
    FIGURES,
    JobKind(
        lambda job: _("Figures of the overview"), gettext_lazy("questions"), result=_on_overview
    ),
)
