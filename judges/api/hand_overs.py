"""Hand-overs and corrected estimates by program: all that the pages show, and the evidence."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Right
from annotate.api.pages import page_of
from annotate.api.queries import PageQuery
from annotate.api.schema import operation, page
from annotate.api.shapes import MAX_ID
from annotate.tasks import job_nudge
from judges.api.drafting import question_given
from judges.models import HandOver, HandOverState
from judges.selectors.hand_overs import audit_of, hand_over_of, judge_of
from judges.services.hand_overs import hand_over_start, hand_over_withdraw, hand_over_work_out


class HandOverIn(serializers.Serializer[dict[str, Any]]):
    question = serializers.SlugField(max_length=50, help_text="The key of a live question.")
    rater = serializers.IntegerField(min_value=1, max_value=MAX_ID, help_text="A judge.")
    alpha = serializers.FloatField(
        min_value=0.001, max_value=0.5, default=0.05, help_text="The share that may be wrong."
    )
    delta = serializers.FloatField(
        min_value=0.001, max_value=0.5, default=0.05, help_text="The chance that more is."
    )
    audit_share = serializers.FloatField(
        min_value=0.001, max_value=0.5, default=0.1, help_text="Drawn to be checked by people."
    )
    imported = serializers.BooleanField(
        default=False,
        help_text="Your word that imported labels were blind, on items drawn at random. Kept.",
    )
    label_price = serializers.DecimalField(
        max_digits=9, decimal_places=4, min_value=0, allow_null=True, default=None
    )


class HandOverShape(serializers.Serializer[Any]):
    """A hand-over. ``answer`` is empty until it is worked out."""

    id = serializers.IntegerField(source="pk")
    question = serializers.CharField(source="question.key")
    rater = serializers.IntegerField(source="rater_id")
    state = serializers.ChoiceField(choices=HandOverState.choices)
    alpha = serializers.FloatField()
    delta = serializers.FloatField()
    audit_share = serializers.FloatField()
    imported = serializers.BooleanField(source="imported_count")
    threshold = serializers.FloatField(allow_null=True)
    answer = serializers.DictField()
    seed = serializers.IntegerField()
    fingerprint = serializers.CharField()
    unread_fingerprint = serializers.CharField()
    job = serializers.IntegerField(source="job_id", allow_null=True)
    planned_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField()


class AuditShape(serializers.Serializer[Any]):
    drawn = serializers.IntegerField(help_text="Items drawn to be checked.")
    checked = serializers.IntegerField(source="found.n", help_text="Of those, labelled by people.")
    tied = serializers.IntegerField()
    losses = serializers.FloatField(source="found.losses")
    evidence = serializers.ListField(
        child=serializers.FloatField(),
        source="found.evidence",
        help_text="After each item; at 1 / delta the hand-over stops.",
    )


class HandOverWholeShape(HandOverShape):
    """With what is needed to check it: ``used`` are [item, label of the judge, confidence, loss,
    labels of people]; ``estimates`` three ways, and ``design``, the probabilities behind them.
    """

    used = serializers.ListField()
    estimates = serializers.DictField()
    audit = AuditShape(allow_null=True)


class HandOvers(APIView):
    @operation(
        "Hand-overs to judges, newest last",
        name="hand_overs_list",
        returns=page(HandOverShape),
        query=PageQuery,
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        PageQuery.asked(request)
        rows = HandOver.objects.filter(project=place.project).defer("used", "estimates")
        return page_of(request, rows.select_related("question"), HandOverShape)

    @operation(
        "Work out which items a judge may label unread, and corrected estimates",
        name="hand_overs_work_out",
        takes=HandOverIn,
        returns=HandOverShape,
        status=202,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = HandOverIn(data=request.data)
        given.is_valid(raise_exception=True)
        data = dict(given.validated_data)
        question = question_given(place, data.pop("question"))
        row = hand_over_work_out(place.user, question, judge_of(place, data.pop("rater")), **data)
        if row.job is not None:
            job_nudge(row.job)
        return Response(HandOverShape(row).data, status=202)


class OneHandOver(APIView):
    @operation(
        "A hand-over with all that is needed to check it, its audit so far, and the estimates",
        name="hand_overs_one",
        paths=("project_id", "hand_over_id"),
        returns=HandOverWholeShape,
    )
    def get(self, request: Request, project_id: int, hand_over_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        row = hand_over_of(place, hand_over_id)
        row.audit = audit_of(row) if row.started_at is not None else None  # type: ignore[attr-defined]
        return Response(HandOverWholeShape(row).data)


class HandOverStart(APIView):
    @operation(
        "Start a hand-over: a job, which refuses where labels came in since",
        name="hand_overs_start",
        paths=("project_id", "hand_over_id"),
        returns=HandOverShape,
        status=202,
    )
    def post(self, request: Request, project_id: int, hand_over_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        row = hand_over_of(place, hand_over_id)
        row.job = hand_over_start(place.user, row)
        job_nudge(row.job)
        return Response(HandOverShape(row).data, status=202)


class HandOverEnd(APIView):
    @operation(
        "Take a running hand-over back: its items are asked of people again",
        name="hand_overs_end",
        paths=("project_id", "hand_over_id"),
        returns=HandOverShape,
        status=202,
    )
    def post(self, request: Request, project_id: int, hand_over_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        row = hand_over_of(place, hand_over_id)
        row.job = hand_over_withdraw(place.user, row)
        job_nudge(row.job)
        return Response(HandOverShape(row).data, status=202)
