"""The search for likely label errors: its button beside the queue, and starting it."""

from __future__ import annotations

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.models import FINISHED, Job, JobState, ProjectStatus, Question
from annotate.services.label_errors import KIND, LOOKED_AT, label_errors_start
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest


@require_POST
def label_errors_look(
    request: AuthenticatedRequest, project_id: int, question_id: int
) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    job = label_errors_start(place.user, access.question_of(place, question_id))
    job_nudge(job)
    return redirect("job", project_id, job.pk)


def search_shown(place: Place, question: Question) -> dict[str, str] | None:
    """When labels were last looked through, and the way to do it again. One query."""
    active = place.project.status == ProjectStatus.ACTIVE
    if question.kind not in LOOKED_AT or not active:
        return None
    last = (
        Job.objects.filter(project=place.project, kind=KIND, parameters__question=question.pk)
        .exclude(state=JobState.CANCELLED)
        .order_by("-pk")
        .first()
    )
    return {
        "url": reverse("label_errors", args=[place.project.pk, question.pk]),
        "text": _words(last),
        "list_url": f"{reverse('likely_errors', args=[place.project.pk])}?question={question.pk}"
        if last is not None
        else "",
        "action": _("Look for label errors") if last is None else _("Look again"),
    }


def _words(last: Job | None) -> str:
    if last is None:
        return _(
            "Labels that the others, the judges or a model of the texts speak against are ranked "
            "and come into the queue."
        )
    if last.state not in FINISHED:
        return _("Labels are being looked through.")
    if last.state == JobState.FAILED:
        return last.message
    return _("Label errors were last looked for %(when)s: %(found)s") % {
        "when": naturaltime(last.finished_at or last.created_at),
        "found": last.message,
    }
