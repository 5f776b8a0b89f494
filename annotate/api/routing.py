"""Routing by program: what rules would have saved, switching one on, and how items stand."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotate import access
from annotate.access import Right
from annotate.api.schema import operation
from annotate.api.shapes import FiniteField, JobShape
from annotate.errors import BadInput
from annotate.models import NextLook, Project, RoutingPlan
from annotate.selectors.routing import judges_of, plan_on, routed_question, standing, trial_done
from annotate.services.routing import routing_end, routing_learn, routing_start, routing_try
from annotate.tasks import job_nudge


class StopTrialShape(serializers.Serializer[Any]):
    """A rule on past labels. Intervals have 95 %."""

    certainty = serializers.FloatField()
    least_people = serializers.IntegerField()
    n_items = serializers.IntegerField()
    n_labels = serializers.IntegerField()
    saved = serializers.FloatField(help_text="Share of the labels not asked for.")
    saved_interval = serializers.ListField(child=serializers.FloatField())
    changed = serializers.FloatField(help_text="Share of the items with another answer.")
    changed_interval = serializers.ListField(child=serializers.FloatField())
    n_known = serializers.IntegerField()
    accuracy_all = serializers.FloatField(allow_null=True)
    accuracy = serializers.FloatField(allow_null=True)
    lost = serializers.FloatField(allow_null=True, help_text="Accuracy lost on known answers.")
    lost_interval = serializers.ListField(child=serializers.FloatField(), allow_null=True)


class NextShape(serializers.Serializer[Any]):
    next = serializers.ChoiceField(choices=NextLook.choices)
    rater = serializers.IntegerField(allow_null=True, help_text="Which judge.")
    items = serializers.IntegerField()


class RoutingShape(serializers.Serializer[Any]):
    """``trial``: what rules would have saved, as last tried. The rest is null while it is off."""

    is_on = serializers.BooleanField()
    trial = StopTrialShape(many=True)
    certainty = serializers.FloatField(allow_null=True)
    least_people = serializers.IntegerField(allow_null=True)
    control_percent = serializers.IntegerField(allow_null=True)
    costs = serializers.DictField(allow_null=True)
    settled = serializers.IntegerField(allow_null=True)
    spared = serializers.IntegerField(allow_null=True, help_text="Labels not asked for any more.")
    next = NextShape(many=True, allow_null=True)


class RoutingIn(serializers.Serializer[dict[str, Any]]):
    certainty = FiniteField(help_text="Of a rule that was tried.")
    least_people = serializers.IntegerField(default=1)
    control_percent = serializers.IntegerField(default=10, min_value=1, max_value=90)
    cost_person = FiniteField(default=1.0)
    cost_expert = FiniteField(default=5.0)
    cost_judges = serializers.DictField(
        child=FiniteField(), required=False, help_text="By rater id; .05 where nothing is said."
    )
    expert_right = FiniteField(default=0.95)


class Routing(APIView):
    @operation(
        "Routing: what stop rules would have saved, and how items stand",
        name="routing",
        returns=RoutingShape,
    )
    def get(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        return _shown(place.project)

    @operation(
        "Switch routing on, under a rule that was tried; a job gives items their turn",
        name="routing_start",
        takes=RoutingIn,
        returns=RoutingShape,
        status=202,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        given = RoutingIn(data=request.data)
        given.is_valid(raise_exception=True)
        data = given.validated_data
        plan = routing_start(
            place.user,
            place.project,
            rule=(data["certainty"], data["least_people"]),
            control_percent=data["control_percent"],
            costs={
                "person": data["cost_person"],
                "expert": data["cost_expert"],
                "judges": _judges(place.project, data.get("cost_judges", {})),
            },
            expert_right=data["expert_right"],
        )
        if plan.refresh is not None:
            job_nudge(plan.refresh)
        shown = _shown(place.project)
        shown.status_code = 202
        return shown

    @operation(
        "Switch routing off: a job has every label asked for again",
        name="routing_end",
        returns=JobShape,
        status=202,
    )
    def delete(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        job = routing_end(place.user, place.project)
        job_nudge(job)
        return Response(JobShape(job).data, status=202)


class RoutingTrial(APIView):
    @operation(
        "Try the stop rules on past labels: a job", name="routing_try", returns=JobShape, status=202
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        job = routing_try(place.user, place.project)
        job_nudge(job)
        return Response(JobShape(job).data, status=202)


class RoutingLearn(APIView):
    @operation(
        "Learn anew how raters err, from the labels by now: a job",
        name="routing_learn",
        returns=JobShape,
        status=202,
    )
    def post(self, request: Request, project_id: int) -> Response:
        place = access.project_of(request.user, project_id, Right.REVIEW)
        access.check_active(place)
        job = routing_learn(place.user, place.project)
        job_nudge(job)
        return Response(JobShape(job).data, status=202)


def _judges(project: Project, given: dict[str, float]) -> dict[str, float]:
    question = routed_question(project)
    known = {str(rater.pk) for rater in judges_of(question)} if question else set()
    unknown = given.keys() - known
    if unknown:
        message = f"There is no judge {sorted(unknown)[0][:50]} with labels here."
        raise BadInput(message, fields={"cost_judges": message})
    return {pk: given.get(pk, 0.05) for pk in known}


def _shown(project: Project) -> Response:
    plan: RoutingPlan | None = plan_on(project)
    trial = trial_done(project)
    now = standing(plan) if plan else None
    return Response(
        RoutingShape(
            {
                "is_on": plan is not None,
                "trial": trial.result["rules"] if trial else [],
                "certainty": plan and plan.certainty,
                "least_people": plan and plan.least_people,
                "control_percent": plan and plan.control_percent,
                "costs": plan and plan.costs,
                "settled": now and now.settled,
                "spared": now and now.spared,
                "next": now
                and [
                    {"next": name, "rater": rater, "items": n}
                    for (name, rater), n in sorted(now.next.items(), key=lambda pair: -pair[1])
                ],
            }
        ).data
    )
