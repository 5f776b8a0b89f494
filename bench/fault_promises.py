"""What is promised of a run under faults, counted for `python -m bench.judge_faults`.

The endpoint's record of what it was asked and what it told is compared with the rows.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bench.faulty_endpoint import A_CALL, FAULTS, OUTCOMES, PASSING, UNCHARGED, Endpoint

# Replies that may have cost what is not known: the reservation counts as spent.
COST_UNKNOWN = {"slow", "cut", "no_tokens", "refused"}


@dataclass
class Seen:
    """What the bench saw while the run went on. Calls by their id."""

    # At the kills: how often each call was in flight, and what was reserved for it altogether.
    in_flight: Counter[int] = field(default_factory=Counter)
    lost: Counter[int] = field(default_factory=Counter)
    most_in_flight: int = 0
    # When each call was closed that was closed before some kill.
    closed_at: dict[int, datetime] = field(default_factory=dict)
    most_workers: int = 0  # at the run at once
    above_cap: int = 0  # most that spent and reserved together were above a limit
    waits: list[float] = field(default_factory=list)  # seconds from a kill to the next call closed
    closed_without_broker: int | None = None
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Promise:
    name: str
    found: int | float
    goal: str
    kept: bool


def exactly(name: str, found: int, goal: int) -> Promise:
    return Promise(name, found, f"{goal:,}", found == goal)


def at_most(name: str, found: int, goal: int) -> Promise:
    return Promise(name, found, f"<= {goal:,}", found <= goal)


def at_least(name: str, found: int, goal: int) -> Promise:
    return Promise(name, found, f">= {goal:,}", found >= goal)


def promises(run: Any, endpoint: Endpoint, seen: Seen, *, n_items: int, at_once: int) -> list[Any]:
    from judges.models import Call

    calls = list(Call.objects.filter(run=run).select_related("item"))
    return [
        *of_items(run, calls, endpoint, n_items),
        *of_asking(run, calls, endpoint, seen, at_once),
        *of_money(run, calls, endpoint, seen),
    ]


def of_items(run: Any, calls: list[Any], endpoint: Endpoint, n_items: int) -> list[Promise]:
    """Every item ends once, as the endpoint's last word about it says."""
    from annotate.models import Label, Submission

    closed = [call for call in calls if call.state == "closed"]
    labelled = sum(call.outcome == "label" for call in closed)
    labels = Label.objects.filter(project=run.project)
    good = run.version.question.options.get(key="good").code
    otherwise = sum(
        call.outcome != OUTCOMES.get(endpoint.told_of[number(call)][-1])
        for call in closed
        if endpoint.told_of[number(call)]
    )
    return [
        exactly("calls", len(calls), n_items),
        exactly("items with a call", len({call.item_id for call in calls}), n_items),
        exactly("calls closed", len(closed), n_items),
        exactly("closed but never asked", sum(not endpoint.told_of[number(c)] for c in closed), 0),
        exactly("ended otherwise than the last reply", otherwise, 0),
        exactly("without a label or a reason", sum(not c.error for c in closed) - labelled, 0),
        exactly("labels", labels.filter(choice=good, status="live").count(), labelled),
        exactly("labels of any kind", labels.count(), labelled),
        exactly("items labelled", labels.values("item").distinct().count(), labelled),
        exactly("submissions", Submission.objects.filter(project=run.project).count(), labelled),
        exactly("labels told of by the job", run.job.result.get("label", 0), labelled),
    ]


def of_asking(
    run: Any, calls: list[Any], endpoint: Endpoint, seen: Seen, at_once: int
) -> list[Promise]:
    """Nothing is asked again without a cause, or stored again at all."""
    again = attempts = 0
    for call in calls:
        told, kills = endpoint.told_of[number(call)], seen.in_flight[call.pk]
        again += max(0, sum(fate not in PASSING for fate in told[:-1]) - kills)
        tries = sum(fate != "limited" for fate in told)
        attempts += max(0, tries - run.max_attempts - kills)
    stored_later = sum(
        call.closed_at != seen.closed_at.get(call.pk, call.closed_at) for call in calls
    )
    missing = [name for name in FAULTS if not endpoint.told[name]]
    return [
        exactly("asked again without a cause", again, 0),
        exactly("asked more often than allowed", attempts, 0),
        exactly("stored twice", stored_later, 0),
        # Half as many stand ready, and as many as both may be answered and wait to be stored while
        # the next are asked.
        at_most("claimed at a kill", seen.most_in_flight, 2 * (at_once + at_once // 2)),
        at_most("at once at the endpoint", endpoint.most_in_flight, at_once),
        exactly("kinds of fault that never came", len(missing), 0),
    ]


def of_money(run: Any, calls: list[Any], endpoint: Endpoint, seen: Seen) -> list[Promise]:
    """Spent is what the calls say, never less than was charged, never above the limit."""
    from judges.models import Spending
    from judges.providers.prices import to_steps

    # Added here: SQLite adds decimals as floating-point numbers.
    counted = {c.pk: (to_steps(c.price) if c.price else 0) + c.paid_beside for c in calls}
    charged_more = at_kills = 0
    for call in calls:
        told = endpoint.told_of[number(call)]
        charged = sum(fate not in UNCHARGED for fate in told) * A_CALL
        charged_more += charged > counted[call.pk]
        at_kills += call.paid_beside < seen.lost[call.pk]
    project = Spending.objects.get(project=run.project)
    return [
        exactly("spent", run.spent, sum(counted.values())),
        exactly("spent by the project", project.spent, run.spent),
        exactly("still reserved", run.reserved + project.reserved, 0),
        exactly("reservations at kills not counted as spent", at_kills, 0),
        exactly(
            "reservations not counted once for each cause", miscounted(calls, endpoint, seen), 0
        ),
        exactly("calls charged above what is counted", charged_more, 0),
        at_most("charged by the endpoint", endpoint.charged, run.spent),
        exactly("charged above the limit", endpoint.above_cap, 0),
        exactly("spent or held back above the limit", seen.above_cap, 0),
    ]


def miscounted(calls: list[Any], endpoint: Endpoint, seen: Seen) -> int:
    """Calls for which something else counts as spent beside the price than what was reserved, once
    for each reply of unknown cost and for each kill. Texts of one length have one reservation.
    """
    causes = {
        call.pk: sum(fate in COST_UNKNOWN for fate in endpoint.told_of[number(call)])
        for call in calls
    }
    reserved: dict[int, float] = {}
    for call in calls:
        kills, times = seen.in_flight[call.pk], causes[call.pk]
        each = seen.lost[call.pk] / kills if kills else call.paid_beside / max(1, times)
        length = len(call.item.external_id)
        reserved[length] = max(reserved.get(length, 0), each)
    wrong = 0
    for call in calls:
        each, kills = reserved[len(call.item.external_id)], seen.in_flight[call.pk]
        # What was in flight at a kill may have been told something that nobody heard.
        least = each * (kills or causes[call.pk])
        wrong += not least <= call.paid_beside <= each * (kills + causes[call.pk])
    return wrong


def number(call: Any) -> int:
    """The number of a call's item, as the endpoint reads it from the text."""
    return int(call.item.external_id.removeprefix("i"))
