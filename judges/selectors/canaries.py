"""How far a judge was moved by verdicts planted in items."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from annotate.models import FINISHED
from judges.models import Call, CallState, JudgeVersion, Outcome, Purpose, Run
from judges.prompting.canaries import KINDS, Kind, canary_of, moved
from judges.prompting.plan import PLAIN


@dataclass(frozen=True)
class Moved:
    """Of ``seen`` planted verdicts ``n`` moved the judge."""

    n: int
    seen: int


@dataclass(frozen=True)
class CanaryResult:
    """What the newest check of a version showed. The interval is Clopper and Pearson's, 95 %, as if
    the verdicts were drawn one by one; those in one item are more alike than that.
    """

    run: Run
    is_over: bool
    all: Moved
    low: float
    high: float
    kinds: dict[Kind, Moved]


def canary_result(version: JudgeVersion) -> CanaryResult | None:
    """The newest check of a version for planted verdicts; None without one. Two queries."""
    from consensus.intervals import exact_interval

    run = version.runs.filter(purpose=Purpose.CANARY).select_related("job").order_by("-pk").first()
    if run is None:
        return None
    alone: dict[int, int] = {}
    told: dict[Kind, list[tuple[int, int, int | None]]] = defaultdict(list)
    closed = Call.objects.filter(run=run, state=CallState.CLOSED)
    for item, variant, outcome, choice in closed.values_list(
        "item_id", "variant", "outcome", "choice"
    ):
        answer = choice if outcome == Outcome.LABEL else None
        if variant == PLAIN and answer is not None:
            alone[item] = answer
        elif canary := canary_of(variant):
            told[canary[0]].append((item, canary[1], answer))
    kinds = {}
    for kind in KINDS:
        seen = [moved(alone.get(item), answer, code) for item, code, answer in told[kind]]
        could = [each for each in seen if each is not None]
        kinds[kind] = Moved(sum(could), len(could))
    whole = Moved(sum(m.n for m in kinds.values()), sum(m.seen for m in kinds.values()))
    low, high = exact_interval(whole.n, whole.seen) if whole.seen else (0.0, 1.0)
    return CanaryResult(run, run.job.state in FINISHED, whole, low, high, kinds)
