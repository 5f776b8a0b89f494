"""Many items at once: ruling on all that a filter finds, views of the list, by program."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Place, Right
from annotate.api.answers import AnswerIn, answers_by_id
from annotate.api.schema import operation
from annotate.api.shapes import MAX_ID, JobShape
from annotate.errors import BadInput
from annotate.forms.bulk import MOST_TICKED
from annotate.forms.items import ItemsForm, query_kept
from annotate.kinds import CHOICES
from annotate.models import Question, RulingReason, SavedView
from annotate.selectors.bulk_rulings import Fate, RulingPlan, rulings_preview
from annotate.selectors.chosen import Chosen
from annotate.selectors.item_filters import saved_views
from annotate.selectors.questions import questions_live
from annotate.services.bulk_rulings import KIND, bulk_rulings_start, bulk_rulings_undo, plan_check
from annotate.services.saved_views import view_drop, view_save
from annotate.tasks import job_nudge

QUERY_HELP = "What follows the ? in the address of the list of items: disagreement=split&state=done"


class BulkRulingIn(serializers.Serializer[dict[str, Any]]):
    question = serializers.SlugField(max_length=50)
    query = serializers.CharField(
        allow_blank=True, default="", max_length=4000, help_text=QUERY_HELP
    )
    items = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID),
        required=False,
        max_length=MOST_TICKED,
        help_text="These items and no others; then the query narrows nothing.",
    )
    answer = AnswerIn(
        required=False,
        allow_null=True,
        help_text="An option's key. Left out: the answer that each item has now.",
    )
    reason = serializers.ChoiceField(choices=RulingReason.choices)
    comment = serializers.CharField(allow_blank=True, default="", max_length=1000)
    overrule = serializers.BooleanField(
        default=False, help_text="Also where a ruling stands; else that one is kept."
    )


class BulkPreviewShape(serializers.Serializer[Any]):
    """What would become of the items looked at."""

    looked = serializers.IntegerField()
    more = serializers.BooleanField(help_text="There are more items than were looked at.")
    ruled = serializers.IntegerField()
    overruled = serializers.IntegerField()
    kept = serializers.IntegerField(help_text="A ruling stands and stays.")
    same = serializers.IntegerField(help_text="Ruled so already.")
    no_answer = serializers.IntegerField(help_text="A tie, or nobody answered.")


class BulkRulings(APIView):
    @operation(
        "Rule on many items at once: a job",
        name="rulings_bulk",
        takes=BulkRulingIn,
        returns=JobShape,
        status=202,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        job = bulk_rulings_start(place.user, *_asked(place, request))
        job_nudge(job)
        return Response(JobShape(job).data, status=202)


class BulkRulingsPreview(APIView):
    @operation(
        "What ruling on many items would do; nothing is stored",
        name="rulings_bulk_preview",
        takes=BulkRulingIn,
        returns=BulkPreviewShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        question, chosen, plan = _asked(place, request)
        plan_check(question, plan)
        found = rulings_preview(question, chosen, plan)
        counts = {fate.value: found.fates[fate] for fate in Fate}
        told = {"looked": found.looked, "more": found.more, **counts}
        return Response(BulkPreviewShape(told).data)


class BulkRulingsUndo(APIView):
    @operation(
        "Take back all rulings of a job: another job",
        name="rulings_bulk_undo",
        paths=("project_id", "job_id"),
        returns=JobShape,
        status=202,
    )
    def post(self, request: Request, project_id: int, job_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        undo = bulk_rulings_undo(place.user, access.job_of(place, job_id, [KIND]))
        job_nudge(undo)
        return Response(JobShape(undo).data, status=202)


def _asked(place: Place, request: Request) -> tuple[Question, Chosen, RulingPlan]:
    given = BulkRulingIn(data=request.data)
    given.is_valid(raise_exception=True)
    data = given.validated_data
    questions = questions_live(place.project)
    question = next((q for q in questions if q.key == data["question"]), None)
    if question is None:
        raise BadInput("Some fields do not fit.", fields={"question": "There is no such question."})
    choice = None
    if data.get("answer") is not None:
        if question.kind not in CHOICES:
            raise BadInput(
                "Some fields do not fit.",
                fields={"answer": "Leave it out: these answers are no single option."},
            )
        answers = answers_by_id(questions, {question.key: data["answer"]})
        choice = answers[question.pk].choice
    query = QueryDict(data["query"], mutable=True)
    query["question"] = str(question.pk)
    form = ItemsForm(query, project=place.project, questions=questions)
    chosen = Chosen(place.project, form.filters(), tuple(data.get("items", ())))
    return question, chosen, RulingPlan(choice, data["reason"], data["comment"], data["overrule"])


class SavedViewShape(serializers.ModelSerializer[SavedView]):
    owner = serializers.CharField(source="owner.username")

    class Meta:
        model = SavedView
        fields = ("id", "name", "query", "shared", "owner", "created_at")


class SavedViewIn(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField(max_length=80)
    query = serializers.CharField(max_length=4000, help_text=QUERY_HELP)
    shared = serializers.BooleanField(
        default=False, help_text="Seen by all who see results; a lead's only."
    )


class SavedViews(APIView):
    @operation(
        "Views of the list of items: your own and those shared",
        name="views_list",
        returns=SavedViewShape(many=True),
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.SEE)
        return Response(SavedViewShape(saved_views(place.project, place.user), many=True).data)

    @operation(
        "Keep a view; the same name again replaces it",
        name="views_keep",
        takes=SavedViewIn,
        returns=SavedViewShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.SEE)
        given = SavedViewIn(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        if data["shared"]:
            access.check(place, Right.REVIEW)
        view = view_save(
            place.user,
            place.project,
            name=data["name"],
            query=query_kept(QueryDict(data["query"])),
            shared=data["shared"],
        )
        return Response(SavedViewShape(view).data)


class OneSavedView(APIView):
    @operation(
        "Remove a view",
        name="views_remove",
        paths=("project_id", "view_id"),
        returns=None,
        empty="It is gone.",
    )
    def delete(self, request: Request, project_id: int, view_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.SEE)
        view_drop(place.user, place.project, view_id, any_shared=place.may(Right.MANAGE))
        return Response(status=204)
