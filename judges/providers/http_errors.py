"""From an endpoint's refusal to the ProviderError that says whom it concerns and what to do.

Endpoints agree on few codes, so the sentence they send along decides where the status does not.
"""

from __future__ import annotations

import base64
import datetime
import email.utils
import functools
import json
import re
import urllib.parse
from collections.abc import Mapping

from judges.providers.base import ErrorKind, ProviderError

MAX_WAIT = 86_400.0

_TOO_LONG = re.compile(
    r"context.{0,20}(?:length|size|window)|exceed_context|(?:too many|maximum).{0,20}tokens"
    r"|(?:prompt|input|request).{0,30}too (?:long|large)|too long",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"content.?(?:filter|policy|management)|responsible.?ai|safety (?:system|setting|polic)",
    re.IGNORECASE,
)
_BILLING = re.compile(
    r"insufficient.?(?:quota|funds|balance|credits)|billing|credit balance|payment|out of credits"
    r"|(?:spend(?:ing)?|usage).{0,10}limits?\b",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"api.?key.{0,30}(?:invalid|not"
    r" valid|incorrect|expired|missing)|(?:invalid|incorrect).{0,10}api.?key",
    re.IGNORECASE,
)
_MODEL_GONE = re.compile(
    r"model.{0,80}(?:not.?found|not exist|no"
    r" longer|deprecated|decommissioned|retired|unknown|not available)"
    r"|(?:unknown|invalid|no such|not.?found).{0,20}model",
    re.IGNORECASE,
)
# A shorter key is a placeholder ("none", "ollama"), whose letters may stand in any text.
_SHORTEST_SECRET = 8
_SECRETISH = re.compile(r"(?:\b(?:sk|pk|key|api)[-_]|bearer\s+)[\w\-.*+/=]{6,}", re.IGNORECASE)


def from_status(
    status: int,
    body: object,
    headers: Mapping[str, str],
    *,
    address: str,
    model: str,
    api_key: str,
    usual: str = "it usually ends in /v1",
) -> ProviderError:
    """The error for an HTTP status that is no success. `body` is the decoded JSON, or the text;
    `usual` says what addresses of this kind look like.
    """
    said = error_text(body)
    kind = _kind(status, said)
    detail = scrubbed(said, api_key)
    message = _SENTENCES[kind].format(address=address, model=model, status=status)
    if 300 <= status < 400:
        message = (
            f"{address} redirects elsewhere ({status}), which is not followed."
            " Enter the address it redirects to in the connection."
        )
    elif status in {404, 405} and kind == "bad_config":
        message = (
            f"There is no endpoint of this kind at {address} ({status})."
            f" Check the address in the connection: {usual}."
        )
    if detail:
        message += f" The endpoint says: {detail}"
    wait = retry_after(headers) if kind in {"rate_limited", "server_error", "timeout"} else None
    # "This model no longer supports ..." is not about a model that is gone.
    unsupported = kind in {"bad_config", "model_gone"} and status in {400, 422, 501}
    return ProviderError(kind, message, wait, unsupported=unsupported, answered=True, status=status)


_SENTENCES: Mapping[ErrorKind, str] = {
    "key_refused": (
        "{address} refuses the key ({status}). Enter a valid key in the connection, one that"
        " may use {model}."
    ),
    "billing": (
        "The account at {address} has no credit left ({status}). Settle it there, then"
        " resume the run."
    ),
    "model_gone": (
        "{address} does not know the model {model} ({status})."
        " Choose a model that the endpoint offers and make a new judge version."
    ),
    "bad_config": (
        "{address} does not accept the request for {model} ({status})."
        " Check the connection and the judge's parameters."
    ),
    "rate_limited": (
        "{address} asks for a pause: it gets more requests than it takes ({status}). The run goes"
        " on by itself later."
    ),
    "timeout": "{address} gave up waiting for {model} ({status}). The call is tried again.",
    "server_error": "{address} has a fault of its own ({status}). The call is tried again.",
    "too_long": (
        "The item, with guideline and examples, is too long for {model} ({status})."
        " Use fewer examples or a model with a longer context."
    ),
    "refused": "{model} refuses to answer about this item ({status}).",
    "unreachable": "{address} cannot be reached. Check the address and that the server runs.",
}


def _kind(status: int, said: str) -> ErrorKind:
    if status == 401:
        return "key_refused"
    if status == 402 or (status in {400, 403, 429} and _BILLING.search(said)):
        return "billing"
    if status == 403:
        return "refused" if _REFUSED.search(said) else "key_refused"
    if status in {429, 529}:  # 529: "overloaded", said by Anthropic
        return "rate_limited"
    if status in {408, 504}:
        return "timeout"
    if status == 413:
        return "too_long"
    if status in {404, 410}:
        return "model_gone" if status == 410 or "model" in said.lower() else "bad_config"
    if status >= 500 and status != 501:
        # llama.cpp's server has answered 500 for what is a 400 elsewhere.
        return "too_long" if _TOO_LONG.search(said) else "server_error"
    if status in {409, 425}:
        return "server_error"
    patterns: list[tuple[re.Pattern[str], ErrorKind]] = [
        (_TOO_LONG, "too_long"),
        (_REFUSED, "refused"),
        (_KEY, "key_refused"),
        (_MODEL_GONE, "model_gone"),
    ]
    return next((kind for pattern, kind in patterns if pattern.search(said)), "bad_config")


def error_text(body: object) -> str:
    """What the endpoint says went wrong: message, code and type of the usual shapes, or the text
    as it is.
    """
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        if isinstance(inner, Mapping):
            names = ("message", "detail", "code", "type", "param")
            parts = [str(inner[name]) for name in names if inner.get(name) not in (None, "")]
            return " | ".join(dict.fromkeys(parts))
        return str(inner)
    return body if isinstance(body, str) else ""


def scrubbed(text: str, api_key: str, limit: int = 240) -> str:
    """`text` on one line, at most `limit` characters, without the key or what looks like one."""
    if api_key:
        text = text.replace(api_key, "[key]")
        text = without_key(text, api_key)
    text = _SECRETISH.sub("[key]", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def without_key(text: str, api_key: str) -> str:
    """`text` without the key, as it is or as JSON, a web address or base64 would write it. An
    endpoint may echo what it was sent, and what it says is shown, kept and exported.
    """
    if len(api_key) < _SHORTEST_SECRET:
        return text
    for form in _forms(api_key):
        text = text.replace(form, "[key]")
    return text


@functools.lru_cache(maxsize=64)
def _forms(api_key: str) -> tuple[str, ...]:
    quoted = json.dumps(api_key)[1:-1]
    encoded = base64.b64encode(api_key.encode()).decode().rstrip("=")
    forms = {
        api_key, quoted, quoted.replace("/", "\\/"), urllib.parse.quote(api_key, safe=""), encoded,
    }  # fmt: skip
    return tuple(sorted(forms, key=len, reverse=True))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait from `retry-after-ms` or `Retry-After` (seconds or a date), 0 to a day;
    None if unsaid.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / 1000, MAX_WAIT)
    said = headers.get("retry-after")
    seconds = _number(said)
    if seconds is None and said:
        try:
            at = email.utils.parsedate_to_datetime(said)
        except ValueError:
            return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=datetime.UTC)
        seconds = max(0.0, (at - datetime.datetime.now(datetime.UTC)).total_seconds())
    return None if seconds is None else min(seconds, MAX_WAIT)


def _number(text: str | None) -> float | None:
    if text is None or not re.fullmatch(r"\s*\d{1,12}(?:\.\d{0,9})?\s*", text):
        return None
    return float(text)
