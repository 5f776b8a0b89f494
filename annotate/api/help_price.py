"""The price of help by program: the figures of the page, as numbers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Right
from annotate.api.schema import operation
from annotate.selectors.help_price import Design, help_price


class ContrastShape(serializers.Serializer[Any]):
    """Where suggestions were shown (first), where they were hidden (second), and the difference."""

    first = serializers.FloatField()
    second = serializers.FloatField()
    value = serializers.FloatField(help_text="First less second.")
    low = serializers.FloatField(allow_null=True, help_text="Ends of the 95 % interval.")
    high = serializers.FloatField(allow_null=True)
    n_first = serializers.IntegerField()
    n_second = serializers.IntegerField()
    of_these_raters = serializers.BooleanField(
        help_text="Fewer than five people: the interval is about them only."
    )


class MeanShape(serializers.Serializer[Any]):
    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField()


class QuestionPriceShape(serializers.Serializer[Any]):
    question = serializers.CharField(source="question.key")
    follows = ContrastShape(allow_null=True)
    follows_wrong = ContrastShape(allow_null=True)
    right = ContrastShape(allow_null=True)


class ComparisonShape(serializers.Serializer[Any]):
    design = serializers.ChoiceField(choices=[str(design) for design in Design])
    log_seconds = ContrastShape(allow_null=True)
    questions = QuestionPriceShape(many=True)


class RevealsShape(serializers.Serializer[Any]):
    question = serializers.CharField(source="question.key")
    changed = MeanShape(allow_null=True)
    towards = MeanShape(allow_null=True)
    away = MeanShape(allow_null=True)
    other = MeanShape(allow_null=True)
    right_before = MeanShape(allow_null=True)
    right_after = MeanShape(allow_null=True)


class HelpPriceShape(serializers.Serializer[Any]):
    looked_at = serializers.IntegerField()
    cut = serializers.BooleanField(help_text="There are older answers that were left out.")
    comparisons = ComparisonShape(many=True)
    reveals = RevealsShape(many=True)


class HelpPriceReport(APIView):
    @operation(
        "How far suggestions of judges move people: shown against hidden, before and after reveals",
        name="help_price",
        returns=HelpPriceShape,
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.SEE)
        return Response(HelpPriceShape(help_price(place.project)).data)
