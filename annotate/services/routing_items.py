"""Keeping items routed while labels come in: settled or not, whom they need, their turn.

Called in the transaction that counts an item anew (services/summaries.py), so a label taken back
undoes what it had settled.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from django.db.models import Q

from annotate.models import (
    Item,
    NextLook,
    Project,
    RoutedItem,
    RoutingPlan,
    Slot,
    SlotState,
)
from annotate.selectors.routing import model_for, plan_on, said_of_items
from annotate.services.entrusting import slots_fit
from annotate.services.items import draw_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.routing import RoutingModel

# Another order than that in which items are given out, so that the lot tells nothing of it.
LOT_SEED = 0x5EED


def items_route(project: Project, item_ids: Collection[int]) -> None:
    """Bring these items in line with the plan that is on, if one is. Idempotent. Call inside a
    transaction that has the items locked. Some six queries, whatever the number of items."""
    plan = plan_on(project)
    if plan is None or not plan.model or not item_ids:
        return
    route_under(plan, item_ids)


def route_under(plan: RoutingPlan, item_ids: Collection[int]) -> None:
    rows = _routed(plan, item_ids)
    RoutedItem.objects.bulk_create(
        rows,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["plan", "item"],
        update_fields=["next", "rater", "settled", "certainty", "gain"],
    )
    slots_fit(plan.project, [row.item_id for row in rows])
    _turns(plan, {row.item_id: row for row in rows})


def is_control(plan: RoutingPlan, external_id: str) -> bool:
    """Whether the lot left this item out of the rule: by a number of its own, from its id alone."""
    return draw_number(plan.project.seed ^ LOT_SEED, external_id) < plan.control_percent / 100


def first_gain(plan: RoutingPlan) -> float:
    """What the first label of a person is worth where nothing is known of the item."""
    import numpy as np

    from consensus.routing import expected_gain

    kept = plan.model
    errs = np.array(kept["confusion"]["people"])
    return float(expected_gain([kept["classes"]], errs)[0]) / float(plan.costs["person"])


def _routed(plan: RoutingPlan, item_ids: Collection[int]) -> list[RoutedItem]:
    import numpy as np

    from consensus.routing import (
        expected_gain,
        judge_gain,
        next_best,
        routing_posterior,
        settled,
    )

    prices: Mapping[str, float] = plan.costs["judges"]
    said = said_of_items(
        plan.question,
        item_ids,
        judges=[int(pk) for pk in prices],
        n_classes=len(plan.model["classes"]),
    )
    model = model_for(plan.model, said.raters)
    table = said.table
    posterior = routing_posterior(model, table)
    by_people = ~model.judges[table.raters]
    n_people = np.bincount(table.items[by_people], minlength=table.n_items)
    done = settled(posterior, n_people, certainty=plan.certainty, least_people=plan.least_people)
    ids = sorted(said.raters)
    gains: dict[str, NDArray[np.float64]] = {}
    costs: dict[str, float] = {}
    people_only = routing_posterior(model, table.rows(by_people))
    n_judges = np.bincount(table.items[~by_people], minlength=table.n_items)
    for pk, price in prices.items():
        place = ids.index(int(pk))
        spoken = np.zeros(table.n_items, dtype=bool)
        spoken[table.items[table.raters == place]] = True
        worth = judge_gain(model, posterior, people_only, n_judges, place)
        gains[pk], costs[pk] = np.where(spoken, np.nan, worth), float(price)
    gains["person"], costs["person"] = (
        expected_gain(posterior, model.people),
        float(plan.costs["person"]),
    )
    gains["expert"], costs["expert"] = (
        expected_gain(posterior, _expert(plan, model), ahead=1),
        float(plan.costs["expert"]),
    )
    found = next_best(gains, costs, done)
    names = list(gains)
    external = dict(Item.objects.filter(pk__in=said.item_ids).values_list("pk", "external_id"))
    top = posterior.max(axis=1)
    rows = []
    for n, item_id in enumerate(said.item_ids):
        name = names[found.choice[n]] if found.choice[n] >= 0 else ""
        control = is_control(plan, external[item_id])
        following: NextLook
        rater: int | None = None
        if control:
            following = NextLook.CONTROL
        elif done[n]:
            following = NextLook.NOBODY
        elif not name:
            following = NextLook.DONE
        elif name in ("person", "expert"):
            following = NextLook(name)
        else:
            following, rater = NextLook.JUDGE, int(name)
        rows.append(
            RoutedItem(
                plan=plan,
                item_id=item_id,
                next=following,
                rater_id=rater,
                settled=bool(done[n]) and not control,
                certainty=min(1.0, float(top[n])),
                gain=float(found.value[n]),
            )
        )
    return rows


def _expert(plan: RoutingPlan, model: RoutingModel) -> NDArray[np.float64]:
    """The confusion of an expert who is right as often as the plan says."""
    import numpy as np

    n_classes = len(model.classes)
    wrong = (1 - plan.expert_right) / max(n_classes - 1, 1)
    return np.full((n_classes, n_classes), wrong) + np.eye(n_classes) * (plan.expert_right - wrong)


def _turns(plan: RoutingPlan, rows: Mapping[int, RoutedItem]) -> None:
    """Open slots in the order of what a label in them is worth: the second open one of an item half
    as much as the first, since the first may settle it. Of an item drawn by lot the turn does not
    hang on what was said of it."""
    most = first_gain(plan)
    waiting: dict[int, int] = {}
    changed = []
    slots = Slot.objects.filter(
        Q(state=SlotState.OPEN) | Q(state=SlotState.HELD), item__in=rows
    ).order_by("item_id", "ordinal")
    for slot in slots:
        row = rows[slot.item_id]
        place = waiting.get(slot.item_id, 0)
        if row.next == NextLook.CONTROL:
            turn, chance = -most / (slot.ordinal + 1), plan.control_percent / 100
        else:
            worth = row.gain if row.next == NextLook.PERSON else 0.0
            turn, chance = -worth / (place + 1), None
            waiting[slot.item_id] = place + 1
        if (slot.turn, slot.chance) != (turn, chance):
            slot.turn, slot.chance = turn, chance
            changed.append(slot)
    Slot.objects.bulk_update(changed, ["turn", "chance"], batch_size=500)
