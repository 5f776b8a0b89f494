"""About how long a request and its reply are, in tokens, without the model's own tokenizer. Pure.

For a forecast before anything was asked. What a call can cost at most is another matter:
providers/prices.py bounds it by bytes.
"""

from __future__ import annotations

from judges.exchange import Request, Want
from judges.prompting.build import RATIONALE_WORDS

# Four characters of English a token; a character of other scripts about one.
_CHARACTERS_A_TOKEN = 4
# Around the two messages, and what a reply holds beside its letters.
_AROUND = 10
_REPLY: dict[Want, int] = {
    "letter": 1,
    "json": 14,
    # Reasons come out at about half of what they may have.
    "json_rationale": 18 + round(RATIONALE_WORDS * 0.7),
    "checklist": 8,
    "candidates": 10,
}
_A_CHECK = 6


def about_tokens(text: str) -> int:
    """About how many tokens a text has."""
    plain = sum(character.isascii() for character in text)
    return -(-plain // _CHARACTERS_A_TOKEN) + len(text) - plain


def about_length(request: Request) -> tuple[int, int]:
    """About how many tokens the prompt and the reply of a call have. A model that thinks before it
    answers writes more.
    """
    sent = about_tokens(request.system) + about_tokens(request.user) + _AROUND
    return sent, _REPLY[request.want] + _A_CHECK * len(request.checks)
