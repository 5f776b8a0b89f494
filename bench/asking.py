"""Ways of asking a real judge: how right, how sure, how dear.

    CONCORD_LOCAL_LLM_KEY=... python -m judges.local_llm.server --port 8097 --model FILE &
    CONCORD_LOCAL_LLM_KEY=... REFERENCE_DATA=... python -m bench.asking [--quick] [--items 120]

Asks about 120 short texts of our own, whose feeling was written with them, and about 100 of the
reviews in cebab_aspects, where most people's label counts as right (drawn by --seed). Each way goes
through the code of a run: the requests of judges/prompting, the provider, strict reading, and the
calls of an item combined. An item left without a label counts as not right; kappa and ECE
(debiased) are of those that have one, with 95 % intervals. Examples are other items' labels, never
a near copy.

Exits 1 where a way leaves more than 5 % without a label, or no way does better than chance in a
set (all intervals of kappa reach 0; it is said of each that does not). Takes long on a processor:
with `--texts`, `--reviews` and `--ways` it can be done in parts. `--quick` asks some ways about 5
items of each set, without goals.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.asking_sets import AskedSet, Item, own_texts, reviews
from bench.local_judge import judge, parser
from consensus.intervals import proportion_interval
from consensus.kappa import cohen_kappa_interval
from consensus.reliability import calibration_error
from judges.prompting.ask import request_of
from judges.prompting.build import Example
from judges.prompting.examples import chosen, shown
from judges.prompting.how import Examples, How, Repeats
from judges.prompting.parse import Unparseable, read
from judges.prompting.plan import CallKey, Combined, Told, combine, first_calls, next_calls
from judges.providers.base import ProviderError
from judges.providers.local_classifier import embed, render
from judges.providers.openai_compatible import OpenAICompatible

# The k calls of "repeats" are at most these; five of one mind settle two options, six three.
MOST_REPEATS = 12
N_EXAMPLES = 6
MOST_WITHOUT = 0.05

DIRECT = "direct, log-probability"
WAYS = {
    DIRECT: How(),
    "both orders": How(orders="both"),
    "repeats": How(repeats=Repeats(MOST_REPEATS)),
    "6 examples, the same": How(examples=Examples("people", N_EXAMPLES, "random", seed=1)),
    "6 examples, most similar": How(examples=Examples("people", N_EXAMPLES, "similar")),
    "stated confidence": How(confidence="stated"),
    "reason first": How(ask="rationale"),
    "quoted": How(quoted=True),
}
QUICK = (DIRECT, "both orders", "6 examples, the same", "stated confidence", "quoted")
# A reason takes some seconds to write, and examples that change with the item are read anew for
# each: these are asked about the first half of a set.
HALF = ("6 examples, most similar", "reason first")


@dataclass
class Seen:
    """What a way came to: a Combined an item, in the order asked, and what it took."""

    labels: list[Combined] = field(default_factory=list)
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0


class Pool:
    """The examples of a way, chosen as a judge version chooses them."""

    def __init__(self, how: Examples, asked_set: AskedSet) -> None:
        self._how, self._set = how, asked_set
        self._items = {item.key: item for item in asked_set.pool}
        every = {item.key: item for item in [*asked_set.pool, *asked_set.asked]}
        vectors = embed([render(item.fields).text for item in every.values()])
        self._vectors = dict(zip(every, vectors, strict=True))
        self._kept = chosen(how, self._items, self._vectors)

    def of(self, item: Item) -> list[Example]:
        found = shown(self._how, self._kept, item.key, self._vectors[item.key], self._vectors)
        return [self._example(self._items[key]) for key in found]

    def _example(self, item: Item) -> Example:
        return Example(item.fields, item.code, question=self._set.wording(item.fields))


def measure(provider: OpenAICompatible, how: How, asked_set: AskedSet) -> Seen:
    """Asks about each item in turn, round after round until none of its calls is left."""
    pool = Pool(how.examples, asked_set) if how.examples else None
    seen = Seen()
    for item in asked_set.asked:
        examples = pool.of(item) if pool else []
        told: list[Told] = []
        n_options = len(asked_set.question.options)
        calls = first_calls(how, n_options)
        while calls:
            told += [call(provider, how, key, asked_set, item, examples, seen) for key in calls]
            calls = next_calls(how, n_options, told)
        seen.labels.append(combine(how, n_options, told))
    return seen


def call(
    provider: OpenAICompatible,
    how: How,
    key: CallKey,
    asked_set: AskedSet,
    item: Item,
    examples: Sequence[Example],
    seen: Seen,
) -> Told:
    question = dataclasses.replace(asked_set.question, text=asked_set.wording(item.fields))
    request = request_of(how, key, question, item.fields, examples=examples, seed=1)
    seen.calls += 1
    try:
        reply = provider.ask(request)
    except ProviderError as error:
        if error.concerns == "judge":
            raise
        return Told(key, "failed", error=error.message)
    seen.seconds += reply.seconds
    seen.tokens_in += reply.tokens_in or 0
    seen.tokens_out += reply.tokens_out or 0
    try:
        parsed = read(reply, request)
    except Unparseable as unparseable:
        return Told(key, "unparseable", error=unparseable.reason)
    return Told(
        key,
        "label",
        parsed.code,
        parsed.distribution,
        parsed.confidence,
        parsed.confidence_source,
        parsed.mass,
        parsed.rationale,
    )


def right(asked_set: AskedSet, seen: Seen) -> np.ndarray:
    """Whether each item got its label, (n_items,): one without a label did not."""
    return np.array(
        [found.code == item.code for item, found in zip(asked_set.asked, seen.labels, strict=True)]
    )


# --- What is printed ------------------------------------------------------------------------------

HEAD = (
    "| way | items | accuracy | kappa | ECE | confidence | calls | tokens in + out | seconds |"
    " no label |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def line(way: str, asked_set: AskedSet, seen: Seen) -> tuple[str, bool, bool]:
    """A row of the table, whether enough items have a label, and whether kappa is above 0."""
    hits = right(asked_set, seen)
    n = len(hits)
    low, high = proportion_interval(int(hits.sum()), n)
    labelled = [
        (item.code, found.code)
        for item, found in zip(asked_set.asked, seen.labels, strict=True)
        if found.code is not None
    ]
    truth, said = np.array(labelled).T - 1 if labelled else (np.zeros(0, int), np.zeros(0, int))
    kappa = cohen_kappa_interval(truth, said, len(asked_set.question.options))
    sure = [
        (found.confidence, hit)
        for found, hit in zip(seen.labels, hits, strict=True)
        if found.code is not None and found.confidence is not None
    ]
    stated = np.array([confidence for confidence, _ in sure])
    error = calibration_error(stated, np.array([hit for _, hit in sure], dtype=bool))
    without = n - len(labelled)
    cells = (
        way,
        str(n),
        f"{100 * hits.mean():.0f} % ({100 * low:.0f}-{100 * high:.0f})",
        _with_ends(kappa.value, kappa.low, kappa.high),
        _with_ends(error.debiased, error.low, error.high),
        f"{stated.mean():.2f}" if len(stated) else "",
        f"{seen.calls / n:.1f}",
        f"{seen.tokens_in / n:.0f} + {seen.tokens_out / n:.0f}",
        f"{seen.seconds / n:.2f}",
        str(without),
    )
    better = kappa.low is not None and kappa.low > 0
    row = "| " + " | ".join(cells) + " |" + ("" if better else "  no better than chance")
    return row, without <= MOST_WITHOUT * n, better


def beside_direct(hits: np.ndarray, direct: np.ndarray) -> str:
    """The difference in accuracy on the same items, with the interval of D. G. Bonett and R. M.
    Price, Journal of Educational and Behavioral Statistics 37 (2012), 479-488.
    """
    n = len(hits)
    gained, lost = int((hits & ~direct).sum()), int((direct & ~hits).sum())
    up, down = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = 1.96 * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    middle = up - down
    return (
        f"{100 * (gained - lost) / n:+.1f} points "
        f"({100 * (middle - half):+.1f} to {100 * (middle + half):+.1f}); "
        f"{gained} right that were wrong, {lost} wrong that were right"
    )


def _with_ends(value: float | None, low: float | None, high: float | None) -> str:
    if value is None or low is None or high is None:
        return "none"
    return f"{value:.2f} ({low:.2f}-{high:.2f})"


def table(
    provider: OpenAICompatible, asked_set: AskedSet, ways: Sequence[str]
) -> Iterator[tuple[str, bool]]:
    yield f"\n{asked_set.name}, {len(asked_set.asked)} items\n\n{HEAD}", True
    hits = {}
    any_better = False
    for way in ways:
        part = asked_set
        if way in HALF:
            half = len(asked_set.asked) // 2
            part = dataclasses.replace(asked_set, asked=asked_set.asked[:half])
        seen = measure(provider, WAYS[way], part)
        hits[way] = right(part, seen)
        row, enough, better = line(way, part, seen)
        any_better = any_better or better
        yield row, enough
    if not any_better:
        yield "no way does better than chance", False
    if DIRECT not in hits:
        return
    yield f"\nbeside {DIRECT}, on the same items:", True
    for way in ways:
        if way != DIRECT:
            direct = hits[DIRECT][: len(hits[way])]
            yield f"  {way:<26}{beside_direct(hits[way], direct)}", True


def main() -> int:
    made = parser(__doc__)
    made.add_argument("--texts", type=int, default=120, help="texts asked about, 0 for none")
    made.add_argument("--reviews", type=int, default=100, help="reviews asked about, 0 for none")
    made.add_argument("--ways", default="", help="only those with one of these words, by commas")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--quick", action="store_true", help="5 items a set and fewer ways")
    options = made.parse_args()
    provider = judge(options)
    started = time.monotonic()
    short = 0
    n_texts, n_reviews = (5, 5) if options.quick else (options.texts, options.reviews)
    words = options.ways.split(",")
    ways = [way for way in QUICK if options.quick] or [
        way for way in WAYS if any(word in way for word in words)
    ]
    sets = [own_texts(n_texts, options.seed)] if n_texts else []
    sets += [reviews(n_reviews, options.seed)] if n_reviews else []
    for asked_set in sets:
        for text, met in table(provider, asked_set, ways):
            print(text + ("" if met else "  SHORT"), flush=True)
            short += not met
    print(f"\n{time.monotonic() - started:.0f} s")
    if options.quick:
        return 0
    print(f"{short} short: more than {MOST_WITHOUT:.0%} without a label, or all by chance")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
