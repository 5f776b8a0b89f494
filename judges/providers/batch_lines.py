"""What the batch lanes have in common: ids, sizes, lists, lines of results and their errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from judges.providers.base import ProviderError, Request
from judges.providers.vendor_clients import Endpoint

# A batch this large is some tens of megabytes, which are held in memory once on either way.
MAX_REQUESTS = 10_000
MAX_SENT_BYTES = 90_000_000
# What is written around the body of each request.
AROUND_BYTES = 200
# How far the endpoint's clock may be behind; pages of batches that are looked through for one.
CLOCKS_APART = timedelta(hours=1)
MAX_PAGES = 50

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

# Errors of a line have a type and no status; these are the statuses that the types stand for.
_STATUS = {
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    "invalid_request_error": 400,
}


def line_error(error: object, endpoint: Endpoint) -> ProviderError:
    said = error if isinstance(error, dict) else {}
    name = str(said.get("type") or said.get("code") or "")
    if name in {"batch_expired", "batch_cancelled"}:
        return unanswered(name.removeprefix("batch_"))
    return endpoint.refused(_STATUS.get(name, 500), {"error": said}, {})


def unanswered(why: str) -> ProviderError:
    """For a request that a batch left without an answer: neither vendor charges for it."""
    return ProviderError(
        "server_error",
        f"The batch {why} before this was answered. It is asked again.",
        answered=True,
    )


def check_requests(requests: Mapping[str, Request]) -> None:
    if not 1 <= len(requests) <= MAX_REQUESTS:
        raise ValueError(f"A batch holds 1 to {MAX_REQUESTS} requests.")
    for name in requests:
        checked_id(name)


def check_size(content: bytes) -> None:
    if len(content) > MAX_SENT_BYTES:
        raise ValueError(f"A batch holds at most {MAX_SENT_BYTES:,} bytes; hand in fewer requests.")


def checked_id(name: str) -> str:
    """An id that can stand in an address and be nothing else there."""
    if not _ID.fullmatch(name):
        raise ValueError("An id has 1 to 64 letters, digits, - and _.")
    return name


def id_in(found: Mapping[str, Any], endpoint: Endpoint, field: str = "id") -> str:
    name = found.get(field)
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise ProviderError(
            "server_error", f"{endpoint.address} gave no id by which the batch can be asked after."
        )
    return name


def lines_of(content: bytes, endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for line in content.splitlines():
        found = endpoint.read(line) if line.strip() else None
        if isinstance(found, dict):
            yield found


def number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def moment(value: object) -> datetime | None:
    """A time as OpenAI (seconds since 1970) or Anthropic (ISO 8601) writes it."""
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        return datetime.fromtimestamp(value, UTC) if isinstance(value, int) else None
    except (ValueError, OverflowError, OSError):
        return None


def listed_since(
    since: datetime, page: Callable[[str], Mapping[str, Any]], cursor: str, endpoint: Endpoint
) -> Iterator[dict[str, Any]]:
    """Batches that an endpoint lists, newest first, until a page has none made since then.

    ``page`` asks for one, given what is added to its address; ``cursor`` is the name under which
    that says after which batch it begins.
    """
    query = ""
    for _page in range(MAX_PAGES):
        listed = page(query)
        data = listed.get("data")
        entries = data if isinstance(data, list) else []
        found = [entry for entry in entries if isinstance(entry, dict)]
        yield from found
        made = [at for batch in found if (at := moment(batch.get("created_at"))) is not None]
        old = bool(made) and max(made) < since - CLOCKS_APART
        if old or not found or listed.get("has_more") is not True:
            return
        query = f"&{cursor}={id_in(found[-1], endpoint)}"


def first_error(batch: Mapping[str, Any], field: str) -> str:
    """What OpenAI says of a batch that it did not take."""
    errors = batch.get("errors")
    listed = errors.get("data") if isinstance(errors, dict) else None
    first = listed[0] if isinstance(listed, list) and listed else None
    return str(first.get(field) or "") if isinstance(first, dict) else ""


def counts_of(batch: Mapping[str, Any]) -> dict[str, int]:
    """Anthropic's counts of requests, by how they ended."""
    counts = batch.get("request_counts")
    counts = counts if isinstance(counts, dict) else {}
    names = ("processing", "succeeded", "errored", "canceled", "expired")
    return {name: number(counts.get(name)) for name in names}
