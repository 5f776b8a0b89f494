"""How a run's judge is asked: the one shape that language models and the classifier share.

An asker hands out pieces of work that run in threads without the database; what comes back is one
`Answered` a call. The loop that claims, waits and stores is services/run_work.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

from django.utils import timezone
from django.utils.translation import gettext as _

from judges.exchange import Reply, Request
from judges.models import Call, JudgeVersion, Outcome, ProviderName, Run
from judges.prompting.opinions import Opinion
from judges.prompting.parse import Unparseable, read
from judges.prompting.plan import CallKey
from judges.providers import local_classifier
from judges.providers.base import Capabilities, ChatProvider, ProviderError
from judges.providers.prices import Price, price_bound, reply_price, to_steps
from judges.selectors.asked import asked_of
from judges.selectors.examples import ExamplePool, example_pool
from judges.selectors.panel_items import opinions
from judges.selectors.panels import panel_of
from judges.services.calls import Result
from judges.services.connections import capabilities_keep
from judges.services.embeddings import vectors_keep
from judges.services.local_llm import model_check
from judges.services.prices import price_of
from judges.services.providers import provider_of

T = TypeVar("T")

# Requests kept at hand: more than are asked at once.
MOST_MADE = 1_000

# What a call came to, or why it came to nothing and may yet (a judge's or a passing error).
Answered: TypeAlias = "Result | ProviderError"


class Aside(Protocol):
    """Runs a function in a thread, without the database, while the job is kept alive."""

    def __call__(self, work: Callable[[], T], /) -> T: ...


class Asker(Protocol):
    """``chunk`` calls make a piece of work; ``width`` pieces may be under way at once."""

    chunk: int
    width: int

    def prepare(self, aside: Aside, say: Callable[[str], None]) -> None:
        """Get ready, once a run: find out capabilities, fit. Says what it does. Raises
        ProviderError.
        """
        ...

    def piece(self, calls: Sequence[Call]) -> Callable[[], list[Answered]]:
        """Work that answers these calls, in their order; called here, run in a thread."""
        ...

    def after(self) -> None:
        """Keep what a piece brought beside its answers. Called here, after each."""
        ...

    def bound(self, call: Call) -> int | None:
        """The most that a call can cost, in 100-millionths of a dollar; None where nobody knows."""
        ...

    def hash_of(self, call: Call) -> str:
        """The hash under which its answer is kept, where the same may be taken from a call before;
        "" where nothing is.
        """
        ...


@dataclass
class Piece:
    """Calls being asked together, with the token of their claim."""

    token: str
    calls: tuple[Call, ...]
    asked_at: datetime = field(default_factory=timezone.now)


class ChatAsker:
    """Asks a language model, one call a piece."""

    chunk = 1
    batch = False  # whether it asks in the batch lane, at its price

    def __init__(self, run: Run, version: JudgeVersion) -> None:
        self._run = run
        self._version = version
        self._connection = version.connection
        self.width = int(self._connection.concurrency)
        self._provider: ChatProvider | None = None
        self._capabilities = Capabilities()
        self._price: Price | None = None
        self._pool: ExamplePool | None = None
        # What is about to be asked, by call: looked at for its price, its hash and the asking.
        self._made: dict[int, tuple[Request, str]] = {}

    def prepare(self, aside: Aside, say: Callable[[str], None]) -> None:
        model = self._version.model
        if self._connection.provider == ProviderName.LOCAL_LLM:
            # The server answers to any name with the one model it has.
            aside(lambda: model_check(model))
        if model not in self._connection.capabilities:
            say(_("Finding out what the endpoint can do"))
            found = aside(provider_of(self._connection, model).probe)
            capabilities_keep(self._connection, model, found.as_dict())
        self._provider = provider_of(self._connection, model)
        self._capabilities = Capabilities.from_dict(self._connection.capabilities.get(model) or {})
        self._price = price_of(self._connection, model)
        self._pool = example_pool(self._version)
        if self._pool and self._pool.missing:
            say(_("Reading the examples"))
            missing = self._pool.missing
            for start in range(0, len(missing), 64):
                chunk = missing[start : start + 64]
                vectors = aside(partial(local_classifier.embed, chunk))
                fresh = dict(zip(chunk, vectors, strict=True))
                vectors_keep(local_classifier.MODEL, fresh)
                self._pool.vectors |= fresh

    def piece(self, calls: Sequence[Call]) -> Callable[[], list[Answered]]:
        requests = [self._request(call) for call in calls]
        for call in calls:
            self._made.pop(call.pk, None)
        provider = self._provider
        if provider is None:
            raise RuntimeError("prepare() comes first.")
        price = self._price
        return lambda: [ask(provider, request, price, digest) for request, digest in requests]

    def after(self) -> None:
        """Nothing to keep."""

    def bound(self, call: Call) -> int | None:
        if self._price is not None and self._price.rates.is_free:
            return 0
        most = price_bound(
            self._request(call)[0], self._capabilities, self._price, batch=self.batch
        )
        return None if most is None else to_steps(most)

    def hash_of(self, call: Call) -> str:
        return self._request(call)[1]

    def _request(self, call: Call) -> tuple[Request, str]:
        """The request and its hash."""
        if len(self._made) > MOST_MADE:
            # Of calls that were answered from before, or that no limit admitted.
            self._made.clear()
        if call.pk not in self._made:
            request = asked_of(
                self._version,
                call.item,
                CallKey(call.variant, call.repeat),
                examples=self._pool.of(call.item) if self._pool else (),
                opinions=self._heard(call) if call.discussed else (),
            )
            self._made[call.pk] = request, request_hash(request)
        return self._made[call.pk]

    def _heard(self, call: Call) -> list[Opinion]:
        """What the other members of the panel said of its item."""
        panel = panel_of(self._run.version)
        calls = Call.objects.filter(run=self._run, item=call.item_id, discussed=False)
        return opinions(panel, call.item_id, panel.place(call.member_id), calls)


def ask(
    provider: ChatProvider, request: Request, price: Price | None = None, digest: str = ""
) -> Answered:
    """Put one request and read the reply strictly. Never raises for what a model may do.

    ``price``: what the model costs, None where nobody knows. ``digest``: the request's hash, where
    it is known already.
    """
    came: Reply | ProviderError
    try:
        came = provider.ask(request)
    except ProviderError as error:
        came = error
    return answered(came, request, price, digest or request_hash(request))


def answered(
    came: Reply | ProviderError,
    request: Request,
    price: Price | None,
    digest: str,
    *,
    batch: bool = False,
) -> Answered:
    """What a call came to, by the reply or the error that it brought. ``batch``: in the endpoint's
    batch lane, at its price.
    """
    if isinstance(came, ProviderError):
        if came.concerns != "item":
            return came
        refused = came.kind == "refused"
        return Result(
            outcome=Outcome.REFUSED if refused else Outcome.FAILED,
            raw=came.raw,
            error=came.message,
            request_hash=digest,
            price=None if came.may_have_cost else Decimal(0),
        )
    cost = reply_price(came, price, batch=batch)
    try:
        parsed = read(came, request)
    except Unparseable as unparseable:
        return _result(came, digest, cost, outcome=Outcome.UNPARSEABLE, error=unparseable.reason)
    return _result(
        came,
        digest,
        cost,
        outcome=Outcome.LABEL,
        choice=parsed.code,
        confidence=parsed.confidence,
        confidence_source=parsed.confidence_source,
        distribution=parsed.distribution,
        label_mass=parsed.mass,
        rationale=parsed.rationale,
    )


def request_hash(request: Request) -> str:
    """SHA-256 of what was asked, hexadecimal: the same question about the same text, the same."""
    text = json.dumps(asdict(request), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _result(reply: Reply, digest: str, cost: Decimal | None, **known: object) -> Result:
    return Result(
        price=cost,
        raw=reply.raw,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        seconds=reply.seconds,
        model=reply.model,
        request_hash=digest,
        **known,  # type: ignore[arg-type]
    )
