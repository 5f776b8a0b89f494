"""What goes over the wire: shapes of requests and replies."""

from __future__ import annotations

import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotate.api.answers import AnswerField, AnswerIn
from annotate.models import (
    Assignment,
    AssignmentState,
    Colour,
    EstimateRun,
    Item,
    Job,
    Label,
    Method,
    Option,
    Project,
    Question,
    QuestionKind,
    RaterEstimate,
    RaterKind,
    Ruling,
    RulingReason,
    SkipReason,
    SubmissionStatus,
    WhoCounts,
)
from annotate.selectors.export_rows import BY_VOTES, FORMATS, WHATS
from annotate.selectors.questions import question_text
from annotate.services.import_records import MAX_COLUMN_NAME, MAX_COLUMNS, MAX_TEXT
from annotate.services.items import Taken

MAX_ID = 2**63 - 1
MAX_ITEMS = 1000

Shape = serializers.BaseSerializer[Any]
Fields = dict[str, serializers.Field[Any, Any, Any, Any]]


def _named(fields: Fields, name: str) -> Fields:
    """Give a field the name it may not have as an attribute: serializers use it themselves."""
    return {(key.rstrip("_") if key == name else key): field for key, field in fields.items()}


class FiniteField(serializers.FloatField):
    """A number, and not one of the words that Python takes for a number, as "nan"."""

    def to_internal_value(self, data: Any) -> float:
        number = super().to_internal_value(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number


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
        fields = (
            "id",
            "key",
            "version",
            "kind",
            "name",
            "text",
            "required",
            "settings",
            "options",
        )


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
    colour = serializers.ChoiceField(choices=Colour.choices, allow_blank=True, default="")


class QuestionIn(serializers.Serializer[dict[str, Any]]):
    key = serializers.SlugField(max_length=50)
    name = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=QuestionKind.choices)
    text = serializers.CharField(allow_blank=True, default="", max_length=10_000)
    required_ = serializers.BooleanField(default=True)
    options = serializers.ListField(child=OptionIn(), max_length=500, default=list)
    settings = serializers.DictField(default=dict, help_text="Those of its kind; see docs/api.md.")

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
    external_id = serializers.CharField(max_length=500, help_text="Your own name for the item.")
    fields_ = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=MAX_TEXT, trim_whitespace=False),
        allow_empty=False,
        help_text="What people and judges are shown, in this order.",
    )
    metadata = serializers.DictField(default=dict, help_text="Kept and exported, never shown.")

    def get_fields(self) -> Fields:
        return _named(super().get_fields(), "fields_")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The rules of an import for the fields' names, and something to read."""
        fields: dict[str, str] = attrs["fields"]
        if len(fields) > MAX_COLUMNS:
            raise serializers.ValidationError({"fields": f"At most {MAX_COLUMNS}."})
        if any(not 0 < len(name.strip()) <= MAX_COLUMN_NAME for name in fields):
            sentence = f"A field has a name, of at most {MAX_COLUMN_NAME} characters."
            raise serializers.ValidationError({"fields": sentence})
        if not any(text.strip() for text in fields.values()):
            raise serializers.ValidationError({"fields": "There is nothing to read in them."})
        return attrs


class ItemsIn(serializers.Serializer[dict[str, Any]]):
    items = serializers.ListField(child=ItemIn(), min_length=1, max_length=MAX_ITEMS)


class ItemTakenShape(serializers.Serializer[Any]):
    external_id = serializers.CharField()
    id = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=[str(outcome) for outcome in Taken])


class ItemsTaken(serializers.Serializer[Any]):
    items = ItemTakenShape(many=True)


class LabelShape(serializers.ModelSerializer[Label]):
    rater = serializers.CharField(source="rater.name")
    rater_kind = serializers.CharField(source="rater.kind")
    rater_id = serializers.IntegerField()
    item = serializers.IntegerField(source="item_id")
    question = serializers.CharField(source="question.key")
    question_version = serializers.IntegerField(source="question.version")
    answer = AnswerField()

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


class WorkIn(serializers.Serializer[dict[str, Any]]):
    item = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    client_key = serializers.CharField(
        max_length=100,
        help_text="Made by you, another for each submission: sent again, it stores nothing twice.",
    )
    seconds = FiniteField(min_value=0, max_value=86_400, required=False, allow_null=True)
    flagged = serializers.BooleanField(default=False)
    comment = serializers.CharField(allow_blank=True, default="", max_length=10_000)


class SkipIn(WorkIn):
    reason = serializers.ChoiceField(
        choices=SkipReason.choices, allow_blank=True, default=SkipReason.NONE
    )


class SubmissionIn(WorkIn):
    answers = serializers.DictField(
        child=AnswerIn(),
        allow_empty=False,
        help_text="Answers by the keys of their questions.",
    )


class SubmissionShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    item = serializers.IntegerField(source="item_id")
    status = serializers.ChoiceField(choices=SubmissionStatus.choices)
    created_at = serializers.DateTimeField()


class AskedItemShape(serializers.ModelSerializer[Item]):
    """An item as annotators see it: without its metadata, which may hold the answer."""

    class Meta:
        model = Item
        fields = ("id", "fields")


class AskedShape(serializers.Serializer[Any]):
    """A question as it is asked of an item, with the item's fields filled in."""

    key = serializers.CharField()
    text = serializers.CharField()


class AssignmentShape(serializers.Serializer[Any]):
    item = AskedItemShape()
    questions = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=AssignmentState.choices)
    lease_until = serializers.DateTimeField()

    @extend_schema_field(AskedShape(many=True))
    def get_questions(self, assignment: Assignment) -> list[dict[str, str]]:
        fields = assignment.item.fields
        return [
            {"key": question.key, "text": question_text(question, fields)}
            for question in self.context["questions"]
        ]


class ReturnedShape(serializers.Serializer[Any]):
    returned = serializers.IntegerField()


class RulingShape(serializers.ModelSerializer[Ruling]):
    item = serializers.IntegerField(source="item_id")
    question = serializers.CharField(source="question.key")
    question_version = serializers.IntegerField(source="question.version")
    answer = AnswerField()
    reviewer = serializers.CharField(source="reviewer.username")

    class Meta:
        model = Ruling
        fields = (
            "id",
            "item",
            "question",
            "question_version",
            "status",
            "answer",
            "reason",
            "comment",
            "reviewer",
            "created_at",
        )


class RulingIn(serializers.Serializer[dict[str, Any]]):
    item = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    question = serializers.SlugField(max_length=50)
    answer = AnswerIn()
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


class AggregationIn(serializers.Serializer[dict[str, Any]]):
    question = serializers.SlugField(max_length=50)
    method = serializers.ChoiceField(
        choices=Method.choices,
        allow_blank=True,
        default="",
        help_text="Left out: the one to recommend for the kind of question.",
    )
    who = serializers.ChoiceField(choices=WhoCounts.choices, default=WhoCounts.PEOPLE)
    rulings = serializers.BooleanField(
        default=False, help_text="Rulings that stand count as known answers."
    )
    judge_weight = FiniteField(
        min_value=0,
        max_value=1000,
        required=False,
        help_text="Of a weighted majority: what a judge's label weighs beside a person's.",
    )


class AggregationShape(serializers.ModelSerializer[EstimateRun]):
    question = serializers.CharField(source="question.key")
    question_version = serializers.IntegerField(source="question.version")
    who = serializers.ChoiceField(choices=WhoCounts.choices, source="who_counts")
    job = JobShape()

    class Meta:
        model = EstimateRun
        fields = (
            "id",
            "question",
            "question_version",
            "method",
            "who",
            "parameters",
            "n_items",
            "n_labels",
            "iterations",
            "converged",
            "log_likelihood",
            "created_at",
            "job",
        )


class RaterEstimateShape(serializers.ModelSerializer[RaterEstimate]):
    """A rater as an aggregation sees them; ``low`` to ``high`` is the 95 % interval of ability."""

    rater = serializers.IntegerField(source="rater_id")
    kind = serializers.ChoiceField(choices=RaterKind.choices, source="rater.kind")
    name = serializers.CharField(source="rater.name")
    low = serializers.FloatField(source="ability_low", allow_null=True)
    high = serializers.FloatField(source="ability_high", allow_null=True)

    class Meta:
        model = RaterEstimate
        fields = ("rater", "kind", "name", "n_labels", "ability", "low", "high")


class ExportIn(serializers.Serializer[dict[str, Any]]):
    what = serializers.ChoiceField(choices=WHATS)
    format = serializers.ChoiceField(choices=FORMATS)
    who = serializers.ChoiceField(choices=WhoCounts.choices, default=WhoCounts.PEOPLE)
    method = serializers.CharField(
        allow_blank=True,
        default="",
        max_length=40,
        help_text=f"Answers by the newest aggregation of this method, or {BY_VOTES}: by none. "
        "Left out: by the newest of any.",
    )
    history = serializers.BooleanField(default=False)


class TokenIn(serializers.Serializer[dict[str, Any]]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False)


class TokenShape(serializers.Serializer[Any]):
    token = serializers.CharField()
