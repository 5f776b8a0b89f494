"""How a language model is asked in its endpoint's batch lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from judges.exchange import Reply, Request
from judges.models import Call
from judges.providers.base import ProviderError
from judges.services.asking import Answered, Aside, ChatAsker, answered
from judges.services.calls import Result
from judges.services.providers import lane_of

if TYPE_CHECKING:
    from judges.providers.batches import BatchLane


class BatchAsker(ChatAsker):
    """Makes the requests that go with a batch, and reads what came of them."""

    batch = True

    def prepare(self, aside: Aside, say: Callable[[str], None]) -> None:
        super().prepare(aside, say)
        lane = lane_of(self._connection, self._version.model)
        if lane is None:
            raise ProviderError(
                "bad_config",
                _(
                    "“%(connection)s” has no batch lane for %(model)s. Cancel this run and start "
                    "one in the ordinary lane."
                )
                % {"connection": self._connection.name, "model": self._version.model},
            )
        self.lane: BatchLane = lane

    def request(self, call: Call) -> tuple[Request, str]:
        """The request of a call and its hash."""
        made = self._request(call)
        self._made.pop(call.pk, None)
        return made

    def read(self, came: Reply | ProviderError, request: Request, digest: str) -> Answered:
        """What came of it. How long it took nobody knows."""
        result = answered(came, request, self._price, digest, batch=True)
        return replace(result, seconds=None) if isinstance(result, Result) else result
