"""From the answers to plain and changed items to the effect of an audit. Pure.

What is counted is in consensus/paired_effects.py; here answers become whole steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from judges.prompting.audits.asked import Audit, Setting

# Item -> option code of an answer; items without one are not in it.
Answers: TypeAlias = Mapping[int, int]
# What of an effect cannot be told, for the screens to say in words.
Missing: TypeAlias = Literal["", "answers", "people", "origin", "earlier"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an audit has to go by. `changed` has the answer and what was drawn, by item."""

    plain: Answers
    changed: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    again: Answers = field(default_factory=dict)
    people: Mapping[int, Sequence[int]] = field(default_factory=dict)
    # Whether the text of an item is by the judge's own family; items of unknown origin are not in.
    own: Mapping[int, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What an audit came to. `value` and its interval are shares (of answers, or of the length of
    the scale), None where `missing` says what is wanting. p is None of what is no test.

    `option`: whose share changed most. `n` items were compared, on `changed` of which the answer
    differs.
    """

    n: int
    changed: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    option: int | None = None
    missing: Missing = ""


def measured(audit: Audit, setting: Setting, seen: Evidence) -> Found:
    """The effect that an audit shows."""
    match audit.measure:
        case "people":
            return _beside_people(setting, seen)
        case "kin":
            return _own_family(setting, seen)
        case "again":
            return _again(seen)
        case "extra":
            return _extra(seen, "earlier" if audit.vary is None else "answers")
    return _moved(audit, setting, seen)


def _moved(audit: Audit, setting: Setting, seen: Evidence) -> Found:
    from consensus.paired_effects import option_moved_most, paired_effect

    items = sorted(item for item in seen.changed if item in seen.plain)
    pairs = [(seen.plain[item], *seen.changed[item]) for item in items]
    differ = sum(before != after for before, after, _drawn in pairs)
    codes = [option.code for option in setting.question.options]
    rank = {code: place for place, code in enumerate(codes)}
    is_scale = setting.question.kind == "rating"
    if audit.measure == "named":
        steps = [(after == drawn) - (before == drawn) for before, after, drawn in pairs]
        unit = 1.0
    elif setting.pair is not None:
        first, second = setting.pair.codes
        sides = {first: 2, second: 0}
        if audit.measure == "place":
            steps = [sides.get(before, 1) - sides.get(after, 1) for before, after, _ in pairs]
        else:
            steps = [
                (sides.get(after, 1) - sides.get(before, 1)) * (-1 if drawn else 1)
                for before, after, drawn in pairs
            ]
        unit = 0.5
    elif audit.measure == "place" or is_scale:
        steps = [rank[after] - rank[before] for before, after, _drawn in pairs]
        unit = 1 / (len(codes) - 1)
    else:
        most = option_moved_most([b for b, _a, _d in pairs], [a for _b, a, _d in pairs])
        if most is None:
            return Found(len(items), differ, missing="answers")
        return _found(most.effect, differ, option=int(str(most.option)))
    effect = paired_effect(steps, unit)
    if effect is None:
        return Found(len(items), differ, missing="answers")
    return _found(effect, differ)


def _extra(seen: Evidence, missing: Missing) -> Found:
    from consensus.paired_effects import extra_changes

    items = sorted(i for i in seen.changed if i in seen.plain and i in seen.again)
    effect = extra_changes(
        [seen.plain[i] for i in items],
        [seen.changed[i][0] for i in items],
        [seen.again[i] for i in items],
    )
    if effect is None:
        return Found(len(items), missing=missing)
    return _found(effect, effect.n_moved)


def _again(seen: Evidence) -> Found:
    from consensus.intervals import exact_interval

    items = [item for item in seen.again if item in seen.plain]
    if not items:
        return Found(0, missing="answers")
    differ = sum(seen.again[item] != seen.plain[item] for item in items)
    low, high = exact_interval(differ, len(items))
    return Found(len(items), differ, differ / len(items), low, high)


def _beside_people(setting: Setting, seen: Evidence) -> Found:
    """Twice the distance from the middle, in steps, is a whole number."""
    from consensus.paired_effects import one_among

    rank, last = _ranks(setting)
    items = sorted(item for item in seen.plain if seen.people.get(item))
    from_middle = {code: abs(2 * place - last) for code, place in rank.items()}
    effect = one_among(
        [from_middle[seen.plain[item]] for item in items],
        [[from_middle[code] for code in seen.people[item]] for item in items],
        1 / (2 * last),
    )
    if effect is None:
        return Found(len(items), missing="people")
    return _found(effect, effect.n_moved)


def _own_family(setting: Setting, seen: Evidence) -> Found:
    import numpy as np

    from consensus.group_difference import group_difference

    if not seen.own:
        return Found(0, missing="origin")
    rank, last = _ranks(setting)
    items = sorted(i for i in seen.plain if seen.people.get(i) and i in seen.own)
    if not items:
        return Found(0, missing="people")
    above = {
        item: (
            rank[seen.plain[item]]
            - sum(rank[code] for code in seen.people[item]) / len(seen.people[item])
        )
        / last
        for item in items
    }
    groups = [np.array([above[i] for i in items if seen.own[i] is own]) for own in (True, False)]
    effect = group_difference(groups[0], groups[1], 1 / last)
    if effect is None:
        return Found(len(items), missing="origin")
    return _found(effect, 0)


def _ranks(setting: Setting) -> tuple[dict[int, int], int]:
    codes = [option.code for option in setting.question.options]
    return {code: place for place, code in enumerate(codes)}, len(codes) - 1


def _found(effect: object, differ: int, option: int | None = None) -> Found:
    from consensus.paired_effects import Effect

    if not isinstance(effect, Effect):
        raise TypeError("An effect is expected.")
    return Found(
        n=effect.n,
        changed=differ,
        value=effect.value,
        low=effect.low,
        high=effect.high,
        p=effect.p,
        option=option,
    )
