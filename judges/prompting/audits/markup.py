"""The text with a heading, bold letters and neutral signs: does how it looks count?"""

from __future__ import annotations

from dataclasses import replace

from judges.prompting.audits.asked import Asked, Audit, fits_options, with_text


def decorated(text: str) -> str:
    """Each line bold and behind a sign that means nothing, between a heading and a rule."""
    lines = [f"🔹 **{line.strip()}**" for line in text.splitlines() if line.strip()]
    return "\n".join(["### 🔹", "", *lines, "", "---"])


def vary(asked: Asked, side: int) -> Asked:
    return replace(asked, fields=with_text(asked, side, decorated))


AUDIT = Audit(
    key="markup",
    source="beauty bias: Chen et al. 2024 (EMNLP)",
    measure="treated",
    unfit=fits_options,
    vary=vary,
    draws="side",
)
