"""The replacement test: planning it, collecting labels for it, deciding it, and its record."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, ConcordError, NotFound
from annotate.models import Job, JobState, Visibility
from annotate.tasks import job_nudge
from annotate.views.jobs import JobKind, job_card, job_kind_register
from annotate.views.page import AuthenticatedRequest, render_page
from judges.forms.replacement import CollectForm, PlanForm
from judges.models import ReplacementTest
from judges.selectors.replacement import (
    TEST_JOB,
    batch_progress,
    replacement_of,
    replacements_of,
)
from judges.services.replacement_tests import (
    labels_path,
    replacement_collect,
    replacement_decide,
    replacement_plan,
)
from judges.views.judge_report import Judged, judged
from judges.views.replacement_shown import raters_of_result, replacement_shown
from judges.views.replacement_words import state_of_test


@require_http_methods(["GET", "POST"])
def replacement_tests(
    request: AuthenticatedRequest, project_id: int, question_id: int, rater_id: int
) -> HttpResponse:
    """The tests of a judge, and planning another one."""
    found = judged(request, project_id, question_id, rater_id)
    if request.method == "POST":
        access.check_active(found.place)
    form = PlanForm(found.question, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            test = replacement_plan(request.user, found.question, found.rater, **form.cleaned_data)
        except BadInput as error:
            _redisplay(form, error)
        else:
            if test.deciding:
                job_nudge(test.deciding)
            return redirect("replacement_test", project_id, test.pk)
    return _show_all(request, found, form)


@require_GET
def replacement_test(request: AuthenticatedRequest, project_id: int, test_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    return _show(request, place, replacement_of(place, test_id))


@require_POST
def replacement_draw(request: AuthenticatedRequest, project_id: int, test_id: int) -> HttpResponse:
    """Draw items for a test and give them to people."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    test = replacement_of(place, test_id)
    form = CollectForm(place.project, request.POST)
    if not form.is_valid():
        return _show(request, place, test, form)
    try:
        test = replacement_collect(request.user, test, **form.cleaned_data)
    except ConcordError as error:
        form.add_error(None, error.message)
        return _show(request, place, test, form)
    if test.collecting:
        job_nudge(test.collecting)
    return redirect("replacement_test", project_id, test.pk)


@require_POST
def replacement_settle(
    request: AuthenticatedRequest, project_id: int, test_id: int
) -> HttpResponse:
    """Decide a test on the labels there are."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    test = replacement_of(place, test_id)
    try:
        test = replacement_decide(request.user, test)
    except ConcordError as error:
        messages.error(request, error.message)
    else:
        if test.deciding:
            job_nudge(test.deciding)
    return redirect("replacement_test", project_id, test_id)


@require_GET
def replacement_labels(
    request: AuthenticatedRequest, project_id: int, test_id: int
) -> FileResponse:
    """The labels that a test was decided on, as a file."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    path = labels_path(replacement_of(place, test_id))
    if path is None:
        raise NotFound(_("There is no file of labels of this test."))
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)


def _show_all(request: AuthenticatedRequest, found: Judged, form: PlanForm) -> HttpResponse:
    project_id = found.place.project.pk
    context = {
        "question": found.question,
        "rater": found.rater,
        "form": form,
        "tests": [
            {
                "url": reverse("replacement_test", args=[project_id, test.pk]),
                "planned_at": test.planned_at,
                "by": test.planned_by.shown_name,
                "state": state_of_test(test),
            }
            for test in replacements_of(found.question, found.rater)
        ],
        "crumbs": _crumbs(found.place, found.question.pk, found.rater.pk, found.rater.name),
    }
    return render_page(
        request,
        "judges/replacement_tests.html",
        context,
        place=found.place,
        current="trust",
        status=422 if form.errors else 200,
    )


def _show(
    request: AuthenticatedRequest,
    place: Place,
    test: ReplacementTest,
    form: CollectForm | None = None,
) -> HttpResponse:
    jobs = [job for job in (test.collecting, test.deciding) if job and job.state != JobState.DONE]
    path = labels_path(test) if test.decided_at else None
    address = [place.project.pk, test.pk]
    context = {
        "question": test.question,
        "rater": test.rater,
        "test": replacement_shown(test, raters_of_result(test)),
        "cards": [job_card(job) for job in jobs],
        "form": form or _collect_form(place, test),
        "is_blind": place.project.visibility == Visibility.BLIND,
        "may_decide": not test.decided_at and not jobs,
        "people_asked": batch_progress(test) if test.batch else [],
        "draw_url": reverse("replacement_draw", args=address),
        "decide_url": reverse("replacement_settle", args=address),
        "labels_url": reverse("replacement_labels", args=address) if path else "",
        "report_url": reverse(
            "judge_report", args=[place.project.pk, test.question_id, test.rater_id]
        ),
        "again_url": reverse(
            "replacement_tests", args=[place.project.pk, test.question_id, test.rater_id]
        ),
        "crumbs": _crumbs(place, test.question_id, test.rater_id, test.rater.name),
    }
    return render_page(
        request,
        "judges/replacement_test.html",
        context,
        place=place,
        current="trust",
        status=422 if form is not None and form.errors else 200,
    )


def _collect_form(place: Place, test: ReplacementTest) -> CollectForm:
    plan: dict[str, Any] = test.plan or {}
    wanted = min(plan.get("enough") or 200, plan.get("n_judged") or 200)
    return CollectForm(
        place.project, initial={"n_items": wanted, "per_item": plan.get("per_item", 3)}
    )


def _crumbs(place: Place, question_id: int, rater_id: int, name: str) -> list[dict[str, str]]:
    return [
        {"label": _("Trust"), "url": reverse("trust", args=[place.project.pk])},
        {
            "label": name,
            "url": reverse("judge_report", args=[place.project.pk, question_id, rater_id]),
        },
    ]


def _redisplay(form: PlanForm, error: BadInput) -> None:
    fields = error.detail.get("fields", {})
    for name, message in fields.items():
        form.add_error(name if name in form.fields else None, message)
    if not fields:
        form.add_error(None, error.message)


def _its_page(job: Job) -> tuple[str, str]:
    address = [job.project_id, job.parameters["test"]]
    return reverse("replacement_test", args=address), _("Show the test")


def _title(job: Job) -> str:
    titles = {
        "plan": _("Planning the replacement test"),
        "collect": _("Giving out the items of the replacement test"),
        "decide": _("Deciding the replacement test"),
    }
    return titles[job.parameters["step"]]


job_kind_register(
    TEST_JOB, JobKind(_title, gettext_lazy("items"), result=_its_page, screen="trust")
)
