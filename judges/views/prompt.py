"""Writing a prompt: the words, how it is asked, what would be sent, and trying it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, ConcordError, Conflict
from annotate.models import Question
from annotate.selectors.questions import questions_live
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page
from judges.forms.judges import CONNECTION
from judges.forms.prompt import PromptForm, models_known, prompt_blank, prompt_entered
from judges.models import JudgeVersion, Purpose, Run
from judges.providers.base import ProviderError
from judges.selectors.fields import field_names
from judges.selectors.places import run_of, version_of
from judges.services.trials import draft_make, draft_try
from judges.views.asked_for import number_of
from judges.views.prompt_shown import draft_of, palettes, preview_shown, task_swapped
from judges.views.trial_shown import trial_shown

# From the fields of the services' errors to those of the form, where they have another name.
FIELDS = {"how": "ask", "pair": "pair_first"}


@require_http_methods(["GET", "POST"])
def prompt(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """The editor. Posted with ``step`` try or make it keeps a version, and tries it."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    source = _source(place, request)
    form = _form(place, request, source)
    if not form.can_ask:
        messages.info(request, _("Connect a language model first: then you can write to it."))
        return redirect("judge_new", project_id)
    if request.method == "POST" and request.POST.get("step") in {"try", "make"} and form.is_valid():
        try:
            return _keep(request, place, form)
        except (ConcordError, ProviderError) as error:
            _redisplay(form, error)
    return _show(request, place, form, source)


@require_POST
def prompt_preview(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """What would be sent about an item, as the form stands; nothing is kept, nobody is asked."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    source = _source(place, request)
    form = _form(place, request, source)
    context = preview_shown(form, request.POST, source)
    context |= {"fragment": True, "task_swapped": task_swapped(form)}
    return render_page(request, "judges/prompt.html#preview", context, place=place)


def _keep(request: AuthenticatedRequest, place: Place, form: PromptForm) -> HttpResponse:
    draft = draft_of(form)
    if request.POST["step"] == "make":
        version = draft_make(request.user, draft)
        messages.success(request, _("“%(judge)s” is ready to run.") % {"judge": version})
        return redirect("judge", place.project.pk, version.pk)
    run = draft_try(request.user, draft, n_items=form.cleaned_data["n_items"] or 10)
    job_nudge(run.job)
    shown = urlencode({"from": run.version_id, "trial": run.pk})
    # On a phone the trial stands beneath the prompt.
    return redirect(f"{reverse('prompt', args=[place.project.pk])}?{shown}#run-live")


def _show(
    request: AuthenticatedRequest, place: Place, form: PromptForm, source: JudgeVersion | None
) -> HttpResponse:
    project_id = place.project.pk
    trial = _trial(place, request, source)
    context: dict[str, Any] = {
        "form": form,
        "question": form.question,
        "title": _("New prompt") if source is None else _("Prompt of %(name)s") % {"name": source},
        "palettes": palettes(form),
        "models": models_known(form.connections),
        "open_folds": form.open_folds,
        "judges_url": reverse("judges", args=[project_id]),
        "crumbs": [{"label": _("Judges"), "url": reverse("judges", args=[project_id])}],
        **preview_shown(form, request.POST or request.GET, source),
        **(trial_shown(place, trial, beside=True) if trial else {}),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render_page(
        request, "judges/prompt.html", context, place=place, current="judges", status=status
    )


def _form(place: Place, request: HttpRequest, source: JudgeVersion | None) -> PromptForm:
    question = _question(place, request, source)
    initial = prompt_entered(source) if source else _blank(place, request)
    return PromptForm(
        place.project,
        question,
        field_names(place.project),
        request.POST or None,
        initial=initial,
        local_llm=bool(settings.LOCAL_LLM_URL),
    )


def _blank(place: Place, request: HttpRequest) -> dict[str, Any]:
    """A new prompt, for the connection and model named; else for a model that was tested there."""
    by, model = request.GET.get("by", ""), request.GET.get("model", "")
    named = number_of(by.removeprefix(CONNECTION))
    if not model and named is not None:
        connection = place.project.connections.filter(pk=named).first()
        model = next(iter(connection.capabilities), "") if connection else ""
    return prompt_blank(by, model[:200])


def _source(place: Place, request: HttpRequest) -> JudgeVersion | None:
    """The version that the prompt is written from, if any."""
    named = number_of(request.POST.get("from") or request.GET.get("from"))
    return None if named is None else version_of(place, named)


def _trial(place: Place, request: HttpRequest, source: JudgeVersion | None) -> Run | None:
    """The trial shown beside the prompt: the one named, of the version it is written from."""
    named = number_of(request.POST.get("trial") or request.GET.get("trial"))
    if source is None or named is None:
        return None
    run = run_of(place, named)
    return run if run.purpose == Purpose.TRIAL and run.version_id == source.pk else None


def _question(place: Place, request: HttpRequest, source: JudgeVersion | None) -> Question:
    """The live question that is asked: the one named, that of the version, or the first."""
    live = questions_live(place.project)
    named = request.POST.get("question") or request.GET.get("question") or ""
    for question in live:
        if str(question.pk) == named:
            return question
    if source is not None:
        for question in live:
            if question.key == source.question.key:
                return question
    if not live:
        raise Conflict(_("A judge answers a question of the project. Add one first."))
    return live[0]


def _redisplay(form: PromptForm, error: ConcordError | ProviderError) -> None:
    fields = error.detail.get("fields", {}) if isinstance(error, BadInput) else {}
    for name, message in fields.items():
        name = FIELDS.get(name, name)
        form.add_error(name if name in form.fields else None, message)
    if not fields:
        form.add_error(None, error.message)
