"""The text said twice: longer, and nothing more in it. Works in any language."""

from __future__ import annotations

from dataclasses import replace

from judges.prompting.audits.asked import Asked, Audit, fits_options, with_text


def vary(asked: Asked, side: int) -> Asked:
    return replace(asked, fields=with_text(asked, side, lambda text: f"{text}\n\n{text}"))


AUDIT = Audit(
    key="length",
    source="verbosity bias: Zheng et al. 2023 (NeurIPS, MT-Bench); Ye et al. 2024 (CALM)",
    measure="treated",
    unfit=fits_options,
    vary=vary,
    draws="side",
)
