"""Panels by program: what one would be, making it, and who said what in its runs."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Place, Right
from annotate.api.schema import operation
from annotate.api.shapes import MAX_ID
from annotate.errors import Conflict, NotFound
from annotate.models import Question
from annotate.selectors.evidence import Witness
from judges.api.drafting import question_given
from judges.api.shapes import VersionShape
from judges.models import JudgeVersion
from judges.prompting.panel import EQUAL, MOST_MEMBERS, SOURCES, STOPS, SURE
from judges.selectors.evidence import run_evidence
from judges.selectors.panels import is_panel
from judges.selectors.places import run_of
from judges.services.panels import Draft, panel_draft, panel_version


class PanelIn(serializers.Serializer[dict[str, Any]]):
    question = serializers.SlugField(max_length=50, help_text="The key of a live question.")
    judges = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID),
        min_length=2,
        max_length=MOST_MEMBERS,
        help_text="Ids of the judges. They are asked cheapest first, in whatever order they stand.",
    )
    name = serializers.CharField(max_length=90, required=False, default="", allow_blank=True)
    stop = serializers.ChoiceField(
        choices=STOPS,
        default="settled",
        help_text=(
            "settled: until nothing the others could say would change the outcome; sure: or until "
            "the vote is sure by the weights; all: every judge about every item."
        ),
    )
    sure = serializers.FloatField(
        min_value=0.51, max_value=0.99, default=SURE, help_text="For sure: the probability."
    )
    discussion = serializers.BooleanField(
        default=False,
        help_text="Where they differ each is asked once more with the reasons of the others.",
    )
    weights = serializers.ChoiceField(
        choices=SOURCES,
        default="equal",
        help_text="Votes count alike, or by agreement with people or with gold answers.",
    )
    gold = serializers.ListField(
        child=serializers.CharField(max_length=500),
        max_length=4_000,
        default=None,
        allow_null=True,
        help_text="For qualification: external ids of the gold items; null for all of them.",
    )


class PanelMemberShape(serializers.Serializer[Any]):
    """A judge of a panel in the order of asking. ``weight`` is how much its vote counts, ``price``
    US dollars an item (null where not known), ``seconds`` what an item takes.
    """

    version = serializers.IntegerField()
    name = serializers.CharField()
    price = serializers.DecimalField(max_digits=19, decimal_places=8, allow_null=True)
    price_basis = serializers.ChoiceField(choices=("free", "past", "about", "unknown"))
    seconds = serializers.FloatField(allow_null=True)
    weight = serializers.FloatField()
    accuracy = serializers.FloatField(allow_null=True)
    discusses = serializers.BooleanField()


class PanelDraftShape(serializers.Serializer[Any]):
    """What a panel would be. ``judges_an_item`` is the mean over ``n_items`` that all of them
    answered before, ``by_number`` how many of those were over after how many judges; null and empty
    where there are none.
    """

    members = PanelMemberShape(many=True)
    n_items = serializers.IntegerField()
    least = serializers.IntegerField(help_text="Judges that an item takes at least.")
    judges_an_item = serializers.FloatField(allow_null=True)
    by_number = serializers.DictField(child=serializers.IntegerField())
    dollars_an_item = serializers.DecimalField(max_digits=19, decimal_places=8, allow_null=True)
    changed = serializers.IntegerField(
        help_text="Of n_items: whose label would be another had all judges been asked."
    )
    differ = serializers.IntegerField(help_text="Of n_items: on which those asked differed.")
    known_items = serializers.IntegerField(help_text="Known answers that the weights are from.")


class VoteShape(serializers.Serializer[Any]):
    judge = serializers.CharField(source="name")
    choice = serializers.SerializerMethodField()
    confidence = serializers.FloatField(allow_null=True)
    rationale = serializers.CharField()
    error = serializers.CharField(source="note", help_text="Why it gave no answer.")
    discussed = serializers.SerializerMethodField()

    @extend_schema_field({"type": "string", "nullable": True})
    def get_choice(self, witness: Witness) -> str | None:
        """The option's key."""
        keys: dict[int, str] = self.context["keys"]
        return None if witness.choice is None else keys.get(witness.choice)

    def get_discussed(self, witness: Witness) -> bool:
        return witness.is_later


class Panels(APIView):
    @operation(
        "Make a panel of judges; the same judges with the same settings are the one there is",
        name="panels_make",
        takes=PanelIn,
        returns=VersionShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        question, judges, settings = _wanted(place, request)
        name = settings.pop("name")
        panel = panel_version(place.user, question, judges, name=name, **settings)
        return Response(VersionShape(panel).data)


class PanelDraft(APIView):
    @operation(
        "What a panel would be: order, prices, weights, how many judges an item takes",
        name="panels_draft",
        takes=PanelIn,
        returns=PanelDraftShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        question, judges, settings = _wanted(place, request)
        del settings["name"]
        return Response(_draft(panel_draft(question, judges, **settings)))


class RunVotes(APIView):
    @operation(
        "Who of a panel said what of an item in a run, and in which round",
        name="run_votes",
        paths=("project_id", "run_id", "item_id"),
        returns=VoteShape(many=True),
    )
    def get(self, request: Request, project_id: int, run_id: int, item_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        run = run_of(place, run_id)
        item = access.item_of(place, item_id, live_only=False)
        if not is_panel(run.version):
            raise Conflict(_("This is the run of a single judge; panels have votes."))
        keys = {option.code: option.key for option in run.version.question.options.all()}
        found = run_evidence(run, item.pk).witnesses
        return Response(VoteShape(found, many=True, context={"keys": keys}).data)


def _wanted(place: Place, request: Request) -> tuple[Question, list[JudgeVersion], dict[str, Any]]:
    """The question, its judges in the order named, and the settings. Raises NotFound."""
    given = PanelIn(data=request.data)
    given.is_valid(raise_exception=True)
    settings = dict(given.validated_data)
    question, ids = question_given(place, settings.pop("question")), settings.pop("judges")
    found = (
        JudgeVersion.objects.filter(project=place.project, pk__in=ids)
        .select_related("project", "question", "connection", "prompt", "guideline", "rater")
        .in_bulk()
    )
    if missing := [pk for pk in ids if pk not in found]:
        raise NotFound(_("There is no judge %(id)s in this project.") % {"id": missing[0]})
    return question, [found[pk] for pk in ids], settings


def _draft(draft: Draft) -> dict[str, Any]:
    spec, found = draft.spec, draft.forecast
    members = [
        {
            "version": cost.version.pk,
            "name": str(cost.version),
            "price": cost.price,
            "price_basis": cost.basis,
            "seconds": cost.seconds,
            "weight": spec.shared[place] / EQUAL,
            "accuracy": spec.accuracy[place] if spec.learnt else None,
            "discusses": place in spec.readers,
        }
        for place, cost in enumerate(draft.costs)
    ]
    shown = {
        "members": members,
        "n_items": found.n_items,
        "least": found.least,
        "judges_an_item": found.asked,
        "by_number": {str(number): items for number, items in found.by_number.items()},
        "dollars_an_item": found.dollars,
        "changed": found.changed,
        "differ": found.differ,
        "known_items": len(draft.known.items) if draft.known else 0,
    }
    return dict(PanelDraftShape(shown).data)
