"""From a connection's row to something that can be asked. A new provider is a line in PROVIDERS.

A scripted provider has no entry: tests put theirs in, and nothing else can reach it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from judges.models import Connection, ProviderName
from judges.providers.addresses import LOOPBACK, Reach, reach_of
from judges.providers.base import Capabilities, ChatProvider, LabelProvider, ProviderError
from judges.services.keys import key_of

if TYPE_CHECKING:
    from judges.providers.batches import BatchLane


@dataclass(frozen=True)
class Wanted:
    """What a provider is made from. ``capabilities`` None: it has to find them out itself."""

    connection: Connection
    model: str
    timeout: float
    capabilities: Capabilities | None


def provider_of(
    connection: Connection, model: str, *, timeout: float | None = None, probed: bool = True
) -> ChatProvider:
    """The provider behind a connection, for one model. Nothing is connected yet.

    ``timeout`` in seconds, the connection's where None. ``probed`` False leaves out what was found
    out about the model before. Raises ProviderError where there is no such provider or no key.
    """
    make = PROVIDERS.get(connection.provider)
    if make is None:
        raise ProviderError(
            "bad_config",
            _("“%(name)s” cannot be asked: Concord has no provider of that kind.")
            % {"name": connection.name},
        )
    known = connection.capabilities.get(model) if probed else None
    return make(
        Wanted(
            connection=connection,
            model=model,
            timeout=float(timeout or connection.timeout_seconds),
            capabilities=Capabilities.from_dict(known) if known else None,
        )
    )


def backend_of(connection: Connection, *, timeout: float | None = None) -> LabelProvider:
    """The provider of labels behind a connection. Raises ProviderError for a connection that is
    asked in words, or whose key cannot be had.
    """
    from judges.providers.label_studio import LabelStudioBackend

    if connection.provider != ProviderName.LABEL_STUDIO:
        raise ProviderError(
            "bad_config",
            _("“%(name)s” is no backend that gives labels.") % {"name": connection.name},
        )
    return LabelStudioBackend(
        connection.base_url,
        key_of(connection),
        timeout=float(timeout or connection.timeout_seconds),
        reach=reach_of_connection(connection),
    )


def lane_of(connection: Connection, model: str) -> BatchLane | None:
    """The batch lane of a connection for a model; None where it was not found to have one. Raises
    ProviderError where there is no key.
    """
    from judges.providers.batches import AnthropicBatches, OpenAIBatches

    known = Capabilities.from_dict(connection.capabilities.get(model) or {})
    if not known.batch:
        return None
    lane = AnthropicBatches if connection.provider == ProviderName.ANTHROPIC else OpenAIBatches
    return lane(
        connection.base_url,
        model,
        key_of(connection),
        capabilities=known,
        reach=reach_of_connection(connection),
    )


def reach_of_connection(connection: Connection) -> Reach:
    """Where a connection's requests may go: what the operator allows, and for one of which the
    project was told that texts stay on this machine, no further.
    """
    return dataclasses.replace(reach_allowed(), stays=not connection.leaves_machine)


def reach_allowed() -> Reach:
    """The private addresses that the operator allows (JUDGE_PRIVATE_HOSTS)."""
    return reach_of(settings.JUDGE_PRIVATE_HOSTS)[0]


def _openai(wanted: Wanted) -> ChatProvider:
    from judges.providers.openai_compatible import OpenAICompatible

    return OpenAICompatible(
        wanted.connection.base_url,
        wanted.model,
        key_of(wanted.connection),
        timeout=wanted.timeout,
        capabilities=wanted.capabilities,
        reach=reach_of_connection(wanted.connection),
    )


def _anthropic(wanted: Wanted) -> ChatProvider:
    from judges.providers.anthropic_api import AnthropicMessages

    return AnthropicMessages(
        wanted.connection.base_url,
        wanted.model,
        key_of(wanted.connection),
        timeout=wanted.timeout,
        capabilities=wanted.capabilities,
        reach=reach_of_connection(wanted.connection),
    )


def _local_llm(wanted: Wanted) -> ChatProvider:
    from judges.providers.openai_compatible import OpenAICompatible

    if not settings.LOCAL_LLM_URL:
        raise ProviderError(
            "unreachable",
            _(
                "No language model is served on this machine now. Start Concord with "
                "`bin/run --local-llm`, then resume."
            ),
        )
    return OpenAICompatible(
        settings.LOCAL_LLM_URL,
        wanted.model,
        key_of(wanted.connection),
        timeout=wanted.timeout,
        capabilities=wanted.capabilities,
        # The operator's own word, and this machine: no owner chooses it.
        reach=Reach(networks=LOOPBACK, stays=True),
    )


PROVIDERS: dict[str, Callable[[Wanted], ChatProvider]] = {
    ProviderName.OPENAI: _openai,
    ProviderName.ANTHROPIC: _anthropic,
    ProviderName.LOCAL_LLM: _local_llm,
}
