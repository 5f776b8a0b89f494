"""What goes over the wire: shapes of requests and replies."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from annotate.models import (
    Item,
    Job,
    Label,
    LabelStatus,
    Option,
    Project,
    Question,
    Ruling,
    RulingReason,
    WhoCounts,
)
from annotate.selectors.export_rows import FORMATS, WHATS

MAX_ID = 2**63 - 1
MAX_ITEMS = 1000


Fields = dict[str, serializers.Field[Any, Any, Any, Any]]


def _named(fields: Fields, name: str) -> Fields:
    """Give a field the name it may not have as an attribute: serializers use it themselves."""
    return {(key.rstrip("_") if key == name else key): field for key, field in fields.items()}


class Problem(serializers.Serializer[dict[str, Any]]):
    """A refusal (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    fields_ = serializers.DictField(required=False)

    def get_fields(self) -> Fields:
        return _named(super().get_fields(), "fields_")


class OptionShape(serializers.ModelSerializer[Option]):
    class Meta:
        model = Option
        fields = ("code", "key", "name", "definition", "colour")


class QuestionShape(serializers.ModelSerializer[Question]):
    options = OptionShape(many=True, read_only=True)

    class Meta:
        model = Question
        fields = ("id", "key", "version", "kind", "name", "text", "required", "options")


class ProjectShape(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = (
            "id",
            "name",
            "description",
            "status",
            "labels_per_item",
            "visibility",
            "is_demo",
            "created_at",
        )


class OptionIn(serializers.Serializer[dict[str, Any]]):
    key = serializers.CharField(max_length=100)
    name = serializers.CharField(max_length=200)
    definition = serializers.CharField(allow_blank=True, default="", max_length=10_000)
    colour = serializers.CharField(allow_blank=True, default="", max_length=10)


class QuestionIn(serializers.Serializer[dict[str, Any]]):
    key = serializers.SlugField(max_length=50)
    name = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=["single", "rating"])
    text = serializers.CharField(allow_blank=True, default="", max_length=10_000)
    required_ = serializers.BooleanField(default=True)
    options = serializers.ListField(child=OptionIn(), max_length=500)

    def get_fields(self) -> Fields:
        return _named(super().get_fields(), "required_")


class ProjectIn(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(allow_blank=True, default="", max_length=10_000)
    labels_per_item = serializers.IntegerField(min_value=1, max_value=100, default=1)
    guideline = serializers.CharField(allow_blank=True, default="", max_length=200_000)
    questions = serializers.ListField(child=QuestionIn(), default=list, max_length=50)


class ItemShape(serializers.ModelSerializer[Item]):
    class Meta:
        model = Item
        fields = ("id", "external_id", "fields", "metadata", "created_at")


class ItemIn(serializers.Serializer[dict[str, Any]]):
    external_id = serializers.CharField(max_length=500)
    fields_ = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=1_000_000, trim_whitespace=False),
        allow_empty=False,
    )
    metadata = serializers.DictField(default=dict)

    def get_fields(self) -> Fields:
        return _named(super().get_fields(), "fields_")


class ItemsIn(serializers.Serializer[dict[str, Any]]):
    items = serializers.ListField(child=ItemIn(), min_length=1, max_length=MAX_ITEMS)


class ItemTakenShape(serializers.Serializer[Any]):
    external_id = serializers.CharField()
    id = serializers.IntegerField()
    outcome = serializers.CharField()


class ItemsTaken(serializers.Serializer[Any]):
    items = ItemTakenShape(many=True)


class LabelShape(serializers.ModelSerializer[Label]):
    rater = serializers.CharField(source="rater.name")
    rater_kind = serializers.CharField(source="rater.kind")
    rater_id = serializers.IntegerField()
    item = serializers.IntegerField(source="item_id")
    question = serializers.CharField(source="question.key")
    question_version = serializers.IntegerField(source="question.version")
    answer = serializers.SerializerMethodField()

    class Meta:
        model = Label
        fields = (
            "id",
            "item",
            "question",
            "question_version",
            "rater_id",
            "rater",
            "rater_kind",
            "status",
            "answer",
            "confidence",
            "confidence_source",
            "distribution",
            "rationale",
            "created_at",
        )

    def get_answer(self, label: Label) -> str | None:
        keys: dict[tuple[int, int], str] = self.context["option_keys"]
        if label.choice is None:
            return None
        return keys.get((label.question_id, label.choice))


class LabelQuery(serializers.Serializer[dict[str, Any]]):
    status = serializers.ChoiceField(choices=LabelStatus.choices, required=False)
    kind = serializers.ChoiceField(choices=["person", "judge"], required=False)
    item = serializers.IntegerField(min_value=1, max_value=MAX_ID, required=False)


class SubmissionIn(serializers.Serializer[dict[str, Any]]):
    item = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    client_key = serializers.CharField(max_length=100)
    answers = serializers.DictField(child=serializers.CharField(max_length=100), allow_empty=False)
    seconds = serializers.FloatField(min_value=0, max_value=86_400, required=False, allow_null=True)
    flagged = serializers.BooleanField(default=False)
    comment = serializers.CharField(allow_blank=True, default="", max_length=10_000)


class SubmissionShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    item = serializers.IntegerField(source="item_id")
    status = serializers.CharField()
    created_at = serializers.DateTimeField()


class AssignmentShape(serializers.Serializer[Any]):
    item = ItemShape()
    lease_until = serializers.DateTimeField()


class RulingShape(serializers.ModelSerializer[Ruling]):
    item = serializers.IntegerField(source="item_id")
    question = serializers.CharField(source="question.key")
    reviewer = serializers.CharField(source="reviewer.username")

    class Meta:
        model = Ruling
        fields = (
            "id",
            "item",
            "question",
            "status",
            "choice",
            "reason",
            "comment",
            "reviewer",
            "created_at",
        )


class RulingIn(serializers.Serializer[dict[str, Any]]):
    item = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    question = serializers.SlugField(max_length=50)
    answer = serializers.CharField(max_length=100)
    reason = serializers.ChoiceField(choices=RulingReason.choices)
    comment = serializers.CharField(allow_blank=True, default="", max_length=10_000)


class JobShape(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        fields = (
            "id",
            "kind",
            "state",
            "done",
            "total",
            "message",
            "result",
            "created_at",
            "started_at",
            "finished_at",
        )


class ExportIn(serializers.Serializer[dict[str, Any]]):
    what = serializers.ChoiceField(choices=WHATS)
    format = serializers.ChoiceField(choices=FORMATS)
    who = serializers.ChoiceField(choices=WhoCounts.choices, default=WhoCounts.PEOPLE)
    history = serializers.BooleanField(default=False)


class TokenIn(serializers.Serializer[dict[str, Any]]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False)


class TokenShape(serializers.Serializer[Any]):
    token = serializers.CharField()
