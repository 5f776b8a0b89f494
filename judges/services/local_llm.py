"""Which language model is served on this machine now."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from django.conf import settings
from django.utils.translation import gettext as _

from judges.providers.base import ProviderError

TIMEOUT_SECONDS = 3
MAX_BYTES = 100_000


def model_served() -> str:
    """The name the local server gives its model. Raises ProviderError where none answers."""
    request = urllib.request.Request(  # noqa: S310 (set by `manage.py serve`, on loopback)
        f"{settings.LOCAL_LLM_URL}/models",
        headers={"Authorization": f"Bearer {settings.LOCAL_LLM_KEY}"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        if not settings.LOCAL_LLM_URL:
            raise OSError
        with opener.open(request, timeout=TIMEOUT_SECONDS) as reply:
            return str(json.loads(reply.read(MAX_BYTES))["data"][0]["id"])
    except (OSError, ValueError, LookupError, TypeError, urllib.error.URLError):
        raise ProviderError(
            "unreachable",
            _(
                "The local language model does not answer. Start Concord with "
                "`bin/run --local-llm`; the first seconds it is still loading."
            ),
        ) from None


def model_check(model: str) -> None:
    """Raise ProviderError unless the model served is the one the judge was made with."""
    served = model_served()
    if served != model:
        raise ProviderError(
            "model_gone",
            _(
                "This judge is %(model)s, and now %(served)s is served. Start Concord with the "
                "model it was made with, or make a new version."
            )
            % {"model": model, "served": served},
        )
