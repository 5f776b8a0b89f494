"""Giving an answer back to who handed it in, from the review screen or the page of an item."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from annotate import access
from annotate.access import Right
from annotate.services.given_back import submission_give_back
from annotate.views.page import AuthenticatedRequest


@require_POST
def give_back(request: AuthenticatedRequest, project_id: int, submission_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    comment = request.POST.get("comment", "")
    back = submission_give_back(place.user, place.project, submission_id, comment)
    submission = back.submission
    messages.success(
        request,
        _("Given back to %(name)s, who finds it first.") % {"name": submission.rater.name},
    )
    if request.POST.get("back") == "review":
        return redirect(f"{reverse('review', args=[project_id])}?item={submission.item_id}")
    return redirect("item", project_id, submission.item_id)
