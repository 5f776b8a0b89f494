"""The rows of an export, one after the other, in bounded memory.

Items: one row an item with, for each question, the final answer and where it comes from.
Labels: one row a label, in the long form that label import reads.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from annotate.models import (
    EstimateRun,
    Item,
    ItemEstimate,
    ItemStatus,
    ItemSummary,
    JobState,
    Label,
    LabelStatus,
    Project,
    Question,
    Rater,
    RaterKind,
    Ruling,
    RulingStatus,
    WhoCounts,
)
from annotate.selectors.questions import questions_live

WHATS = ("items", "labels")
FORMATS = ("csv", "jsonl")
CHUNK = 1000
# Columns of one question in a row of items, after "<key>".
OF_QUESTION = (
    "source",
    "probability",
    "posterior",
    "people_votes",
    "judge_votes",
    "aggregate",
    "ruling_reason",
    "ruled_by",
)


def item_columns(project: Project) -> list[str]:
    columns = ["item_id", "fields", "metadata", "demo"]
    for question in questions_live(project):
        columns.append(question.key)
        columns.extend(f"{question.key}__{name}" for name in OF_QUESTION)
    return columns


def item_rows(project: Project, who: str = WhoCounts.PEOPLE) -> Iterator[dict[str, Any]]:
    """One row a live item, by id. The answer is the ruling, else the newest aggregate of ``who``,
    else the majority of its votes now; a tie stays a tie."""
    questions = questions_live(project)
    runs = {question.pk: _newest_run(question, who) for question in questions}
    last = 0
    while True:
        items = list(
            Item.objects.filter(project=project, status=ItemStatus.LIVE, pk__gt=last).order_by(
                "pk"
            )[:CHUNK]
        )
        if not items:
            return
        last = items[-1].pk
        facts = _Facts([item.pk for item in items], runs)
        for item in items:
            row: dict[str, Any] = {
                "item_id": item.external_id,
                "fields": item.fields,
                "metadata": item.metadata,
                "demo": project.is_demo,
            }
            for question in questions:
                row |= facts.of(item.pk, question, who)
            yield row


def _newest_run(question: Question, who: str) -> EstimateRun | None:
    return (
        EstimateRun.objects.filter(question=question, who_counts=who, job__state=JobState.DONE)
        .order_by("-pk")
        .first()
    )


class _Facts:
    """What is known of a chunk of items; a few queries, whatever their number."""

    def __init__(self, item_ids: list[int], runs: dict[int, EstimateRun | None]) -> None:
        self.runs = runs
        self.summaries = {
            (s.item_id, s.question_id): s for s in ItemSummary.objects.filter(item_id__in=item_ids)
        }
        self.rulings = {
            (r.item_id, r.question_id): r
            for r in Ruling.objects.filter(
                item_id__in=item_ids, status=RulingStatus.LIVE
            ).select_related("reviewer")
        }
        known = [run for run in runs.values() if run is not None]
        self.estimates = {
            (e.run_id, e.item_id): e
            for e in ItemEstimate.objects.filter(run__in=known, item_id__in=item_ids)
        }

    def of(self, item_id: int, question: Question, who: str) -> dict[str, Any]:
        names = {option.code: option.key for option in question.options.all()}
        summary = self.summaries.get((item_id, question.pk))
        ruling = self.rulings.get((item_id, question.pk))
        run = self.runs[question.pk]
        estimate = self.estimates.get((run.pk, item_id)) if run else None
        people = _named(summary.people_counts if summary else {}, names)
        judges = _named(summary.judge_counts if summary else {}, names)
        posterior = _named(estimate.payload["posterior"], names) if estimate else None
        if estimate is not None and run is not None:
            choice, tied, source = estimate.choice, estimate.tied, run.method
            probability = estimate.probability
        else:
            votes = _counted(summary, who)
            choice, tied, probability = _majority(votes)
            source = "majority" if votes else ""
        if tied:
            source = "tie"
        if ruling is not None:
            choice, source = ruling.choice, "ruling"
        values = (
            source,
            probability,
            posterior,
            people,
            judges,
            f"{run.method} {run.pk}" if estimate is not None and run is not None else "",
            ruling.reason if ruling else "",
            ruling.reviewer.username if ruling else "",
        )
        answer = None if choice is None else names.get(choice)
        return {question.key: answer} | {
            f"{question.key}__{name}": value
            for name, value in zip(OF_QUESTION, values, strict=True)
        }


def _named(by_code: dict[str, Any], names: dict[int, str]) -> dict[str, Any]:
    return {names[int(code)]: value for code, value in by_code.items() if int(code) in names}


def _counted(summary: ItemSummary | None, who: str) -> dict[int, int]:
    votes: Counter[int] = Counter()
    if summary is not None and who != WhoCounts.JUDGES:
        votes.update({int(code): n for code, n in summary.people_counts.items()})
    if summary is not None and who != WhoCounts.PEOPLE:
        votes.update({int(code): n for code, n in summary.judge_counts.items()})
    return votes


def _majority(votes: dict[int, int]) -> tuple[int | None, bool, float | None]:
    """Choice, tied, share of the choice."""
    if not votes:
        return None, False, None
    top = max(votes.values())
    first = [code for code, n in votes.items() if n == top]
    if len(first) > 1:
        return None, True, None
    return first[0], False, top / sum(votes.values())


def label_columns() -> list[str]:
    return [
        "item_id",
        "annotator_id",
        "annotator_kind",
        "label",
        "question",
        "question_version",
        "status",
        "confidence",
        "confidence_source",
        "distribution",
        "rationale",
        "origin",
        "judge_version",
        "guideline_version",
        "seconds",
        "flagged",
        "comment",
        "exposure",
        "strategy",
        "draw",
        "inclusion_probability",
        "at",
        "demo",
    ]


def label_rows(
    project: Project, who: str = WhoCounts.PEOPLE, *, history: bool = False
) -> Iterator[dict[str, Any]]:
    """One row a label of a live item, in the order they were stored."""
    labels = Label.objects.filter(project=project, item__status=ItemStatus.LIVE)
    if not history:
        labels = labels.filter(status=LabelStatus.LIVE)
    if who != WhoCounts.ALL:
        kind = RaterKind.PERSON if who == WhoCounts.PEOPLE else RaterKind.JUDGE
        labels = labels.filter(rater__kind=kind)
    names = _rater_names(project)
    keys = {
        question.pk: {option.code: option.key for option in question.options.all()}
        for question in project.questions.prefetch_related("options")
    }
    labels = labels.select_related(
        "item", "question", "rater", "submission__guideline", "submission__assignment"
    ).order_by("pk")
    for label in labels.iterator(chunk_size=CHUNK):
        yield _label_row(label, names, keys, demo=project.is_demo)


def _label_row(
    label: Label, names: dict[int, str], keys: dict[int, dict[int, str]], *, demo: bool
) -> dict[str, Any]:
    submission = label.submission
    assignment = submission.assignment
    return {
        "item_id": label.item.external_id,
        "annotator_id": names[label.rater_id],
        "annotator_kind": label.rater.kind,
        "label": (
            label.value if label.choice is None else keys[label.question_id].get(label.choice)
        ),
        "question": label.question.key,
        "question_version": label.question.version,
        "status": label.status,
        "confidence": label.confidence,
        "confidence_source": label.confidence_source,
        "distribution": (
            _named(label.distribution, keys[label.question_id]) if label.distribution else None
        ),
        "rationale": label.rationale,
        "origin": label.rater.origin,
        "judge_version": label.rater.version_hash or "",
        "guideline_version": submission.guideline.version if submission.guideline else None,
        "seconds": submission.seconds,
        "flagged": submission.flagged,
        "comment": submission.comment,
        "exposure": submission.exposure,
        "strategy": assignment.strategy if assignment else "",
        "draw": assignment.draw if assignment else None,
        "inclusion_probability": assignment.inclusion_probability if assignment else None,
        "at": label.created_at.isoformat(),
        "demo": demo,
    }


def _rater_names(project: Project) -> dict[int, str]:
    """A name for each rater that no other has: the id is added where two share one."""
    raters = Rater.objects.filter(project=project).values_list("pk", "kind", "name")
    same: dict[tuple[str, str], list[int]] = defaultdict(list)
    for pk, kind, name in raters:
        same[kind, name].append(pk)
    return {
        pk: name if len(ids) == 1 else f"{name} #{pk}"
        for (_kind, name), ids in same.items()
        for pk in ids
    }
