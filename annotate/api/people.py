"""What leads do about people by program: giving an answer back, qualification."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Right
from annotate.api.schema import operation
from annotate.models import Admission, GivenBack, Project, Rater, RaterOrigin
from annotate.selectors.checks import Stage, qualifications_of
from annotate.services.checks import rater_admit
from annotate.services.given_back import MOST, submission_give_back


class GiveBackIn(serializers.Serializer[dict[str, Any]]):
    comment = serializers.CharField(
        max_length=MOST, help_text="What they should look at; they find it first."
    )


class GivenBackShape(serializers.ModelSerializer[GivenBack]):
    submission = serializers.IntegerField(source="submission_id")
    by = serializers.CharField(source="by.username")

    class Meta:
        model = GivenBack
        fields = ("id", "submission", "comment", "by", "created_at")


class GiveBack(APIView):
    @operation(
        "Give an answer back to who handed it in, with a comment",
        name="submissions_give_back",
        paths=("project_id", "submission_id"),
        takes=GiveBackIn,
        returns=GivenBackShape,
    )
    def post(self, request: Request, project_id: int, submission_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = GiveBackIn(data=request.data)
        given.is_valid(raise_exception=True)
        comment = given.validated_data["comment"]
        back = submission_give_back(place.user, place.project, submission_id, comment)
        return Response(GivenBackShape(back).data)


class QualificationShape(serializers.Serializer[Any]):
    """Where a member stands with the known items before work."""

    rater = serializers.IntegerField()
    name = serializers.CharField()
    stage = serializers.ChoiceField(choices=[stage.value for stage in Stage])
    wanted = serializers.IntegerField(help_text="First items that are asked.")
    items = serializers.IntegerField(help_text="Of these, done.")
    answers = serializers.IntegerField(help_text="Answers to known questions among them.")
    right = serializers.IntegerField()


class AdmitIn(serializers.Serializer[dict[str, Any]]):
    admission = serializers.ChoiceField(choices=[Admission.LET_IN.value, Admission.OUT.value])


class Qualifications(APIView):
    @operation(
        "How far each member is with qualifying",
        name="qualification_list",
        returns=QualificationShape(many=True),
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        raters = list(place.project.raters.filter(origin=RaterOrigin.MEMBER).order_by("name", "pk"))
        return Response(_shown(place.project, raters))


class Admit(APIView):
    @operation(
        "Let somebody in who did not qualify, or keep them out",
        name="qualification_decide",
        paths=("project_id", "rater_id"),
        takes=AdmitIn,
        returns=QualificationShape,
    )
    def post(self, request: Request, project_id: int, rater_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.MANAGE)
        given = AdmitIn(data=request.data)
        given.is_valid(raise_exception=True)
        raters = Rater.objects.filter(project=place.project, origin=RaterOrigin.MEMBER)
        rater = get_object_or_404(raters, pk=rater_id)
        rater_admit(place.user, rater, given.validated_data["admission"])
        return Response(_shown(place.project, [raters.get(pk=rater_id)])[0])


def _shown(project: Project, raters: list[Rater]) -> list[dict[str, Any]]:
    for rater in raters:
        rater.project = project
    stages = qualifications_of(project, raters)
    rows = [
        {
            "rater": rater.pk,
            "name": rater.name,
            "stage": found.stage.value,
            "wanted": found.wanted,
            "items": found.items,
            "answers": found.answers,
            "right": found.right,
        }
        for rater in raters
        for found in [stages[rater.pk]]
    ]
    return list(QualificationShape(rows, many=True).data)
