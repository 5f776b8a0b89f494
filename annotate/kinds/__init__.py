"""Kinds of questions: one module a kind. ``kind_of`` finds what reads and shows its answers."""

from __future__ import annotations

from annotate.kinds.base import (
    Asked,
    Kind,
    OptionAsked,
    Said,
    Settled,
    Unfit,
    asked_of,
    mark_of,
    said_of,
)
from annotate.kinds.registry import CHOICES, KINDS, kind_of

__all__ = [
    "CHOICES",
    "KINDS",
    "Asked",
    "Kind",
    "OptionAsked",
    "Said",
    "Settled",
    "Unfit",
    "asked_of",
    "kind_of",
    "mark_of",
    "said_of",
]
