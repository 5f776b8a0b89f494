"""The options under neutral codes, their definitions kept: does a name draw or repel answers?"""

from __future__ import annotations

from dataclasses import replace

from judges.prompting.audits.asked import Asked, Audit, Setting, Unfit


def unfit(setting: Setting) -> Unfit:
    if setting.pair is not None:
        return "is_pair"
    if setting.how.ask == "checklist":
        return "options_not_shown"
    if len(setting.question.options) < 2:
        return "one_option"
    defined = all(option.definition.strip() for option in setting.question.options)
    return "" if defined else "no_definitions"


def vary(asked: Asked, _drawn: int) -> Asked:
    options = tuple(
        replace(option, key=f"option_{number}", name=f"Option {number}")
        for number, option in enumerate(asked.question.options, 1)
    )
    return replace(asked, question=replace(asked.question, options=options))


AUDIT = Audit(
    key="option_names",
    source="Zhao et al. 2021 (ICML); Fei et al. 2023 (ACL)",
    measure="treated",
    unfit=unfit,
    vary=vary,
)
