"""All audits, and how their calls are named."""

from __future__ import annotations

from collections.abc import Sequence

from judges.prompting.audits import (
    beside_people,
    length,
    markup,
    option_names,
    option_order,
    pair_position,
    phrases,
    score_range,
    spelling,
    stability,
)
from judges.prompting.audits.asked import Asked, Audit, Setting, drawn
from judges.prompting.plan import PLAIN

AUDITED = "audit:"

AUDITS: dict[str, Audit] = {
    audit.key: audit
    for audit in (
        option_order.AUDIT,
        pair_position.AUDIT,
        option_names.AUDIT,
        length.AUDIT,
        markup.AUDIT,
        spelling.AUDIT,
        phrases.AUTHORITY,
        phrases.BANDWAGON,
        phrases.FLATTERY,
        score_range.AUDIT,
        beside_people.CENTRAL_TENDENCY,
        stability.REPEAT,
        stability.PARAPHRASE,
        stability.HISTORY,
        beside_people.SELF_PREFERENCE,
    )
}
AGAIN = stability.REPEAT.key


def fitting(setting: Setting, wanted: Sequence[str] | None = None) -> list[Audit]:
    """The audits that fit such a judge, of those `wanted` (None: all), in their order."""
    return [
        audit
        for audit in AUDITS.values()
        if (wanted is None or audit.key in wanted) and not audit.unfit(setting)
    ]


def variants_of(
    wanted: Sequence[str], seed: int, item_id: int, codes: Sequence[int], *, is_pair: bool
) -> list[str]:
    """The calls about an item that these audits take, the plain one first, each once. `codes` are
    those of the question's options. Raises KeyError for an audit that there is not.
    """
    keys = [key for key in AUDITS if key in {AUDITS[key].key for key in wanted}]
    if any(AUDITS[key].needs_again for key in keys) and AGAIN not in keys:
        keys.append(AGAIN)
    return [
        PLAIN,
        *(
            _variant(AUDITS[key], seed, item_id, codes, is_pair=is_pair)
            for key in keys
            if AUDITS[key].vary is not None
        ),
    ]


def calls_an_item(wanted: Sequence[str]) -> int:
    """How many calls an item takes."""
    return len(variants_of(wanted, 0, 0, (0, 1), is_pair=False))


def audit_of(variant: str) -> tuple[Audit, int] | None:
    """The audit of a call by its name, and what was drawn for it; None of any other call."""
    if not variant.startswith(AUDITED):
        return None
    key, _colon, number = variant.removeprefix(AUDITED).partition(":")
    if key not in AUDITS or not (number or "0").isdecimal():
        return None
    return AUDITS[key], int(number or 0)


def varied(asked: Asked, variant: str) -> Asked:
    """The call of an audit, from the plain one. Raises ValueError for the name of no such call."""
    found = audit_of(variant)
    if found is None or found[0].vary is None:
        raise ValueError(f"There is no audit that asks {variant[:50]!r}.")
    audit, number = found
    return audit.vary(asked, number)  # type: ignore[misc]


def _variant(audit: Audit, seed: int, item_id: int, codes: Sequence[int], *, is_pair: bool) -> str:
    name = f"{AUDITED}{audit.key}"
    if audit.draws == "option":
        return f"{name}:{codes[drawn(seed, item_id, audit.key, len(codes))]}"
    if audit.draws == "side" and is_pair:
        return f"{name}:{drawn(seed, item_id, audit.key, 2)}"
    return name
