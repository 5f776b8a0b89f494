"""The nouns of judges: where they are asked, what they are asked, and every call."""

from __future__ import annotations

from judges.models.connections import Connection, ProviderName
from judges.models.runs import Call, CallState, Outcome, Purpose, Run
from judges.models.vectors import TextVector
from judges.models.versions import JudgeVersion, Prompt

__all__ = [
    "Call",
    "CallState",
    "Connection",
    "JudgeVersion",
    "Outcome",
    "Prompt",
    "ProviderName",
    "Purpose",
    "Run",
    "TextVector",
]
