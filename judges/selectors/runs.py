"""How a run goes: what came back, how fast, what failed and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, Max, Min, Q, QuerySet, Sum
from django.utils import timezone

from annotate.models import Job, JobState, Project, Question
from judges.models import Call, CallState, Ending, JudgeVersion, Purpose, Run, RunItem
from judges.providers.prices import from_steps
from judges.selectors.panels import asks_once

# The rate is taken over so long: short enough to follow a change, long enough not to jump.
WINDOW = timedelta(seconds=60)
SHOWN = 12
# Closed calls that were charged nobody knows what for.
UNPRICED = Q(state=CallState.CLOSED, price=None, paid_beside=0)


@dataclass(frozen=True)
class Failure:
    """A way in which calls brought no label, and how many did."""

    outcome: str
    outcome_label: str
    error: str
    n: int


@dataclass(frozen=True)
class RunProgress:
    """How far a run is: calls, and how its items ended (``labels``, ``unparseable``, ``refused``,
    ``failed``, ``undecided``). Times in seconds, of one call; ``rate`` in calls a minute.

    ``seconds_left`` is None while nothing is known, or nothing is left to do. ``failures`` are
    the commonest, ``trouble`` is the last fault of a call that will be asked again.
    """

    n_calls: int
    closed: int
    claimed: int
    sent: int  # with batches, and not answered as far as is known
    n_items: int
    ended: int  # items of which no call is open
    labels: int
    unparseable: int
    refused: int
    failed: int
    undecided: int
    tokens_in: int | None
    tokens_out: int | None
    seconds_mean: float | None
    rate: float | None
    seconds_left: float | None
    trouble: str
    failures: list[Failure]
    # US dollars. ``spent`` counts replies and what may have been charged without one; ``unpriced``
    # are closed calls whose price nobody knows, so that more was spent.
    spent: Decimal
    reserved: Decimal
    cap: Decimal | None
    unpriced: int

    @property
    def spent_per_label(self) -> Decimal | None:
        """None without a label, and where the price of a call is not known."""
        return self.spent / self.labels if self.labels and not self.unpriced else None


@dataclass(frozen=True)
class ShownCall:
    """A call as it is shown: with the option's name and colour, and what people said."""

    call: Call
    text: str
    option: dict[str, str] | None
    people: list[dict[str, object]]


def run_read(job: Job) -> Run:
    """The run of a job, with all that asking reads of its version."""
    return (
        Run.objects.select_related(
            "project",
            "job",
            "version__project",
            "version__connection",
            "version__question",
            "version__prompt",
            "version__guideline",
            "version__rater__project",
        )
        # Read once, here: the threads that ask must not reach for the database.
        .prefetch_related("version__question__options")
        .get(job=job)
    )


def run_progress(run: Run) -> RunProgress:
    """Count the calls of a run. Six queries at most."""
    calls = Call.objects.filter(run=run)
    since = timezone.now() - WINDOW
    found = calls.aggregate(
        n=Count("pk"),
        closed=Count("pk", filter=Q(state=CallState.CLOSED)),
        claimed=Count("pk", filter=Q(state=CallState.CLAIMED)),
        sent=Count("pk", filter=Q(state=CallState.SENT)),
        tokens_in=Sum("tokens_in"),
        tokens_out=Sum("tokens_out"),
        seconds=Avg("seconds"),
        unpriced=Count("pk", filter=UNPRICED),
        recent=Count("pk", filter=Q(closed_at__gte=since)),
        first=Min("closed_at", filter=Q(closed_at__gte=since)),
        last=Max("closed_at", filter=Q(closed_at__gte=since)),
    )
    ended = endings_of(run)
    rate = _rate(found["recent"], found["first"], found["last"])
    left = found["n"] - found["closed"]
    live = run.job.state == JobState.RUNNING
    trouble = (
        calls.filter(state=CallState.WAITING).exclude(error="").order_by("-pk").first()
        if left
        else None
    )
    return RunProgress(
        n_calls=found["n"],
        closed=found["closed"],
        claimed=found["claimed"],
        sent=found["sent"],
        n_items=run.job.total or 0,
        ended=sum(ended.values()),
        labels=ended.get(Ending.LABEL, 0),
        unparseable=ended.get(Ending.UNPARSEABLE, 0),
        refused=ended.get(Ending.REFUSED, 0),
        failed=ended.get(Ending.FAILED, 0),
        undecided=ended.get(Ending.UNDECIDED, 0),
        tokens_in=found["tokens_in"],
        tokens_out=found["tokens_out"],
        seconds_mean=found["seconds"],
        rate=rate,
        seconds_left=left / rate * 60 if rate and left and live else None,
        trouble=trouble.error if trouble else "",
        failures=_failures(run) if sum(ended.values()) > ended.get(Ending.LABEL, 0) else [],
        unpriced=found["unpriced"],
        **_money(run),
    )


def _money(run: Run) -> dict[str, Any]:
    """Read anew: workers change it while the caller's row grows old."""
    spent, reserved, cap = Run.objects.values_list("spent", "reserved", "cap").get(pk=run.pk)
    return {
        "spent": from_steps(spent),
        "reserved": from_steps(reserved),
        "cap": None if cap is None else from_steps(cap),
    }


def endings_of(run: Run) -> dict[str, int]:
    """How many items of a run ended how: by their calls where each is asked once, else by their
    rows. One query.
    """
    name, rows = _ended(run)
    return dict(rows.values_list(name).annotate(n=Count("pk")))


def calls_shown(version: JudgeVersion, run: Run | None = None) -> list[ShownCall]:
    """The newest closed calls of a run, with people's answers beside; without one of the version's
    runs that label: trials and checks have pages of their own, and what they plant in an item is
    not the item.
    """
    calls = (
        Call.objects.filter(state=CallState.CLOSED, run__version=version)
        .select_related("item", "member__rater")
        .order_by("-closed_at", "-pk")
    )
    calls = calls.filter(run__purpose=Purpose.LABEL) if run is None else calls.filter(run=run)
    shown = list(calls[:SHOWN])
    options = {option.code: option for option in version.question.options.all()}
    people = people_said(version.project, version.question, [call.item_id for call in shown])
    return [
        ShownCall(
            call=call,
            text=" · ".join(str(value) for value in call.item.fields.values()),
            option=(
                {"name": options[call.choice].name, "colour": options[call.choice].colour}
                if call.choice in options
                else None
            ),
            people=[
                {"name": options[code].name, "colour": options[code].colour, "n": n}
                for code, n in people.get(call.item_id, [])
                if code in options
            ],
        )
        for call in shown
    ]


def people_said(
    project: Project, question: Question, item_ids: list[int]
) -> dict[int, list[tuple[int, int]]]:
    """(option code, how many people) by item, most named first. One query."""
    from annotate.models import ItemSummary

    return {
        item_id: sorted(((int(c), n) for c, n in counts.items()), key=lambda pair: -pair[1])
        for item_id, counts in ItemSummary.objects.filter(
            project=project, question=question, item__in=item_ids
        ).values_list("item_id", "people_counts")
    }


def _failures(run: Run) -> list[Failure]:
    """The commonest ways in which items ended without a label."""
    name, rows = _ended(run)
    counted = (
        rows.exclude(**{name: Ending.LABEL})
        .values(name, "error")
        .annotate(n=Count("pk"))
        .order_by("-n", name, "error")[:SHOWN]
    )
    labels = dict(Ending.choices)
    return [Failure(row[name], str(labels[row[name]]), row["error"], row["n"]) for row in counted]


def _ended(run: Run) -> tuple[str, QuerySet[Any]]:
    """The rows that tell how items ended, and the name of the field that does."""
    if asks_once(run):
        return "outcome", Call.objects.filter(run=run, state=CallState.CLOSED)
    return "ending", RunItem.objects.filter(run=run).exclude(ending="")


def _rate(n: int, first: object, last: object) -> float | None:
    """Calls a minute from the first to the last of the window; None from fewer than three."""
    if n < 3 or first is None or last is None:
        return None
    seconds = (last - first).total_seconds()  # type: ignore[operator]
    return float((n - 1) / seconds * 60) if seconds > 0 else None
