"""The judges of a question as Trust lists them: made here and imported alike."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from annotate.models import Label, LabelStatus, Project, Question, Rater, RaterKind
from annotate.selectors.figures import figures_now_or_kept
from judges.models import JudgeVersion
from judges.selectors.judges import versions_of


@dataclass(frozen=True)
class JudgeState:
    """One judge at one question. ``version`` is None for imported ones.

    ``agree`` of the ``shared`` items have its label equal to that of most people.
    """

    rater: Rater
    version: JudgeVersion | None
    n_labels: int
    agree: int
    shared: int


def judges_at(project: Project, question: Question) -> list[tuple[Rater, JudgeVersion | None]]:
    """Raters of the kind judge with labels at the question, and the question's versions without,
    by name. Two queries.
    """
    versions = {version.rater_id: version for version in versions_of(project, question)}
    labels = Label.objects.filter(rater=OuterRef("pk"), question=question, status=LabelStatus.LIVE)
    raters = Rater.objects.filter(project=project, kind=RaterKind.JUDGE).filter(
        Q(pk__in=versions) | Exists(labels)
    )
    return [(rater, versions.get(rater.pk)) for rater in raters.order_by("name", "pk")]


def judge_states(project: Project, question: Question) -> list[JudgeState]:
    """How it stands with each judge of the question, those with the best agreement first."""
    figures, _taken_at = figures_now_or_kept(question)
    found = {row["pk"]: row for row in (figures or {}).get("raters", [])}
    states = []
    for rater, version in judges_at(project, question):
        row = found.get(rater.pk, {})
        states.append(
            JudgeState(
                rater,
                version,
                row.get("n_labels", 0),
                row.get("agree", 0),
                row.get("shared", 0),
            )
        )
    return sorted(states, key=lambda s: (not s.shared, -s.agree / max(s.shared, 1)))
