"""Looking for labels of people that are likely wrong, as a job: what it finds is ranked, and goes
to review.

The scores are those of consensus/label_errors.py, docs/statistics/trust.md. Beside the others at
the item and the judges, a model is asked what it makes of the text (model_opinion.py), so that
texts with one label each can be looked through, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.kinds import CHOICES
from annotate.models import (
    FINISHED,
    Job,
    Label,
    LabelStatus,
    LikelyError,
    Project,
    Question,
    QuestionKind,
    Ruling,
    RulingStatus,
    User,
)
from annotate.selectors.label_support import (
    PeopleSaid,
    as_rows,
    commonest,
    judges_said,
    people_said,
)
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create
from annotate.services.model_opinion import Opinion, opinion_of
from annotate.services.summaries import CHUNK, summaries_recount

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.label_errors import LabelErrors

KIND = "label_errors"
# Kinds of questions whose answers name options.
LOOKED_AT = (*CHOICES, QuestionKind.MULTIPLE.value)
# At most so many labels of a question are kept: the most suspicious first.
MOST = 1000
# From here on, twice as much speaks against a label as for it.
LEAST_SCORE = 2 / 3
# Peers are weighed by how they err from so many labels a rater on, and up to so many labels in all:
# beyond, the memory that it takes is too much.
LABELS_A_RATER = 20
MOST_WEIGHED = 1_000_000


@transaction.atomic
def label_errors_start(actor: User, question: Question) -> Job:
    """Queue the search; the caller nudges. One that is under way is returned instead. Raises
    BadInput for questions whose answers are no options.
    """
    if question.kind not in LOOKED_AT:
        raise BadInput(_("Label errors are looked for where an answer names options."))
    Project.objects.select_for_update(no_key=True).get(pk=question.project_id)
    about = {"project": question.project, "kind": KIND, "parameters__question": question.pk}
    waiting = Job.objects.filter(**about).exclude(state__in=FINISHED).first()
    if waiting is not None:
        return waiting
    job = job_create(
        actor,
        project=question.project,
        kind=KIND,
        task="annotate.label_errors",
        parameters={"question": question.pk, "name": question.name},
    )
    event_write(actor, "label_errors.started", project=question.project, target=job)
    return job


@dataclass(frozen=True)
class Scored:
    """The labels of people with what speaks for them: ``scores`` of each row of ``said.table``;
    ``by_class`` (n_items, n_classes) for each source but the peers, NaN where it does not know;
    ``dubious`` (n_labels,): suspected at all. ``opinion``: the model's, where one had any.
    """

    said: PeopleSaid
    scores: LabelErrors
    by_class: dict[str, NDArray[np.float64]]
    dubious: NDArray[np.bool_]
    opinion: Opinion | None


def label_errors_run(running: RunningJob) -> None:
    """Score the labels of people and keep those most likely wrong. Repeat-safe: what an earlier
    search found is replaced at once."""
    question = Question.objects.select_related("project").get(pk=running.job.parameters["question"])
    running.progress(message=_("Reading labels"))
    with running.kept_alive():
        said = people_said(question)
    n_labels = said.table.n_labels
    if not n_labels:
        running.fail(_("No people have answered yet, so there is nothing to look at."))
        return
    opinion = None
    if not said.several:
        with running.kept_alive():
            opinion = opinion_of(
                question, commonest(said), lambda words: running.progress(message=words)
            )
    running.progress(0, total=n_labels, message=_("Scoring"))
    with running.kept_alive():
        suspected = _suspected(question, scored(question, said, opinion))
    running.progress(n_labels, message=_("Marking the items"))
    touched = set(LikelyError.objects.filter(question=question).values_list("item_id", flat=True))
    with transaction.atomic():
        running.hold()
        LikelyError.objects.filter(question=question).delete()
        LikelyError.objects.bulk_create(suspected, batch_size=500, ignore_conflicts=True)
    touched |= {row.item_id for row in suspected}
    ids = sorted(touched)
    for start in range(0, len(ids), CHUNK):
        summaries_recount(question.project, ids[start : start + CHUNK])
        running.progress()
    running.finish(
        message=_("%(n)s of %(all)s labels are likely wrong.")
        % {"n": intcomma(len(suspected)), "all": intcomma(n_labels)},
        found=len(suspected),
        labels=n_labels,
        model=opinion.name if opinion else "",
        model_right=opinion.right if opinion else 0,
        model_of=opinion.of if opinion else 0,
    )


def scored(question: Question, said: PeopleSaid, opinion: Opinion | None) -> Scored:
    """How far the others at the item, the judges and the model support each label."""
    import numpy as np

    from consensus.label_errors import confidently_otherwise, label_errors

    judges = judges_said(question, said)
    model = as_rows(said, opinion.shares) if opinion else None
    found = label_errors(
        said.table,
        judges=[] if judges is None else [judges],
        peers=said.peers() if said.several else _peers(said),
        model=model,
    )
    dubious = np.nan_to_num(found.score, nan=0.0) >= LEAST_SCORE
    by_class = {} if judges is None else {"judges": judges}
    if model is not None:
        by_class["model"] = model
        alone = ~np.isnan(found.support["model"])
        for other in found.support.keys() - {"model"}:
            alone &= np.isnan(found.support[other])
        dubious &= ~alone | confidently_otherwise(said.table, model)
    return Scored(said, found, by_class, dubious, opinion)


def _suspected(question: Question, found: Scored) -> list[LikelyError]:
    """The labels with the highest scores on items that are not ruled on, at most MOST; of a label
    that names several options, the option with the highest."""
    import numpy as np

    said, table = found.said, found.said.table
    ruled = Ruling.objects.filter(question=question, status=RulingStatus.LIVE)
    settled = np.isin(said.item_ids, np.array(ruled.values_list("item_id", flat=True), dtype=int))
    score = np.where(found.dubious & ~settled[table.items], found.scores.score, 0.0)
    order = np.argsort(-score, kind="stable")
    worst: dict[tuple[int, int], int] = {}
    for row in order[: np.count_nonzero(score > 0)]:
        pair = (int(said.item_ids[table.items[row]]), int(said.rater_ids[table.raters[row]]))
        worst.setdefault(pair, int(row))
        if len(worst) == MOST:
            break
    labels = Label.objects.filter(
        question=question,
        status=LabelStatus.LIVE,
        item__in={item for item, _rater in worst},
        rater__in={rater for _item, rater in worst},
    ).values_list("pk", "item_id", "rater_id")
    by_pair = {(item_id, rater_id): (pk, item_id) for pk, item_id, rater_id in labels}
    reasons = dict(_reasons(found, list(worst.values())))
    # In the order of their rank, so that equal scores keep it in the list.
    return [
        LikelyError(
            project_id=question.project_id,
            question=question,
            item_id=by_pair[pair][1],
            label_id=by_pair[pair][0],
            score=float(score[row]),
            **reasons[row],
        )
        for pair, row in worst.items()
        if pair in by_pair
    ]


def _reasons(found: Scored, rows: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Of each of these rows of the table, what speaks for it and what most speaks for instead."""
    import numpy as np

    said, table = found.said, found.said.table
    counts = table.counts()
    for row in rows:
        item, code = int(table.items[row]), int(table.codes[row])
        others = counts[item].astype(float)
        others[code] -= 1
        n_others = int(said.n_people[item]) - 1
        support: dict[str, float] = {
            name: round(float(values[row]), 4)
            for name, values in found.scores.support.items()
            if not np.isnan(values[row])
        }
        support |= {"others": n_others, "same": int(others[code])}
        instead = None
        if not said.several:
            told = [values[item] for name, values in found.by_class.items() if name in support]
            if n_others:
                told.append(others / n_others)
            known = np.stack(told) if told else np.zeros((1, table.n_classes))
            mean = np.nansum(known, axis=0) / np.maximum((~np.isnan(known)).sum(axis=0), 1)
            mean[code] = -1.0
            instead = int(mean.argmax()) if mean.max() > 0 else None
        yield (
            row,
            {
                "support": support,
                "instead": instead,
                "option": code if said.several else None,
            },
        )


def _peers(said: PeopleSaid) -> NDArray[np.float64] | None:
    """How far the others at the item support each label, weighed by how they err where there are
    labels enough to know; None for their plain share."""
    from consensus.label_errors import peer_posterior
    from consensus.methods import aggregate

    table = said.table
    enough = table.n_labels >= LABELS_A_RATER * table.n_raters
    if not enough or table.n_labels > MOST_WEIGHED:
        return None
    return peer_posterior(table, aggregate(table, "ibcc", seed=0))
