"""A run as the job component shows it."""

from __future__ import annotations

from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.models import Job, JobState
from annotate.written import decimal
from judges.models import JudgeVersion, Run
from judges.selectors.money import dollars
from judges.selectors.runs import RunProgress, calls_shown
from judges.services.costs import CostEstimate

HUES = {
    JobState.PAUSED: "doubt",
    JobState.FAILED: "error",
    JobState.DONE: "agreement",
}
LIVE = (JobState.QUEUED, JobState.RUNNING)


def job_shown(run: Run, progress: RunProgress | None = None) -> dict[str, Any]:
    """For components/job.html. ``progress`` brings the time left."""
    job = run.job
    stopped = job.state in {JobState.PAUSED, JobState.FAILED}
    note = "" if stopped else job.message
    if progress is not None and progress.seconds_left is not None:
        note = time_left(progress.seconds_left)
    return {
        "pk": job.pk,
        "title": _("Run %(run)s of %(judge)s") % {"run": run.pk, "judge": run.version},
        "state_label": job.get_state_display(),
        "hue": HUES.get(JobState(job.state), ""),
        "done": progress.ended if progress else job.done,
        "total": job.total,
        "unit": _("items"),
        "note": note,
        "error": job.message if stopped else "",
        "is_live": job.state in LIVE,
    }


def answers_shown(version: JudgeVersion, run: Run | None = None) -> dict[str, Any]:
    """For judges/_calls.html: the newest answers of a run, else of the version."""
    calls = calls_shown(version, run)
    replies = any(c.call.raw_reply or c.call.error or c.call.rationale for c in calls)
    return {"calls": calls, "replies": replies}


def steering(project_id: int, run: Run) -> dict[str, str]:
    """The addresses of what may be done to the run now, for components/job.html."""
    state = run.job.state
    may = {
        "pause": state in LIVE,
        "resume": state == JobState.PAUSED,
        "retry": state == JobState.FAILED,
        "cancel": state in {*LIVE, JobState.PAUSED},
    }
    verbs = {"retry": "resume"}
    return {
        f"{name}_url": reverse("run_steer", args=[project_id, run.pk, verbs.get(name, name)])
        for name, allowed in may.items()
        if allowed
    }


def money_shown(progress: RunProgress) -> dict[str, Any]:
    """What a run has spent, written: {spent, note, each, held, free}; ``note`` beneath what is
    spent.
    """
    if progress.unpriced:
        note = ngettext(
            "and %(n)s call of which nobody knows the price",
            "and %(n)s calls of which nobody knows the price",
            progress.unpriced,
        ) % {"n": intcomma(progress.unpriced)}
    elif progress.cap is not None:
        note = _("of %(cap)s at most") % {"cap": dollars(progress.cap)}
    else:
        note = _("no limit of its own")
    each = progress.spent_per_label
    return {
        "spent": dollars(progress.spent),
        "note": note,
        # Where nothing was to pay there is nothing to tell.
        "each": dollars(each) if each else "",
        "free": not (progress.spent or progress.reserved or progress.unpriced)
        and progress.cap is None,
        "held": dollars(progress.reserved) if progress.reserved else "",
    }


def estimate_shown(found: CostEstimate) -> str:
    """What so many items will cost, in a sentence."""
    names = {"n": intcomma(found.n_items)}
    if found.basis == "free":
        return ""
    if found.mean is not None and found.low is not None and found.high is not None:
        return _(
            "%(n)s items cost about %(mean)s (%(low)s to %(high)s, 95 %%), going by %(past)s asked "
            "before."
        ) % {
            **names,
            "mean": dollars(found.mean),
            "low": dollars(found.low),
            "high": dollars(found.high),
            "past": intcomma(found.n_past),
        }
    if found.high is not None:
        return _(
            "%(n)s items cost at most %(high)s, mostly a good deal less. After a small run there "
            "is an estimate."
        ) % {**names, "high": dollars(found.high)}
    return _(
        "No price is known for this model: what it spends cannot be told, and no limit on it can "
        "be kept. An owner can set one on the page of the connection."
    )


def probe_shown(job: Job, title: str) -> dict[str, Any]:
    """The test of a connection, for components/job.html."""
    failed = job.state == JobState.FAILED
    return {
        "pk": job.pk,
        "title": title,
        "state_label": job.get_state_display(),
        "hue": HUES.get(JobState(job.state), ""),
        "done": job.done,
        "total": job.total,
        "unit": _("tests"),
        "note": "" if failed else job.message,
        "error": job.message if failed else "",
        "is_live": job.state in LIVE,
    }


def seconds_said(seconds: float) -> str:
    """A short time, with the digits that matter."""
    if seconds < 0.095:
        return _("under 0.1 s")
    return _("%(n)s s") % {"n": decimal(seconds, 1 if seconds < 9.95 else 0)}


def took(run: Run) -> str:
    """How long the run has taken from its start to its end, in words; "" while it goes on."""
    job = run.job
    if job.started_at is None or job.finished_at is None:
        return ""
    seconds = (job.finished_at - job.started_at).total_seconds()
    if seconds < 90:
        return seconds_said(seconds)
    return _("%(n)s min") % {"n": decimal(seconds / 60, 1)}


def time_left(seconds: float) -> str:
    """About how long, in words."""
    if seconds < 90:
        n = max(1, round(seconds))
        return ngettext("about %(n)s second left", "about %(n)s seconds left", n) % {"n": n}
    if seconds < 5400:
        n = round(seconds / 60)
        return ngettext("about %(n)s minute left", "about %(n)s minutes left", n) % {"n": n}
    n = round(seconds / 3600)
    return ngettext("about %(n)s hour left", "about %(n)s hours left", n) % {"n": n}
