"""Answers that are lists of options, as they stand in files and in the API: lists of keys."""

from __future__ import annotations

import re
from typing import Any

from annotate.kinds.base import Asked, Said, Unfit, from_json, option_code


def list_read(asked: Asked, plain: Any, *, separators: str, example: str, wanted: str) -> Said:
    """A list of options' codes from JSON, or from text with ``separators`` between keys or names,
    as people write them in a spreadsheet; not checked further.

    ``example`` and ``wanted`` are for the sentences of Unfit: an answer as JSON, and what it is.
    """
    if isinstance(plain, str) and not plain.lstrip().startswith("["):
        found: Any = [part.strip() for part in re.split(f"[{re.escape(separators)}]", plain)]
    else:
        found = from_json(plain, example)
    if not isinstance(found, list):
        raise Unfit(wanted)
    return Said(value=[option_code(asked, name) for name in found])


def list_plain(asked: Asked, said: Said) -> list[str]:
    """The keys of the options: what ``list_read`` reads back equal."""
    return [asked.by_code[code].key for code in said.value if code in asked.by_code]
