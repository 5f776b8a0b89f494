"""Labelling by program: claim the next item, hand in, take back. The rules of the screen."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Place, Right
from annotate.api.pages import page_of
from annotate.api.schema import CURSOR, operation, page
from annotate.api.shapes import (
    AssignmentShape,
    LabelQuery,
    LabelShape,
    SubmissionIn,
    SubmissionShape,
)
from annotate.errors import BadInput, NotFound
from annotate.models import Label, LabelStatus, Option, Question
from annotate.selectors.questions import questions_live
from annotate.services.claims import claims_hold
from annotate.services.projects import guideline_live
from annotate.services.raters import rater_of_member
from annotate.services.submissions import Answer, submission_submit, submission_withdraw


class NextItem(APIView):
    @operation(
        "The item you hold, or the next one, claimed for you", name="next", returns=AssignmentShape
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.LABEL)
        held = claims_hold(rater_of_member(place.project, place.user))
        if not held:
            raise NotFound("There is nothing to label for you now.")
        return Response(AssignmentShape(held[0]).data)


class Labels(APIView):
    @operation(
        "Labels, oldest first; live ones unless status says otherwise",
        name="labels_list",
        returns=page(LabelShape),
        query=[*CURSOR, LabelQuery],
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        asked = LabelQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        rows = Label.objects.filter(
            project=place.project, status=wanted.get("status", LabelStatus.LIVE)
        ).select_related("rater", "question")
        if "kind" in wanted:
            rows = rows.filter(rater__kind=wanted["kind"])
        if "item" in wanted:
            rows = rows.filter(item_id=wanted["item"])
        return page_of(request, rows, LabelShape, context={"option_keys": _option_keys(place)})

    @operation(
        "Hand in your answers for an item; the same client_key again is the same submission",
        name="labels_submit",
        takes=SubmissionIn,
        returns=SubmissionShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.LABEL)
        given = SubmissionIn(data=request.data)
        given.is_valid(raise_exception=True)
        data = dict(given.validated_data)
        item = access.item_of(place, data.pop("item"))
        submission = submission_submit(
            rater_of_member(place.project, place.user),
            item,
            answers=answers_by_id(questions_live(place.project), data.pop("answers")),
            guideline=guideline_live(place.project),
            **data,
        )
        return Response(SubmissionShape(submission).data)


class Withdraw(APIView):
    @operation(
        "Take back a submission of yours; its item is yours again",
        name="labels_withdraw",
        paths=("project_id", "submission_id"),
        returns=AssignmentShape,
    )
    def post(self, request: Request, project_id: int, submission_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.LABEL)
        rater = rater_of_member(place.project, place.user)
        return Response(AssignmentShape(submission_withdraw(rater, submission_id)).data)


def answers_by_id(questions: list[Question], given: dict[str, str]) -> dict[int, Answer]:
    """{question key: option key} to what the service takes. Raises BadInput."""
    by_key = {question.key: question for question in questions}
    wrong: dict[str, Any] = {}
    answers: dict[int, Answer] = {}
    for key, option_key in given.items():
        question = by_key.get(key)
        if question is None:
            wrong[key] = "There is no such question."
            continue
        codes = {option.key: option.code for option in question.options.all()}
        if option_key not in codes:
            wrong[key] = f"No such option; choose one of: {', '.join(codes)}."
            continue
        answers[question.pk] = Answer(choice=codes[option_key])
    if wrong:
        raise BadInput("Some answers do not fit; see fields.", fields=wrong)
    return answers


def _option_keys(place: Place) -> dict[tuple[int, int], str]:
    return {
        (option.question_id, option.code): option.key
        for option in Option.objects.filter(question__project=place.project)
    }
