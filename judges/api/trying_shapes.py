"""What goes over the wire of previews, trials and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from judges.api.shapes import CONNECTION, LOCAL_LLM, CapIn, ChatIn
from judges.selectors.comparison import Paired, Share, VersionFigures
from judges.selectors.settings import SettingDifference, TextDifference
from judges.selectors.trials import TriedItem
from judges.services.trials import MOST_TRIED, TRIAL_ITEMS

MAX_PLACE = 10_000_000


class PreviewIn(ChatIn):
    """A language model as a judge, and the item to show it on."""

    how = serializers.ChoiceField(choices=(CONNECTION, LOCAL_LLM), default=CONNECTION)
    place = serializers.IntegerField(
        min_value=1,
        max_value=MAX_PLACE,
        default=1,
        help_text="Which item: those that people answered come first.",
    )
    variant = serializers.CharField(
        max_length=50,
        default="",
        allow_blank=True,
        help_text="Which of its calls, by a name in calls; the first where it is none of them.",
    )


class CallShape(serializers.Serializer[Any]):
    variant = serializers.CharField()
    words = serializers.CharField()


class PreviewShape(serializers.Serializer[Any]):
    """``problems`` say by field why it cannot be made yet. Tokens and ``price`` (US dollars, null
    where none is known) are about what one item takes, at ``calls_least``.
    """

    problems = serializers.DictField(child=serializers.CharField())
    item = serializers.IntegerField(source="item.pk", allow_null=True)
    place = serializers.IntegerField()
    n_items = serializers.IntegerField()
    variant = serializers.CharField()
    system = serializers.CharField(source="request.system", allow_null=True)
    user = serializers.CharField(source="request.user", allow_null=True)
    reply_form = serializers.CharField(source="request.want", allow_null=True)
    calls = CallShape(many=True)
    calls_least = serializers.IntegerField()
    calls_most = serializers.IntegerField()
    tokens_in = serializers.IntegerField()
    tokens_out = serializers.IntegerField()
    price = serializers.DecimalField(max_digits=19, decimal_places=8, allow_null=True)
    examples_settled = serializers.BooleanField()


class TrialIn(CapIn):
    cap = serializers.DecimalField(
        max_digits=17,
        decimal_places=8,
        default=None,
        allow_null=True,
        help_text="The most it may spend, in US dollars; null: no limit of its own.",
    )
    n_items = serializers.IntegerField(min_value=1, max_value=MOST_TRIED, default=TRIAL_ITEMS)
    seed = serializers.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        default=0,
        help_text="One seed takes the same items for every version, another one others.",
    )


class ReplyShape(serializers.Serializer[Any]):
    variant = serializers.CharField(source="call.variant")
    repeat = serializers.IntegerField(source="call.repeat")
    answer = serializers.CharField(source="option.key", allow_null=True)
    confidence = serializers.FloatField(source="call.confidence", allow_null=True)
    raw = serializers.CharField(source="call.raw_reply")
    error = serializers.CharField(source="call.error")
    tokens_in = serializers.IntegerField(source="call.tokens_in", allow_null=True)
    tokens_out = serializers.IntegerField(source="call.tokens_out", allow_null=True)
    seconds = serializers.FloatField(source="call.seconds", allow_null=True)


class TriedItemShape(serializers.Serializer[Any]):
    """``ending`` is "" while it is asked; ``match`` holds the answer against most people's."""

    item = serializers.IntegerField(source="item.pk")
    external_id = serializers.CharField(source="item.external_id")
    ending = serializers.CharField()
    answer = serializers.CharField(source="option.key", allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    rationale = serializers.CharField()
    error = serializers.CharField()
    people = serializers.SerializerMethodField()
    match = serializers.ChoiceField(choices=("agrees", "differs", "tied", "nobody", ""))
    replies = ReplyShape(many=True)

    def get_people(self, tried: TriedItem) -> dict[str, int]:
        """How many people said what, by the option's key."""
        return {option.key: n for option, n in tried.people}


class TrialShape(serializers.Serializer[Any]):
    """``agree`` of ``shared`` items have the answer of most people, with Wilson's 95 % interval.
    Seconds, tokens and ``spent_an_item`` (US dollars) are means of an item.
    """

    ended = serializers.IntegerField()
    answered = serializers.IntegerField()
    unparsed = serializers.IntegerField()
    agree = serializers.IntegerField()
    shared = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    tokens_in = serializers.FloatField(allow_null=True)
    tokens_out = serializers.FloatField(allow_null=True)
    spent = serializers.DecimalField(max_digits=19, decimal_places=8)
    spent_an_item = serializers.DecimalField(max_digits=19, decimal_places=8, allow_null=True)
    little_mass = serializers.BooleanField(
        help_text="Its probabilities fell mostly on what is no answer: confidence says little."
    )
    items = TriedItemShape(many=True)


class CompareQuery(serializers.Serializer[dict[str, Any]]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """``with`` is a word of Python, so that it cannot be declared as the others are."""
        ids = serializers.ListField(
            child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
            default=list,
            help_text="The versions beside this one, by id, once each.",
        )
        return {"with": ids}


class ShareShape(serializers.Serializer[Any]):
    """``agree`` of ``n`` items, with Wilson's 95 % interval."""

    agree = serializers.IntegerField()
    n = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class ComparedVersionShape(serializers.Serializer[Any]):
    """``own`` is on all it answered, ``same`` on the items that all compared were asked about: one
    without an answer (``none``) counts there as not matched.
    """

    id = serializers.IntegerField()
    name = serializers.CharField()
    own = ShareShape()
    same = ShareShape()
    none = serializers.IntegerField()
    spent_a_label = serializers.DecimalField(max_digits=19, decimal_places=8, allow_null=True)
    seconds_a_label = serializers.FloatField(allow_null=True)


class ComparedShape(serializers.Serializer[Any]):
    n_same = serializers.IntegerField()
    versions = ComparedVersionShape(many=True)


def compared_shown(rows: Sequence[VersionFigures], n_same: int) -> dict[str, Any]:
    """For ComparedShape."""
    empty = Share(0, 0, None, None, None)
    return {
        "n_same": n_same,
        "versions": [
            {
                "id": row.version.pk,
                "name": str(row.version),
                "own": row.own,
                "same": row.same or empty,
                "none": row.none,
                "spent_a_label": None
                if row.effort.spent_each is None
                else round(row.effort.spent_each, 8),
                "seconds_a_label": row.effort.seconds_each,
            }
            for row in rows
        ],
    }


class LineShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=("same", "gone", "new", "left_out"))
    text = serializers.CharField()
    n = serializers.IntegerField(help_text="How many lines are left out.")


class TextShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    lines = LineShape(many=True)


class SettingShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    first = serializers.CharField()
    second = serializers.CharField()


class PairedShape(serializers.Serializer[Any]):
    """Items on which people are not tied and that both were asked about; ``p`` of McNemar's exact
    test.
    """

    n = serializers.IntegerField()
    both = serializers.IntegerField()
    first_only = serializers.IntegerField()
    second_only = serializers.IntegerField()
    neither = serializers.IntegerField()
    p = serializers.FloatField()


class DifferenceShape(serializers.Serializer[Any]):
    """Texts and settings that differ; ``paired`` is null for versions of different questions."""

    texts = TextShape(many=True)
    settings = SettingShape(many=True)
    paired = PairedShape(allow_null=True)


def difference_shown(
    texts: Sequence[TextDifference], settings: Sequence[SettingDifference], found: Paired | None
) -> dict[str, Any]:
    """For DifferenceShape."""
    return {
        "texts": [text for text in texts if text.lines],
        "settings": [setting for setting in settings if setting.changed],
        "paired": None if found is None else asdict(found),
    }
