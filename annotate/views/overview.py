"""The overview: what needs a lead now, and how the work stands. One screen."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from annotate import access
from annotate.access import Right
from annotate.selectors.overview import jobs_at_work, progress_of
from annotate.selectors.questions import questions_live
from annotate.views.jobs import job_card
from annotate.views.needs_shown import needs_shown
from annotate.views.overview_shown import figures_shown, progress_shown
from annotate.views.page import AuthenticatedRequest, render_page


@require_GET
def overview(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.SEE)
    questions = questions_live(place.project)
    # First: what ends while the figures are worked out is then still shown, and reloads the page.
    at_work = [job_card(job) for job in jobs_at_work(place.project)]
    progress = progress_of(place.project)
    figures = figures_shown(place, questions)
    context = {
        "needs": needs_shown(place, questions, has_items=progress.items > 0),
        "progress": progress_shown(place, progress, figures.origins),
        "at_work": at_work,
        "figures": figures,
        "may_review": place.may(Right.REVIEW),
    }
    return render_page(request, "annotate/overview.html", context, place=place, current="overview")
