"""The rows of an export, one after the other, in bounded memory.

Items: one row an item with, for each question, the final answer and where it comes from.
Labels: one row a label, in the long form that label import reads.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Count, Max, QuerySet

from annotate.kinds import CHOICES, Asked, asked_of, kind_of, said_of
from annotate.models import (
    Assignment,
    EstimateRun,
    Item,
    ItemEstimate,
    ItemStatus,
    JobState,
    Label,
    LabelStatus,
    Project,
    Question,
    Rater,
    RaterKind,
    Ruling,
    RulingStatus,
    Strategy,
    WhoCounts,
)
from annotate.selectors.answers import (
    Answers,
    Best,
    answers_of,
    best_of,
    details_plain,
    is_current,
    said_plain,
)
from annotate.selectors.entrusted import Left, left_of
from annotate.selectors.questions import questions_live

WHATS = ("items", "labels")
FORMATS = ("csv", "jsonl")
# In place of a method: no aggregate, only the votes.
BY_VOTES = "votes"
CHUNK = 1000
OF_ITEM = ("item_id", "text", "fields", "metadata", "demo")
# Columns of one question in a row of items, after "<key>__". docs/export.md says what each holds.
OF_QUESTION = (
    "source",
    "probability",
    "posterior",
    "people_votes",
    "judge_votes",
    "aggregate",
    "aggregate_outdated",
    "ruling_reason",
    "ruled_by",
    "entrusted_to",
)
Votes = Counter[int]


def item_columns(project: Project) -> list[str]:
    columns = list(OF_ITEM)
    for question in questions_live(project):
        column = _column(question)
        columns.append(column)
        columns.extend(f"{column}__{name}" for name in OF_QUESTION)
    return columns


def _column(question: Question) -> str:
    """The column of a question's answer: its key, unless that is a column of the item."""
    return f"{question.key}_" if question.key in OF_ITEM else question.key


def item_rows(
    project: Project,
    who: str = WhoCounts.PEOPLE,
    chosen: QuerySet[Item] | None = None,
    *,
    method: str = "",
) -> Iterator[dict[str, Any]]:
    """One row a live item, or one of those ``chosen``, by id. ``method``: the newest aggregate by
    this one, BY_VOTES: none; "": the newest by any.

    The answer is the ruling; else, where no people answered, the label of the rater to whom the
    item is entrusted; else the newest aggregate of ``who`` where it saw the votes that there are
    now, else the majority of those; a tie stays a tie.
    """
    questions = questions_live(project)
    runs = {question.pk: _newest_run(question, who, method) for question in questions}
    if chosen is None:
        chosen = Item.objects.filter(project=project, status=ItemStatus.LIVE)
    last = 0
    while True:
        items = list(chosen.filter(pk__gt=last).order_by("pk")[:CHUNK])
        if not items:
            return
        last = items[-1].pk
        facts = _Facts([item.pk for item in items], questions, runs)
        for item in items:
            row: dict[str, Any] = {
                "item_id": item.external_id,
                "text": "\n\n".join(map(str, item.fields.values())),
                "fields": item.fields,
                "metadata": item.metadata,
                "demo": project.is_demo,
            }
            for question in questions:
                row |= facts.of(item, question, who)
            yield row


def _newest_run(question: Question, who: str, method: str) -> EstimateRun | None:
    if method == BY_VOTES:
        return None
    runs = EstimateRun.objects.filter(
        question=question, who_counts=who, job__state=JobState.DONE
    ).order_by("-pk")
    return (runs.filter(method=method) if method else runs).first()


class _Facts:
    """What is known of a chunk of items; a few queries, whatever their number."""

    def __init__(
        self,
        item_ids: list[int],
        questions: list[Question],
        runs: dict[int, EstimateRun | None],
    ) -> None:
        self.runs = runs
        self.asked = {question.pk: asked_of(question) for question in questions}
        self.votes = _votes(item_ids, [q for q in questions if q.kind in CHOICES])
        others = [question for question in questions if question.kind not in CHOICES]
        self.answers = answers_of(item_ids, others) if others else {}
        self.rulings = {
            (r.item_id, r.question_id): r
            for r in Ruling.objects.filter(
                item_id__in=item_ids, status=RulingStatus.LIVE
            ).select_related("reviewer")
        }
        self.left = left_of(item_ids)
        known = [run for run in runs.values() if run is not None]
        self.estimates = {
            (e.run_id, e.item_id): e
            for e in ItemEstimate.objects.filter(run__in=known, item_id__in=item_ids)
        }

    def of(self, item: Item, question: Question, who: str) -> dict[str, Any]:
        if question.kind in CHOICES:
            return self._of_choices(item.pk, question, who)
        return self._of_values(item, question, who)

    def _of_values(self, item: Item, question: Question, who: str) -> dict[str, Any]:
        asked, ruling = self.asked[question.pk], self.rulings.get((item.pk, question.pk))
        run = self.runs[question.pk]
        estimate = self.estimates.get((run.pk, item.pk)) if run else None
        answers = self.answers.get((item.pk, question.pk), Answers())
        best = best_of(
            asked,
            answers,
            ruled=said_of(ruling) if ruling else None,
            run=run,
            estimate=estimate,
            who=who,
        )
        known = None if run is None or estimate is None else is_current(answers, run, estimate)
        left = self._left(item.pk, question, who, people=bool(answers.people))
        if left is not None and ruling is None:
            best = Best(left.said, "entrusted", left.confidence)
        values = (
            run.method if run and best.source == "aggregate" else best.source,
            best.share,
            details_plain(asked, estimate.payload, item.fields) if estimate and known else None,
            said_plain(asked, answers.people, item.fields),
            said_plain(asked, answers.judges, item.fields),
            f"{run.method} {run.pk}" if estimate is not None and run is not None else "",
            None if known is None else not known,
            ruling.reason if ruling else "",
            ruling.reviewer.username if ruling else "",
            left.rater.name if left else "",
        )
        said = best.said
        answer = None if said is None else kind_of(asked).plain(asked, said, item.fields)
        return _columns(question, answer, values)

    def _of_choices(self, item_id: int, question: Question, who: str) -> dict[str, Any]:
        names = {option.code: option.key for option in question.options.all()}
        ruling = self.rulings.get((item_id, question.pk))
        run = self.runs[question.pk]
        estimate = self.estimates.get((run.pk, item_id)) if run else None
        people = self.votes[item_id, question.pk, RaterKind.PERSON]
        judges = self.votes[item_id, question.pk, RaterKind.JUDGE]
        votes = _counting(people, judges, who)
        outdated = estimate is not None and _seen(estimate) != votes
        posterior = None
        if estimate is not None and run is not None and not outdated:
            choice, tied = estimate.choice, estimate.tied
            source = run.method if choice is not None else ""
            probability = estimate.probability
            shares = estimate.payload["posterior"]
            posterior = {key: shares.get(str(code), 0.0) for code, key in names.items()}
        else:
            choice, tied, probability = _majority(votes)
            source = "majority" if votes else ""
        if tied:
            source = "tie"
        left = self._left(item_id, question, who, people=bool(people))
        if left is not None:
            choice, probability, source = left.said.choice, left.confidence, "entrusted"
        if ruling is not None:
            choice, probability, source = ruling.choice, None, "ruling"
        values = (
            source,
            probability,
            posterior,
            _named(people, names),
            _named(judges, names),
            f"{run.method} {run.pk}" if estimate is not None and run is not None else "",
            outdated if estimate is not None else None,
            ruling.reason if ruling else "",
            ruling.reviewer.username if ruling else "",
            left.rater.name if left else "",
        )
        return _columns(question, None if choice is None else names.get(choice), values)

    def _left(self, item_id: int, question: Question, who: str, *, people: bool) -> Left | None:
        """What stands unread because a lead left the item to a rater: not where people answered,
        nor where judges are asked for by name."""
        if people or who == WhoCounts.JUDGES:
            return None
        return self.left.get((item_id, question.pk))


def _columns(question: Question, answer: Any, values: Sequence[Any]) -> dict[str, Any]:
    column = _column(question)
    return {column: answer} | {
        f"{column}__{name}": value for name, value in zip(OF_QUESTION, values, strict=True)
    }


def _votes(
    item_ids: list[int], questions: list[Question]
) -> defaultdict[tuple[int, int, str], Votes]:
    """Live votes by item, question and kind of rater, from the labels themselves.

    Not from ItemSummary: a bulk write may have left that to be counted later.
    """
    votes: defaultdict[tuple[int, int, str], Votes] = defaultdict(Counter)
    rows = (
        Label.objects.filter(
            item_id__in=item_ids,
            question__in=questions,
            status=LabelStatus.LIVE,
            choice__isnull=False,
        )
        .values_list("item_id", "question_id", "rater__kind", "choice")
        .annotate(n=Count("pk"))
    )
    for item_id, question_id, kind, choice, n in rows:
        votes[item_id, question_id, kind][choice or 0] = n
    return votes


def _seen(estimate: ItemEstimate) -> Votes:
    """The votes that an aggregate was made of."""
    return Counter({int(code): n for code, n in estimate.payload["votes"].items()})


def _counting(people: Votes, judges: Votes, who: str) -> Votes:
    if who == WhoCounts.PEOPLE:
        return people
    return judges if who == WhoCounts.JUDGES else people + judges


def _named(by_code: Mapping[Any, Any], names: dict[int, str]) -> dict[str, Any]:
    """By the options' keys instead of their codes, in the options' order."""
    given = {int(code): value for code, value in by_code.items()}
    return {key: given[code] for code, key in names.items() if code in given}


def _majority(votes: Votes) -> tuple[int | None, bool, float | None]:
    """Choice, tied, share of the choice."""
    if not votes:
        return None, False, None
    top = max(votes.values())
    first = [code for code, n in votes.items() if n == top]
    if len(first) > 1:
        return None, True, None
    return first[0], False, top / votes.total()


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
        "revealed",
        "visibility",
        "arm",
        "shown_probability",
        "left",
        "strategy",
        "draw",
        "inclusion_probability",
        "created_at",
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
    asked = {
        question.pk: asked_of(question)
        for question in project.questions.prefetch_related("options")
    }
    labels = labels.select_related(
        "item", "question", "rater", "submission__guideline", "submission__assignment"
    ).order_by("pk")
    # Items are given out in ascending order of their draws, so all up to here had their chance.
    reached = Assignment.objects.filter(project=project, strategy=Strategy.RANDOM).aggregate(
        draw=Max("draw")
    )["draw"]
    # Pages and no open cursor: on SQLite a reader that stays open could not show progress once
    # somebody else has written.
    last = 0
    while True:
        chunk = list(labels.filter(pk__gt=last)[:CHUNK])
        if not chunk:
            return
        last = chunk[-1].pk
        for label in chunk:
            yield _label_row(label, names, asked[label.question_id], reached, demo=project.is_demo)


def _label_row(
    label: Label,
    names: dict[int, str],
    asked: Asked,
    reached: float | None,
    *,
    demo: bool,
) -> dict[str, Any]:
    submission = label.submission
    assignment = submission.assignment
    by_lot = assignment.inclusion_probability if assignment is not None else None
    at_random = assignment is not None and assignment.strategy == Strategy.RANDOM
    return {
        "item_id": label.item.external_id,
        "annotator_id": names[label.rater_id],
        "annotator_kind": label.rater.kind,
        "label": kind_of(asked).plain(asked, said_of(label), label.item.fields),
        "question": label.question.key,
        "question_version": label.question.version,
        "status": label.status,
        "confidence": label.confidence,
        "confidence_source": label.confidence_source,
        "distribution": (
            _named(label.distribution, {code: o.key for code, o in asked.by_code.items()})
            if label.distribution
            else None
        ),
        "rationale": label.rationale,
        "origin": label.rater.origin,
        "judge_version": label.rater.version_hash or "",
        "guideline_version": submission.guideline.version if submission.guideline else None,
        "seconds": submission.seconds,
        "flagged": submission.flagged,
        "comment": submission.comment,
        "exposure": submission.exposure,
        "revealed": submission.revealed,
        "visibility": submission.visibility,
        "arm": submission.arm,
        "shown_probability": submission.shown_probability,
        "left": submission.sides.get(asked.key, ""),
        "strategy": assignment.strategy if assignment else "",
        "draw": assignment.draw if assignment else None,
        "inclusion_probability": reached if at_random else by_lot,
        "created_at": label.created_at.isoformat(),
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
