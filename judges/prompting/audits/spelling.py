"""The text with slips of the pen: does spelling count where it should not?"""

from __future__ import annotations

import re
from dataclasses import replace

from judges.prompting.audits.asked import Asked, Audit, fits_options, with_text

# Words long enough to be read all the same; each third of them gets a slip.
_WORD = re.compile(r"[^\W\d_]{5,}")
_EACH = 3


def misspelt(text: str) -> str:
    """Two letters within each third longer word exchanged; its first and last letter stay."""
    count = 0

    def slip(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        word = found[0]
        if count % _EACH != 1:
            return word
        at = next((k for k in range(1, len(word) - 2) if word[k] != word[k + 1]), None)
        return word if at is None else word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return _WORD.sub(slip, text)


def vary(asked: Asked, side: int) -> Asked:
    return replace(asked, fields=with_text(asked, side, misspelt))


AUDIT = Audit(
    key="spelling",
    source="invariance to typos: Ribeiro et al. 2020 (ACL, CheckList)",
    measure="treated",
    unfit=fits_options,
    vary=vary,
    draws="side",
)
