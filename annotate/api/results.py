"""Rulings, exports, jobs."""

from __future__ import annotations

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Place, Right
from annotate.api.answers import answers_by_id, asked_by_id
from annotate.api.pages import page_of
from annotate.api.queries import PageQuery
from annotate.api.schema import operation, page
from annotate.api.shapes import ExportIn, JobShape, RulingIn, RulingShape
from annotate.errors import Conflict, NotFound
from annotate.models import JobState, Ruling, RulingStatus
from annotate.selectors.questions import questions_live
from annotate.services import jobs
from annotate.services.exports import KIND, export_path, export_start
from annotate.services.rulings import ruling_make, ruling_withdraw
from annotate.tasks import job_nudge

FILE_TYPES = {".csv": "text/csv", ".jsonl": "application/jsonl"}
RESUME = "resume"
MOVES = {"pause": jobs.job_pause, RESUME: jobs.job_resume, "cancel": jobs.job_cancel}


class Rulings(APIView):
    @operation(
        "Rulings that stand", name="rulings_list", returns=page(RulingShape), query=PageQuery
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        PageQuery.asked(request)
        rows = Ruling.objects.filter(
            project=place.project, status=RulingStatus.LIVE
        ).select_related("question", "reviewer")
        context = {"asked": asked_by_id(place.project)}
        return page_of(request, rows, RulingShape, context=context)

    @operation(
        "Rule on a question of an item", name="rulings_make", takes=RulingIn, returns=RulingShape
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = RulingIn(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        item = access.item_of(place, data["item"])
        questions = questions_live(place.project)
        ((question_id, answer),) = answers_by_id(
            questions, {data["question"]: data["answer"]}
        ).items()
        ruling = ruling_make(
            place.user,
            item,
            next(question for question in questions if question.pk == question_id),
            choice=answer.choice,
            value=answer.value,
            reason=data["reason"],
            comment=data["comment"],
        )
        return _shown(place, ruling)


class WithdrawRuling(APIView):
    @operation(
        "Take a ruling back; the item is open again",
        name="rulings_withdraw",
        paths=("project_id", "ruling_id"),
        returns=RulingShape,
    )
    def post(self, request: Request, project_id: int, ruling_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        ruling = Ruling.objects.filter(project=place.project, pk=ruling_id).first()
        if ruling is None:
            raise NotFound("There is no such ruling in this project.")
        return _shown(place, ruling_withdraw(place.user, ruling.item, ruling_id))


def _shown(place: Place, ruling: Ruling) -> Response:
    context = {"asked": asked_by_id(place.project)}
    return Response(RulingShape(ruling, context=context).data)


class Exports(APIView):
    @operation(
        "Start an export: a job that writes a file",
        name="exports_start",
        takes=ExportIn,
        returns=JobShape,
        status=202,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.DATA)
        given = ExportIn(data=request.data)
        given.is_valid(raise_exception=True)
        job = export_start(place.user, place.project, **given.validated_data)
        job_nudge(job)
        return Response(JobShape(job).data, status=202)


class ExportFile(APIView):
    @operation(
        "The file of a finished export",
        name="exports_file",
        paths=("project_id", "job_id"),
        returns=OpenApiTypes.BINARY,
        media=tuple(FILE_TYPES.values()),
    )
    def get(self, request: Request, project_id: int, job_id: int) -> FileResponse:
        place = access.project_of(request.user, project_id, Right.DATA)
        job = access.job_of(place, job_id, [KIND])
        if job.state != JobState.DONE:
            raise Conflict("This export is not finished, so there is no file yet.")
        path = export_path(job)
        return FileResponse(
            path.open("rb"),
            as_attachment=True,
            filename=path.name,
            content_type=FILE_TYPES[path.suffix],
        )


class OneJob(APIView):
    @operation(
        "A job and how far it is", name="job", paths=("project_id", "job_id"), returns=JobShape
    )
    def get(self, request: Request, project_id: int, job_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.DATA)
        return Response(JobShape(access.job_of(place, job_id)).data)


class MoveJob(APIView):
    @operation(
        "Pause, resume or cancel a job",
        name="job_move",
        paths=("project_id", "job_id", "move"),
        returns=JobShape,
    )
    def post(self, request: Request, project_id: int, job_id: int, move: str) -> Response:
        place = access.project_of(request.user, project_id, Right.DATA)
        job = access.job_of(place, job_id)
        if move == RESUME:
            access.check_active(place)
        job = MOVES[move](place.user, job)
        if move == RESUME:
            job_nudge(job)
        return Response(JobShape(job).data)
