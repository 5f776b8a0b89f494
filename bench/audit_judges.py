"""Judges of known bias for bench/audits.py, and what they are asked: no model, no database.

Each text carries the right answer in a word of its own, which a judge of the script reads; with
probability `noise` it answers at random instead, and with probability `strength` it gives in to its
one bias.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from judges.exchange import OptionSpec, QuestionSpec, Request
from judges.prompting.ask import request_of
from judges.prompting.audits.asked import Asked, Setting
from judges.prompting.audits.catalogue import AUDITS, audit_of, fitting, variants_of, varied
from judges.prompting.audits.effects import Evidence, Found, measured
from judges.prompting.how import How, Pair
from judges.prompting.plan import PLAIN, CallKey

OWN = "written by our kin"
SEED = 1


def _question(kind: str, names: Sequence[str]) -> QuestionSpec:
    options = tuple(
        OptionSpec(code, "", name.casefold(), name, f"what is called {code}")
        for code, name in enumerate(names)
    )
    return QuestionSpec("q", "Which fits?", kind, options)  # type: ignore[arg-type]


NAMED = _question("single", ["Praise", "Blame", "Neither"])
SCALE = _question("rating", ["1", "2", "3", "4", "5"])
TWO = _question("single", ["left", "right"])


@dataclass
class World:
    """Items under a question. `truths` is the right code by item; requests are made once."""

    setting: Setting
    fields: list[dict[str, str]]
    truths: list[int]
    own: dict[int, bool] = field(default_factory=dict)

    @cached_property
    def keys(self) -> list[str]:
        return [audit.key for audit in fitting(self.setting)]

    @cached_property
    def requests(self) -> dict[tuple[int, str], Request]:
        codes = [option.code for option in self.setting.question.options]
        is_pair = self.setting.pair is not None
        return {
            (item, variant): self._request(item, variant)
            for item in range(len(self.fields))
            for variant in variants_of(self.keys, SEED, item, codes, is_pair=is_pair)
        }

    def _request(self, item: int, variant: str) -> Request:
        setting = self.setting
        asked = Asked(setting.how, CallKey(), setting.question, self.fields[item], setting.pair)
        if variant != PLAIN:
            asked = varied(asked, variant)
        return request_of(asked.how, asked.key, asked.question, asked.fields)


def named_world(n: int) -> World:
    truths = [item % 3 for item in range(n)]
    texts = [f"Parcel {item} came on Tuesday with truth{t} in it." for item, t in enumerate(truths)]
    return World(Setting(NAMED, How()), [{"text": text} for text in texts], truths)


def scale_world(n: int) -> World:
    truths = [item % 5 for item in range(n)]
    own = {item: item // 5 % 2 == 0 for item in range(n)}
    texts = [
        f"Parcel {item} came with truth{t} in it{', ' + OWN if own[item] else ''}."
        for item, t in enumerate(truths)
    ]
    return World(Setting(SCALE, How()), [{"text": text} for text in texts], truths, own)


def pair_world(n: int) -> World:
    truths = [item % 2 for item in range(n)]
    fields = [
        {"left": f"Parcel {item} good{1 - t}.", "right": f"Parcel {item} good{t}."}
        for item, t in enumerate(truths)
    ]
    pair = Pair(("left", "right"), (0, 1))
    return World(Setting(TWO, How(ask="pairwise", pair=pair), pair), fields, truths)


# What a biased judge does instead of answering; None where there is nothing to give in to.
Bias = Callable[[Request, int, random.Random], "int | None"]


def honest(request: Request) -> int:
    """The right code, read in the request."""
    found = re.search(r"truth(\d)", request.user)
    if found is not None:
        return int(found[1])
    at = request.user.index("good1")
    name = re.findall(r"(left|right):", request.user[:at])[-1]
    return next(option.code for option in request.options if option.name == name)


def _up(request: Request, code: int) -> int:
    return min(code + 1, len(request.options) - 1)


def first_shown(request: Request, _code: int, _rng: random.Random) -> int:
    return request.options[0].code


def by_name(request: Request, _code: int, _rng: random.Random) -> int | None:
    return next((o.code for o in request.options if o.name == "Praise"), None)


def longer(request: Request, code: int, _rng: random.Random) -> int | None:
    return _up(request, code) if request.user.count("truth") > 1 else None


def decorated(request: Request, code: int, _rng: random.Random) -> int | None:
    return _up(request, code) if "**" in request.user else None


def misspelt(request: Request, code: int, _rng: random.Random) -> int | None:
    return None if "Parcel" in request.user else _up(request, code)


def other_numbers(request: Request, code: int, _rng: random.Random) -> int | None:
    return _up(request, code) if any(o.name == "100" for o in request.options) else None


def _phrase(words: str) -> Bias:
    def follows(request: Request, _code: int, _rng: random.Random) -> int | None:
        found = re.search(rf"{words}[^:]*: (\w+)\.\)", request.user)
        if found is None:
            return None
        return next(o.code for o in request.options if o.name == found[1])

    return follows


def middling(request: Request, _code: int, _rng: random.Random) -> int:
    return len(request.options) // 2


def wavering(request: Request, _code: int, rng: random.Random) -> int:
    return rng.choice(request.options).code


def by_wording(request: Request, code: int, rng: random.Random) -> int | None:
    if "Please answer" not in request.user:
        return None
    return rng.choice([o.code for o in request.options if o.code != code])


def for_its_kin(request: Request, code: int, _rng: random.Random) -> int | None:
    return _up(request, code) if OWN in request.user else None


BIASES: dict[str, Bias] = {
    "option_order": first_shown,
    "pair_position": first_shown,
    "option_names": by_name,
    "length": longer,
    "markup": decorated,
    "spelling": misspelt,
    "authority": _phrase("expert review"),
    "bandwagon": _phrase("of those who were asked"),
    "flattery": _phrase("better than anybody"),
    "score_range": other_numbers,
    "central_tendency": middling,
    "repeat": wavering,
    "paraphrase": by_wording,
    "history": by_wording,
    "self_preference": for_its_kin,
}


class Says(Protocol):
    """Who answers a request with an option's code."""

    def says(self, request: Request) -> int: ...


@dataclass
class Judge:
    """A scripted judge: honest but for its noise, and for one bias of a strength."""

    rng: random.Random
    noise: float
    bias: Bias | None = None
    strength: float = 0.0

    def says(self, request: Request) -> int:
        code = honest(request)
        if self.rng.random() < self.noise:
            code = self.rng.choice(request.options).code
        if self.bias is not None and self.rng.random() < self.strength:
            given_in = self.bias(request, code, self.rng)
            code = code if given_in is None else given_in
        return code


def evidence(world: World, judge: Says, people: Says, earlier: Says) -> dict[str, Evidence]:
    """What each audit of the world goes by, everything asked anew: of the judge, of three people an
    item, and of the judge as it was `earlier`.
    """
    plain: dict[int, int] = {}
    changed: dict[str, dict[int, tuple[int, int]]] = {key: {} for key in AUDITS}
    for (item, variant), request in world.requests.items():
        found = audit_of(variant)
        if found is None:
            plain[item] = judge.says(request)
        else:
            changed[found[0].key][item] = judge.says(request), found[1]
    asked = {item: world.requests[item, PLAIN] for item in plain}
    again = {item: code for item, (code, _drawn) in changed["repeat"].items()}
    crowd = {item: [people.says(one) for _person in range(3)] for item, one in asked.items()}
    changed["history"] = {item: (earlier.says(one), 0) for item, one in asked.items()}
    return {key: Evidence(plain, changed[key], again, crowd, world.own) for key in world.keys}


def audited(world: World, judge: Says, people: Says, earlier: Says) -> dict[str, Found]:
    """All audits of a judge that fit."""
    seen = evidence(world, judge, people, earlier)
    return {key: measured(AUDITS[key], world.setting, seen[key]) for key in seen}
