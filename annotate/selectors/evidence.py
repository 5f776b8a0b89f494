"""What a label came of, told by whoever knows: this app does not know how judges come to answers.

An app above it that knows registers a function (``register``), which is called for the labels shown
of one item.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from annotate.models import Label


@dataclass(frozen=True)
class Witness:
    """One voice that a label came of: who, the option it named (None: it gave no answer, ``note``
    says why), how sure it was, its reason, and in which round it spoke, in words ("" where there
    was but one); ``is_later``: not in the first.
    """

    name: str
    choice: int | None
    confidence: float | None = None
    source: str = ""
    rationale: str = ""
    note: str = ""
    round: str = ""
    is_later: bool = False


@dataclass(frozen=True)
class Evidence:
    """What one label came of: a sentence on how, and the voices in their order."""

    sentence: str
    witnesses: Sequence[Witness]


# Evidence by the label's id, for those of which there is some. Called with labels of one item, with
# raters and submissions read.
Source = Callable[[Collection[Label]], Mapping[int, Evidence]]
_sources: list[Source] = []


def register(source: Source) -> None:
    """Have another app tell what labels came of. Called once, at start-up."""
    if source not in _sources:
        _sources.append(source)


def evidence_of(labels: Collection[Label]) -> dict[int, Evidence]:
    """The evidence there is for labels of an item, by the label's id."""
    found: dict[int, Evidence] = {}
    for source in _sources:
        found |= source(labels)
    return found
