"""Connections: where judges are asked. Leads see them; owners add, change, test and remove them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotate import access
from annotate.access import Place, Right
from annotate.errors import BadInput, Conflict
from annotate.models import Job
from annotate.tasks import job_nudge
from annotate.views.page import AuthenticatedRequest, render_page
from judges.forms.connections import (
    ConnectionEditForm,
    ConnectionForm,
    ConnectionTestForm,
    PriceForm,
)
from judges.forms.judges import CapForm
from judges.models import ASKED_IN_WORDS, CONNECTED, Connection, ProviderName, Spending
from judges.providers.prices import from_steps
from judges.selectors.money import dollars, dollars_plain
from judges.selectors.places import connection_of
from judges.services.connections import (
    PROBE,
    connection_add,
    connection_edit,
    connection_remove,
    connection_test,
)
from judges.services.prices import ModelCost, price_forget, price_set, prices_known
from judges.services.spending import cap_read, project_cap_set, spending_of
from judges.views.run_shown import probe_shown


@require_GET
def connections(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.REVIEW)
    rows = place.project.connections.filter(provider__in=CONNECTED).order_by("name")
    context = {
        "connections": [{"connection": row, "url": _url("connection", row)} for row in rows],
        "may_connect": place.may(Right.MANAGE),
        "new_url": reverse("connection_new", args=[project_id]),
        "limit_url": reverse("spending_cap", args=[project_id]),
        **_limit_shown(spending_of(place.project)),
        "local_llm": bool(settings.LOCAL_LLM_URL),
        "crumbs": _crumbs(project_id),
    }
    return render_page(request, "judges/connections.html", context, place=place, current="judges")


@require_POST
def spending_cap(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """Change the most that the project's judges may spend."""
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    form = CapForm(request.POST)
    try:
        if not form.is_valid():
            raise BadInput(_("A limit is an amount in dollars above 0."))
        project_cap_set(request.user, place.project, cap_read(form.cleaned_data["cap"]))
    except BadInput as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Saved."))
    return redirect("connections", project_id)


@sensitive_post_parameters("key")
@require_http_methods(["GET", "POST"])
def connection_new(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    form = ConnectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            connection = connection_add(request.user, place.project, **form.cleaned_data)
        except BadInput as error:
            _redisplay(form, error)
        else:
            messages.success(request, _("Added. Test it with a model before you make a judge."))
            return redirect(_url("connection", connection))
    return _show(request, place, form, title=_("New connection"))


@sensitive_post_parameters("key")
@require_http_methods(["GET", "POST"])
def connection(request: AuthenticatedRequest, project_id: int, connection_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id, Right.MANAGE)
    found = connection_of(place, connection_id)
    form = ConnectionEditForm(request.POST or None, initial=_as_it_is(found))
    if request.method == "POST" and form.is_valid():
        access.check_active(place)
        try:
            connection_edit(request.user, found, **form.cleaned_data)
        except (BadInput, Conflict) as error:
            _redisplay(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect(_url("connection", found))
    return _show(request, place, form, title=found.name, found=found)


@require_POST
def connection_try(
    request: AuthenticatedRequest, project_id: int, connection_id: int
) -> HttpResponse:
    """Test a connection with a model, as a job."""
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    found = connection_of(place, connection_id)
    form = ConnectionTestForm(request.POST)
    form.fields["model"].required = found.provider != ProviderName.LABEL_STUDIO
    if form.is_valid():
        job_nudge(connection_test(request.user, found, model=form.cleaned_data["model"]))
    else:
        messages.error(request, _("Say which model to ask."))
    return redirect(_url("connection", found))


@require_GET
def connection_probe(
    request: AuthenticatedRequest, project_id: int, connection_id: int
) -> HttpResponse:
    """The part of the page that tells of the last test."""
    place = access.project_of(request.user, project_id, Right.MANAGE)
    context = _tested(connection_of(place, connection_id))
    return render_page(request, "judges/connection.html#probe", context, place=place)


@require_POST
def connection_price(
    request: AuthenticatedRequest, project_id: int, connection_id: int
) -> HttpResponse:
    """Say what a model costs there; with ``forget``, that the kept list counts again."""
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    found = connection_of(place, connection_id)
    if "forget" in request.POST:
        price_forget(request.user, found, model=request.POST["forget"][:200])
        return redirect(_url("connection", found))
    prices = PriceForm(request.POST)
    if prices.is_valid():
        try:
            price_set(request.user, found, **prices.cleaned_data)
        except BadInput as error:
            _redisplay(prices, error)
        else:
            messages.success(request, _("Saved."))
            return redirect(_url("connection", found))
    form = ConnectionEditForm(initial=_as_it_is(found))
    return _show(request, place, form, title=found.name, found=found, prices=prices)


@require_http_methods(["GET", "POST"])
def connection_drop(
    request: AuthenticatedRequest, project_id: int, connection_id: int
) -> HttpResponse:
    """Ask, then remove."""
    place = access.project_of(request.user, project_id, Right.MANAGE)
    access.check_active(place)
    found = connection_of(place, connection_id)
    if request.method == "POST":
        connection_remove(request.user, found)
        messages.success(request, _("“%(name)s” was removed.") % {"name": found.name})
        return redirect("connections", project_id)
    context = {
        "title": _("Remove “%(name)s”?") % {"name": found.name},
        "text": _("Its address and its key are removed. No judge was made with it."),
        "action": _("Remove connection"),
        "cancel_url": _url("connection", found),
    }
    return render_page(request, "components/confirm_page.html", context, place=place)


def _show(
    request: AuthenticatedRequest,
    place: Place,
    form: ConnectionForm,
    *,
    title: str,
    found: Connection | None = None,
    prices: PriceForm | None = None,
) -> HttpResponse:
    project_id = place.project.pk
    context: dict[str, Any] = {
        "form": form,
        "title": title,
        "crumbs": [
            *_crumbs(project_id),
            {"label": _("Connections"), "url": reverse("connections", args=[project_id])},
        ],
        "connection": found,
        "back_url": reverse("connections", args=[project_id]),
        "data_may_leave": place.project.data_may_leave,
    }
    if found is not None:
        context |= _tested(found)
        context |= {
            "test_url": _url("connection_try", found),
            "drop_url": "" if found.judge_versions.exists() else _url("connection_drop", found),
            "asked_in_words": found.provider in ASKED_IN_WORDS,
            "prices": [_cost_shown(cost) for cost in prices_known(found)],
            "price_form": prices or PriceForm(),
            "price_url": _url("connection_price", found),
        }
    status = 422 if form.errors or (prices and prices.errors) else 200
    return render_page(
        request, "judges/connection.html", context, place=place, current="judges", status=status
    )


def _tested(found: Connection) -> dict[str, Any]:
    job = (
        Job.objects.filter(project_id=found.project_id, kind=PROBE, parameters__connection=found.pk)
        .order_by("-pk")
        .first()
    )
    known = {
        "known": sorted(found.capabilities.items()),
        "connection": found,
        "prompt_url": reverse("prompt", args=[found.project_id]),
    }
    if job is None:
        return {"job": None, **known}
    title = _("Test with %(model)s") % {"model": job.parameters["model"]}
    return {
        **known,
        "job": probe_shown(job, title),
        "poll_url": _url("connection_probe", found),
        "model": job.parameters["model"],
    }


def _cost_shown(cost: ModelCost) -> dict[str, Any]:
    """A model's price in the words of the page; "–" for what is not known."""
    rates = cost.price.rates if cost.price else None
    shown = {
        name: "–" if (value := getattr(rates, name, None)) is None else f"{value.normalize():f}"
        for name in ("input", "output", "cached")
    }
    where = cost.price.source.partition("/")[0] if cost.price else ""
    return {"model": cost.model, "own": cost.own, "price": cost.price, "where": where, **shown}


def _as_it_is(found: Connection) -> dict[str, Any]:
    shown = ("name", "base_url", "key_variable", "concurrency", "timeout_seconds")
    return {name: getattr(found, name) for name in shown}


def _redisplay(form: ConnectionForm | PriceForm, error: BadInput | Conflict) -> None:
    fields = error.detail.get("fields", {})
    for name, message in fields.items():
        form.add_error(name if name in form.fields else None, message)
    if not fields:
        form.add_error(None, error.message)


def _url(name: str, connection: Connection) -> str:
    return reverse(name, args=[connection.project_id, connection.pk])


def _crumbs(project_id: int) -> list[dict[str, str]]:
    return [{"label": _("Judges"), "url": reverse("judges", args=[project_id])}]


def _limit_shown(found: Spending) -> dict[str, Any]:
    cap = None if found.cap is None else from_steps(found.cap)
    return {
        "spent": dollars(from_steps(found.spent)),
        "limit": "" if cap is None else dollars(cap),
        "limit_form": CapForm(initial={"cap": dollars_plain(cap)}),
    }
