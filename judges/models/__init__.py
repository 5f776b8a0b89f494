"""The nouns of judges: where they are asked, what they are asked, and every call."""

from __future__ import annotations

from judges.models.audits import AuditFinding
from judges.models.batches import Batch, BatchStage
from judges.models.connections import (
    ASKED_IN_WORDS,
    CONNECTED,
    Connection,
    ModelPrice,
    Pace,
    ProviderName,
    Spending,
)
from judges.models.hand_overs import (
    EndReason,
    HandOver,
    HandOverItem,
    HandOverState,
    Part,
)
from judges.models.runs import (
    HELD,
    Call,
    CallState,
    Ending,
    Outcome,
    Purpose,
    Run,
    RunItem,
)
from judges.models.trust import Closeness, JudgeReport, ReplacementTest
from judges.models.vectors import TextVector
from judges.models.versions import JudgeVersion, PanelMember, Prompt
from judges.models.watching import Watch, WatchRound

__all__ = [
    "ASKED_IN_WORDS",
    "CONNECTED",
    "HELD",
    "AuditFinding",
    "Batch",
    "BatchStage",
    "Call",
    "CallState",
    "Closeness",
    "Connection",
    "EndReason",
    "Ending",
    "HandOver",
    "HandOverItem",
    "HandOverState",
    "JudgeReport",
    "JudgeVersion",
    "ModelPrice",
    "Outcome",
    "Pace",
    "PanelMember",
    "Part",
    "Prompt",
    "ProviderName",
    "Purpose",
    "ReplacementTest",
    "Run",
    "RunItem",
    "Spending",
    "TextVector",
    "Watch",
    "WatchRound",
]
