"""A trial as its page and the prompt's page show it."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.access import Place
from annotate.models import FINISHED, JobState
from annotate.written import decimal, listed
from judges.models import Call, JudgeVersion, Run
from judges.prompting.plan import PLAIN
from judges.selectors.asked import how_of
from judges.selectors.items import items_unasked
from judges.selectors.money import dollars, dollars_plain
from judges.selectors.panels import OUT_OF_FOLD, is_panel
from judges.selectors.trials import Trial, trial_of
from judges.services.costs import CostEstimate, cost_estimate
from judges.services.previews import variant_words
from judges.views.run_shown import job_shown, seconds_said, steering


def trial_shown(place: Place, run: Run, *, beside: bool = False) -> dict[str, Any]:
    """For judges/_trial.html. ``beside``: it stands beside the prompt, where it is edited."""
    project_id, version = place.project.pk, run.version
    trial = trial_of(run)
    job = job_shown(run)
    if job["is_live"]:
        # Counted from its calls: the job's own figure lags a few seconds behind.
        job["done"] = trial.ended
    elif not job["error"]:
        # It speaks of labels, and a trial hands in none; what came of it stands beneath.
        job["note"] = ""
    job["title"] = _("Trial of %(judge)s") % {"judge": version}
    names = _call_names(version)
    return {
        "run": run,
        "judge": version,
        "trial": trial,
        "job": job,
        "live_url": reverse("run", args=[project_id, run.pk]) + ("?beside=1" if beside else ""),
        "alone": not beside,
        "items": [
            {
                "tried": tried,
                "replies": [
                    {"reply": reply, "words": names(reply.call)} for reply in tried.replies
                ],
            }
            for tried in trial.items
        ],
        "took": _took(trial),
        "edit_url": edit_url(project_id, version, run),
        "versions_url": reverse("judge_versions", args=[project_id, version.pk]),
        "try_url": reverse("judge_try", args=[project_id, version.pk]),
        "n_tried": run.job.total,
        "next_seed": run.seed + 1,
        "over": run.job.state in FINISHED,
        "on_all": _on_all(project_id, version, trial) if run.job.state == JobState.DONE else None,
        **steering(project_id, run),
    }


def edit_url(project_id: int, version: JudgeVersion, run: Run | None = None) -> str:
    """Where a new prompt is written from a version, with its trial beside."""
    named = {"from": version.pk} | ({"trial": run.pk} if run else {})
    return f"{reverse('prompt', args=[project_id])}?{urlencode(named)}"


def _call_names(version: JudgeVersion) -> Any:
    """What each call of an item was, in words; "" where there is one."""
    if is_panel(version):
        return lambda call: str(call.member)
    how = how_of(version)

    def words(call: Call) -> str:
        if how.is_single:
            return ""
        said = [] if call.variant in {PLAIN, OUT_OF_FOLD} else [variant_words(how, call.variant)]
        if how.repeats:
            said.append(_("round %(n)s") % {"n": call.repeat + 1})
        return listed(said) or _("as given")

    return words


def _took(trial: Trial) -> str:
    """What an item took, in a sentence."""
    said = []
    if trial.seconds is not None:
        said.append(seconds_said(trial.seconds))
    if trial.tokens_in is not None:
        said.append(
            _("%(read)s tokens read and %(written)s written")
            % {"read": decimal(trial.tokens_in, 0), "written": decimal(trial.tokens_out or 0, 0)}
        )
    if trial.spent_an_item:
        said.append(dollars(trial.spent_an_item))
    if trial.unpriced:
        said.append(_("of unknown price"))
    return listed(said)


def _on_all(project_id: int, version: JudgeVersion, trial: Trial) -> dict[str, Any] | None:
    """What labelling the rest takes: how many, about how much and how long. None where nothing is
    left, or the trial brought no answer.
    """
    left = items_unasked(version).count()
    if not left or not trial.answered:
        return None
    estimate = cost_estimate(version, left)
    return {
        "n": left,
        "url": reverse("judge_run", args=[project_id, version.pk]),
        "said": _forecast(estimate, trial, left, version.connection.concurrency),
        "cap": dollars_plain(_cap(estimate)),
        "may_cost": estimate.basis != "free",
    }


def _forecast(estimate: CostEstimate, trial: Trial, left: int, at_once: int) -> str:
    parts = []
    if estimate.mean is not None and estimate.low is not None and estimate.high is not None:
        if estimate.basis != "free":
            mean, low, high = map(dollars, (estimate.mean, estimate.low, estimate.high))
            said = _("about %(mean)s") if low == high else _("about %(mean)s (%(low)s to %(high)s)")
            parts.append(said % {"mean": mean, "low": low, "high": high})
    elif estimate.high is not None:
        parts.append(_("at most %(high)s") % {"high": dollars(estimate.high)})
    else:
        parts.append(_("at an unknown price"))
    if trial.seconds is not None:
        parts.append(_time(trial.seconds * left / max(1, at_once)))
    return listed(parts)


def _time(seconds: float) -> str:
    if seconds < 90:
        n = max(1, round(seconds))
        return ngettext("about %(n)s second", "about %(n)s seconds", n) % {"n": n}
    if seconds < 5400:
        n = round(seconds / 60)
        return ngettext("about %(n)s minute", "about %(n)s minutes", n) % {"n": n}
    n = round(seconds / 3600)
    return ngettext("about %(n)s hour", "about %(n)s hours", n) % {"n": n}


def _cap(estimate: CostEstimate) -> Decimal | None:
    """Where it should stop: half more than it is likely to cost at most, in two digits."""
    if estimate.basis != "past" or not estimate.high:
        return None
    most = estimate.high * Decimal("1.5")
    return most.quantize(Decimal(1).scaleb(most.adjusted() - 1), rounding=ROUND_UP)
