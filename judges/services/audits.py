"""Audits of a judge as runs: what it answers to items as they are, and to the same items changed in
ways that should not matter (judges/prompting/audits). Nothing is labelled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import User
from judges.models import AuditFinding, JudgeVersion, Purpose, Run
from judges.prompting.audits.catalogue import AUDITS, calls_an_item, fitting
from judges.prompting.audits.effects import Found, measured
from judges.selectors.asked import setting_of
from judges.selectors.audits import Heard, audits_wanted, evidence_of, heard_of
from judges.services.costs import CostEstimate, cost_estimate
from judges.services.runs import check_asked_in_words, run_start

AUDIT_ITEMS = 60
MOST_AUDITED = 1_000
SOURCES = ("known", "random")


def audits_start(
    actor: User,
    version: JudgeVersion,
    audits: Sequence[str],
    *,
    n_items: int = AUDIT_ITEMS,
    source: str = "known",
    seed: int = 0,
    cap: int | None = None,
) -> Run:
    """Ask a judge about ``n_items`` items as they are and changed by each of these audits: the
    queued run, which the caller nudges. ``source``: "known" takes those first that people have
    answered, "random" any. One ``seed`` takes the same items for every version.

    Raises BadInput, by field, for no audit or one that does not fit, else as run_start.
    """
    check_asked_in_words(version)
    if not 2 <= n_items <= MOST_AUDITED:
        said = _("Audits are over 2 to %(most)s items.") % {"most": MOST_AUDITED}
        raise BadInput(said, fields={"n_items": said})
    if source not in SOURCES:
        raise BadInput(_("Items are those people answered first, or any."))
    fit = [audit.key for audit in fitting(setting_of(version), audits)]
    wrong = [name for name in audits if name not in fit]
    if wrong or not fit:
        said = (
            _("“%(audit)s” cannot be made of this judge.") % {"audit": str(wrong[0])[:40]}
            if wrong
            else _("Choose one audit at least.")
        )
        raise BadInput(said, fields={"audits": said})
    return run_start(
        actor,
        version,
        purpose=Purpose.AUDIT,
        selection={"strategy": source, "limit": n_items},
        seed=seed,
        cap=cap,
        audits=fit,
    )


def audits_estimate(version: JudgeVersion, audits: Sequence[str], n_items: int) -> CostEstimate:
    """What they will cost; its ``n_items`` are calls. A few queries."""
    return cost_estimate(version, n_items * calls_an_item(audits))


@transaction.atomic
def audits_conclude(run: Run) -> None:
    """Measure what the audits of a run found, once its calls are closed; nothing for other runs.

    Done again it measures anew. Holm's method keeps the level over all tests of the run.
    """
    from consensus.paired_effects import holm

    wanted = audits_wanted(run)
    if not wanted:
        return
    heard, setting = heard_of(run), setting_of(run.version)
    found = {
        key: measured(AUDITS[key], setting, evidence_of(run, AUDITS[key], heard)) for key in wanted
    }
    tested = [math.nan if one.p is None else one.p for one in found.values()]
    adjusted = dict(zip(found, holm(tested), strict=True))
    AuditFinding.objects.filter(run=run).delete()
    AuditFinding.objects.bulk_create(
        _finding(run, key, one, adjusted[key], heard) for key, one in found.items()
    )


def _finding(run: Run, key: str, found: Found, adjusted: float, heard: Heard) -> AuditFinding:
    calls = heard.calls.get(key, 0)
    return AuditFinding(
        run=run,
        audit=key,
        n=found.n,
        changed=found.changed,
        value=found.value,
        low=found.low,
        high=found.high,
        p=found.p,
        p_adjusted=None if math.isnan(adjusted) else adjusted,
        option=found.option,
        missing=found.missing,
        calls=calls,
        cost=heard.costs.get(key),
    )
