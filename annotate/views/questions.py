"""Adding and changing what is asked."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput
from annotate.forms.question_templates import TEMPLATES
from annotate.forms.questions import QuestionForms
from annotate.models import Question
from annotate.selectors.item_display import fields_known
from annotate.selectors.questions import labels_of_question
from annotate.services.projects import question_add, question_retire, question_revise
from annotate.views.page import AuthenticatedRequest, render_page


@require_http_methods(["GET", "POST"])
def question_new(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    if request.method == "GET":
        template = TEMPLATES.get(request.GET.get("template", ""))
        return _page(request, place, QuestionForms(template=template))
    if "more_rows" in request.POST:
        return _page(request, place, QuestionForms.with_more_rows(request.POST))
    forms = QuestionForms(request.POST)
    draft = forms.draft()
    if draft is not None:
        try:
            question_add(request.user, place.project, draft)
        except BadInput as error:
            forms.refuse(error)
        else:
            messages.success(request, _("The question is asked from now on."))
            return redirect("settings", project_id)
    return _page(request, place, forms, status=422)


@require_http_methods(["GET", "POST"])
def question_edit(request: AuthenticatedRequest, project_id: int, question_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    question = access.question_of(place, question_id)
    if request.method == "GET":
        return _page(request, place, QuestionForms(question=question), question)
    access.check_active(place)
    if "more_rows" in request.POST:
        forms = QuestionForms.with_more_rows(request.POST, question=question)
        return _page(request, place, forms, question)
    forms = QuestionForms(request.POST, question=question)
    draft = forms.draft()
    if draft is not None:
        try:
            fresh = question_revise(request.user, question, draft)
        except BadInput as error:
            forms.refuse(error)
        else:
            said = _("Saved.") if fresh.pk == question.pk else _("Saved as version %(n)s.")
            messages.success(request, said % {"n": fresh.version})
            return redirect("settings", project_id)
    return _page(request, place, forms, question, status=422)


def _page(
    request: AuthenticatedRequest,
    place: Place,
    forms: QuestionForms,
    question: Question | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "forms": forms,
        "question": question,
        "label_count": labels_of_question(question) if question else 0,
        "has_labels": question is None and place.project.items.exclude(frozen_at=None).exists(),
        "templates": TEMPLATES.values(),
        "item_fields": fields_known(place.project),
    }
    return render_page(
        request, "annotate/question.html", context, place=place, current="settings", status=status
    )


@require_POST
def question_stop(request: AuthenticatedRequest, project_id: int, question_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    question = access.question_of(place, question_id)
    question_retire(request.user, question)
    messages.success(request, _("“%(name)s” is asked no more.") % {"name": question.name})
    return redirect("settings", project_id)
