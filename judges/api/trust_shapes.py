"""What goes over the wire of reports on judges and of replacement tests."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from annotate.api.shapes import JobShape
from judges.models import Closeness, JudgeReport, ReplacementTest


class TrustShape(serializers.ModelSerializer[JudgeReport]):
    """``agree`` of ``n`` items, on which people are not tied, have the judge's label equal to that
    of most people; ``low`` to ``high`` is the 95 % interval of the share.
    """

    question = serializers.SlugField(source="question.key")
    question_id = serializers.IntegerField()
    rater_id = serializers.IntegerField()
    judge = serializers.CharField(source="rater.name")
    agree = serializers.IntegerField(source="content.agree")
    n = serializers.IntegerField(source="content.n")
    share = serializers.FloatField(source="content.share", allow_null=True)
    low = serializers.FloatField(source="content.low", allow_null=True)
    high = serializers.FloatField(source="content.high", allow_null=True)

    class Meta:
        model = JudgeReport
        fields: tuple[str, ...] = (
            "question",
            "question_id",
            "rater_id",
            "judge",
            "agree",
            "n",
            "share",
            "low",
            "high",
            "made_at",
            "fingerprint",
        )


class ReportShape(TrustShape):
    """``report`` holds all of it: docs/trust.md names the parts."""

    report = serializers.DictField(source="content")

    class Meta(TrustShape.Meta):
        fields = (*TrustShape.Meta.fields, "report")


class PlanIn(serializers.Serializer[dict[str, Any]]):
    epsilon = serializers.FloatField(
        min_value=0, max_value=0.5, help_text="What people are docked, as a share of items."
    )
    score = serializers.ChoiceField(choices=Closeness.choices, default=Closeness.ACCURACY)
    n_people = serializers.IntegerField(min_value=2, max_value=20, default=3)
    per_item = serializers.IntegerField(min_value=2, max_value=20, default=3)
    gap = serializers.FloatField(
        min_value=0.01,
        max_value=0.5,
        default=0.1,
        help_text="How much less accurate a judge is that nobody would accept.",
    )
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)


class DrawIn(serializers.Serializer[dict[str, Any]]):
    n_items = serializers.IntegerField(min_value=1, max_value=100_000)
    per_item = serializers.IntegerField(min_value=2, max_value=20)
    members = serializers.ListField(
        child=serializers.CharField(max_length=150),
        min_length=2,
        max_length=20,
        help_text="User names of those who label the items.",
    )


class TestShape(serializers.ModelSerializer[ReplacementTest]):
    """``plan`` says what samples of several sizes would show, ``batch`` what was drawn and given to
    whom, ``result`` what was found: docs/trust.md. Each is empty until its job is done; ``result``,
    ``fingerprint`` and ``made_with`` stay as they are from ``decided_at`` on.
    """

    plan = serializers.DictField()
    batch = serializers.DictField()
    result = serializers.DictField()
    made_with = serializers.DictField()
    job = JobShape(source="deciding", allow_null=True)
    collecting = JobShape(allow_null=True)

    class Meta:
        model = ReplacementTest
        fields = (
            "id",
            "question_id",
            "rater_id",
            "epsilon",
            "score",
            "seed",
            "planned_at",
            "plan",
            "batch",
            "decided_at",
            "result",
            "fingerprint",
            "made_with",
            "job",
            "collecting",
        )
