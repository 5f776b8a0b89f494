"""The two texts of a comparison exchanged: does the one shown first win?"""

from __future__ import annotations

from dataclasses import replace

from judges.prompting.ask import exchanged
from judges.prompting.audits.asked import Asked, Audit, Setting, Unfit


def unfit(setting: Setting) -> Unfit:
    if setting.pair is None:
        return "no_pair"
    return "" if setting.how.orders == "given" else "both_orders"


def vary(asked: Asked, _drawn: int) -> Asked:
    if asked.pair is None:
        raise ValueError("There are no two texts to exchange.")
    question, fields = exchanged(asked.pair, asked.question, asked.fields)
    return replace(asked, question=question, fields=fields)


AUDIT = Audit(
    key="pair_position",
    source="Wang et al. 2023 (arXiv:2305.17926); Zheng et al. 2023 (NeurIPS, MT-Bench)",
    measure="place",
    unfit=unfit,
    vary=vary,
)
