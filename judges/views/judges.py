"""The list of judges, and making a new one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, Conflict
from annotate.models import Question, User
from annotate.selectors.questions import questions_live
from annotate.views.page import AuthenticatedRequest, render_page
from judges.forms.judges import BACKEND, TRAINED, ZERO_SHOT, JudgeForm
from judges.models import CONNECTED, JudgeVersion, Run
from judges.providers.base import ProviderError
from judges.selectors.judges import judges_of
from judges.selectors.training import WISHED_A_CLASS, training_set
from judges.services.backends import backend_version
from judges.services.versions import classifier_version
from judges.views.run_shown import job_shown


@require_GET
def judges(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    questions = questions_live(place.project)
    sections = [_section(place, question) for question in questions]
    may_panel = any(section["n_made"] > 1 for section in sections)
    context = {
        "sections": sections,
        "several": len(questions) > 1,
        "any": any(section["rows"] or section["tried"] for section in sections),
        "unfinished": [
            {"run": run, "job": job_shown(run), "url": reverse("run", args=[project_id, run.pk])}
            for run in _unfinished(place)
        ],
        "new_url": reverse("judge_new", args=[project_id]) if questions else "",
        "panel_url": reverse("panel_new", args=[project_id]) if may_panel else "",
        "connections_url": reverse("connections", args=[project_id]),
    }
    return render_page(request, "judges/judges.html", context, place=place, current="judges")


@require_http_methods(["GET", "POST"])
def judge_new(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    served = bool(settings.LOCAL_LLM_URL)
    form = JudgeForm(place.project, request.POST or None, local_llm=served)
    if request.method == "POST" and form.is_valid():
        try:
            if form.asks_in_words:
                return redirect(_prompt_url(place, form))
            version = _make(place, request.user, form)
        except (BadInput, Conflict, ProviderError) as error:
            _redisplay(form, error)
        else:
            messages.success(request, _("“%(judge)s” is ready to run.") % {"judge": version})
            return redirect("judge", project_id, version.pk)
    return _show_new(request, place, form)


def _make(place: Place, actor: User, form: JudgeForm) -> JudgeVersion:
    entered = form.cleaned_data
    how, question = entered["how"], entered["question"]
    if how in {ZERO_SHOT, TRAINED}:
        return classifier_version(actor, question, mode=how)
    if how.startswith(BACKEND):
        backend = place.project.connections.get(pk=int(how.removeprefix(BACKEND)))
        return backend_version(actor, question, backend)
    raise BadInput(_("A language model is written to on its own page."))


def _prompt_url(place: Place, form: JudgeForm) -> str:
    """Where the prompt of the language model chosen is written."""
    entered = form.cleaned_data
    chosen = urlencode({"question": entered["question"].pk, "by": entered["how"]})
    return f"{reverse('prompt', args=[place.project.pk])}?{chosen}"


def _redisplay(form: JudgeForm, error: BadInput | Conflict | ProviderError) -> None:
    fields = error.detail.get("fields", {}) if isinstance(error, BadInput) else {}
    for name, message in fields.items():
        if name in form.fields:
            form.add_error(name, message)
    if not any(name in form.fields for name in fields):
        form.add_error("how", error.message)


def _show_new(request: AuthenticatedRequest, place: Place, form: JudgeForm) -> HttpResponse:
    questions = questions_live(place.project)
    context = {
        "form": form,
        "learnable": [_learnable(question) for question in questions],
        "several": len(questions) > 1,
        "local_llm": bool(settings.LOCAL_LLM_URL),
        "judges_url": reverse("judges", args=[place.project.pk]),
        "connection_new_url": reverse("connection_new", args=[place.project.pk]),
        "may_connect": place.may(Right.MANAGE),
        "has_endpoint": place.project.connections.filter(provider__in=CONNECTED).exists(),
    }
    status = 422 if form.errors else 200
    return render_page(
        request, "judges/judge_new.html", context, place=place, current="judges", status=status
    )


def _learnable(question: Any) -> dict[str, Any]:
    """What there is to learn from, an option at a time."""
    found = training_set(question)
    return {
        "question": question,
        "n_items": sum(found.counts.values()),
        "enough": found.is_enough,
        "counts": [
            {"option": option, "n": found.counts.get(option.code, 0)}
            for option in question.options.all()
        ],
        "few": [
            option.name
            for option in question.options.all()
            if found.counts.get(option.code, 0) < WISHED_A_CLASS
        ],
    }


def _section(place: Place, question: Question) -> dict[str, Any]:
    """A question's judges; apart from them versions that were only tried, of which a prompt on its
    way leaves many.
    """
    rows = judges_of(place.project, question)
    tried = [row for row in rows if row.only_tried]
    return {
        "question": question,
        "rows": [row for row in rows if not row.only_tried],
        "tried": tried,
        "n_made": sum(row.version is not None for row in rows),
    }


def _unfinished(place: Place) -> list[Run]:
    return list(
        Run.objects.filter(project=place.project, job__state__in=["queued", "running", "paused"])
        .select_related("job", "version__rater")
        .order_by("-pk")
    )
