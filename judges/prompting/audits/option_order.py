"""The options shown in the reverse order: does what stands first draw the answer?"""

from __future__ import annotations

from dataclasses import replace

from judges.prompting.audits.asked import Asked, Audit, Setting, Unfit
from judges.prompting.plan import CallKey


def unfit(setting: Setting) -> Unfit:
    if setting.pair is not None:
        return "is_pair"
    if setting.how.ask == "checklist":
        return "options_not_shown"
    if setting.how.orders != "given":
        return "both_orders"
    return "one_option" if len(setting.question.options) < 2 else ""


def vary(asked: Asked, _drawn: int) -> Asked:
    how = replace(asked.how, orders="both")
    return replace(asked, how=how, key=CallKey("order:1", asked.key.repeat))


AUDIT = Audit(
    key="option_order",
    source="Pezeshkpour and Hruschka 2024 (NAACL Findings); Zheng et al. 2024 (ICLR)",
    measure="place",
    unfit=unfit,
    vary=vary,
)
