"""Labels that are likely wrong: looked for by a job, and the ranked list."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Place, Right
from annotate.api.pages import page_of
from annotate.api.queries import PageQuery
from annotate.api.schema import operation, page
from annotate.api.shapes import JobShape
from annotate.errors import BadInput
from annotate.models import LikelyError, Question
from annotate.selectors.likely_errors import likely_errors
from annotate.selectors.questions import questions_live
from annotate.services.label_errors import LOOKED_AT, label_errors_start
from annotate.tasks import job_nudge


class LabelErrorQuery(PageQuery):
    question = serializers.SlugField(
        max_length=50,
        required=False,
        help_text="Its key; else the first question whose answers are options.",
    )


class LabelErrorIn(serializers.Serializer[dict[str, Any]]):
    question = serializers.SlugField(max_length=50, help_text="Its key.")


class LikelyErrorShape(serializers.ModelSerializer[LikelyError]):
    """A label that is likely wrong. Pages are in the order of the list."""

    rater = serializers.CharField(source="label.rater.name")
    external_id = serializers.CharField(source="item.external_id")
    support = serializers.DictField(
        help_text="How far each source supports it, 0 to 1: peers, judges, model, those that "
        "know; others: how many other people labelled the item, same: how many said so too."
    )
    option = serializers.SerializerMethodField(
        help_text="Of an answer of several options, the key of the one that is likely wrong."
    )
    instead = serializers.SerializerMethodField(
        help_text="Key of the option that most speaks for, where one does."
    )

    class Meta:
        model = LikelyError
        fields = (
            "id",
            "label",
            "item",
            "external_id",
            "rater",
            "score",
            "option",
            "instead",
            "support",
        )

    def get_option(self, error: LikelyError) -> str | None:
        return self._key(error.option)

    def get_instead(self, error: LikelyError) -> str | None:
        return self._key(error.instead)

    def _key(self, code: int | None) -> str | None:
        keys: dict[int, str] = self.context["keys"]
        return None if code is None else keys.get(code)


class LabelErrors(APIView):
    @operation(
        "Labels that are likely wrong, the likeliest first, on items that are not ruled on",
        name="label_errors_list",
        returns=page(LikelyErrorShape),
        query=LabelErrorQuery,
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        question = _question(place, LabelErrorQuery.asked(request).get("question"))
        keys = {option.code: option.key for option in question.options.all()}
        # Rows are written in the order of their rank, so that a page by id is one by rank.
        rows = likely_errors(question).order_by("pk")
        return page_of(request, rows, LikelyErrorShape, context={"keys": keys})

    @operation(
        "Look for label errors: a job",
        name="label_errors_start",
        takes=LabelErrorIn,
        returns=JobShape,
        status=202,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = LabelErrorIn(data=request.data)
        given.is_valid(raise_exception=True)
        job = label_errors_start(place.user, _question(place, given.validated_data["question"]))
        job_nudge(job)
        return Response(JobShape(job).data, status=202)


def _question(place: Place, key: str | None) -> Question:
    for question in questions_live(place.project):
        if question.key == key or (key is None and question.kind in LOOKED_AT):
            return question
    message = f"There is no question “{key or ''}” in this project."
    raise BadInput(message, fields={"question": message})
