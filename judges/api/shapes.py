"""What goes over the wire of judges: shapes of requests and replies."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotate.api.shapes import MAX_ID, JobShape
from judges.models import Batch, Connection, JudgeVersion, Purpose, Run
from judges.selectors.batches import batches_shown
from judges.selectors.panel_runs import PanelTally, panel_tally
from judges.selectors.panels import is_panel
from judges.selectors.runs import RunProgress, run_progress
from judges.services.prices import ModelCost
from judges.services.prompts import MAX_WORDS
from judges.services.versions import TRAINED, ZERO_SHOT

CONNECTION = "connection"
LOCAL_LLM = "local_llm"
HOWS = (ZERO_SHOT, TRAINED, LOCAL_LLM, CONNECTION)
MAX_LIMIT = 10_000_000


class ConnectionShape(serializers.ModelSerializer[Connection]):
    """A connection, without its key."""

    class Meta:
        model = Connection
        fields = ("id", "name", "provider", "base_url", "leaves_machine", "capabilities")


class PriceShape(serializers.Serializer[Any]):
    """US dollars a million tokens; null where no price is known, so that no cap can be kept.

    ``origin`` is "own" for the project's own word, else where the kept price was read, ``dated``
    of which day.
    """

    model = serializers.CharField()
    input = serializers.DecimalField(max_digits=12, decimal_places=6, allow_null=True)
    output = serializers.DecimalField(max_digits=12, decimal_places=6, allow_null=True)
    cached_input = serializers.DecimalField(max_digits=12, decimal_places=6, allow_null=True)
    origin = serializers.CharField()
    dated = serializers.CharField()


def price_shown(cost: ModelCost) -> dict[str, Any]:
    """For PriceShape."""
    price = cost.price
    return {
        "model": cost.model,
        "input": price and price.rates.input,
        "output": price and price.rates.output,
        "cached_input": price and price.rates.cached,
        "origin": price.source if price else "",
        "dated": price.dated if price else "",
    }


class PriceIn(serializers.Serializer[dict[str, Any]]):
    model = serializers.CharField(max_length=200)
    input = serializers.DecimalField(max_digits=12, decimal_places=6, min_value=0, allow_null=True)
    output = serializers.DecimalField(max_digits=12, decimal_places=6, min_value=0, allow_null=True)
    cached_input = serializers.DecimalField(
        max_digits=12,
        decimal_places=6,
        min_value=0,
        allow_null=True,
        default=None,
        help_text="Of tokens read from the endpoint's cache; null: as others.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (attrs["input"] is None) != (attrs["output"] is None):
            raise serializers.ValidationError("Give both input and output, or neither.")
        return attrs


class VersionShape(serializers.ModelSerializer[JudgeVersion]):
    name = serializers.CharField(source="__str__")
    question = serializers.CharField(source="question.key")
    question_version = serializers.IntegerField(source="question.version")
    provider = serializers.CharField(source="connection.provider")
    connection = serializers.CharField(source="connection.name")
    rater_id = serializers.IntegerField()
    system = serializers.CharField(source="prompt.system", default="")
    task = serializers.CharField(source="prompt.task", default="")
    output = serializers.CharField(source="prompt.output", default="")

    class Meta:
        model = JudgeVersion
        fields = (
            "id",
            "name",
            "question",
            "question_version",
            "provider",
            "connection",
            "model",
            "system",
            "task",
            "output",
            "parameters",
            "hash",
            "rater_id",
            "created_at",
        )


def _words(help_text: str) -> serializers.CharField:
    return serializers.CharField(
        max_length=MAX_WORDS, required=False, default="", allow_blank=True, help_text=help_text
    )


class ChatIn(serializers.Serializer[dict[str, Any]]):
    """A language model as a judge: its words with {{variables}}, "" for Concord's own, and how it
    is asked.
    """

    question = serializers.SlugField(max_length=50, help_text="The key of a live question.")
    connection = serializers.IntegerField(
        min_value=1, max_value=MAX_ID, required=False, help_text="For connection: its id."
    )
    model = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="For connection."
    )
    name = serializers.CharField(
        max_length=100,
        required=False,
        default="",
        allow_blank=True,
        help_text="Versions are counted by it; the model's where it is empty.",
    )
    system = _words("For a language model: its system prompt.")
    task = _words("For a language model: what is asked of an item.")
    output = _words("For a language model: how to answer, at the end of the request.")
    ask_rationale = serializers.BooleanField(default=False, help_text="For a language model.")
    asking = serializers.JSONField(
        default=dict,
        help_text="For a language model: how it is asked, an object as in parameters.how of a "
        "judge (docs/judges.md); {} asks directly.",
    )


class VersionIn(ChatIn):
    how = serializers.ChoiceField(
        choices=HOWS,
        default=ZERO_SHOT,
        help_text=(
            "zero_shot and trained are the local classifier, from the options' definitions or "
            "from people's labels so far; local_llm is the language model served on this machine; "
            "connection is a model behind a connection of the project."
        ),
    )


class ProgressShape(serializers.Serializer[Any]):
    """Calls of a run, and how its items ended; seconds of one call, calls a minute."""

    n_calls = serializers.IntegerField()
    closed = serializers.IntegerField()
    sent = serializers.IntegerField(help_text="Handed in with batches, and not answered yet.")
    n_items = serializers.IntegerField()
    ended = serializers.IntegerField()
    labels = serializers.IntegerField()
    unparseable = serializers.IntegerField()
    refused = serializers.IntegerField()
    failed = serializers.IntegerField()
    undecided = serializers.IntegerField()
    tokens_in = serializers.IntegerField(allow_null=True)
    tokens_out = serializers.IntegerField(allow_null=True)
    seconds_mean = serializers.FloatField(allow_null=True)
    rate = serializers.FloatField(allow_null=True)
    seconds_left = serializers.FloatField(allow_null=True)
    spent = serializers.DecimalField(
        max_digits=19, decimal_places=8, help_text="US dollars, with what may have been charged."
    )
    reserved = serializers.DecimalField(max_digits=19, decimal_places=8)
    cap = serializers.DecimalField(max_digits=19, decimal_places=8, allow_null=True)
    spent_per_label = serializers.SerializerMethodField()
    unpriced = serializers.IntegerField(help_text="Calls of which nobody knows the price.")

    def get_spent_per_label(self, progress: RunProgress) -> str | None:
        each = progress.spent_per_label
        return None if each is None else f"{each:.8f}"


class RunShape(serializers.ModelSerializer[Run]):
    version = serializers.IntegerField(source="version_id")
    judge = serializers.CharField(source="version.__str__")
    selection = serializers.SerializerMethodField()
    job = JobShape()

    class Meta:
        model = Run
        fields = (
            "id",
            "version",
            "judge",
            "purpose",
            "selection",
            "seed",
            "in_batches",
            "job",
            "created_at",
        )

    def get_selection(self, run: Run) -> dict[str, Any]:
        """What was asked for; how far the worker has laid it out is nobody's business here."""
        return {name: value for name, value in run.selection.items() if name != "laid_out"}


class PanelTallyShape(serializers.Serializer[PanelTally]):
    """Of a panel: how many items were over after how many judges; answers had of judges, and those
    that asking everybody would have taken.
    """

    by_number = serializers.DictField(child=serializers.IntegerField())
    discussed = serializers.IntegerField()
    answers = serializers.IntegerField()
    everybody = serializers.IntegerField()


class BatchShape(serializers.ModelSerializer[Batch]):
    """What is handed in at the endpoint's batch lane; ``answered`` and ``refused`` as it counted
    when it was last asked, ``look_at`` when it is next.
    """

    class Meta:
        model = Batch
        fields = (
            "remote_id",
            "stage",
            "n_calls",
            "answered",
            "refused",
            "error",
            "sent_at",
            "look_at",
            "cancel_asked_at",
            "closed_at",
        )


class OneRunShape(RunShape):
    progress = serializers.SerializerMethodField()
    panel = serializers.SerializerMethodField()
    batches = serializers.SerializerMethodField()

    class Meta(RunShape.Meta):
        fields = (*RunShape.Meta.fields, "progress", "panel", "batches")  # type: ignore[assignment]

    @extend_schema_field(BatchShape(many=True))
    def get_batches(self, run: Run) -> list[Any]:
        """The newest first."""
        return list(BatchShape(batches_shown(run), many=True).data) if run.in_batches else []

    @extend_schema_field(PanelTallyShape(allow_null=True))
    def get_panel(self, run: Run) -> dict[str, Any] | None:
        """Null where the judge is no panel."""
        return dict(PanelTallyShape(panel_tally(run)).data) if is_panel(run.version) else None

    @extend_schema_field(ProgressShape)
    def get_progress(self, run: Run) -> dict[str, Any]:
        return dict(ProgressShape(run_progress(run)).data)


class RunIn(serializers.Serializer[dict[str, Any]]):
    version = serializers.IntegerField(min_value=1, max_value=MAX_ID)
    limit = serializers.IntegerField(
        min_value=1,
        max_value=MAX_LIMIT,
        default=100,
        allow_null=True,
        help_text="How many items, of those it has not labelled; null for all of them.",
    )
    seed = serializers.IntegerField(
        min_value=0,
        max_value=MAX_ID,
        default=0,
        help_text="0 is the project's own order, in which people are given items too.",
    )
    cap = serializers.DecimalField(
        max_digits=17,
        decimal_places=8,
        default=None,
        allow_null=True,
        help_text="The most it may spend, in US dollars; null: no limit of its own.",
    )
    purpose = serializers.ChoiceField(
        choices=Purpose.choices,
        default=Purpose.LABEL,
        help_text="Only runs for the purpose label hand in labels.",
    )
    in_batches = serializers.BooleanField(
        default=False,
        help_text="In the endpoint's batch lane: answered within a day, at a lower price.",
    )


class CapIn(serializers.Serializer[dict[str, Any]]):
    cap = serializers.DecimalField(
        max_digits=17,
        decimal_places=8,
        allow_null=True,
        help_text="The most that may be spent, in US dollars; null: no limit.",
    )


class SpendingShape(serializers.Serializer[Any]):
    """What the judges of a project have spent, in US dollars, and the most they may."""

    spent = serializers.DecimalField(max_digits=19, decimal_places=8)
    reserved = serializers.DecimalField(max_digits=19, decimal_places=8)
    cap = serializers.DecimalField(max_digits=19, decimal_places=8, allow_null=True)


class EstimateQuery(serializers.Serializer[dict[str, Any]]):
    items = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=100, help_text="How many."
    )
    in_batches = serializers.BooleanField(default=False, help_text="In the batch lane.")


class EstimateShape(serializers.Serializer[Any]):
    """US dollars for so many items. ``basis`` "past": the mean of ``n_past`` items asked before
    with a 95 % prediction interval; "bound": at most ``high``; "free"; "unknown": no known price.
    """

    n_items = serializers.IntegerField()
    basis = serializers.ChoiceField(choices=("free", "past", "bound", "unknown"))
    mean = serializers.DecimalField(max_digits=19, decimal_places=8, allow_null=True)
    low = serializers.DecimalField(max_digits=19, decimal_places=8, allow_null=True)
    high = serializers.DecimalField(max_digits=19, decimal_places=8, allow_null=True)
    n_past = serializers.IntegerField()
