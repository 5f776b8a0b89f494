"""May this judge label the rest? Working a hand-over out, starting it, taking it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput
from annotate.kinds import CHOICES
from annotate.models import Job, JobState, Question, Rater
from annotate.selectors.questions import questions_live
from annotate.tasks import job_nudge
from annotate.views.bidi import isolated
from annotate.views.jobs import JobKind, job_card, job_kind_register
from annotate.views.needs_shown import Need
from annotate.views.page import AuthenticatedRequest, render_page
from judges.forms.hand_overs import HandOverForm
from judges.models import EndReason, HandOver, HandOverState
from judges.selectors.hand_overs import (
    audit_of,
    hand_over_of,
    judge_of,
    newest_of,
    running_at,
    stopped_of,
)
from judges.services.hand_overs import (
    END,
    MORE,
    START,
    WORK_OUT,
    blind_batch_start,
    hand_over_start,
    hand_over_withdraw,
    hand_over_work_out,
)
from judges.views.hand_over_shown import (
    audit_sentence,
    curve_shown,
    estimate_rows,
    estimates_sentence,
    facts,
    opening,
    state_sentence,
    warning,
)


@require_GET
def hand_over(
    request: AuthenticatedRequest, project_id: int, question_id: int, rater_id: int
) -> HttpResponse:
    place, question, rater = _about(request, project_id, question_id, rater_id)
    return _show(request, place, question, rater)


@require_POST
def hand_over_ask(
    request: AuthenticatedRequest, project_id: int, question_id: int, rater_id: int
) -> HttpResponse:
    place, question, rater = _about(request, project_id, question_id, rater_id)
    access.check_active(place)
    form = HandOverForm(request.POST)
    if not form.is_valid():
        return _show(request, place, question, rater, form)
    row = hand_over_work_out(place.user, question, rater, **form.levels())
    if row.job is not None:
        job_nudge(row.job)
    return redirect("hand_over", project_id, question_id, rater_id)


@require_POST
def hand_over_more(
    request: AuthenticatedRequest, project_id: int, question_id: int, rater_id: int
) -> HttpResponse:
    place, question, rater = _about(request, project_id, question_id, rater_id)
    access.check_active(place)
    wanted = request.POST.get("n", "")
    if not wanted.isascii() or not wanted.isdecimal():
        raise BadInput(_("Say how many items."))
    job = blind_batch_start(place.user, question, rater, int(wanted[:9]))
    job_nudge(job)
    return redirect("job", project_id, job.pk)


@require_POST
def hand_over_begin(
    request: AuthenticatedRequest, project_id: int, hand_over_id: int
) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    row = hand_over_of(place, hand_over_id)
    job_nudge(hand_over_start(place.user, row))
    messages.success(request, _("The items are being handed over."))
    return redirect("hand_over", project_id, row.question_id, row.rater_id)


@require_POST
def hand_over_end(
    request: AuthenticatedRequest, project_id: int, hand_over_id: int
) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    row = hand_over_of(place, hand_over_id)
    job_nudge(hand_over_withdraw(place.user, row))
    messages.success(request, _("The items are being taken back."))
    return redirect("hand_over", project_id, row.question_id, row.rater_id)


@require_GET
def corrected(
    request: AuthenticatedRequest, project_id: int, question_id: int, rater_id: int
) -> HttpResponse:
    """Estimates three ways, as the newest working out kept them."""
    place, question, rater = _about(request, project_id, question_id, rater_id)
    row = newest_of(question, rater)
    context = _names(place, question, rater)
    if row is not None and row.estimates:
        context |= {
            "row": row,
            "sentence": estimates_sentence(row),
            "legal": not row.estimates["why_not"],
            "rows": estimate_rows(row),
        }
    return render_page(request, "judges/corrected.html", context, place=place, current="trust")


def hand_over_needs(place: Place) -> Iterator[Need]:
    """Hand-overs that stopped by themselves. One query, two where there are any."""
    for row in stopped_of(place.project):
        words = (
            _("hand-over stopped: %(judge)s erred more than promised on %(question)s.")
            if row.end_reason == EndReason.AUDIT
            else _("hand-over to %(judge)s stopped: the question %(question)s was changed.")
        )
        about = [place.project.pk, row.question_id, row.rater_id]
        yield Need(
            1,
            words % {"judge": isolated(row.rater.name), "question": isolated(row.question.name)},
            url=reverse("hand_over", args=about) if place.may(Right.REVIEW) else "",
            action=_("Look at it"),
            hue="error",
        )


def hand_over_jobs_register() -> None:
    """Called once, at start-up."""
    titles = {
        WORK_OUT: lambda job: _("Working out a hand-over"),
        START: lambda job: _("Handing items over"),
        END: lambda job: _("Taking handed-over items back"),
        MORE: lambda job: _("Drawing items to label blind"),
    }
    for kind, title in titles.items():
        job_kind_register(kind, JobKind(title, result=_result, screen="trust"))


def _result(job: Job) -> tuple[str, str] | None:
    about = [job.project_id, job.parameters["question"], job.parameters["rater"]]
    return reverse("hand_over", args=about), _("Back to the hand-over")


def _about(
    request: AuthenticatedRequest, project_id: int, question_id: int, rater_id: int
) -> tuple[Place, Question, Rater]:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    return place, access.question_of(place, question_id), judge_of(place, rater_id)


def _names(place: Place, question: Question, rater: Rater) -> dict[str, Any]:
    about = [place.project.pk, question.pk, rater.pk]
    return {
        "question": question,
        "rater": rater,
        "page_url": reverse("hand_over", args=about),
        "ask_url": reverse("hand_over_ask", args=about),
        "more_url": reverse("hand_over_more", args=about),
        "estimates_url": reverse("corrected", args=about),
        "crumbs": [{"label": _("Trust"), "url": reverse("trust", args=[place.project.pk])}],
    }


def _show(
    request: AuthenticatedRequest,
    place: Place,
    question: Question,
    rater: Rater,
    form: HandOverForm | None = None,
) -> HttpResponse:
    row = newest_of(question, rater)
    context = {**_names(place, question, rater), "fits": question.kind in CHOICES}
    job = row.job if row is not None else None
    if job is not None and job.state != JobState.DONE:
        context["card"] = job_card(job)
    if row is not None and row.answer:
        row.question, row.rater, row.project = question, rater, place.project
        context |= _answered(place, row)
    status = 422 if form is not None else 200
    context["form"] = form or HandOverForm(initial=_last(row))
    return render_page(
        request, "judges/hand_over.html", context, place=place, current="trust", status=status
    )


def _answered(place: Place, row: HandOver) -> dict[str, Any]:
    running = running_at(row.question)
    here = [place.project.pk, row.pk]
    other = running if running is not None and running.pk != row.pk else None
    shown: dict[str, Any] = {
        "row": row,
        "opening": opening(row),
        "facts": facts(row),
        "warning": warning(row),
        "curve": curve_shown(row),
        "state": state_sentence(row),
        "more": row.answer["more_labels"],
        "other": other,
        "several": len(questions_live(place.project)) > 1,
    }
    if row.started_at is not None:
        shown["audit"] = audit_sentence(row, audit_of(row))
    if row.state == HandOverState.READY and row.threshold is not None and running is None:
        shown["begin_url"] = reverse("hand_over_begin", args=here)
    if other is not None:
        shown["other_end_url"] = reverse("hand_over_end", args=[place.project.pk, other.pk])
    if row.state == HandOverState.RUNNING:
        shown["end_url"] = reverse("hand_over_end", args=here)
    return shown


def _last(row: HandOver | None) -> dict[str, Any]:
    """What was entered last."""
    if row is None:
        return {}
    return {
        "alpha": 100 * row.alpha,
        "delta": 100 * row.delta,
        "audit_share": 100 * row.audit_share,
        "label_price": row.label_price,
        "imported": row.imported_count,
    }
