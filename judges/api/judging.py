"""Judges by program: versions, and runs over items. The rules of the screens."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Place, Right
from annotate.api.pages import page_of
from annotate.api.queries import PageQuery
from annotate.api.schema import operation, page
from annotate.errors import Conflict
from annotate.tasks import job_nudge
from judges.api.drafting import draft_given, question_given
from judges.api.shapes import (
    CONNECTION,
    LOCAL_LLM,
    CapIn,
    ConnectionShape,
    EstimateQuery,
    EstimateShape,
    OneRunShape,
    PriceIn,
    PriceShape,
    RunIn,
    RunShape,
    SpendingShape,
    VersionIn,
    VersionShape,
    price_shown,
)
from judges.models import JudgeVersion, ProviderName, Run, Spending
from judges.providers.base import ProviderError
from judges.providers.prices import from_steps
from judges.selectors.places import connection_of, run_of, version_of
from judges.services.backends import backend_version
from judges.services.costs import cost_estimate
from judges.services.prices import price_forget, price_set, prices_known
from judges.services.retrying import run_retry_failed
from judges.services.runs import run_start
from judges.services.spending import cap_read, project_cap_set, run_cap_set, spending_of
from judges.services.trials import draft_make
from judges.services.versions import classifier_version


class Connections(APIView):
    @operation(
        "The connections of a project; owners add them on the screen",
        name="connections",
        returns=ConnectionShape(many=True),
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        return Response(ConnectionShape(place.project.connections.order_by("pk"), many=True).data)


class Prices(APIView):
    @operation(
        "What the models of a connection cost, in US dollars a million tokens",
        name="prices",
        paths=("project_id", "connection_id"),
        returns=PriceShape(many=True),
    )
    def get(self, request: Request, project_id: int, connection_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        known = prices_known(connection_of(place, connection_id))
        return Response(PriceShape([price_shown(cost) for cost in known], many=True).data)

    @operation(
        "Say what a model costs there, or (input and output null) that the kept list counts again",
        name="prices_set",
        paths=("project_id", "connection_id"),
        takes=PriceIn,
        returns=PriceShape(many=True),
    )
    def post(self, request: Request, project_id: int, connection_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.MANAGE)
        access.check_active(place)
        connection = connection_of(place, connection_id)
        given = PriceIn(data=request.data)
        given.is_valid(raise_exception=True)
        if given.validated_data["input"] is None:
            price_forget(place.user, connection, model=given.validated_data["model"])
        else:
            price_set(place.user, connection, **given.validated_data)
        shown = [price_shown(cost) for cost in prices_known(connection)]
        return Response(PriceShape(shown, many=True).data)


class Versions(APIView):
    @operation(
        "Judges, oldest first", name="judges_list", returns=page(VersionShape), query=PageQuery
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        PageQuery.asked(request)
        # Not their training sets, which are large.
        rows = JudgeVersion.objects.filter(project=place.project).defer("training")
        return page_of(
            request, rows.select_related("question", "connection", "prompt"), VersionShape
        )

    @operation(
        "Make a judge; one of the same make-up is the one there is",
        name="judges_make",
        takes=VersionIn,
        returns=VersionShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = VersionIn(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(VersionShape(_make(place, given.validated_data)).data)


class Runs(APIView):
    @operation(
        "Runs of judges, oldest first", name="runs_list", returns=page(RunShape), query=PageQuery
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        PageQuery.asked(request)
        rows = Run.objects.filter(project=place.project).defer("version__training")
        return page_of(request, rows.select_related("job", "version"), RunShape)

    @operation(
        "Run a judge over items: a job, which is paused, resumed and cancelled as such",
        name="runs_start",
        takes=RunIn,
        returns=OneRunShape,
        status=202,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = RunIn(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        limit = wanted["limit"]
        run = run_start(
            place.user,
            version_of(place, wanted["version"]),
            selection={"strategy": "random", "limit": limit} if limit else {"strategy": "all"},
            seed=wanted["seed"],
            cap=cap_read(wanted["cap"]),
            purpose=wanted["purpose"],
            in_batches=wanted["in_batches"],
        )
        job_nudge(run.job)
        return Response(OneRunShape(run).data, status=202)


class OneRun(APIView):
    @operation(
        "A run and how far it is", name="run", paths=("project_id", "run_id"), returns=OneRunShape
    )
    def get(self, request: Request, project_id: int, run_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        return Response(OneRunShape(run_of(place, run_id)).data)


class RunCap(APIView):
    @operation(
        "Change the most that a run may spend",
        name="run_cap",
        paths=("project_id", "run_id"),
        takes=CapIn,
        returns=OneRunShape,
    )
    def post(self, request: Request, project_id: int, run_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = CapIn(data=request.data)
        given.is_valid(raise_exception=True)
        run = run_of(place, run_id)
        run_cap_set(place.user, run, cap_read(given.validated_data["cap"]))
        return Response(OneRunShape(run_of(place, run_id)).data)


class RunRetry(APIView):
    @operation(
        "Ask again about the items of a run that ended without a label",
        name="run_retry",
        paths=("project_id", "run_id"),
        returns=OneRunShape,
        status=202,
    )
    def post(self, request: Request, project_id: int, run_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        job_nudge(run_retry_failed(place.user, run_of(place, run_id)).job)
        return Response(OneRunShape(run_of(place, run_id)).data, status=202)


class Spent(APIView):
    @operation(
        "What the judges of a project have spent, and the most they may",
        name="spending",
        returns=SpendingShape,
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        return Response(_spending(spending_of(place.project)))

    @operation(
        "Change the most that the judges of a project may spend",
        name="spending_cap",
        takes=CapIn,
        returns=SpendingShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.MANAGE)
        access.check_active(place)
        given = CapIn(data=request.data)
        given.is_valid(raise_exception=True)
        cap = cap_read(given.validated_data["cap"])
        return Response(_spending(project_cap_set(place.user, place.project, cap)))


class Estimate(APIView):
    @operation(
        "What it will cost to ask a judge about so many more items",
        name="judge_estimate",
        paths=("project_id", "version_id"),
        returns=EstimateShape,
        query=EstimateQuery,
    )
    def get(self, request: Request, project_id: int, version_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        asked = EstimateQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        version = version_of(place, version_id)
        wanted = asked.validated_data
        found = cost_estimate(version, wanted["items"], in_batches=wanted["in_batches"])
        return Response(EstimateShape(found).data)


def _spending(found: Spending) -> dict[str, Any]:
    amounts = {
        "spent": from_steps(found.spent),
        "reserved": from_steps(found.reserved),
        "cap": None if found.cap is None else from_steps(found.cap),
    }
    return dict(SpendingShape(amounts).data)


def _make(place: Place, wanted: dict[str, Any]) -> JudgeVersion:
    question, how = question_given(place, wanted["question"]), wanted["how"]
    if how not in {LOCAL_LLM, CONNECTION}:
        return classifier_version(place.user, question, mode=how)
    if how == CONNECTION and "connection" in wanted:
        connection = connection_of(place, wanted["connection"])
        if connection.provider == ProviderName.LABEL_STUDIO:
            try:
                return backend_version(place.user, question, connection)
            except ProviderError as error:
                raise Conflict(error.message) from None
    try:
        return draft_make(place.user, draft_given(place, wanted))
    except ProviderError as error:
        raise Conflict(error.message) from None
