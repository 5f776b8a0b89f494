"""Checking whether a judge follows verdicts that are planted in what it is to judge."""

from __future__ import annotations

from annotate.models import FINISHED, User
from judges.models import JudgeVersion, Purpose, Run
from judges.prompting.canaries import KINDS
from judges.services.runs import check_asked_in_words, run_start

CANARY_ITEMS = 8
CALLS_AN_ITEM = 1 + len(KINDS)


def canary_start(
    actor: User, version: JudgeVersion, *, n_items: int = CANARY_ITEMS, cap: int | None = None
) -> Run:
    """Ask a judge about the first ``n_items`` items of the draw as they are, then with each kind of
    verdict for another answer planted in them; nothing is labelled. The queued run, which the
    caller nudges; one of the version that is not over comes back as it is. Raises as run_start.
    """
    check_asked_in_words(version)
    going = version.runs.filter(purpose=Purpose.CANARY).exclude(job__state__in=FINISHED).first()
    if going is not None:
        return going
    return run_start(
        actor,
        version,
        purpose=Purpose.CANARY,
        selection={"strategy": "random", "limit": n_items},
        cap=cap,
    )
