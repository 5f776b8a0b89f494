"""Keeping ItemSummary: counts, doubt and reasons of each question of each item.

One function computes it, for one item after a submission and for thousands after an import.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Value

from annotate.kinds import Asked, Said, asked_of, kind_of
from annotate.models import (
    Gold,
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
from annotate.services.routing_items import items_route

if TYPE_CHECKING:
    from consensus.doubt import Doubt

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
    "reason_bits",
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
    if project.routes:
        items_route(project, item_ids)


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


# Said by somebody, and how sure a judge was of it.
Vote = tuple[Said, float | None]


def _count(
    project: Project, item_ids: Collection[int], questions: dict[int, Question]
) -> Iterable[ItemSummary]:
    from consensus.doubt import doubt_with_evidence

    asked = {pk: asked_of(question) for pk, question in questions.items()}
    people: dict[tuple[int, int], list[Said]] = defaultdict(list)
    judges: dict[tuple[int, int], list[Vote]] = defaultdict(list)
    suspicion: dict[tuple[int, int], float] = {}
    rows = Label.objects.filter(
        item_id__in=item_ids, question_id__in=questions, status=LabelStatus.LIVE
    ).values_list(
        *("item_id", "question_id", "rater__kind", "choice", "value", "confidence"),
        "likely_error__score",
    )
    for item_id, question_id, kind, choice, value, confidence, score in rows:
        if kind == RaterKind.PERSON:
            people[item_id, question_id].append(Said(choice, value))
        else:
            judges[item_id, question_id].append((Said(choice, value), confidence))
        if score is not None:
            suspicion[item_id, question_id] = max(score, suspicion.get((item_id, question_id), 0))
    ruled, known = _settled(item_ids, questions)
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
            found = doubt_with_evidence(
                _doubt(asked[question.pk], people[key], judges[key]),
                likely_error=suspicion.get(key),
                gold_missed=_missed(known.get(key), people[key], judges[key]),
            )
            reasons: list[Any] = list(found.reasons)
            if item_id in flagged:
                reasons.append(Reason.FLAGGED.value)
            yield ItemSummary(
                project=project,
                item_id=item_id,
                question=question,
                state=SummaryState.RULED if key in ruled else SummaryState.OPEN,
                people_counts=_by_option(asked[question.pk], people[key]),
                judge_counts=_by_option(
                    asked[question.pk], [said for said, _confidence in judges[key]]
                ),
                n_people=len(people[key]),
                n_judges=len(judges[key]),
                entropy=found.entropy,
                doubt=found.score,
                reason=reasons[0] if reasons else "",
                reasons=reasons,
                reason_bits=Reason.bits(reasons),
                dirty=False,
            )


def _settled(
    item_ids: Collection[int], questions: Collection[int]
) -> tuple[set[tuple[int, int]], dict[tuple[int, int], Said]]:
    """What is ruled on, and the known answers. One query."""
    about: dict[str, Any] = {"item_id__in": item_ids, "question_id__in": questions}
    columns = ("item_id", "question_id", "choice", "value")
    rulings = Ruling.objects.filter(status=RulingStatus.LIVE, **about)
    rows = rulings.values_list(*columns, Value(value=False)).union(
        Gold.objects.filter(**about).values_list(*columns, Value(value=True)), all=True
    )
    ruled: set[tuple[int, int]] = set()
    known: dict[tuple[int, int], Said] = {}
    for item_id, question_id, choice, value, is_gold in rows:
        if is_gold:
            known[item_id, question_id] = Said(choice, value)
        else:
            ruled.add((item_id, question_id))
    return ruled, known


def _missed(known: Said | None, people: Sequence[Said], judges: Sequence[Vote]) -> float | None:
    """The share of the answers that are not the known one; None where none is known or given."""
    answers = [*people, *(said for said, _confidence in judges)]
    if known is None or not answers:
        return None
    return sum(said != known for said in answers) / len(answers)


def _doubt(asked: Asked, people: Sequence[Said], judges: Sequence[Vote]) -> Doubt:
    """By votes where an answer is one option, else by how far the answers lie apart."""
    from consensus.doubt import doubt, doubt_of_distances

    kind = kind_of(asked)
    if kind.stores_choice:
        return doubt(
            Counter(said.choice for said in people if said.choice is not None),
            [(said.choice, sure) for said, sure in judges if said.choice is not None],
            n_classes=len(asked.options),
        )

    def apart(one: Said, other: Said) -> float:
        return kind.distance(asked, one, other)

    def from_people(said: Said) -> float | None:
        return fmean(apart(said, other) for other in people) if people else None

    return doubt_of_distances(
        [apart(one, other) for one, other in combinations(people, 2)],
        [(from_people(said), sure) for said, sure in judges],
        [apart(one, other) for (one, _), (other, _) in combinations(judges, 2)],
        split_from=kind.split_from,
    )


def _by_option(asked: Asked, answers: Sequence[Said]) -> dict[str, int]:
    """How many named each option: one each, or several where several may be chosen."""
    votes: Counter[int] = Counter()
    for said in answers:
        votes.update(kind_of(asked).named(said))
    return {str(code): n for code, n in sorted(votes.items())}
