"""What the page of routing says, as the template wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma, naturaltime
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from annotate.access import Place
from annotate.models import FINISHED, Job, JobState, NextLook, Rater, RoutingPlan
from annotate.selectors.routing import (
    Standing,
    next_items,
    plan_on,
    routed_question,
    standing,
    trial_done,
    trial_last,
)

# Items of each kind that are named.
NAMED = 5
# Fewer items than this say little: the page warns.
FEW = 100


def routing_shown(place: Place) -> dict[str, Any]:
    question = routed_question(place.project)
    plan = plan_on(place.project)
    last, done = trial_last(place.project), trial_done(place.project)
    if done is not None and (question is None or done.result.get("question") != question.pk):
        done = None
    return {
        "question": question,
        "plan": plan
        and _plan(place, plan)
        | {"stale": "" if question and question.pk == plan.question_id else _stale()},
        "trial": done and _trial(done, plan),
        "trial_running": _job_url(place, last) if last and last.state not in FINISHED else "",
        "trial_failed": last.message if last and last.state == JobState.FAILED else "",
    }


def trial_sentence(trial: Mapping[str, Any]) -> str:
    """What a rule would have saved and cost, with intervals."""
    values = {
        "saved": _percent(trial["saved"], trial["saved_interval"]),
        "n": intcomma(trial["n_labels"]),
        "certainty": f"{100 * trial['certainty']:.0f}",
    }
    saved = (
        _("Stopping at %(certainty)s %% certainty would have saved %(saved)s of %(n)s labels")
        % values
    )
    if trial["lost"] is not None and trial["n_known"]:
        low, high = trial["lost_interval"]
        cost = _(
            "at %(lost)s points of accuracy (%(low)s to %(high)s) on %(known)s known answers."
        ) % {
            "lost": _points(trial["lost"]),
            "low": _points(low),
            "high": _points(high),
            "known": intcomma(trial["n_known"]),
        }
        return f"{saved} {cost}"
    cost = _(
        "at no more than %(changed)s points of accuracy (%(low)s to %(high)s): that share of the "
        "items would have got another answer."
    ) % {
        "changed": _points(trial["changed"]),
        "low": _points(trial["changed_interval"][0]),
        "high": _points(trial["changed_interval"][1]),
    }
    return f"{saved} {cost}"


def _trial(job: Job, plan: RoutingPlan | None) -> dict[str, Any]:
    rules = job.result["rules"]
    chosen = next(
        (rule for rule in rules if (rule["certainty"], rule["least_people"]) == (0.95, 1)), rules[0]
    )
    if plan is not None:
        chosen = next(
            (
                rule
                for rule in rules
                if (rule["certainty"], rule["least_people"]) == (plan.certainty, plan.least_people)
            ),
            chosen,
        )
    n_items = rules[0]["n_items"]
    return {
        "when": naturaltime(job.finished_at or job.created_at),
        "of_lot": job.result.get("of_lot", False),
        "sentence": trial_sentence(chosen),
        "few": n_items < FEW,
        "n_items": n_items,
        "n_labels": rules[0]["n_labels"],
        "n_known": rules[0]["n_known"],
        "rules": [_rule(rule, chosen is rule) for rule in rules],
    }


def _rule(rule: Mapping[str, Any], chosen: bool) -> dict[str, Any]:  # noqa: FBT001
    return {
        "value": f"{rule['certainty']}:{rule['least_people']}",
        "certainty": f"{100 * rule['certainty']:.0f} %",
        "least_people": rule["least_people"],
        "saved": _percent(rule["saved"], rule["saved_interval"]),
        "changed": _percent(rule["changed"], rule["changed_interval"]),
        "lost": ""
        if rule["lost"] is None
        else _("%(value)s (%(low)s to %(high)s)")
        % {
            "value": _points(rule["lost"]),
            "low": _points(rule["lost_interval"][0]),
            "high": _points(rule["lost_interval"][1]),
        },
        "chosen": chosen,
    }


def _plan(place: Place, plan: RoutingPlan) -> dict[str, Any]:
    now = standing(plan)
    running = plan.refresh if plan.refresh and plan.refresh.state not in FINISHED else None
    return {
        "when": naturaltime(plan.created_at),
        "by": plan.created_by.shown_name,
        "certainty": f"{100 * plan.certainty:.0f}",
        "least_people": plan.least_people,
        "control_percent": plan.control_percent,
        "sentence": _standing_sentence(now),
        "saw": trial_sentence(plan.trial),
        "running_url": _job_url(place, running) if running else "",
        "failed": plan.refresh.message
        if plan.refresh and plan.refresh.state == JobState.FAILED
        else "",
        "next": _next(place, plan, now),
    }


def _stale() -> str:
    return _(
        "The questions of this project have changed since: nothing is closed any more. Switch it "
        "off; where there is one question again, it can be tried and switched on anew."
    )


def _standing_sentence(now: Standing) -> str:
    if not now.items:
        return _("No item has its turn yet.")
    return _(
        "%(settled)s of %(items)s items are settled: %(spared)s labels need not be asked for."
    ) % {
        "settled": intcomma(now.settled),
        "items": intcomma(now.items),
        "spared": intcomma(now.spared),
    }


def _next(place: Place, plan: RoutingPlan, now: Standing) -> list[dict[str, Any]]:
    judges = Rater.objects.in_bulk([pk for _next, pk in now.next if pk is not None])
    order = [NextLook.JUDGE, NextLook.PERSON, NextLook.EXPERT]
    order += [NextLook.CONTROL, NextLook.NOBODY, NextLook.DONE]
    rows = []
    for following in order:
        for (name, rater_id), n in sorted(now.next.items(), key=lambda pair: -pair[1]):
            if name != following:
                continue
            rater = judges.get(rater_id) if rater_id is not None else None
            cost = (
                plan.costs["judges"].get(str(rater_id))
                if rater is not None
                else plan.costs.get(name)
            )
            rows.append(
                {
                    "label": rater.name if rater is not None else following.label,
                    "kind": "judge" if rater is not None else "",
                    "n": n,
                    "cost": "" if cost is None else number_format(cost),
                    "todo": _todo(following),
                    "items": []
                    if following in (NextLook.NOBODY, NextLook.DONE, NextLook.CONTROL)
                    else _named(place, plan, following, rater_id),
                }
            )
    return rows


def _named(
    place: Place, plan: RoutingPlan, following: NextLook, rater_id: int | None
) -> list[dict[str, str]]:
    """The first items of a kind, each with the screen on which it is settled."""
    expert = following == NextLook.EXPERT
    return [
        {
            "name": row.item.external_id,
            "url": f"{reverse('review', args=[place.project.pk])}?item={row.item_id}"
            if expert
            else reverse("item", args=[place.project.pk, row.item_id]),
        }
        for row in next_items(plan, following, rater=rater_id, limit=NAMED)
    ]


def _todo(following: NextLook) -> str:
    return {
        NextLook.PERSON: _("They come next on the label screen, most gain first."),
        NextLook.JUDGE: _("Run this judge on them: it is worth more for its price than a person."),
        NextLook.EXPERT: _("Rule on them: people would need too many labels."),
        NextLook.CONTROL: _("They get all their labels, blind."),
        NextLook.NOBODY: _("Their open labels are not asked for."),
        NextLook.DONE: _("They come last on the label screen."),
    }[following]


def _job_url(place: Place, job: Job) -> str:
    return reverse("job", args=[place.project.pk, job.pk])


def _percent(share: float, interval: tuple[float, float]) -> str:
    return _("%(value)s %% (%(low)s to %(high)s)") % {
        "value": number_format(100 * share, 0 if share >= 0.1 else 1),
        "low": number_format(100 * interval[0], 0 if share >= 0.1 else 1),
        "high": number_format(100 * interval[1], 0 if share >= 0.1 else 1),
    }


def _points(share: float) -> str:
    text = number_format(abs(100 * share), 1)
    return f"−{text}" if share < -0.0005 else text
