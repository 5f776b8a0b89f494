"""More answers for chosen items, and giving chosen items to somebody: jobs over a set of items."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils.translation import gettext as _

from annotate.access import RIGHTS, Right
from annotate.errors import BadInput
from annotate.models import (
    TAKE_UP_AGAIN,
    Assignment,
    Item,
    ItemStatus,
    Job,
    Membership,
    Project,
    Rater,
    Slot,
    SlotState,
    User,
)
from annotate.selectors.chosen import Chosen, chosen_kept
from annotate.selectors.item_filters import Filters
from annotate.services.claims import claim_given
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create
from annotate.services.raters import rater_of_member

MORE = "more_answers"
ASSIGN = "assign_items"
CHUNK = 200
MOST_MORE = 10
# Nobody is given more than this at once: what is given is held for a week.
MOST_ASSIGNED = 1000


def more_choices(project: Project) -> list[tuple[str, str]]:
    return [(str(n), str(n)) for n in range(1, MOST_MORE + 1)]


@transaction.atomic
def more_start(actor: User, chosen: Chosen, value: str) -> Job:
    """Queue: so many answers of people more for each item. Raises BadInput."""
    if value not in {number for number, _words in more_choices(chosen.project)}:
        raise BadInput(_("An item can want 1 to %(n)s more.") % {"n": MOST_MORE})
    return _start(actor, MORE, "annotate.more_answers", chosen, {"more": int(value)})


def more_run(running: RunningJob) -> None:
    """Make the slots. An attempt that died goes on after the last item it had done."""
    more = int(running.job.parameters["more"])

    def make(items: list[Item]) -> int:
        list(Item.objects.select_for_update(no_key=True).filter(pk__in=[i.pk for i in items]))
        last = dict(
            Slot.objects.filter(item__in=items).values_list("item_id").annotate(n=Max("ordinal"))
        )
        Slot.objects.bulk_create(
            Slot(project_id=item.project_id, item=item, ordinal=ordinal, draw=item.draw)
            for item in items
            for ordinal in range(last.get(item.pk, -1) + 1, last.get(item.pk, -1) + 1 + more)
        )
        return len(items)

    n = _each_chunk(running, make)
    running.finish(message=_("%(n)s items want more answers.") % {"n": intcomma(n)}, items=n)


def assign_choices(project: Project) -> list[tuple[str, str]]:
    members = project.memberships.select_related("user").order_by("user__username")
    return [
        (str(member.user_id), member.user.shown_name)
        for member in members
        if Right.LABEL in RIGHTS[member.role]
    ]


@transaction.atomic
def assign_start(actor: User, chosen: Chosen, value: str) -> Job:
    """Queue: give the items to a member, who finds them before all others. Raises BadInput."""
    member = (
        Membership.objects.filter(project=chosen.project, user=int(value))
        .select_related("user")
        .first()
        if value.isascii() and value.isdecimal() and len(value) < 19
        else None
    )
    if member is None or Right.LABEL not in RIGHTS[member.role]:
        raise BadInput(_("Choose a member who labels."))
    n, more = chosen.count()
    if more or n > MOST_ASSIGNED:
        raise BadInput(
            _("At most %(most)s items are given to one person at once. Narrow the list.")
            % {"most": intcomma(MOST_ASSIGNED)}
        )
    rater = rater_of_member(chosen.project, member.user)
    return _start(actor, ASSIGN, "annotate.assign_items", chosen, {"rater": rater.pk})


def batch_start(actor: User, project: Project, value: str, n: int) -> Job:
    """Queue: give a member the next ``n`` items, in the random order, that still want an answer and
    that they have not had. Raises BadInput, also where there are none.
    """
    rater = Rater.objects.filter(project=project, user=int(value)).first() if value else None
    ids = _wanting(project, rater, n)
    if not ids:
        raise BadInput(_("No item wants an answer that they have not seen."))
    return assign_start(actor, Chosen(project, Filters(), tuple(ids)), value)


def _wanting(project: Project, rater: Rater | None, n: int) -> list[int]:
    had = Assignment.objects.filter(item=OuterRef("item"), rater=rater).exclude(
        state__in=TAKE_UP_AGAIN
    )
    slots = Slot.objects.filter(
        ~Exists(had), project=project, state=SlotState.OPEN, item__status=ItemStatus.LIVE
    )
    found: dict[int, None] = {}
    for item_id in slots.order_by("draw", "ordinal").values_list("item_id", flat=True).iterator():
        found[item_id] = None
        if len(found) == n:
            break
    return list(found)


def assign_run(running: RunningJob) -> None:
    """Give each item to the rater. What they have answered, skipped or hold is left out."""
    rater = Rater.objects.select_related("project").get(pk=running.job.parameters["rater"])
    given = 0

    def give(items: list[Item]) -> int:
        nonlocal given
        given += claim_given(rater, items)
        return len(items)

    n = _each_chunk(running, give)
    running.finish(
        message=_("%(given)s of %(n)s items given to %(name)s.")
        % {"given": intcomma(given), "n": intcomma(n), "name": rater.name},
        items=given,
    )


def _start(actor: User, kind: str, task: str, chosen: Chosen, parameters: dict[str, int]) -> Job:
    job = job_create(
        actor,
        project=chosen.project,
        kind=kind,
        task=task,
        parameters={"chosen": chosen.kept(), **parameters},
        total=chosen.count()[0],
    )
    event_write(actor, f"items.{kind}", project=chosen.project, target=job, asked=parameters)
    return job


def _each_chunk(running: RunningJob, work: Callable[[list[Item]], int]) -> int:
    """Do the work on each chunk of the chosen items, and with it keep how far it went: whoever
    takes the job over goes on behind that, and does nothing twice. Returns how many items."""
    job = running.job
    if job.project is None:
        return 0
    chosen = chosen_kept(job.project, job.parameters["chosen"])
    done, after = job.done, int(job.result.get("after", 0))
    while chunk := list(chosen.items().filter(pk__gt=after)[:CHUNK]):
        after = chunk[-1].pk
        with transaction.atomic():
            running.hold()
            done += work(chunk)
            Job.objects.filter(pk=job.pk).update(done=done, result={"after": after})
        running.progress(done, total=max(done, job.total or 0))
    return done
