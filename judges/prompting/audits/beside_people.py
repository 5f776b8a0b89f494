"""What only people's answers to the same items can show: the judge is asked nothing more."""

from __future__ import annotations

import re

from judges.prompting.audits.asked import Audit, Setting, Unfit


def unfit_scale(setting: Setting) -> Unfit:
    if setting.question.kind != "rating":
        return "no_rating"
    return "few_steps" if len(setting.question.options) < 3 else ""


def unfit_kin(setting: Setting) -> Unfit:
    return "no_rating" if setting.question.kind != "rating" else ""


def kin(model: str) -> str:
    """The family of a model by its name: "openai/gpt-4o-mini" and "GPT-4" are "gpt"; "" of none."""
    named = model.rpartition("/")[2].strip().casefold()
    found = re.match(r"[^\W\d_]+", named)
    return found[0] if found else ""


CENTRAL_TENDENCY = Audit(
    key="central_tendency",
    source="Saal, Downey and Lahey 1980 (Psychological Bulletin 88)",
    measure="people",
    unfit=unfit_scale,
)
SELF_PREFERENCE = Audit(
    key="self_preference",
    source="self-enhancement: Zheng et al. 2023 (NeurIPS); Panickssery et al. 2024 (NeurIPS)",
    measure="kin",
    unfit=unfit_kin,
)
