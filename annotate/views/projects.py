"""Starting a project: a guided form, a template to begin with, or the sample."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from annotate import access
from annotate.errors import BadInput
from annotate.forms.projects import NewProjectForm
from annotate.forms.question_templates import TEMPLATES
from annotate.forms.questions import QuestionForms
from annotate.services.demo import sample_create
from annotate.services.projects import project_create
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page


@require_http_methods(["GET", "POST"])
def project_new(request: AuthenticatedRequest) -> HttpResponse:
    founder = access.founder(request.user)
    if request.method == "GET":
        template = TEMPLATES.get(request.GET.get("template", ""))
        return _form(request, NewProjectForm(), QuestionForms(template=template))
    if "more_rows" in request.POST:
        again = NewProjectForm(initial=request.POST.dict())
        return _form(request, again, QuestionForms.with_more_rows(request.POST))
    if "template" in request.POST:
        chosen = request.POST["template"]
        again = NewProjectForm(initial=request.POST.dict())
        return _form(request, again, QuestionForms(template=TEMPLATES.get(chosen)), chosen=chosen)
    form, question = NewProjectForm(request.POST), QuestionForms(request.POST)
    draft = question.draft()
    if form.is_valid() and draft is not None:
        try:
            project = project_create(founder, questions=[draft], **form.cleaned_data)
        except BadInput as error:
            # Which of the two forms is meant, the fields say.
            (form if set(error.detail.get("fields", {})) <= set(form.fields) else question).refuse(
                error
            )
        else:
            messages.success(request, _("The project is made. Now bring in its items."))
            return redirect("import_new", project.pk, "items")
    return _form(request, form, question, status=422)


def _form(
    request: AuthenticatedRequest,
    form: NewProjectForm,
    question: QuestionForms,
    status: int = 200,
    chosen: str = "",
) -> HttpResponse:
    context = {
        "form": form,
        "question": question,
        "templates": TEMPLATES.values(),
        "chosen": chosen or request.GET.get("template", ""),
    }
    return render_page(request, "annotate/project_new.html", context, status=status)


@require_POST
def project_sample(request: AuthenticatedRequest) -> HttpResponse:
    project, job = sample_create(access.founder(request.user))
    job_nudge(job)
    messages.success(
        request,
        _("The sample is yours: try everything. Its labels, of invented people, are coming in."),
    )
    return redirect("overview", project.pk)
