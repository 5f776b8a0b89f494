"""The nouns of annotation. One module a group; import them from here."""

from __future__ import annotations

from annotate.models.estimates import (
    CLASS_METHODS,
    VOTES,
    EstimateRun,
    ItemEstimate,
    Method,
    RaterEstimate,
    WhoCounts,
    methods_of,
)
from annotate.models.events import Event
from annotate.models.figures import FigureName, KeptFigure
from annotate.models.given_back import GivenBack
from annotate.models.imports import ImportBatch, ImportFormat, ImportKind, ImportStatus
from annotate.models.items import Item, ItemStatus, ItemSummary, Reason, SummaryState
from annotate.models.jobs import FINISHED, Heartbeat, Job, JobState
from annotate.models.labels import (
    Arm,
    ConfidenceSource,
    Gold,
    GoldSource,
    Label,
    LabelStatus,
    LikelyError,
    Ruling,
    RulingReason,
    RulingStatus,
    SkipReason,
    Submission,
    SubmissionStatus,
)
from annotate.models.people import LEADS, Invitation, Membership, Role, Theme, User
from annotate.models.projects import (
    Colour,
    Guideline,
    Option,
    Project,
    ProjectStatus,
    Question,
    QuestionKind,
    QuestionStatus,
    Visibility,
)
from annotate.models.raters import Rater, RaterKind, RaterOrigin
from annotate.models.saved_views import SavedView
from annotate.models.work import Assignment, AssignmentState, Slot, SlotState, Strategy

__all__ = [
    "CLASS_METHODS",
    "VOTES",
    "FINISHED",
    "LEADS",
    "Arm",
    "Assignment",
    "AssignmentState",
    "Colour",
    "ConfidenceSource",
    "EstimateRun",
    "Event",
    "FigureName",
    "GivenBack",
    "Gold",
    "GoldSource",
    "Guideline",
    "Heartbeat",
    "ImportBatch",
    "ImportFormat",
    "ImportKind",
    "ImportStatus",
    "Invitation",
    "Item",
    "ItemEstimate",
    "ItemStatus",
    "ItemSummary",
    "Job",
    "JobState",
    "KeptFigure",
    "Label",
    "LabelStatus",
    "LikelyError",
    "Membership",
    "Method",
    "Option",
    "Project",
    "ProjectStatus",
    "Question",
    "QuestionKind",
    "QuestionStatus",
    "Rater",
    "RaterEstimate",
    "RaterKind",
    "RaterOrigin",
    "Reason",
    "Role",
    "Ruling",
    "RulingReason",
    "RulingStatus",
    "SavedView",
    "Slot",
    "SlotState",
    "Strategy",
    "Submission",
    "SubmissionStatus",
    "SkipReason",
    "SummaryState",
    "Theme",
    "User",
    "Visibility",
    "WhoCounts",
    "methods_of",
]
