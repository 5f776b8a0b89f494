"""Looking for labels of people that are likely wrong, as a job: what it finds goes to review.

The scores are those of consensus/label_errors.py, docs/statistics/trust.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    RaterKind,
    Ruling,
    RulingStatus,
    User,
    WhoCounts,
)
from annotate.selectors.tables import QuestionTable, question_table
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create
from annotate.services.summaries import CHUNK, summaries_recount

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KIND = "label_errors"
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
    if question.kind not in CHOICES:
        raise BadInput(_("Label errors are looked for where an answer is one of the options."))
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


def label_errors_run(running: RunningJob) -> None:
    """Score the labels of people and keep those most likely wrong. Repeat-safe: what an earlier
    search found is replaced at once."""
    question = Question.objects.select_related("project").get(pk=running.job.parameters["question"])
    running.progress(message=_("Reading labels"))
    with running.kept_alive():
        found = question_table(question, WhoCounts.PEOPLE)
    if not found.table.n_labels:
        running.fail(_("No people have answered yet, so there is nothing to look at."))
        return
    running.progress(0, total=found.table.n_labels, message=_("Scoring"))
    with running.kept_alive():
        suspected = _suspected(question, found)
    running.progress(found.table.n_labels, message=_("Marking the items"))
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
        % {"n": intcomma(len(suspected)), "all": intcomma(found.table.n_labels)},
        found=len(suspected),
        labels=found.table.n_labels,
    )


def _suspected(question: Question, found: QuestionTable) -> list[LikelyError]:
    """The labels with the highest scores on items that are not ruled on, at most MOST."""
    import numpy as np

    from consensus.label_errors import label_errors

    judges = _judges(question, found)
    scored = label_errors(
        found.table, judges=[] if judges is None else [judges], peers=_peers(found)
    )
    score = np.nan_to_num(scored.score, nan=0.0)
    ruled = Ruling.objects.filter(question=question, status=RulingStatus.LIVE)
    settled = np.isin(found.item_ids, np.array(ruled.values_list("item_id", flat=True), dtype=int))
    score[settled[found.table.items]] = 0.0
    order = np.argsort(-score, kind="stable")[:MOST]
    top = [int(n) for n in order if score[n] >= LEAST_SCORE]
    by_pair = {
        (
            int(found.item_ids[found.table.items[n]]),
            int(found.rater_ids[found.table.raters[n]]),
        ): float(score[n])
        for n in top
    }
    labels = Label.objects.filter(
        question=question,
        status=LabelStatus.LIVE,
        item__in={item for item, _rater in by_pair},
        rater__in={rater for _item, rater in by_pair},
    ).values_list("pk", "item_id", "rater_id")
    return [
        LikelyError(
            project_id=question.project_id,
            question=question,
            item_id=item_id,
            label_id=pk,
            score=by_pair[item_id, rater_id],
        )
        for pk, item_id, rater_id in labels
        if (item_id, rater_id) in by_pair
    ]


def _peers(found: QuestionTable) -> NDArray[np.float64] | None:
    """How far the others at the item support each label, weighed by how they err where there are
    labels enough to know; None for their plain share."""
    from consensus.label_errors import peer_posterior
    from consensus.methods import aggregate

    table = found.table
    enough = table.n_labels >= LABELS_A_RATER * table.n_raters
    if not enough or table.n_labels > MOST_WEIGHED:
        return None
    return peer_posterior(table, aggregate(table, "ibcc", seed=0))


def _judges(question: Question, found: QuestionTable) -> NDArray[np.float64] | None:
    """The judges' mean probability of each class of each item, (n_items, n_classes); NaN where none
    was asked. A judge without a confidence counts as a vote."""
    import numpy as np

    rows = Label.objects.filter(
        question=question,
        status=LabelStatus.LIVE,
        rater__kind=RaterKind.JUDGE,
        choice__isnull=False,
    ).values_list("item_id", "choice", "confidence")
    total = np.zeros((found.table.n_items, found.table.n_classes))
    times = np.zeros(found.table.n_items)
    place = {int(pk): n for n, pk in enumerate(found.item_ids)}
    others = max(found.table.n_classes - 1, 1)
    for item_id, choice, confidence in rows.iterator(chunk_size=20_000):
        n = place.get(item_id)
        if n is None or choice is None or choice >= found.table.n_classes:
            continue
        sure = 1.0 if confidence is None else confidence
        total[n] += (1 - sure) / others
        total[n, choice] += sure - (1 - sure) / others
        times[n] += 1
    if not times.any():
        return None
    total[times == 0] = np.nan
    np.divide(total, times[:, None], out=total, where=times[:, None] > 0)
    return np.clip(total, 0.0, 1.0)
