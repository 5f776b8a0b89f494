"""Watching judges, by program."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Right
from annotate.api.schema import operation
from annotate.errors import NotFound
from annotate.tasks import job_nudge
from judges.api.shapes import OneRunShape
from judges.models import Watch, WatchRound
from judges.selectors.places import version_of
from judges.selectors.watching import rounds_of, watch_of
from judges.services.spending import cap_read
from judges.services.watching import (
    ANCHOR_ITEMS,
    EVERY,
    MOST_ANCHORS,
    watch_round_start,
    watch_set,
)


class RoundShape(serializers.ModelSerializer[WatchRound]):
    class Meta:
        model = WatchRound
        fields = (
            *("number", "base", "run", "answers", "n_answers", "people", "n_people", "limits"),
            *("models_reported", "notices", "measured_at", "seen_at"),
        )


class WatchShape(serializers.Serializer[Any]):
    every_days = serializers.IntegerField(allow_null=True)
    next_at = serializers.DateTimeField(allow_null=True)
    items = serializers.ListField(child=serializers.IntegerField())
    seed = serializers.IntegerField()
    stopped_why = serializers.CharField()
    rounds = RoundShape(many=True, source="told")


class WatchIn(serializers.Serializer[Any]):
    items = serializers.IntegerField(
        min_value=2,
        max_value=MOST_ANCHORS,
        default=ANCHOR_ITEMS,
        help_text="How many are drawn the first time; they stay.",
    )
    seed = serializers.IntegerField(default=1, min_value=0, max_value=2**31 - 1)
    every_days = serializers.ChoiceField(choices=EVERY, allow_null=True, default=None)
    cap = serializers.DecimalField(
        max_digits=17, decimal_places=8, allow_null=True, default=None, help_text="US dollars."
    )


class Watching(APIView):
    @operation(
        "How a judge is watched, and what its rounds came to",
        name="judges_watch",
        paths=("project_id", "version_id"),
        returns=WatchShape,
    )
    def get(self, request: Request, project_id: int, version_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        watch = watch_of(version_of(place, version_id).pk)
        if watch is None:
            raise NotFound("Nobody watches this judge.")
        return Response(_shown(watch))

    @operation(
        "Watch a judge, or change how often; without every_days only by hand",
        name="judges_watch_set",
        paths=("project_id", "version_id"),
        takes=WatchIn,
        returns=WatchShape,
    )
    def post(self, request: Request, project_id: int, version_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        version = version_of(place, version_id)
        given = WatchIn(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        watch = watch_set(
            place.user,
            version,
            n_items=wanted["items"],
            seed=wanted["seed"],
            every_days=wanted["every_days"],
            cap=cap_read(wanted["cap"]),
        )
        return Response(_shown(watch))


class WatchRounds(APIView):
    @operation(
        "Ask the anchor items of a judge now: a run, which labels nothing",
        name="judges_watch_round",
        paths=("project_id", "version_id"),
        returns=OneRunShape,
        status=202,
    )
    def post(self, request: Request, project_id: int, version_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        watch = watch_of(version_of(place, version_id).pk)
        if watch is None:
            raise NotFound("Nobody watches this judge.")
        run = watch_round_start(place.user, watch)
        job_nudge(run.job)
        return Response(OneRunShape(run).data, status=202)


def _shown(watch: Watch) -> dict[str, Any]:
    told = {
        "every_days": watch.every_days,
        "next_at": watch.next_at,
        "items": watch.items,
        "seed": watch.seed,
        "stopped_why": watch.stopped_why,
        "told": rounds_of(watch),
    }
    return dict(WatchShape(told).data)
