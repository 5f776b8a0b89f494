"""A project as a lead finds it after months: items, answers of people and a judge, rulings, doubt.

Put into the database past the services, as bench/many_labels.py does, for benches of pages. What
the services would have kept beside the labels (the summaries) is computed by the same functions.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from bench.many_labels import NOW, insert, newest, project_made, settled, unchecked

PEOPLE_EACH = 4
N_PEOPLE = 500
OPTIONS = 5
TOPICS = ("service", "rooms", "breakfast", "price", "location", "staff", "noise", "cleanliness")
SAID = ("was as promised", "came late", "surprised us", "could be better", "made the stay")
SITES = tuple(f"site-{n}" for n in range(40))
# One item in so many names something that few do.
RARE_EVERY = 9_973
FLAGGED_EVERY = 500
FLAGGED_FROM = 7  # none of those ruled on
RULED_EVERY = 50


def content(n: int) -> tuple[str, dict[str, Any]]:
    """Two sentences of an item, and its metadata."""
    one, two = TOPICS[n % len(TOPICS)], TOPICS[(n // 7) % len(TOPICS)]
    rare = " The peacock in the garden woke us." if n % RARE_EVERY == 0 else ""
    text = (
        f"Visit {n}: the {one} {SAID[n % len(SAID)]}, and the {two} {SAID[(n // 3) % len(SAID)]}. "
        f"We stayed {n % 13 + 1} nights and paid {n % 997} for it.{rare}"
    )
    return text, {"site": SITES[n % len(SITES)], "year": 2000 + n % 25}


def filled(n_items: int) -> Any:
    """The question of a project with so many items, five raters an item, one of them a judge."""
    question = project_made(
        n_items,
        labels_each=PEOPLE_EACH,
        n_raters=N_PEOPLE,
        n_classes=OPTIONS,
        seed=n_items,
        content=content,
    )
    _judge(question)
    _slots(question)
    _rulings(question)
    _summaries(question)
    from annotate.models import ItemSummary, Label, Ruling, Slot, Submission

    settled(Label, Submission, Slot, Ruling, ItemSummary)
    _aggregate(question)
    _figures(question)
    settled()
    return question


def _judge(question: Any) -> None:
    """A judge with a confidence on each item, right four times in five."""
    from annotate.models import Label, RaterKind, Submission
    from annotate.services.raters import rater_imported

    project = question.project
    judge = rater_imported(project, name="judge", kind=RaterKind.JUDGE)
    ids = list(project.items.order_by("pk").values_list("pk", flat=True))
    rng = np.random.default_rng(len(ids))
    # Most are sure, as judges are.
    sure = np.round(1 - rng.beta(1.2, 6, len(ids)), 3)
    said = rng.integers(OPTIONS, size=len(ids))
    first_submission, first = newest(Submission) + 1, newest(Label) + 1
    columns = (
        "id project_id item_id rater_id status client_key flagged comment exposure sides "
        "visibility arm revealed created_at"
    )
    flagged = range(FLAGGED_FROM, len(ids), FLAGGED_EVERY)
    label_columns = (
        "id project_id submission_id item_id question_id rater_id status choice confidence "
        "confidence_source rationale created_at"
    )
    with unchecked(Label, Submission):
        insert(
            Submission,
            tuple(columns.split()),
            (
                (
                    first_submission + k,
                    project.pk,
                    ids[n],
                    judge.pk,
                    "submitted",
                    f"j{k}",
                    k > 0,
                    "",
                    "[]",
                    "{}",
                    "",
                    "",
                    "[]",
                    NOW,
                )
                for k, n in enumerate([0, *flagged])
            ),
        )
        insert(
            Label,
            tuple(label_columns.split()),
            (
                (
                    first + n,
                    project.pk,
                    first_submission,
                    pk,
                    question.pk,
                    judge.pk,
                    "live",
                    int(said[n]),
                    float(sure[n]),
                    "stated",
                    "It says so in the second sentence.",
                    NOW,
                )
                for n, pk in enumerate(ids)
            ),
        )


def _slots(question: Any) -> None:
    from annotate.models import Slot

    project = question.project
    # All at once: nothing else is read by this connection while it copies in.
    items = list(project.items.order_by("pk").values_list("pk", "draw"))
    first = newest(Slot) + 1
    with unchecked(Slot):
        insert(
            Slot,
            ("id", "project_id", "item_id", "ordinal", "draw", "state"),
            (
                (first + n, project.pk, pk, 0, draw, "open" if n % 4 == 0 else "filled")
                for n, (pk, draw) in enumerate(items)
            ),
        )


def _rulings(question: Any) -> None:
    from annotate.models import Ruling, User

    project, owner = question.project, User.objects.get(username="owner")
    ids = project.items.order_by("pk").values_list("pk", flat=True)[::RULED_EVERY]
    first = newest(Ruling) + 1
    columns = (
        "id project_id item_id question_id status choice reason comment reviewer_id created_at"
    )
    with unchecked(Ruling):
        insert(
            Ruling,
            tuple(columns.split()),
            (
                (
                    first + n,
                    project.pk,
                    pk,
                    question.pk,
                    "live",
                    n % OPTIONS,
                    "rater_error",
                    "",
                    owner.pk,
                    NOW,
                )
                for n, pk in enumerate(ids)
            ),
        )


def _summaries(question: Any) -> None:
    """What services/summaries.py keeps, by the function that it asks."""
    from annotate.models import ItemSummary, Label

    people: dict[int, list[int]] = defaultdict(list)
    judged: dict[int, tuple[int, float]] = {}
    said = Label.objects.filter(question=question).values_list("item_id", "choice", "confidence")
    for item_id, choice, confidence in said.iterator(chunk_size=50_000):
        if confidence is None:
            people[item_id].append(choice)
        else:
            judged[item_id] = (choice, confidence)
    names = [f.column for f in ItemSummary._meta.concrete_fields]
    with unchecked(ItemSummary):
        rows = _summary_rows(question, people, judged, names)
        head = next(rows)
        insert(ItemSummary, tuple(names), itertools.chain([head], rows))


def _summary_rows(
    question: Any,
    people: dict[int, list[int]],
    judged: dict[int, tuple[int, float]],
    names: list[str],
) -> Iterator[tuple[Any, ...]]:
    from annotate.models import ItemSummary, Reason, Ruling

    ruled = set(Ruling.objects.filter(question=question).values_list("item_id", flat=True))
    first = newest(ItemSummary) + 1
    for n, item_id in enumerate(sorted(people)):
        votes = Counter(people[item_id])
        code, sure = judged[item_id]
        score, entropy, found = _doubt(tuple(sorted(votes.items())), code, sure)
        reasons = [*found, *([Reason.FLAGGED.value] if n % FLAGGED_EVERY == FLAGGED_FROM else [])]
        row = {
            "id": first + n,
            "project_id": question.project_id,
            "item_id": item_id,
            "question_id": question.pk,
            "state": "ruled" if item_id in ruled else "open",
            "people_counts": json.dumps({str(c): k for c, k in sorted(votes.items())}),
            "judge_counts": json.dumps({str(code): 1}),
            "n_people": votes.total(),
            "n_judges": 1,
            "entropy": entropy,
            "doubt": score,
            "reason": reasons[0] if reasons else "",
            "reasons": json.dumps(reasons),
            "reason_bits": Reason.bits(reasons),
            "dirty": False,
        }
        yield tuple(row[name] for name in names)


@lru_cache(maxsize=200_000)
def _doubt(
    votes: tuple[tuple[int, int], ...], code: int, sure: float
) -> tuple[float, float, tuple[str, ...]]:
    from consensus.doubt import doubt

    found = doubt(dict(votes), [(code, sure)], n_classes=OPTIONS)
    return found.score, found.entropy, found.reasons


def _aggregate(question: Any) -> None:
    from annotate.services.estimates import estimate_run, estimate_start
    from annotate.tasks import job_do

    run = estimate_start(question.project.created_by, question, method="one_coin")
    job_do(run.job_id, estimate_run)


def _figures(question: Any) -> None:
    """What overview, matrix, profiles and pairs show of so many labels."""
    from annotate.services.figures import figures_run, figures_start
    from annotate.tasks import job_do

    job_do(figures_start(question.project.created_by, question.project).pk, figures_run)
