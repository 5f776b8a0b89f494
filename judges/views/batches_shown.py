"""The batch lane on the pages of a judge and of a run."""

from __future__ import annotations

from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.models import JobState
from annotate.written import decimal
from judges.models import Batch, BatchStage, JudgeVersion, Run
from judges.selectors.batches import batches_shown, has_batch_lane
from judges.selectors.money import dollars
from judges.services.costs import CostEstimate, batch_share, cost_estimate

# A run whose answers take hours need not be looked at every second.
SELDOM = "every 10s"
OFTEN = "every 1s"


def batch_choice(version: JudgeVersion, n_items: int) -> dict[str, str] | None:
    """What choosing the batch lane means for a run over so many items: {note, cost}; None where
    the judge has none.
    """
    if not has_batch_lane(version):
        return None
    estimate = cost_estimate(version, n_items, in_batches=True)
    return {
        "note": _price_said(version, free=estimate.basis == "free"),
        "cost": _cost_said(estimate),
    }


def _cost_said(found: CostEstimate) -> str:
    n = intcomma(found.n_items)
    if found.mean is not None and found.basis != "free":
        return _("%(n)s items: about %(cost)s.") % {"n": n, "cost": dollars(found.mean)}
    if found.high is not None and found.basis != "free":
        return _("%(n)s items: at most %(cost)s.") % {"n": n, "cost": dollars(found.high)}
    return ""


def _price_said(version: JudgeVersion, *, free: bool) -> str:
    share = batch_share(version)
    if free:
        return _("Answered within a day, mostly sooner.")
    if share == 1:
        return _(
            "Answered within a day, mostly sooner. What it costs there is not known: it is counted "
            "at the price of other calls."
        )
    return _("Answered within a day, mostly sooner, at %(share)s %% of the price.") % {
        "share": decimal(share * 100, 0)
    }


def batches_of_run(run: Run) -> list[dict[str, Any]]:
    """For judges/_batches.html, newest first; empty for a run in the ordinary lane."""
    if not run.in_batches:
        return []
    return [
        {
            "batch": batch,
            "state": _state_said(batch),
            "hue": "doubt" if batch.error else "",
            "note": batch.error,
            "due": batch.is_open and batch.look_at <= timezone.now(),
        }
        for batch in batches_shown(run)
    ]


def refresh_of(run: Run) -> str:
    """How often the page asks how far the run is."""
    waits = run.in_batches and run.job.state == JobState.QUEUED
    return SELDOM if waits and run.batches.exists() else OFTEN


def _state_said(batch: Batch) -> str:
    if batch.stage == BatchStage.CLOSED:
        if batch.error:
            return str(_("Not taken")) if not batch.remote_id else str(_("Given up"))
        return str(_("Stored"))
    if batch.cancel_asked_at is not None:
        return str(_("Being cancelled"))
    return str(batch.get_stage_display())
