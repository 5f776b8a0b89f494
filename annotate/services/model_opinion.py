"""What a model makes of the items' texts, told by whoever has one: this app knows of none.

An app above it that has one registers a function (``register``). It learns from the labels of
people and says of each item what the labels of the *other* items lead it to expect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from annotate.models import Question


@dataclass(frozen=True)
class Opinion:
    """Probability of each option code, by item id, each item told by a fit that has seen neither it
    nor a near copy of it; codes of which it has seen too few are left out.

    name    of the model
    right   of so many items (``of``) its likeliest code is the one they are labelled with
    common  how many items have the commonest code: what guessing it would get right
    """

    name: str
    shares: Mapping[int, Mapping[int, float]]
    right: int
    of: int
    common: int


# Takes the question, one code an item by item id, and what to call with words now and then, which
# may raise to stop. None where there is too little to learn from.
Source = Callable[[Question, Mapping[int, int], Callable[[str], None]], Opinion | None]
_sources: list[Source] = []


def register(source: Source) -> None:
    """Have another app's model looked at when label errors are looked for. Called at start-up."""
    if source not in _sources:
        _sources.append(source)


def opinion_of(
    question: Question, codes: Mapping[int, int], say: Callable[[str], None]
) -> Opinion | None:
    """The opinion of the first model that has one and has shown something: it must be right more
    often than the commonest answer would be, beyond chance."""
    from consensus.intervals import proportion_interval

    for source in _sources:
        found = source(question, codes, say)
        if found is not None and found.of:
            low, _high = proportion_interval(found.right, found.of)
            if low > found.common / found.of:
                return found
    return None
