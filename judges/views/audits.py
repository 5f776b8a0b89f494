"""Audits of a judge: choosing them, what they cost, and what they found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import ConcordError
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page
from judges.forms.audits import AuditForm
from judges.models import AuditFinding, JudgeVersion, Run
from judges.prompting.audits.catalogue import calls_an_item
from judges.selectors.audits import (
    AuditRun,
    audit_runs,
    audits_unfit,
    is_found,
    may_be_audited,
)
from judges.selectors.items import items_live
from judges.selectors.money import dollars
from judges.selectors.places import version_of
from judges.services.audit_remedies import remedy_make, remedy_of
from judges.services.audits import AUDIT_ITEMS, audits_estimate, audits_start
from judges.services.spending import cap_read
from judges.views.audits_said import (
    audit_name,
    audit_shown,
    interval_said,
    outcome_said,
    percent,
    remedy_shown,
    signed,
    verdict_said,
)
from judges.views.run_shown import job_shown


@require_http_methods(["GET", "POST"])
def judge_audits(request: AuthenticatedRequest, project_id: int, version_id: int) -> HttpResponse:
    """What was found; with POST what is chosen would cost ("estimate"), or begins."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    version = version_of(place, version_id)
    if request.method != "POST":
        return _show(request, place, version, AuditForm())
    access.check_active(place)
    form = AuditForm(request.POST)
    if not form.is_valid() or "estimate" in request.POST:
        return _show(request, place, version, form)
    entered = form.cleaned_data
    try:
        run = audits_start(
            request.user,
            version,
            entered["audits"],
            n_items=entered["n_items"],
            source=entered["source"],
            seed=entered["seed"] or 0,
            cap=cap_read(entered["cap"]),
        )
    except ConcordError as error:
        form.add_error(None, error.message)
        return _show(request, place, version, form)
    job_nudge(run.job)
    messages.success(request, _("The audits have begun."))
    return redirect("judge_audits", project_id, version.pk)


@require_POST
def judge_audit_remedy(
    request: AuthenticatedRequest, project_id: int, version_id: int
) -> HttpResponse:
    """Make the version that an audit calls for, and show where it is audited in turn."""
    place = access.project_of(request.user, project_id, Right.REVIEW)
    access.check_active(place)
    version = version_of(place, version_id)
    try:
        made = remedy_make(request.user, version, request.POST.get("audit", ""))
    except ConcordError as error:
        messages.error(request, error.message)
        return redirect("judge_audits", project_id, version.pk)
    messages.success(
        request,
        _("%(judge)s is there. Audit it on the same items to see whether that helped.")
        % {"judge": made},
    )
    return redirect("judge_audits", project_id, made.pk)


def _show(
    request: AuthenticatedRequest, place: Place, version: JudgeVersion, form: AuditForm
) -> HttpResponse:
    project_id = place.project.pk
    address = [project_id, version.pk]
    audited = may_be_audited(version)
    unfit = audits_unfit(version) if audited else {}
    chosen = (
        set(form["audits"].value() or [])
        if form.is_bound
        else {key for key, reason in unfit.items() if not reason}
    )
    live = items_live(version)
    runs = [_run_shown(version, found) for found in audit_runs(version)] if audited else []
    context: dict[str, Any] = {
        "judge": version,
        "form": form,
        "audited": audited,
        "audits": [
            {**audit_shown(key, reason), "checked": key in chosen and not reason}
            for key, reason in unfit.items()
        ],
        "estimate": _estimate(version, [k for k in chosen if not unfit.get(k)], _items(form, live)),
        "may_cost": version.connection.leaves_machine,
        "live": live,
        "runs": runs,
        "going": any(not shown["is_over"] for shown in runs),
        "url": reverse("judge_audits", args=address),
        "remedy_url": reverse("judge_audit_remedy", args=address),
        "judge_url": reverse("judge", args=address),
        "crumbs": [
            {"label": _("Judges"), "url": reverse("judges", args=[project_id])},
            {"label": str(version), "url": reverse("judge", args=address)},
        ],
    }
    status = 422 if form.errors else 200
    return render_page(
        request, "judges/audits.html", context, place=place, current="judges", status=status
    )


def _items(form: AuditForm, live: int) -> int:
    entered = form.cleaned_data.get("n_items") if form.is_bound and form.is_valid() else None
    return min(live, int(entered or AUDIT_ITEMS))


def _estimate(version: JudgeVersion, audits: list[str], n_items: int) -> str:
    """Calls and cost of what is chosen, in a sentence; "" where nothing could be asked."""
    if not audits or not n_items:
        return ""
    each = calls_an_item(audits)
    calls = n_items * each
    said = ngettext(
        "%(items)s items, each asked once: %(calls)s calls",
        "%(items)s items, each asked %(each)s times: %(calls)s calls",
        each,
    ) % {"items": intcomma(n_items), "each": each, "calls": intcomma(calls)}
    found = audits_estimate(version, audits, n_items)
    if found.basis == "free":
        return _("%(calls)s, free of charge.") % {"calls": said}
    if found.mean is not None and found.low is not None and found.high is not None:
        return _("%(calls)s, about %(mean)s (%(low)s to %(high)s, 95 %%).") % {
            "calls": said,
            "mean": dollars(found.mean),
            "low": dollars(found.low),
            "high": dollars(found.high),
        }
    if found.high is not None:
        return _("%(calls)s, at most %(high)s.") % {"calls": said, "high": dollars(found.high)}
    return _("%(calls)s. No price is known for this model.") % {"calls": said}


def _run_shown(version: JudgeVersion, found: AuditRun) -> dict[str, Any]:
    for finding in found.findings:
        # The same objects, so that no sentence reads them again.
        finding.run = found.run
    found.run.version = version
    costs = [finding.cost for finding in found.findings if finding.calls]
    known = [cost for cost in costs if cost is not None]
    total = sum(known, Decimal(0)) if len(known) == len(costs) else Decimal(0)
    return {
        "run": found.run,
        "job": job_shown(found.run),
        "is_over": found.is_over,
        "url": reverse("run", args=[version.project_id, found.run.pk]),
        "said": _said(version, found),
        "findings": [_finding_shown(version, finding) for finding in found.findings],
        "cost": dollars(total) if total else "",
    }


def _said(version: JudgeVersion, found: AuditRun) -> str:
    if not found.is_over:
        return _("The audits are under way.")
    if not found.findings:
        return _("They were stopped before their end, so nothing was measured.")
    return outcome_said(version, found.findings)


def _finding_shown(version: JudgeVersion, finding: AuditFinding) -> dict[str, Any]:
    found = is_found(finding)
    unsteady = finding.audit == "repeat" and bool(finding.changed)
    return {
        "key": finding.audit,
        "name": audit_name(finding.audit),
        "said": verdict_said(finding),
        "is_found": found,
        "has_value": finding.value is not None,
        "effect": _effect(finding),
        "interval": interval_said(finding),
        "value": finding.value,
        "low": max(-1.0, finding.low) if finding.low is not None else None,
        "high": min(1.0, finding.high) if finding.high is not None else None,
        "p": finding.p_adjusted,
        "n": finding.n,
        "changed": finding.changed,
        "calls": finding.calls,
        "cost": dollars(finding.cost) if finding.cost else "",
        "remedy": (remedy_shown(remedy_of(version, finding.audit)) if found or unsteady else ""),
        "names_help": found and finding.audit == "option_names",
    }


def _effect(finding: AuditFinding) -> str:
    if finding.value is None:
        return ""
    return percent(finding.value) if finding.p is None else signed(finding.value)


def audits_line(version: JudgeVersion) -> dict[str, Any] | None:
    """What the page of a judge says of its audits; None of a judge that cannot be audited."""
    if not may_be_audited(version):
        return None
    runs = audit_runs(version)
    newest: Run | None = runs[0].run if runs else None
    over = next((each for each in runs if each.is_over and each.findings), None)
    if over is not None:
        for finding in over.findings:
            finding.run = over.run
        said = outcome_said(version, over.findings)
    elif newest is not None:
        said = _("The audits are under way.") if not runs[0].is_over else _said(version, runs[0])
    else:
        said = _("Never audited: nobody knows whether order, length or looks move it.")
    return {"said": said, "url": reverse("judge_audits", args=[version.project_id, version.pk])}
