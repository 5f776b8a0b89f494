"""Aggregations: started, listed, and what they say of the raters. Of the items, exports tell."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Right
from annotate.api.pages import page_of
from annotate.api.queries import PageQuery
from annotate.api.schema import operation, page
from annotate.api.shapes import AggregationIn, AggregationShape, RaterEstimateShape
from annotate.errors import BadInput
from annotate.models import EstimateRun
from annotate.selectors.questions import questions_live
from annotate.services.estimates import estimate_start
from annotate.tasks import job_nudge


class Aggregations(APIView):
    @operation(
        "Aggregations, each with its job",
        name="aggregations_list",
        returns=page(AggregationShape),
        query=PageQuery,
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        PageQuery.asked(request)
        rows = EstimateRun.objects.filter(project=place.project)
        return page_of(request, rows.select_related("question", "job"), AggregationShape)

    @operation(
        "Start an aggregation: a job that combines the labels of a question",
        name="aggregations_start",
        takes=AggregationIn,
        returns=AggregationShape,
        status=202,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = AggregationIn(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        questions = {question.key: question for question in questions_live(place.project)}
        if data["question"] not in questions:
            message = f"There is no question “{data['question']}” in this project."
            raise BadInput(message, fields={"question": message})
        run = estimate_start(
            place.user,
            questions[data["question"]],
            method=data["method"],
            who_counts=data["who"],
            rulings=data["rulings"],
            judge_weight=data.get("judge_weight"),
        )
        job_nudge(run.job)
        return Response(AggregationShape(run).data, status=202)


class AggregationRaters(APIView):
    @operation(
        "How able each rater is, as an aggregation sees them",
        name="aggregations_raters",
        paths=("project_id", "aggregation_id"),
        returns=page(RaterEstimateShape),
        query=PageQuery,
    )
    def get(self, request: Request, project_id: int, aggregation_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        PageQuery.asked(request)
        run = access.aggregation_of(place, aggregation_id)
        return page_of(request, run.rater_estimates.select_related("rater"), RaterEstimateShape)
