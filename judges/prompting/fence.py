"""Item text is untrusted: how it is cleaned, and fenced so that it cannot close its own fence.

Three walls, each for a different attack:

- `clean` takes out what no prompt may carry: NUL and other control characters, and lone
  surrogates (which cannot be sent as UTF-8 at all).
- `defuse` breaks up the spellings of control tokens (`<|im_end|>` and its kin). Several servers
  read these in message text as the real thing, so that an item could end its own turn and open
  one of the system's.
- `fence_tag` picks a tag that occurs nowhere in what it encloses, not even in look-alike letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Control tokens of the chat templates in use. A space after the first character leaves them
# readable and inert.
_CONTROL = re.compile(
    r"<(?=[|\uff5c])"  # <|im_start|>, <|eot_id|>, and the full-width bar of some templates
    r"|[|\uff5c](?=>)"
    r"|<(?=/?(?:s|bos|eos|pad|unk|think|(?:start|end)_of_turn|tool_call|tool_response)>)"
    r"|<(?=</?SYS>>)"
    r"|\[(?=/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\])",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """`text` without control characters (tab and line feed stay), with U+FFFD for lone
    surrogates.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isprintable():
        return text
    return "".join(_clean_character(character) for character in text)


def _clean_character(character: str) -> str:
    if character in "\n\t":
        return character
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return "" if unicodedata.category(character) == "Cc" else character


def defuse(text: str) -> str:
    """`text` with every spelling of a control token broken by a space."""
    return _CONTROL.sub(lambda match: match.group() + " ", text)


def fence_tag(texts: Iterable[str]) -> str:
    """The first of item, item2, item3, ... of which no text holds an opening or closing tag.

    Compared without case, spaces, invisible characters and look-alike forms, so
    full-width letters do not get through.
    """
    squeezed = "\n".join(_squeeze(text) for text in texts)
    taken = set(re.findall(r"</?item(\d*)", squeezed))
    number = 1
    while ("" if number == 1 else str(number)) in taken:
        number += 1
    return "item" if number == 1 else f"item{number}"


def fenced_parts(text: str, tag: str) -> list[tuple[str, bool]]:
    """A text taken apart into what stands outside and inside the fences of `tag`, the latter (True)
    with its tags: for showing which is which.
    """
    pieces = re.split(rf"(<{tag}>\n.*?\n</{tag}>)", text, flags=re.DOTALL)
    return [(piece, place % 2 == 1) for place, piece in enumerate(pieces) if piece]


def _squeeze(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(
        character
        for character in folded
        if not character.isspace() and unicodedata.category(character) != "Cf"
    )
