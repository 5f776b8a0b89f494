"""What audits go by, and what they found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from annotate.models import FINISHED, Item
from judges.models import AuditFinding, Call, CallState, JudgeVersion, Outcome, Purpose, Run
from judges.prompting.audits.asked import Audit, Unfit
from judges.prompting.audits.beside_people import kin
from judges.prompting.audits.catalogue import AGAIN, AUDITS, audit_of
from judges.prompting.audits.effects import Evidence
from judges.prompting.plan import PLAIN
from judges.providers.prices import from_steps
from judges.selectors.asked import setting_of
from judges.selectors.panels import is_panel
from judges.selectors.people import people_counts

# Where an item's metadata may say which model wrote its text, the first that it has.
ORIGIN = ("model", "generator", "source_model", "written_by")
LEVEL = 0.05
MOST_RUNS = 20


@dataclass(frozen=True)
class Heard:
    """The closed calls of an audit run. ``by_audit`` has of each item the answer and what was drawn
    for it; ``calls`` and ``costs`` are by audit too, a cost None where a price is not known.
    """

    plain: dict[int, int]
    by_audit: dict[str, dict[int, tuple[int, int]]]
    calls: dict[str, int]
    costs: dict[str, Decimal | None]
    hashes: dict[int, str]


@dataclass(frozen=True)
class AuditRun:
    """A run of audits with what it found, the findings in the order of the catalogue."""

    run: Run
    is_over: bool
    findings: list[AuditFinding]


def may_be_audited(version: JudgeVersion) -> bool:
    """Whether the version is a language model that is asked by itself."""
    return version.prompt is not None and not is_panel(version)


def audits_unfit(version: JudgeVersion) -> dict[str, Unfit]:
    """By audit why it cannot be made of the version, "" where it can."""
    setting = setting_of(version)
    return {key: audit.unfit(setting) for key, audit in AUDITS.items()}


def audit_runs(version: JudgeVersion) -> list[AuditRun]:
    """The audits of a version, newest first. Two queries."""
    runs = (
        version.runs.filter(purpose=Purpose.AUDIT, selection__has_key="audits")
        .select_related("job", "created_by")
        .prefetch_related("findings")
        .order_by("-pk")[:MOST_RUNS]
    )
    order = {key: place for place, key in enumerate(AUDITS)}
    return [
        AuditRun(
            run,
            run.job.state in FINISHED,
            sorted(run.findings.all(), key=lambda found: order.get(found.audit, len(order))),
        )
        for run in runs
    ]


def heard_of(run: Run) -> Heard:
    """Read the closed calls of an audit run. One query."""
    heard = Heard({}, {key: {} for key in AUDITS}, {}, {}, {})
    closed = Call.objects.filter(run=run, state=CallState.CLOSED)
    names = ("item_id", "variant", "outcome", "choice", "price", "paid_beside", "request_hash")
    for item, variant, outcome, choice, price, beside, digest in closed.values_list(*names):
        found = audit_of(variant)
        answer = choice if outcome == Outcome.LABEL else None
        if found is not None:
            key = found[0].key
            heard.calls[key] = heard.calls.get(key, 0) + 1
            cost = heard.costs.setdefault(key, Decimal(0))
            known = cost is not None and price is not None
            heard.costs[key] = cost + price + from_steps(beside) if known else None
            if answer is not None:
                heard.by_audit[key][item] = (answer, found[1])
        elif variant == PLAIN and answer is not None:
            heard.plain[item] = answer
            heard.hashes[item] = digest
    return heard


def evidence_of(run: Run, audit: Audit, heard: Heard) -> Evidence:
    """What an audit of the run goes by. Two queries at most."""
    changed = heard.by_audit[audit.key]
    again = {item: code for item, (code, _drawn) in heard.by_audit[AGAIN].items()}
    version = run.version
    match audit.measure:
        case "people" | "kin":
            items = list(heard.plain)
            people = {
                item: [code for code, n in said for _one in range(n)]
                for item, said in people_counts(version.question, items).items()
            }
            own = _by_own_family(version, items) if audit.measure == "kin" else {}
            return Evidence(heard.plain, people=people, own=own)
        case "extra" if audit.vary is None:
            changed = {item: (code, 0) for item, code in _said_before(run, heard).items()}
    return Evidence(heard.plain, changed, again)


def _said_before(run: Run, heard: Heard) -> dict[int, int]:
    """The newest answer of the version to exactly the same request in runs before, by item."""
    items = {digest: item for item, digest in heard.hashes.items() if digest}
    before = Call.objects.filter(
        request_hash__in=list(items),
        outcome=Outcome.LABEL,
        reused=None,
        repeat=0,
        run__version=run.version_id,
        run__lt=run.pk,
    ).order_by("pk")
    return {
        items[digest]: code
        for digest, code in before.values_list("request_hash", "choice")
        if code is not None
    }


def _by_own_family(version: JudgeVersion, items: Collection[int]) -> dict[int, bool]:
    own = kin(version.model)
    rows = Item.objects.filter(pk__in=items).values_list("pk", "metadata")
    origins = {pk: _origin(metadata) for pk, metadata in rows}
    return {pk: origin == own for pk, origin in origins.items() if origin}


def _origin(metadata: dict[str, object]) -> str:
    said = next((metadata[name] for name in ORIGIN if metadata.get(name)), "")
    return kin(str(said))


def is_found(finding: AuditFinding) -> bool:
    """Whether the audit speaks of a pull at the level that holds for its run as a whole."""
    return finding.p_adjusted is not None and finding.p_adjusted < LEVEL


def audits_wanted(run: Run) -> Sequence[str]:
    """The audits that a run was started with."""
    return [key for key in run.selection.get("audits", []) if key in AUDITS]
