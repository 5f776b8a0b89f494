"""Making a panel: choosing judges, seeing their order and what an item will take."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, Conflict
from annotate.models import Question
from annotate.selectors.questions import questions_live
from annotate.views.page import AuthenticatedRequest, render_page
from judges.forms.panels import PanelForm
from judges.selectors.judges import JudgeRow, judges_of
from judges.selectors.panels import is_panel
from judges.services.panels import Draft, panel_draft, panel_version
from judges.views.panel_shown import draft_shown


@require_http_methods(["GET", "POST"])
def panel_new(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """The form; with ``look`` what the panel would be, else it is made."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    question = _question(place, request.GET.get("question", ""))
    rows = _rows(place, question) if question else []
    if question is None or len(rows) < 2:
        return _show(request, place, question, None, None)
    form = PanelForm(question, rows, request.POST or None)
    draft = None
    if request.method == "POST" and form.is_valid():
        try:
            if "look" not in request.POST:
                panel = panel_version(
                    request.user,
                    question,
                    form.judges(),
                    name=form.cleaned_data["name"],
                    **form.settings(),
                )
                messages.success(request, _("“%(judge)s” is ready to run.") % {"judge": panel})
                return redirect("judge", project_id, panel.pk)
            draft = panel_draft(question, form.judges(), **form.settings())
        except (BadInput, Conflict) as error:
            _redisplay(form, error)
    return _show(request, place, question, form, draft)


def _rows(place: Place, question: Question) -> list[JudgeRow]:
    """The judges that may be in a panel: made here, and none that is one itself."""
    return [
        row
        for row in judges_of(place.project, question)
        if row.version is not None and not is_panel(row.version)
    ]


def _question(place: Place, wanted: str) -> Question | None:
    questions = questions_live(place.project)
    for question in questions:
        if str(question.pk) == wanted:
            return question
    return questions[0] if questions else None


def _redisplay(form: PanelForm, error: BadInput | Conflict) -> None:
    fields = error.detail.get("fields", {}) if isinstance(error, BadInput) else {}
    known = {name: said for name, said in fields.items() if name in form.fields}
    for name, message in known.items():
        form.add_error(name, message)
    if not known:
        form.add_error(None, error.message)


def _show(
    request: AuthenticatedRequest,
    place: Place,
    question: Question | None,
    form: PanelForm | None,
    draft: Draft | None,
) -> HttpResponse:
    project_id = place.project.pk
    questions = questions_live(place.project)
    address = reverse("panel_new", args=[project_id])
    context: dict[str, Any] = {
        "form": form,
        "question": question,
        "questions": [
            {"name": each.name, "url": f"{address}?question={each.pk}", "current": each == question}
            for each in questions
        ],
        "draft": draft_shown(draft) if draft else None,
        "new_url": reverse("judge_new", args=[project_id]) if questions else "",
        "judges_url": reverse("judges", args=[project_id]),
        "crumbs": [{"label": _("Judges"), "url": reverse("judges", args=[project_id])}],
    }
    status = 422 if form is not None and form.errors else 200
    return render_page(
        request, "judges/panel_new.html", context, place=place, current="judges", status=status
    )
