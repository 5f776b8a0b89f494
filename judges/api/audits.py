"""Audits of judges, by program."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Right
from annotate.api.schema import operation
from annotate.tasks import job_nudge
from judges.api.shapes import OneRunShape
from judges.models import AuditFinding
from judges.prompting.audits.catalogue import AUDITS
from judges.selectors.audits import audit_runs, audits_unfit, is_found
from judges.selectors.places import version_of
from judges.services.audits import AUDIT_ITEMS, MOST_AUDITED, SOURCES, audits_start
from judges.services.runs import check_asked_in_words
from judges.services.spending import cap_read


class FindingShape(serializers.ModelSerializer[AuditFinding]):
    found = serializers.SerializerMethodField(help_text="Whether p_adjusted is below .05.")

    class Meta:
        model = AuditFinding
        fields = (
            *("audit", "found", "n", "changed", "value", "low", "high", "p", "p_adjusted"),
            *("option", "missing", "calls", "cost"),
        )

    def get_found(self, finding: AuditFinding) -> bool:
        return is_found(finding)


class AuditRunShape(serializers.Serializer[Any]):
    run = serializers.IntegerField(source="run.pk")
    over = serializers.BooleanField(source="is_over")
    items = serializers.IntegerField(source="run.job.total")
    seed = serializers.IntegerField(source="run.seed")
    findings = FindingShape(many=True)


class FitShape(serializers.Serializer[Any]):
    audit = serializers.CharField()
    described_in = serializers.CharField()
    unfit = serializers.CharField(help_text="Why it does not fit this judge; empty where it does.")


class AuditsShape(serializers.Serializer[Any]):
    audits = FitShape(many=True)
    runs = AuditRunShape(many=True, help_text="Newest first.")


class AuditsIn(serializers.Serializer[Any]):
    audits = serializers.ListField(child=serializers.ChoiceField(choices=list(AUDITS)))
    items = serializers.IntegerField(min_value=2, max_value=MOST_AUDITED, default=AUDIT_ITEMS)
    items_first = serializers.ChoiceField(
        choices=SOURCES, default=SOURCES[0], help_text="Those people answered first, or any."
    )
    seed = serializers.IntegerField(default=0, min_value=0, max_value=2**31 - 1)
    cap = serializers.DecimalField(
        max_digits=17, decimal_places=8, allow_null=True, default=None, help_text="US dollars."
    )


class Audits(APIView):
    @operation(
        "Which audits fit a judge, and what those made found",
        name="judges_audits",
        paths=("project_id", "version_id"),
        returns=AuditsShape,
    )
    def get(self, request: Request, project_id: int, version_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        version = version_of(place, version_id)
        check_asked_in_words(version)
        fits = [
            {"audit": key, "described_in": AUDITS[key].source, "unfit": reason}
            for key, reason in audits_unfit(version).items()
        ]
        return Response(AuditsShape({"audits": fits, "runs": audit_runs(version)}).data)

    @operation(
        "Audit a judge over items: a run, which labels nothing",
        name="judges_audits_start",
        paths=("project_id", "version_id"),
        takes=AuditsIn,
        returns=OneRunShape,
        status=202,
    )
    def post(self, request: Request, project_id: int, version_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        version = version_of(place, version_id)
        given = AuditsIn(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        run = audits_start(
            place.user,
            version,
            wanted["audits"],
            n_items=wanted["items"],
            source=wanted["items_first"],
            seed=wanted["seed"],
            cap=cap_read(wanted["cap"]),
        )
        job_nudge(run.job)
        return Response(OneRunShape(run).data, status=202)
