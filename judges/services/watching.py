"""Watching a judge over time: a fixed set of items asked again, by the clock or by hand.

Nothing is labelled, and no stored answer is taken for a new one. Each round is compared with the
base round, the first at the start: consensus/control_chart.py says whether it is out of line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, ConcordError, Conflict
from annotate.models import FINISHED, Job, User
from annotate.services.events import event_write
from annotate.services.items import draw_number
from judges.models import JudgeVersion, Purpose, Run, Watch, WatchRound
from judges.selectors.items import items_answered, items_askable
from judges.selectors.people import people_majorities
from judges.selectors.watching import models_reported, round_answers
from judges.services.runs import run_start
from judges.services.spending import check_cappable

ANCHOR_ITEMS = 50
MOST_ANCHORS = 500
EVERY = (1, 7, 30)
# Rounds looked back at; more say nothing new.
MOST_ROUNDS = 100


@transaction.atomic
def watch_set(
    actor: User,
    version: JudgeVersion,
    *,
    n_items: int = ANCHOR_ITEMS,
    seed: int = 1,
    every_days: int | None = None,
    cap: int | None = None,
) -> Watch:
    """Watch a judge, or change how: the anchor items are drawn the first time and stay; those first
    that people have answered. ``every_days`` None asks only by hand. Locks the version.

    Raises BadInput for numbers out of bounds, or no items.
    """
    JudgeVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    if every_days is not None and every_days not in EVERY:
        raise BadInput(_("Rounds come daily, weekly or each thirty days."))
    check_cappable(version, cap)
    watch = Watch.objects.filter(version=version).first()
    if watch is None:
        if not 2 <= n_items <= MOST_ANCHORS:
            said = _("A judge is watched on 2 to %(most)s items.") % {"most": MOST_ANCHORS}
            raise BadInput(said, fields={"n_items": said})
        ids = _drawn(version, n_items, seed)
        if len(ids) < 2:
            raise BadInput(_("There are too few items to watch a judge on."))
        watch = Watch(project=version.project, version=version, items=ids, seed=seed)
    watch.set_by, watch.every_days, watch.cap = actor, every_days, cap
    watch.next_at = None if every_days is None else watch.next_at or timezone.now()
    watch.stopped_why = ""
    watch.save()
    event_write(
        actor, "watch.set", project=version.project, target=watch, every_days=every_days or 0
    )
    return watch


@transaction.atomic
def watch_round_start(actor: User, watch: Watch) -> Run:
    """Ask the anchor items now: the queued run, which the caller nudges. Raises as run_start."""
    run = run_start(
        actor,
        watch.version,
        purpose=Purpose.ANCHOR,
        selection={"strategy": "listed", "ids": watch.items},
        cap=watch.cap,
    )
    newest = watch.rounds.order_by("-number").first()
    number = 1 if newest is None else newest.number + 1
    WatchRound.objects.create(watch=watch, number=number, run=run, base=watch.base)
    return run


def watches_begin_due() -> Iterator[Job]:
    """Begin the rounds that are due by the clock, and yield their jobs, to be nudged.

    Who sets the time of the next one first begins this one, so of several clocks only one does. A
    round that cannot be begun leaves its reason with the watch, and is tried again next time; while
    the last one is unfinished there is no other.
    """
    now = timezone.now()
    due = Watch.objects.filter(next_at__lte=now).select_related("version__project", "set_by")
    for watch in due.order_by("pk"):
        following = now + timedelta(days=watch.every_days or 1)
        taken = Watch.objects.filter(pk=watch.pk, next_at=watch.next_at).update(next_at=following)
        if not taken:
            continue
        try:
            run = watch_round_start(watch.set_by, watch)
        except ConcordError as error:
            Watch.objects.filter(pk=watch.pk).update(stopped_why=error.message)
        else:
            Watch.objects.filter(pk=watch.pk).update(stopped_why="")
            yield run.job


@transaction.atomic
def watch_conclude(run: Run) -> None:
    """Measure a round once its run is over; nothing for other runs. Done again it measures anew."""
    here = WatchRound.objects.select_related("watch").filter(run=run).first()
    if here is None:
        return
    watch = here.watch
    before = list(
        watch.rounds.filter(
            number__lt=here.number, number__gte=here.base, measured_at__isnull=False
        )
        .select_related("run__version")
        .order_by("number")
    )[-MOST_ROUNDS:]
    here.models_reported = models_reported(run)
    here.notices, here.limits = [], {}
    last = before[-1] if before else None
    served, served_before = here.models_reported, last.models_reported if last else []
    if served and served_before and served != served_before:
        here.notices.append("model")
    _compare(here, before)
    here.measured_at = timezone.now()
    here.save()
    if here.number == here.base and watch.every_days is not None:
        # The second round at once: how the judge differs from itself is then known.
        Watch.objects.filter(pk=watch.pk, every_days__isnull=False).update(next_at=timezone.now())


@transaction.atomic
def round_see(actor: User, seen: WatchRound, *, anew: bool = False) -> None:
    """Close the notice of a round; ``anew``: later rounds are compared with this one. Raises
    Conflict where the round is not measured.
    """
    if seen.measured_at is None:
        raise Conflict(_("This round is not over."))
    seen.seen_at, seen.seen_by = timezone.now(), actor
    seen.save(update_fields=["seen_at", "seen_by"])
    if anew:
        Watch.objects.filter(pk=seen.watch_id).update(base=seen.number)
        WatchRound.objects.filter(pk=seen.pk).update(base=seen.number)
    event_write(
        actor, "watch.seen", project=seen.watch.project, target=seen.watch, round=seen.number
    )


def _compare(here: WatchRound, before: Sequence[WatchRound]) -> None:
    """The round beside people, and beside the base round; both within limits by rounds in line."""
    from consensus.control_chart import latest_round

    items: list[int] = list(here.watch.items)
    said = {each.pk: round_answers(each.run) for each in (*before, here)}
    mine = said[here.pk]
    people = people_majorities(here.run.version.question)
    base = said[before[0].pk] if before else None
    truths = {"people": people, "answers": base}
    for name, truth in truths.items():
        if truth is None:
            continue
        # The base round is no comparison with itself.
        rounds = [
            each
            for each in before
            if name not in each.notices and (name == "people" or each.number > here.base)
        ]
        hits = [[_hit(said[each.pk], truth, item) for item in items] for each in (*rounds, here)]
        known = [hit for hit in hits[-1] if hit is not None]
        setattr(here, f"n_{name}", len(known))
        setattr(here, name, sum(known))
        standing = latest_round(hits)
        if standing is None:
            continue
        here.limits[name] = [standing.low, standing.high]
        if standing.is_low or (name == "people" and standing.is_high):
            here.notices.append(name)
    if not mine:
        here.limits = {}


def _hit(said: dict[int, int], truth: dict[int, int], item: int) -> bool | None:
    if item not in said or item not in truth:
        return None
    return said[item] == truth[item]


def _drawn(version: JudgeVersion, n: int, seed: int) -> list[int]:
    """The items with people's labels first, each part in an order drawn by the seed."""
    found: list[int] = []
    for answered in (True, False):
        rows = items_answered(items_askable(version), version.question, answered=answered)
        named = rows.values_list("pk", "external_id")
        order = sorted((draw_number(seed, external), pk) for pk, external in named)
        found += [pk for _draw, pk in order[: n - len(found)]]
    return found


def is_going(watch: Watch) -> bool:
    """Whether a round is under way."""
    return watch.rounds.exclude(run__job__state__in=FINISHED).exists()
