"""Prompts by program: what would be sent, trials, and versions side by side."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Right
from annotate.api.schema import operation
from annotate.errors import BadInput, Conflict
from annotate.tasks import job_nudge
from judges.api.drafting import draft_given
from judges.api.shapes import OneRunShape
from judges.api.trying_shapes import (
    ComparedShape,
    CompareQuery,
    DifferenceShape,
    PreviewIn,
    PreviewShape,
    TrialIn,
    TrialShape,
    compared_shown,
    difference_shown,
)
from judges.models import Purpose
from judges.selectors.comparison import figures_of, paired, versions_beside
from judges.selectors.places import run_of, version_of
from judges.selectors.settings import settings_differ, texts_differ
from judges.selectors.trials import trial_of
from judges.services.previews import preview
from judges.services.spending import cap_read
from judges.services.trials import trial_start

MOST_COMPARED = 12


class Preview(APIView):
    @operation(
        "What a language model would be sent about an item; nothing is kept, nobody is asked",
        name="judges_preview",
        takes=PreviewIn,
        returns=PreviewShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = PreviewIn(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        found = preview(
            draft_given(place, wanted), place=wanted["place"], variant=wanted["variant"]
        )
        return Response(PreviewShape(found).data)


class Try(APIView):
    @operation(
        "Try a judge on a few items, those first that people answered: a run without labels",
        name="judges_try",
        paths=("project_id", "version_id"),
        takes=TrialIn,
        returns=OneRunShape,
        status=202,
    )
    def post(self, request: Request, project_id: int, version_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = TrialIn(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        run = trial_start(
            place.user,
            version_of(place, version_id),
            n_items=wanted["n_items"],
            seed=wanted["seed"],
            cap=cap_read(wanted["cap"]),
        )
        job_nudge(run.job)
        return Response(OneRunShape(run).data, status=202)


class Trial(APIView):
    @operation(
        "A trial, item by item: what the judge said, what people said, every reply as it came",
        name="run_trial",
        paths=("project_id", "run_id"),
        returns=TrialShape,
    )
    def get(self, request: Request, project_id: int, run_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        run = run_of(place, run_id)
        if run.purpose != Purpose.TRIAL:
            raise Conflict("This run is no trial; its labels tell what it said.")
        return Response(TrialShape(trial_of(run)).data)


class Compare(APIView):
    @operation(
        "Versions of a judge's question side by side, on the same items",
        name="judges_compare",
        paths=("project_id", "version_id"),
        returns=ComparedShape,
        query=CompareQuery,
    )
    def get(self, request: Request, project_id: int, version_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        asked = CompareQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        version = version_of(place, version_id)
        wanted = {version.pk, *asked.validated_data["with"]}
        if len(wanted) > MOST_COMPARED:
            raise BadInput("Too many versions.", fields={"with": [f"At most {MOST_COMPARED - 1}."]})
        beside = [one for one in versions_beside(version) if one.pk in wanted]
        if missing := wanted - {one.pk for one in beside}:
            raise BadInput(
                "Only versions that answer the same question can be compared.",
                fields={"with": [f"{min(missing)} is no such version."]},
            )
        rows, n_same = figures_of(beside, wanted)
        return Response(ComparedShape(compared_shown(rows, n_same)).data)


class Difference(APIView):
    @operation(
        "What differs between two versions, and how they compare on the same items",
        name="judges_difference",
        paths=("project_id", "version_id", "other_id"),
        returns=DifferenceShape,
    )
    def get(self, request: Request, project_id: int, version_id: int, other_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        first, second = version_of(place, version_id), version_of(place, other_id)
        same = first.question_id == second.question_id
        found: dict[str, Any] = difference_shown(
            texts_differ(first, second),
            settings_differ(first, second),
            paired(first, second) if same else None,
        )
        return Response(DifferenceShape(found).data)
