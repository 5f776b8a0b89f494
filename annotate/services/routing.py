"""Routing of a project: tried on past labels, switched on, learnt anew, and taken back whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.models import (
    FINISHED,
    Entrusted,
    Item,
    ItemStatus,
    Job,
    Project,
    Question,
    RoutedItem,
    RoutingPlan,
    Slot,
    User,
)
from annotate.selectors.routing import (
    REFRESH,
    TRIAL,
    judges_of,
    model_kept,
    plan_on,
    routed_question,
    trial_done,
)
from annotate.selectors.tables import question_table
from annotate.services.entrusting import slots_fit
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create
from annotate.services.routing_items import is_control, route_under

if TYPE_CHECKING:
    from consensus.table import LabelTable

END = "routing_end"
# The rules that are tried: how sure the answer must be, and how many people must have looked.
RULES = ((0.8, 1), (0.9, 1), (0.95, 1), (0.99, 1), (0.95, 2), (0.99, 2))
# Items from which it is learnt and on which it is tried, at most; more change nothing that shows.
MOST_ITEMS = 20_000
CHUNK = 500
SEED = 0


@transaction.atomic
def routing_try(actor: User, project: Project) -> Job:
    """Queue a trial of the rules on the labels there are; the caller nudges. One that is under way
    is returned instead. Raises BadInput where the project's questions are not of the kind."""
    question = _routed(project)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    waiting = Job.objects.filter(project=project, kind=TRIAL).exclude(state__in=FINISHED).first()
    if waiting is not None:
        return waiting
    job = job_create(
        actor,
        project=project,
        kind=TRIAL,
        task="annotate.routing_trial",
        parameters={"question": question.pk},
    )
    event_write(actor, "routing.tried", project=project, target=job)
    return job


def routing_trial_run(running: RunningJob) -> None:
    """The job: what each rule would have saved. Once a plan is on, on the items that its lot left
    out, since the others have no more labels than it asked for. Repeat-safe."""
    from consensus.routing_trial import stop_trials

    question = Question.objects.select_related("project").get(pk=running.job.parameters["question"])
    plan = plan_on(question.project)
    running.progress(message=_("Reading labels"))
    with running.kept_alive():
        table, _ids, _raters = _table(question, plan)
    running.progress(message=_("Replaying labels in random orders"))
    with running.kept_alive():
        trials = stop_trials(table, RULES, seed=SEED)
    if not trials:
        running.fail(
            _(
                "No item has labels of two people yet. Have some items labelled twice, then try "
                "again."
            )
        )
        return
    running.finish(
        message=_("%(n)s rules were tried.") % {"n": len(trials)},
        question=question.pk,
        rules=[asdict(trial) for trial in trials],
        of_lot=plan is not None,
    )


@transaction.atomic
def routing_start(
    actor: User,
    project: Project,
    *,
    rule: tuple[float, int],
    control_percent: int,
    costs: Mapping[str, Any],
    expert_right: float,
) -> RoutingPlan:
    """Switch routing on, under a rule that was tried. Returns the plan with the job that learns how
    raters err and gives every item its turn; the caller nudges it. Locks the project.

    ``costs``: {"person": 1, "expert": 5, "judges": {"<rater id>": 0.02}}, above 0, in one unit.
    Raises BadInput for bounds that are not kept or a rule that was not tried, Conflict where it is
    on already or items are given out in turn for another reason.
    """
    question = _routed(project)
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if plan_on(project) is not None:
        raise Conflict(_("Routing is switched on already."))
    trial = _tried(project, question, rule)
    in_turn = Slot.objects.filter(project=project, turn__isnull=False).exists()
    if in_turn or Entrusted.objects.filter(project=project).exists():
        raise Conflict(
            _("Items are left to a judge, or given out in turn, already. End that first.")
        )
    _check(control_percent, costs, expert_right)
    plan = RoutingPlan.objects.create(
        project=project,
        question=question,
        certainty=rule[0],
        least_people=rule[1],
        control_percent=control_percent,
        costs={
            "person": float(costs["person"]),
            "expert": float(costs["expert"]),
            "judges": {str(pk): float(cost) for pk, cost in costs["judges"].items()},
        },
        expert_right=expert_right,
        trial=trial,
        created_by=actor,
    )
    Project.objects.filter(pk=project.pk).update(routes=True)
    project.routes = True
    plan.refresh = _refresh(actor, plan)
    plan.save(update_fields=["refresh"])
    event_write(
        actor,
        "routing.started",
        project=project,
        target=plan,
        certainty=plan.certainty,
        least_people=plan.least_people,
        control_percent=control_percent,
        costs=plan.costs,
    )
    return plan


@transaction.atomic
def routing_learn(actor: User, project: Project) -> Job:
    """Queue learning anew from the labels there are by now; the caller nudges. Raises Conflict."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    plan = plan_on(project)
    if plan is None:
        raise Conflict(_("Routing is not switched on."))
    waiting = Job.objects.filter(project=project, kind=REFRESH).exclude(state__in=FINISHED).first()
    if waiting is not None:
        return waiting
    plan.refresh = _refresh(actor, plan)
    plan.save(update_fields=["refresh"])
    return plan.refresh


def routing_refresh_run(running: RunningJob) -> None:
    """The job: learn how raters err, and bring every item in line. Repeat-safe."""
    from consensus.routing import routing_model

    project = running.job.project
    plan = plan_on(project) if project is not None else None
    if project is None or plan is None:
        running.fail(_("Routing was switched off meanwhile."))
        return
    running.progress(message=_("Learning how raters err"))
    with running.kept_alive():
        table, _item_ids, rater_ids = _table(plan.question, None)
        plan.model = model_kept(routing_model(table), rater_ids)
    with transaction.atomic():
        running.hold()
        plan.save(update_fields=["model"])
    ids = Item.objects.filter(project=project, status=ItemStatus.LIVE).order_by("pk")
    total = ids.count()
    running.progress(0, total=total, message=_("Giving items their turn"))
    done = after = 0
    while chunk := list(ids.filter(pk__gt=after).values_list("pk", flat=True)[:CHUNK]):
        after = chunk[-1]
        with transaction.atomic():
            running.hold()
            list(Item.objects.select_for_update(no_key=True).filter(pk__in=chunk).order_by("pk"))
            # It may have been switched off while this ran.
            if not RoutingPlan.objects.filter(pk=plan.pk, is_on=True).exists():
                break
            route_under(plan, chunk)
        done += len(chunk)
        running.progress(done)
    running.finish(items=done, message=_("Every item has its turn."))


@transaction.atomic
def routing_end(actor: User, project: Project) -> Job:
    """Switch routing off: every slot is asked for again, in the random order. Returns the job that
    gives the slots back; the caller nudges. Raises Conflict where it is not on. Locks the project.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    plan = plan_on(project)
    if plan is None:
        raise Conflict(_("Routing is not switched on."))
    plan.is_on, plan.ended_at = False, timezone.now()
    plan.save(update_fields=["is_on", "ended_at"])
    Project.objects.filter(pk=project.pk).update(routes=False)
    project.routes = False
    event_write(actor, "routing.ended", project=project, target=plan)
    return job_create(
        actor,
        project=project,
        kind=END,
        task="annotate.routing_end",
        parameters={"plan": plan.pk},
    )


def routing_end_run(running: RunningJob) -> None:
    """The job: open what was closed, and take back the turns. Repeat-safe."""
    project, plan_id = running.job.project, running.job.parameters["plan"]
    if project is None:
        return
    rows = RoutedItem.objects.filter(plan=plan_id)
    total = rows.count()
    done = 0
    while chunk := list(rows.order_by("item_id").values_list("item_id", flat=True)[:CHUNK]):
        with transaction.atomic():
            running.hold()
            list(Item.objects.select_for_update(no_key=True).filter(pk__in=chunk).order_by("pk"))
            rows.filter(item__in=chunk).delete()
            Slot.objects.filter(item__in=chunk).update(turn=None, chance=None)
            slots_fit(project, chunk)
        done += len(chunk)
        running.progress(done, total=max(done, total))
    running.finish(items=done, message=_("All labels are asked for again."))


def _routed(project: Project) -> Question:
    question = routed_question(project)
    if question is None:
        raise BadInput(
            _("Routing is for projects with one question, whose answers are options, asked of all.")
        )
    return question


def _tried(project: Project, question: Question, rule: tuple[float, int]) -> dict[str, Any]:
    job = trial_done(project)
    if job is not None and job.result.get("question") == question.pk:
        for trial in job.result["rules"]:
            if (trial["certainty"], trial["least_people"]) == rule:
                return {**trial, "job": job.pk}
    raise BadInput(_("Try the rule on the labels there are before it is switched on."))


def _check(control_percent: int, costs: Mapping[str, Any], expert_right: float) -> None:
    if not 1 <= control_percent <= 90:
        raise BadInput(_("Leave 1 to 90 items of 100 out of the rule."))
    prices = [costs["person"], costs["expert"], *costs["judges"].values()]
    if not all(0 < float(price) < 1e9 for price in prices):
        raise BadInput(_("A cost must be above 0."))
    if not 0 < expert_right <= 1:
        raise BadInput(_("Say how often an expert is right, above 0 to 100 %."))


def _refresh(actor: User, plan: RoutingPlan) -> Job:
    return job_create(actor, project=plan.project, kind=REFRESH, task="annotate.routing_refresh")


def _table(question: Question, plan: RoutingPlan | None) -> tuple[LabelTable, list[int], list[int]]:
    """The labels of people and judges with known answers, of at most MOST_ITEMS items, drawn at
    random; with a plan, of those that its lot left out. With the ids of items and raters."""
    import numpy as np

    found = question_table(question, rulings=True)
    table, n = found.table, found.table.n_items
    kept = np.ones(n, dtype=bool)
    if plan is not None:
        ids = found.item_ids.tolist()
        external: dict[int, str] = {}
        for start in range(0, n, CHUNK):
            rows = Item.objects.filter(pk__in=ids[start : start + CHUNK])
            external |= dict(rows.values_list("pk", "external_id"))
        kept = np.array([is_control(plan, external[pk]) for pk in ids], dtype=bool).reshape(n)
    places = np.flatnonzero(kept)
    if len(places) > MOST_ITEMS:
        chosen = np.random.default_rng(SEED).choice(places, MOST_ITEMS, replace=False)
        kept = np.isin(np.arange(n), chosen)
    return table.rows(kept[table.items]), found.item_ids.tolist(), found.rater_ids.tolist()


def costs_suggested(question: Question) -> dict[str, Any]:
    """What a lead finds filled in: one label of a person is the unit."""
    return {
        "person": 1.0,
        "expert": 5.0,
        "judges": {str(rater.pk): 0.05 for rater in judges_of(question)},
    }
