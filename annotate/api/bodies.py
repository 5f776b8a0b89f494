"""Reading what was sent: JSON within bounds, and no text or number that a database cannot keep."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from annotate.errors import BadInput
from annotate.services.import_records import MAX_DEPTH


class JsonBody(JSONParser):
    """JSON in UTF-8 (RFC 8259). Django bounds its size by DATA_UPLOAD_MAX_MEMORY_SIZE.

    Raises ParseError for what is not JSON, BadInput (fields by path) for what no database
    or JSON reader would take: NUL, half of a surrogate pair, numbers beyond a double, deep nesting.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            found = json.loads(stream.read().decode("utf-8-sig"), parse_constant=_no_number)
        except RecursionError:
            raise _too_deep("") from None
        except ValueError as error:
            raise ParseError(f"This is not JSON: {error}") from None
        check_sound(found)
        return found


class AnyAccept(DefaultContentNegotiation):
    """Answer in JSON also where the client asks for something else (RFC 9110, 12.4.1)."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        try:
            found = super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            found = renderers[0], renderers[0].media_type
        renderer, media_type = found
        return renderer, str(media_type)


def check_sound(found: Any) -> None:
    """Raise BadInput for a part of a JSON value that could not be kept, naming where it is."""
    waiting: list[tuple[str, int, Any]] = [("", 0, found)]
    while waiting:
        path, depth, value = waiting.pop()
        if depth > MAX_DEPTH:
            raise _too_deep(path)
        if isinstance(value, str):
            _check_text(value, path)
        elif isinstance(value, float) and not math.isfinite(value):
            raise _refused(path, "This number is too large.")
        elif isinstance(value, dict):
            for name, part in value.items():
                _check_text(name, path)
                waiting.append((f"{path}.{name}" if path else name, depth + 1, part))
        elif isinstance(value, list):
            waiting.extend((f"{path}[{n}]", depth + 1, part) for n, part in enumerate(value))


def _check_text(text: str, path: str) -> None:
    if "\0" in text:
        raise _refused(path, "Texts cannot hold the character NUL (\\u0000).")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _refused(path, "This text holds half of a surrogate pair.") from None


def _refused(path: str, sentence: str) -> BadInput:
    return BadInput(f"{path or 'The body'}: {sentence}"[:500], fields={path[:200]: [sentence]})


def _too_deep(path: str) -> BadInput:
    return _refused(path, f"Lists and objects within each other go to {MAX_DEPTH} levels at most.")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number.")
