"""Do the audits of judges find what is there, and nothing else?

    python -m bench.audits [--quick] [--items 60] [--runs N]
    CONCORD_LOCAL_LLM_KEY=... python -m bench.audits --endpoint [--address URL] [--model NAME]

Judges of a script are audited as the app audits: the same changed calls, put into the same words,
and the same measure of the answers.

1. Biased: each audit meets a judge with its bias alone (half of the time, self-preference nine
   times in ten, and noise in 10 % of its answers). It must find it in 8 of 10 runs, with the
   right sign, a mean within 3 standard errors of the true size, and intervals that hold the true
   size in 90 % of the runs.
2. Unbiased: judges with 0, 10 and 40 % noise under all audits. Each audit may find a bias no more
   often than in 5 % of the runs, and any of them together (Holm) too, each within three standard
   errors. People err alike, as central tendency is measured beside them.

Exits 1 where one falls short. --quick: fewer runs, under a minute. --endpoint audits a real model
on the same items instead, prints what each audit found, and judges nothing.
"""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.audit_judges import (
    BIASES,
    Judge,
    World,
    audited,
    named_world,
    pair_world,
    scale_world,
)
from bench.local_judge import judge as local_judge
from bench.local_judge import parser
from consensus.paired_effects import holm
from judges.exchange import Request
from judges.prompting.audits.catalogue import audit_of
from judges.prompting.audits.effects import Found
from judges.prompting.parse import Unparseable, read
from judges.providers.openai_compatible import OpenAICompatible

STRENGTH, NOISE = 0.5, 0.1
LEVEL = 0.05
SCALED = ("length", "markup", "spelling", "score_range", "central_tendency", "self_preference")
LEAST_FOUND, LEAST_HELD = 0.8, 0.9
ERRORS = 3.0


@dataclass(frozen=True)
class Shown:
    """Of the runs of one biased judge under the audit of its bias."""

    found: float
    true: float
    mean: float
    error: float  # standard, of the mean
    held: float


def true_size(audit: str, world: World, noise: float = NOISE) -> float:
    """What an audit ought to measure of the judge with its bias, by how that is made."""
    strength, three, five = strength_of(audit), 1 / 3, 1 / 5
    right = 1 - noise + noise * three
    base = [right, noise * three, noise * three]  # the right answer first
    wavers = [(1 - strength) * p + strength * three for p in base]
    turned = [(1 - strength) * p + strength * (1 - p) / 2 for p in base]
    match audit:
        case "option_order" | "pair_position":
            return strength
        case "option_names":
            return -strength * (1 - three)
        case "authority" | "bandwagon" | "flattery":
            named = [
                (item, found[1])
                for item, variant in world.requests
                if (found := audit_of(variant)) is not None and found[0].key == audit
            ]
            # It can only be moved to what it does not say anyhow.
            room = [1 - base[0 if world.truths[item] == code else 1] for item, code in named]
            return strength * sum(room) / len(room)
        case "central_tendency":
            # From the middle of five steps one is 6/5 steps away in the mean.
            return -strength * (6 / 5) / 4
        case "repeat":
            return 1 - sum(p * p for p in wavers)
        case "paraphrase" | "history":
            return sum(p * p for p in base) - sum(p * q for p, q in zip(base, turned, strict=True))
    # Up a step of four, but for those at the top already.
    return strength * (1 - five) / 4


def strength_of(audit: str) -> float:
    """Two groups of items are told apart less easily than two answers to each."""
    return 0.9 if audit == "self_preference" else STRENGTH


def world_of(audit: str, n: int) -> World:
    if audit == "pair_position":
        return pair_world(n)
    return scale_world(n) if audit in SCALED else named_world(n)


def biased(audit: str, n: int, runs: int, *, seed: int = 1) -> Shown:
    """Runs of the judge with this audit's bias."""
    rng, world, found = random.Random(f"{seed} {audit}"), world_of(audit, n), []
    true = true_size(audit, world)
    for _run in range(runs):
        judge = Judge(rng, NOISE, BIASES[audit], strength_of(audit))
        steady = Judge(rng, NOISE)
        # The judge of today words nothing otherwise: it is the one before that did.
        earlier = Judge(rng, NOISE, _turned, STRENGTH) if audit == "history" else judge
        now = steady if audit == "history" else judge
        found.append(audited(world, now, Judge(rng, NOISE), earlier)[audit])
    values = [each.value for each in found if each.value is not None]
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return Shown(
        found=sum(_speaks(each, true) for each in found) / runs,
        true=true,
        mean=mean,
        error=spread / math.sqrt(len(values)),
        held=sum((e.low or 0) <= true <= (e.high or 0) for e in found) / runs,
    )


def _turned(request: Request, code: int, rng: random.Random) -> int:
    return rng.choice([option.code for option in request.options if option.code != code])


def _speaks(found: Found, true: float) -> bool:
    """Whether it finds a bias of the right sign. Of repeats there is no test: their interval must
    leave out what noise alone makes.
    """
    if found.value is None or found.value * true <= 0:
        return False
    if found.p is None:
        return (found.low or 0) > 1 - _same_by_noise()
    return found.p < LEVEL


def _same_by_noise() -> float:
    right = 1 - NOISE + NOISE / 3
    return right**2 + 2 * (NOISE / 3) ** 2


def unbiased(n: int, runs: int, noise: float, *, seed: int = 2) -> tuple[dict[str, float], float]:
    """How often each audit finds a bias where there is none, and how often any of a world's does
    by Holm's method, the largest share of the three worlds.
    """
    rng = random.Random(f"{seed} {noise}")
    alarms: dict[str, list[bool]] = {}
    together = []
    for world in (named_world(n), scale_world(n), pair_world(n)):
        any_found = 0
        for _run in range(runs):
            judge = Judge(rng, noise)
            found = audited(world, judge, judge, judge)
            for key, each in found.items():
                if each.p is not None:
                    alarms.setdefault(key, []).append(each.p < LEVEL)
            tested = [each.p for each in found.values() if each.p is not None]
            any_found += min(holm(tested)) < LEVEL
        together.append(any_found / runs)
    return {key: sum(told) / len(told) for key, told in alarms.items()}, max(together)


def most_allowed(runs: int) -> float:
    """What a share of 5 % may come to by luck in so many runs."""
    return LEVEL + ERRORS * math.sqrt(LEVEL * (1 - LEVEL) / runs)


class Asks:
    """A real judge in the place of a scripted one; a reply that does not parse is the first option,
    and counted.
    """

    def __init__(self, provider: OpenAICompatible) -> None:
        self._provider = provider
        self.unread = 0

    def says(self, request: Request) -> int:
        try:
            return read(self._provider.ask(request), request).code
        except Unparseable:
            self.unread += 1
            return request.options[0].code


def main() -> int:
    made = parser(__doc__)
    made.add_argument("--quick", action="store_true", help="fewer runs, under a minute")
    made.add_argument("--items", type=int, default=60)
    made.add_argument("--runs", type=int, default=0)
    made.add_argument("--endpoint", action="store_true", help="audit a real model")
    options = made.parse_args()
    if options.endpoint:
        return _real(local_judge(options), options.items)
    started = time.monotonic()
    runs = options.runs or (40 if options.quick else 400)
    short = _show_biased(options.items, runs) + _show_unbiased(options.items, 2 * runs)
    print(f"{runs} runs a judge, {time.monotonic() - started:.0f} s")
    print(f"{short} fell short" if short else "every audit finds its bias, and none that is not")
    return 1 if short else 0


def _show_biased(n: int, runs: int) -> int:
    short = 0
    print(f"{'biased judge':<18}{'found':>8}{'true':>8}{'mean':>8}{'± s.e.':>8}{'held':>8}")
    for audit in BIASES:
        shown = biased(audit, n, runs)
        true = shown.true
        near = abs(shown.mean - true) <= ERRORS * shown.error + 1e-9
        held = LEAST_HELD - ERRORS * math.sqrt(LEAST_HELD * (1 - LEAST_HELD) / runs)
        good = shown.found >= LEAST_FOUND and near and shown.held >= held
        short += not good
        print(
            f"{audit:<18}{shown.found:>8.2f}{true:>8.3f}{shown.mean:>8.3f}{shown.error:>8.3f}"
            f"{shown.held:>8.2f}{'' if good else '  SHORT'}"
        )
    return short


def _show_unbiased(n: int, runs: int) -> int:
    short, most = 0, most_allowed(runs)
    shares: list[Mapping[str, float]] = []
    for noise in (0.0, 0.1, 0.4):
        alone, together = unbiased(n, runs, noise)
        shares.append({**alone, "any (Holm)": together})
    print(f"{'unbiased judge':<18}{'noise 0':>9}{'10 %':>8}{'40 %':>8}   at most {most:.3f}")
    for key in shares[0]:
        told = [share[key] for share in shares]
        bad = max(told) > most
        short += bad
        print(f"{key:<18}{told[0]:>9.3f}{told[1]:>8.3f}{told[2]:>8.3f}{'  SHORT' if bad else ''}")
    return short


def _real(provider: OpenAICompatible, n: int) -> int:
    judge = Asks(provider)
    people = Judge(random.Random(1), 0.0)
    for world in (named_world(n), scale_world(n), pair_world(n)):
        found = audited(world, judge, people, judge)
        print(world.setting.question.kind, f"{n} items, {judge.unread} replies not read so far")
        for key, each in found.items():
            if each.value is None:
                print(f"  {key:<18} {each.missing}")
                continue
            p = "" if each.p is None else f"p {each.p:.3f}"
            print(f"  {key:<18}{each.value:>7.3f} ({each.low:.3f} to {each.high:.3f}) {p}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
