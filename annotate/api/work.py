"""Labelling by program: claim the next item, hand in, skip, take back. The rules of the screen."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Place, Right
from annotate.api.answers import answers_by_id, asked_by_id
from annotate.api.pages import page_of
from annotate.api.queries import LabelQuery
from annotate.api.schema import operation, page
from annotate.api.shapes import (
    AssignmentShape,
    LabelShape,
    ReturnedShape,
    SkipIn,
    SubmissionIn,
    SubmissionShape,
    WorkIn,
)
from annotate.errors import Conflict
from annotate.models import Assignment, Item, Label, LabelStatus, Question, Submission
from annotate.selectors.help_rules import rule_by_program
from annotate.selectors.questions import questions_live
from annotate.services.claims import claims_hold, claims_return
from annotate.services.projects import guideline_live
from annotate.services.raters import rater_of_member
from annotate.services.submissions import submission_skip, submission_submit, submission_withdraw


class NextItem(APIView):
    @operation(
        "The item you hold, or the next one, claimed for you",
        name="next",
        returns=AssignmentShape,
        empty="There is nothing to label for you now.",
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.LABEL)
        questions = questions_live(place.project)
        held = claims_hold(rater_of_member(place.project, place.user)) if questions else []
        return _assigned(held[0], questions) if held else Response(status=204)

    @operation("Give back what you hold", name="next_return", returns=ReturnedShape)
    def delete(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.LABEL)
        returned = claims_return(rater_of_member(place.project, place.user))
        return Response(ReturnedShape({"returned": returned}).data)


class Labels(APIView):
    @operation(
        "Labels, oldest first; live ones unless status says otherwise",
        name="labels_list",
        returns=page(LabelShape),
        query=LabelQuery,
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        asked = {"status": LabelStatus.LIVE, **LabelQuery.asked(request)}
        lookups = {"kind": "rater__kind", "question": "question__key"}
        rows = Label.objects.filter(
            project=place.project, **{lookups.get(name, name): asked[name] for name in asked}
        ).select_related("rater", "question")
        context = {"asked": asked_by_id(place.project)}
        return page_of(request, rows, LabelShape, context=context)

    @operation(
        "Hand in your answers for an item; the same client_key again is the same submission",
        name="labels_submit",
        takes=SubmissionIn,
        returns=SubmissionShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.LABEL)
        item, data = _read(place, SubmissionIn(data=request.data))
        submission = submission_submit(
            rater_of_member(place.project, place.user),
            item,
            answers=answers_by_id(questions_live(place.project), data.pop("answers")),
            guideline=guideline_live(place.project),
            rule=rule_by_program(place.project),
            **data,
        )
        return _stored(item, submission)


class Skips(APIView):
    @operation(
        "Skip an item you hold: it goes to others, and not to you again",
        name="skips",
        takes=SkipIn,
        returns=SubmissionShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.LABEL)
        item, data = _read(place, SkipIn(data=request.data))
        rater = rater_of_member(place.project, place.user)
        return _stored(item, submission_skip(rater, item, **data))


class Withdraw(APIView):
    @operation(
        "Take back a submission or a skip of yours; its item is yours again",
        name="labels_withdraw",
        paths=("project_id", "submission_id"),
        returns=AssignmentShape,
    )
    def post(self, request: Request, project_id: int, submission_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.LABEL)
        rater = rater_of_member(place.project, place.user)
        assignment = submission_withdraw(rater, submission_id)
        return _assigned(assignment, questions_live(place.project))


def _read(place: Place, given: WorkIn) -> tuple[Item, dict[str, Any]]:
    given.is_valid(raise_exception=True)
    data = dict(given.validated_data)
    return access.item_of(place, data.pop("item")), data


def _stored(item: Item, submission: Submission) -> Response:
    # The key stands for one submission; what was sent under it now was not stored.
    if submission.item_id != item.pk:
        raise Conflict(
            f"You used this client_key for item {submission.item_id}, so nothing was stored for "
            f"item {item.pk}. Send another key with each submission."
        )
    return Response(SubmissionShape(submission).data)


def _assigned(assignment: Assignment, questions: list[Question]) -> Response:
    return Response(AssignmentShape(assignment, context={"questions": questions}).data)
