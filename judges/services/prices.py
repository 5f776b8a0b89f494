"""What a model costs at a connection: by the project's own word, else by the kept list."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import User
from annotate.services.events import event_write
from judges.models import Connection, ModelPrice, ProviderName
from judges.providers.prices import FREE, Price, list_price, own_price

# What comes with Concord costs nothing; a backend that gives labels counts no tokens to charge for.
FREE_OF_CHARGE = (
    ProviderName.LOCAL_CLASSIFIER,
    ProviderName.LOCAL_LLM,
    ProviderName.SCRIPTED,
    ProviderName.LABEL_STUDIO,
)
# Dollars a million tokens: far above any price, far below what the column holds.
MOST = Decimal(100_000)


def price_of(connection: Connection, model: str) -> Price | None:
    """What a model costs there; None where nobody knows. Costs a query.

    The project's own price first; what comes with Concord costs nothing; then the kept list by the
    model's name; then nothing, for what runs on this machine. None is not nothing: what such a
    model spends cannot be told, and no cap on it can be kept.
    """
    if connection.provider in FREE_OF_CHARGE:
        return FREE
    own = connection.prices.filter(model=model).first()
    if own is not None:
        return own_price(own.input, own.output, own.cached_input)
    return list_price(model) or (None if connection.leaves_machine else FREE)


@dataclass(frozen=True)
class ModelCost:
    """A model of a connection with what it costs there; ``own``: by the project's own word."""

    model: str
    price: Price | None
    own: bool


def prices_known(connection: Connection) -> list[ModelCost]:
    """The models that were tested, that judges were made with, or that were given a price, by
    name.
    """
    own = {price.model: price for price in connection.prices.all()}
    models = {*connection.capabilities, *own}
    models |= set(connection.judge_versions.values_list("model", flat=True))
    return [
        ModelCost(model, price_of(connection, model), own=model in own)
        for model in sorted(models - {""})
    ]


@transaction.atomic
def price_set(
    actor: User,
    connection: Connection,
    *,
    model: str,
    input: Decimal,
    output: Decimal,
    cached_input: Decimal | None = None,
) -> ModelPrice:
    """Say what a model costs at a connection, in US dollars a million tokens, from now on. Raises
    BadInput.
    """
    model = model.strip()
    wrong: dict[str, str] = {}
    if not model or len(model) > 200:
        wrong["model"] = _("Name the model, in 200 characters at most.")
    for name, value in (("input", input), ("output", output), ("cached_input", cached_input)):
        if value is not None and not (value.is_finite() and 0 <= value <= MOST):
            wrong[name] = _("From 0 to %(most)s.") % {"most": intcomma(MOST)}
    if wrong:
        raise BadInput(" ".join(wrong.values()), fields=wrong)
    price, _created = ModelPrice.objects.update_or_create(
        connection=connection,
        model=model,
        defaults={
            "input": input,
            "output": output,
            "cached_input": cached_input,
            "created_by": actor,
        },
    )
    event_write(
        actor,
        "price.set",
        project=connection.project,
        target=connection,
        model=model,
        input=str(input),
        output=str(output),
        cached_input=None if cached_input is None else str(cached_input),
    )
    return price


@transaction.atomic
def price_forget(actor: User, connection: Connection, *, model: str) -> bool:
    """Take the project's own price back, so that the kept list counts again. False where there was
    none. Idempotent.
    """
    gone, _by_model = ModelPrice.objects.filter(connection=connection, model=model).delete()
    if gone:
        event_write(
            actor, "price.forgotten", project=connection.project, target=connection, model=model
        )
    return bool(gone)
