"""Figures of a question for the overview: agreement, shares, raters, the matrix of raters.

They need all labels of a question. Few labels are looked at when the page is asked for; many by a
job that keeps what it found (services/figures.py), and the page says of when it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from annotate.kinds import CHOICES
from annotate.models import (
    Job,
    JobState,
    Label,
    LabelStatus,
    Project,
    Question,
    RaterKind,
    WhoCounts,
)
from annotate.selectors.agreement import alpha_of, raters_against_people
from annotate.selectors.rater_rows import MATRIX, TABLE, pace_of, rater_named
from annotate.selectors.shares_over_time import shares_over_time
from annotate.selectors.tables import QuestionTable, known_answers, question_table
from annotate.selectors.value_figures import value_figures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KIND = "figures"
# Up to so many labels the figures are computed while the page waits: about 0.1 s of a processor.
AT_ONCE = 20_000


def labels_count(questions: Sequence[Question]) -> int:
    """How many live labels these questions have. One index, no table."""
    return Label.objects.filter(question__in=questions, status=LabelStatus.LIVE).count()


def labels_are_few(questions: Sequence[Question]) -> bool:
    """Whether a page may work out figures of all their labels. Counts no further than it must."""
    labels = Label.objects.filter(question__in=questions, status=LabelStatus.LIVE)
    return labels[: AT_ONCE + 1].count() <= AT_ONCE


def figures_latest(project: Project) -> Job | None:
    """The newest finished computation of the figures; they are in its ``result``."""
    return (
        Job.objects.filter(project=project, kind=KIND, state=JobState.DONE).order_by("-pk").first()
    )


def figures_now_or_kept(question: Question) -> tuple[dict[str, Any] | None, datetime | None]:
    """The figures of one question, and of when they are (None: of now).

    None, None where there are too many labels to wait for and no job has worked them out.
    """
    if labels_are_few([question]):
        return figures_of(question), None
    job = figures_latest(question.project)
    figures = job.result["questions"].get(str(question.pk)) if job else None
    return figures, job.finished_at if job and figures else None


def figures_of(question: Question, found: QuestionTable | None = None) -> dict[str, Any]:
    """All figures of a question, as plain values that go into JSON. Shares are from 0 to 1.

    This is for choices; what else there may be of other kinds, value_figures tells.


    ``agreement`` and ``judges_agreement``: fields of consensus.agreement.Agreement.
    ``over_time``: as shares_over_time. ``people``, ``judges``: labels of each option code.
    ``origins``: labels by "kind origin" of the rater. ``raters``: rows of agreement.RaterAgreement
    with the rater's id, kind, name and seconds an answer.
    ``matrix``: raters, and for each two [share, items] or None where they share none.
    ``fingerprints``: of the labels by who counts, and by "who rulings" where rulings count as known
    answers, as EstimateRun.input_fingerprint (``fingerprint_key``).
    """
    if question.kind not in CHOICES:
        return value_figures(question)
    found = found or question_table(question)
    people, judges = found.of(WhoCounts.PEOPLE), found.of(WhoCounts.JUDGES)
    ruled = known_answers(question, rulings=True)
    tables = {WhoCounts.PEOPLE: people, WhoCounts.JUDGES: judges, WhoCounts.ALL: found}
    return {
        "n_labels": found.table.n_labels,
        "n_items": found.table.n_items,
        "agreement": asdict(alpha_of(question, people)),
        "judges_agreement": asdict(alpha_of(question, judges)),
        "origins": _by_origin(found),
        "over_time": shares_over_time(question),
        "people": _by_code(people),
        "judges": _by_code(judges),
        "n_raters": len(found.rater_ids),
        "raters": _raters(question, found),
        "matrix": _matrix(found),
        "fingerprints": {
            fingerprint_key(who, rulings=rulings): (
                table.fingerprint_knowing(ruled) if rulings else table.fingerprint
            )
            for who, table in tables.items()
            for rulings in (False, True)
        },
    }


def fingerprint_key(who: str, *, rulings: bool) -> str:
    """Under which name the fingerprint of what an aggregation would see now is kept."""
    return f"{who} rulings" if rulings else str(who)


def _by_code(found: QuestionTable) -> dict[str, int]:
    import numpy as np

    counts = np.bincount(found.table.codes, minlength=found.table.n_classes)
    return {str(code): int(n) for code, n in enumerate(counts) if n}


def _by_origin(found: QuestionTable) -> dict[str, int]:
    import numpy as np

    counts: Counter[str] = Counter()
    n_labels = np.bincount(found.table.raters, minlength=found.table.n_raters)
    for pk, n in zip(found.rater_ids, n_labels, strict=True):
        rater = found.raters[int(pk)]
        counts[f"{rater.kind} {rater.origin}"] += int(n)
    return dict(counts)


def _raters(question: Question, found: QuestionTable) -> list[dict[str, Any]]:
    rows = raters_against_people(question, found)
    if len(rows) > TABLE:
        kept = {row.rater.pk for row in sorted(rows, key=lambda r: -r.n_labels)[:TABLE]}
        rows = [row for row in rows if row.rater.pk in kept]
    pace = pace_of([row.rater for row in rows])
    return [
        {
            **rater_named(row.rater),
            "n_labels": row.n_labels,
            "agree": row.agree,
            "shared": row.shared,
            "share": row.share,
            "low": row.low,
            "high": row.high,
            "seconds": pace.get(row.rater.pk),
        }
        for row in rows
    ]


def _matrix(found: QuestionTable) -> dict[str, Any]:
    """Agreement of each two of the raters with the most labels, people first."""
    import numpy as np

    from consensus.rater_matrices import pairwise_agreement
    from consensus.table import LabelTable

    table = found.table
    n_labels = np.bincount(table.raters, minlength=table.n_raters)
    most = np.argsort(-n_labels, kind="stable")[:MATRIX].tolist()
    raters = {k: found.raters[int(found.rater_ids[k])] for k in most}
    order = sorted(most, key=lambda k: (raters[k].kind != RaterKind.PERSON, raters[k].name, k))
    place: NDArray[np.int64] = np.full(table.n_raters, -1)
    place[order] = np.arange(len(order))
    rows = place[table.raters] >= 0 if table.n_labels else np.zeros(0, dtype=bool)
    share, both = pairwise_agreement(
        LabelTable.from_codes(
            table.items[rows],
            place[table.raters[rows]],
            table.codes[rows],
            n_classes=table.n_classes,
            n_items=table.n_items,
            n_raters=len(order),
        )
    )
    return {
        "raters": [rater_named(raters[k]) for k in order],
        "cells": [
            [
                [float(share[i, j]), int(both[i, j])] if i != j and both[i, j] else None
                for j in range(len(order))
            ]
            for i in range(len(order))
        ],
    }
