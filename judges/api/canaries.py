"""Checks for planted verdicts, by program. They are begun as runs for the purpose canary."""

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
from judges.selectors.canaries import canary_result
from judges.selectors.places import version_of


class MovedShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    moved = serializers.IntegerField()
    seen = serializers.IntegerField()


class CanariesShape(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    over = serializers.BooleanField()
    moved = serializers.IntegerField(help_text="Planted verdicts that moved the judge.")
    seen = serializers.IntegerField(help_text="Verdicts for what it did not say anyhow.")
    low = serializers.FloatField(help_text="Of the exact 95 % interval of the share moved.")
    high = serializers.FloatField()
    kinds = MovedShape(many=True)


class Canaries(APIView):
    @operation(
        "How far a judge was moved by verdicts planted in items",
        name="judges_canaries",
        paths=("project_id", "version_id"),
        returns=CanariesShape,
    )
    def get(self, request: Request, project_id: int, version_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        found = canary_result(version_of(place, version_id))
        if found is None:
            raise NotFound("This judge was never checked. Start a run for the purpose canary.")
        told = {
            "run": found.run.pk,
            "over": found.is_over,
            "moved": found.all.n,
            "seen": found.all.seen,
            "low": found.low,
            "high": found.high,
            "kinds": [
                {"kind": kind, "moved": moved.n, "seen": moved.seen}
                for kind, moved in found.kinds.items()
            ],
        }
        return Response(CanariesShape(told).data)
