"""Keeping ItemSummary: counts, doubt and reasons of each question of each item.

One function computes it, for one item after a submission and for thousands after an import.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction

from annotate.models import (
    Item,
    ItemSummary,
    Label,
    LabelStatus,
    Project,
    Question,
    QuestionStatus,
    RaterKind,
    Reason,
    Ruling,
    RulingStatus,
    Submission,
    SubmissionStatus,
    SummaryState,
)

CHUNK = 1000
KEPT = [
    "state",
    "people_counts",
    "judge_counts",
    "n_people",
    "n_judges",
    "entropy",
    "doubt",
    "reason",
    "reasons",
    "dirty",
]


@transaction.atomic
def summaries_recount(project: Project, item_ids: Collection[int]) -> None:
    """Count the live labels of these items anew. Idempotent. Locks the items in id order.

    The lock makes two submissions to one item count one after the other: without it each would
    miss the other's uncommitted labels. A few queries a call, whatever the number of items.
    """
    list(
        Item.objects.select_for_update(no_key=True)
        .filter(pk__in=item_ids)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    live = Question.objects.filter(project=project, status=QuestionStatus.LIVE)
    summaries_recount_locked(project, item_ids, live.prefetch_related("options"))


def summaries_recount_locked(
    project: Project, item_ids: Collection[int], questions: Iterable[Question]
) -> None:
    """The same for a caller that has the items locked and the live questions read. Four queries."""
    fresh = list(_count(project, item_ids, {question.pk: question for question in questions}))
    ItemSummary.objects.bulk_create(
        fresh,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["item", "question"],
        update_fields=KEPT,
    )


def summaries_mark_dirty(item_ids: Iterable[int]) -> None:
    """Leave the recount of these items to the sweeper or a job, after a bulk write."""
    ItemSummary.objects.filter(item_id__in=list(item_ids)).update(dirty=True)


def summaries_recount_dirty(*, limit: int) -> int:
    """Recount up to ``limit`` dirty summaries. Returns how many items were done. Repeat-safe."""
    dirty: dict[int, set[int]] = defaultdict(set)
    for project_id, item_id in ItemSummary.objects.filter(dirty=True).values_list(
        "project_id", "item_id"
    )[:limit]:
        dirty[project_id].add(item_id)
    for project in Project.objects.filter(pk__in=dirty):
        ids = sorted(dirty[project.pk])
        for start in range(0, len(ids), CHUNK):
            summaries_recount(project, ids[start : start + CHUNK])
    return sum(len(ids) for ids in dirty.values())


def summaries_that_drifted(project: Project) -> list[int]:
    """Ids of items whose kept summary is not what their labels say. Reads only."""
    drifted: list[int] = []
    questions = {
        question.pk: question
        for question in Question.objects.filter(
            project=project, status=QuestionStatus.LIVE
        ).prefetch_related("options")
    }
    ids = list(Item.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        kept = {
            (s.item_id, s.question_id): _facts(s)
            for s in ItemSummary.objects.filter(item_id__in=chunk)
        }
        drifted.extend(
            fresh.item_id
            for fresh in _count(project, chunk, questions)
            if (fresh.n_people or fresh.n_judges or (fresh.item_id, fresh.question_id) in kept)
            and kept.get((fresh.item_id, fresh.question_id)) != _facts(fresh)
        )
    return sorted(set(drifted))


def _facts(summary: ItemSummary) -> str:
    facts = {name: getattr(summary, name) for name in KEPT if name != "dirty"}
    facts["entropy"], facts["doubt"] = round(summary.entropy, 9), round(summary.doubt, 9)
    return json.dumps(facts, sort_keys=True)


def _count(
    project: Project, item_ids: Collection[int], questions: dict[int, Question]
) -> Iterable[ItemSummary]:
    from consensus.doubt import doubt

    people: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    judges: dict[tuple[int, int], list[tuple[int, float | None]]] = defaultdict(list)
    rows = Label.objects.filter(
        item_id__in=item_ids,
        question_id__in=questions,
        status=LabelStatus.LIVE,
        choice__isnull=False,
    ).values_list("item_id", "question_id", "rater__kind", "choice", "confidence")
    for item_id, question_id, kind, choice, confidence in rows:
        if choice is None:
            continue
        if kind == RaterKind.PERSON:
            people[item_id, question_id][choice] += 1
        else:
            judges[item_id, question_id].append((choice, confidence))
    ruled = set(
        Ruling.objects.filter(
            item_id__in=item_ids, question_id__in=questions, status=RulingStatus.LIVE
        ).values_list("item_id", "question_id")
    )
    flagged = set(
        Submission.objects.filter(
            item_id__in=item_ids,
            flagged=True,
            status__in=[SubmissionStatus.SUBMITTED, SubmissionStatus.SKIPPED],
        ).values_list("item_id", flat=True)
    )
    for item_id in item_ids:
        for question in questions.values():
            key = (item_id, question.pk)
            found = doubt(people[key], judges[key], n_classes=len(question.options.all()))
            reasons: list[Any] = list(found.reasons)
            if item_id in flagged:
                reasons.append(Reason.FLAGGED.value)
            votes = Counter(choice for choice, _confidence in judges[key])
            yield ItemSummary(
                project=project,
                item_id=item_id,
                question=question,
                state=SummaryState.RULED if key in ruled else SummaryState.OPEN,
                people_counts={str(c): n for c, n in sorted(people[key].items())},
                judge_counts={str(c): n for c, n in sorted(votes.items())},
                n_people=people[key].total(),
                n_judges=len(judges[key]),
                entropy=found.entropy,
                doubt=found.score,
                reason=reasons[0] if reasons else "",
                reasons=reasons,
                dirty=False,
            )
