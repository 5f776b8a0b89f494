"""What runs may spend: reserved before each call, settled after it, never above a limit.

A limit is kept by the database: ``UPDATE ... SET reserved = reserved + x WHERE spent + reserved + x
<= cap``, so of many workers none passes it. All amounts here are in 100-millionths of a US dollar.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.models import FINISHED, Project, User
from annotate.services.events import event_write
from judges.models import JudgeVersion, Run, Spending
from judges.providers.prices import STEP, from_steps, to_steps
from judges.selectors.money import dollars
from judges.selectors.panels import is_panel, panel_of
from judges.services.prices import price_of

# Dollars: far above what a project spends, far below what the column holds.
MOST = Decimal(1_000_000_000)

Refusal: TypeAlias = Literal["", "run", "project"]


def spending_of(project: Project) -> Spending:
    """The project's row, made where there is none yet."""
    return Spending.objects.get_or_create(project=project)[0]


def reserve(run: Run, amount: int) -> Refusal:
    """Hold back ``amount`` for calls about to be asked; "" where both limits admit it, else whose
    limit does not. Call inside the transaction that claims the calls: their order of locks is run,
    then project.
    """
    if amount <= 0:
        return ""
    if not _hold(Run.objects.filter(pk=run.pk), amount):
        return "run"
    if not _hold(Spending.objects.filter(project_id=run.project_id), amount):
        Run.objects.filter(pk=run.pk).update(reserved=F("reserved") - amount)
        return "project"
    return ""


def settle(run: Run, *, reserved: int, spent: int) -> None:
    """Give a reservation back and count what was spent instead. Inside the transaction that stores
    the call.
    """
    if not (reserved or spent):
        return
    change = {"reserved": F("reserved") - reserved, "spent": F("spent") + spent}
    Run.objects.filter(pk=run.pk).update(**change)
    Spending.objects.filter(project_id=run.project_id).update(**change)


def is_capped(run: Run) -> bool:
    """Whether a limit holds for the run, its own or the project's, as it stands now."""
    return (
        Run.objects.filter(pk=run.pk)
        .filter(Q(cap__isnull=False) | Q(project__spending__cap__isnull=False))
        .exists()
    )


def cap_read(entered: Decimal | str | None, field: str = "cap") -> int | None:
    """A limit as it is entered, in dollars; None where there is none. Raises BadInput."""
    if entered is None or entered == "":
        return None
    try:
        wanted = Decimal(entered)
    except InvalidOperation:
        wanted = Decimal("NaN")
    if not wanted.is_finite() or not STEP <= wanted <= MOST:
        message = _("A limit is an amount in dollars above 0.")
        raise BadInput(message, fields={field: message})
    return to_steps(wanted)


def check_cappable(version: JudgeVersion, cap: int | None) -> None:
    """Raise BadInput where a limit is to hold, the run's or the project's, and nobody knows what
    the model costs; of a panel, what each of its members' does.
    """
    if is_panel(version):
        for member in panel_of(version).members:
            check_cappable(member, cap)
        return
    if price_of(version.connection, version.model) is not None:
        return
    names = {"model": version.model, "connection": version.connection.name}
    if cap is not None:
        message = _(
            "No price is known for %(model)s at “%(connection)s”, so no limit on what it "
            "spends can be kept. Set its price on the page of the connection, or run it without a "
            "limit."
        )
        raise BadInput(message % names, fields={"cap": _("No price is known.")})
    if spending_of(version.project).cap is not None:
        message = _(
            "This project has a limit on what its judges spend, and no price is known for "
            "%(model)s at “%(connection)s”. Set its price on the page of the connection."
        )
        raise BadInput(message % names)


@transaction.atomic
def run_cap_set(actor: User, run: Run, cap: int | None) -> Run:
    """Change the most a run may spend, None: no limit of its own. Holds from the next call on.

    Raises BadInput for a limit below what is spent or on a model without a known price, Conflict
    once the run is over.
    """
    run = (
        Run.objects.select_for_update(no_key=True, of=("self",))
        .select_related("job")
        .get(pk=run.pk)
    )
    if run.job.state in FINISHED:
        raise Conflict(_("This run is over; start another one."))
    _check_above(cap, run.spent)
    if cap is not None:
        check_cappable(run.version, cap)
    run.cap = cap
    Run.objects.filter(pk=run.pk).update(cap=cap)
    event_write(actor, "run.cap", project=run.project, target=run, cap=_written(cap))
    return run


@transaction.atomic
def project_cap_set(actor: User, project: Project, cap: int | None) -> Spending:
    """Change the most that a project's judges may spend altogether. Raises BadInput for a limit
    below what is spent.
    """
    spending_of(project)
    found = Spending.objects.select_for_update(no_key=True).get(project=project)
    _check_above(cap, found.spent)
    found.cap = cap
    Spending.objects.filter(pk=found.pk).update(cap=cap)
    event_write(actor, "project.cap", project=project, target=project, cap=_written(cap))
    return found


def refused_said(run: Run, refusal: Refusal) -> str:
    """Why the next call is not asked, and what to do."""
    if refusal == "project":
        found = Spending.objects.get(project_id=run.project_id)
        said = _(
            "The project’s limit of %(cap)s does not allow the next call: its judges have spent "
            "%(spent)s, and before a call the most that it can cost is held back. An owner can "
            "raise the limit on the page of the connections; then resume."
        )
    else:
        found = Run.objects.get(pk=run.pk)  # type: ignore[assignment]
        said = _(
            "This run’s limit of %(cap)s does not allow the next call: %(spent)s are spent, and "
            "before a call the most that it can cost is held back. Raise the limit on the page of "
            "the run, then resume; or cancel the run, what is labelled stays."
        )
    return said % {
        "cap": dollars(from_steps(found.cap or 0)),
        "spent": dollars(from_steps(found.spent)),
    }


def _hold(row: object, amount: int) -> bool:
    admits = Q(cap=None) | Q(cap__gte=F("spent") + F("reserved") + amount)
    return bool(row.filter(admits).update(reserved=F("reserved") + amount))  # type: ignore[attr-defined]


def _check_above(cap: int | None, spent: int) -> None:
    if cap is not None and cap < spent:
        message = _("%(spent)s are spent already: a limit can only be above.")
        raise BadInput(
            message % {"spent": dollars(from_steps(spent))},
            fields={"cap": _("Below what is spent.")},
        )


def _written(cap: int | None) -> str | None:
    return None if cap is None else str(from_steps(cap))
