"""Trust by program: reports on judges, and replacement tests from their plan to their record."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Place, Right
from annotate.api.schema import operation
from annotate.api.shapes import JobShape
from annotate.errors import NotFound
from annotate.models import Question, Rater, RaterKind
from annotate.tasks import job_nudge
from judges.api.trust_shapes import DrawIn, PlanIn, ReportShape, TestShape, TrustShape
from judges.models import Closeness, JudgeReport
from judges.selectors.replacement import replacement_of, replacements_of
from judges.selectors.trust import report_of
from judges.services.judge_reports import reports_start
from judges.services.replacement_tests import (
    replacement_collect,
    replacement_decide,
    replacement_plan,
)

JUDGE_AT = ("project_id", "question_id", "rater_id")
TEST = ("project_id", "test_id")


def _judge_at(place: Place, question_id: int, rater_id: int) -> tuple[Question, Rater]:
    question = access.question_of(place, question_id)
    rater = access.rater_of(place, rater_id)
    if rater.kind != RaterKind.JUDGE:
        raise NotFound("There is no such judge in this project.")
    return question, rater


class Reports(APIView):
    @operation(
        "The judges of which there is a report, by question, and how each stands",
        name="trust_reports",
        returns=TrustShape(many=True),
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        rows = JudgeReport.objects.filter(project=place.project).select_related("rater", "question")
        return Response(TrustShape(rows.order_by("question_id", "rater_id"), many=True).data)

    @operation(
        "Work the reports on all judges out anew: a job",
        name="trust_reports_start",
        returns=JobShape,
        status=202,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        job = reports_start(place.user, place.project)
        job_nudge(job)
        return Response(JobShape(job).data, status=202)


class Report(APIView):
    @operation(
        "The report on one judge at one question",
        name="trust_report",
        paths=JUDGE_AT,
        returns=ReportShape,
    )
    def get(self, request: Request, project_id: int, question_id: int, rater_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        report = report_of(*_judge_at(place, question_id, rater_id))
        if report is None:
            raise NotFound("There is no report on this judge yet. Start the reports first.")
        return Response(ReportShape(report).data)


class Tests(APIView):
    @operation(
        "The replacement tests of a judge at a question, newest first, at most 50",
        name="replacement_tests_list",
        paths=JUDGE_AT,
        returns=TestShape(many=True),
    )
    def get(self, request: Request, project_id: int, question_id: int, rater_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        tests = replacements_of(*_judge_at(place, question_id, rater_id))
        return Response(TestShape(tests, many=True).data)

    @operation(
        "Plan a replacement test: fixes epsilon; a job says what a sample would show",
        name="replacement_tests_plan",
        paths=JUDGE_AT,
        takes=PlanIn,
        returns=TestShape,
        status=202,
    )
    def post(self, request: Request, project_id: int, question_id: int, rater_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        question, rater = _judge_at(place, question_id, rater_id)
        given = PlanIn(data=request.data)
        given.is_valid(raise_exception=True)
        asked = {"score": Closeness.ACCURACY.value, **given.validated_data}
        test = replacement_plan(place.user, question, rater, **asked)
        return _queued(place, test.pk, test.deciding_id)


class OneTest(APIView):
    @operation(
        "A replacement test: its plan, its items, and once decided its result",
        name="replacement_test",
        paths=TEST,
        returns=TestShape,
    )
    def get(self, request: Request, project_id: int, test_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        return Response(TestShape(replacement_of(place, test_id)).data)


class TestDraw(APIView):
    @operation(
        "Draw items for a test and give them to members, who label them blind: a job",
        name="replacement_test_draw",
        paths=TEST,
        takes=DrawIn,
        returns=TestShape,
        status=202,
    )
    def post(self, request: Request, project_id: int, test_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        test = replacement_of(place, test_id)
        given = DrawIn(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        members = place.project.memberships.filter(user__username__in=wanted["members"])
        test = replacement_collect(
            place.user,
            test,
            n_items=wanted["n_items"],
            per_item=wanted["per_item"],
            members=list(members.order_by("user_id").values_list("user_id", flat=True)),
        )
        return _queued(place, test.pk, test.collecting_id)


class TestDecide(APIView):
    @operation(
        "Decide a replacement test on the labels there are, once and for good: a job",
        name="replacement_test_decide",
        paths=TEST,
        returns=TestShape,
        status=202,
    )
    def post(self, request: Request, project_id: int, test_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        test = replacement_decide(place.user, replacement_of(place, test_id))
        return _queued(place, test.pk, test.deciding_id)


def _queued(place: Place, test_id: int, job_id: int | None) -> Response:
    test = replacement_of(place, test_id)
    for job in (test.deciding, test.collecting):
        if job is not None and job.pk == job_id:
            job_nudge(job)
    return Response(TestShape(test).data, status=202)
