"""Taking in a chunk of staged labels of named raters, people and judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from annotate.kinds import Asked, Said, Unfit, asked_of, kind_of
from annotate.models import (
    ConfidenceSource,
    ImportBatch,
    Item,
    ItemStatus,
    ItemSummary,
    Label,
    LabelStatus,
    Question,
    QuestionKind,
    QuestionStatus,
    Rater,
    RaterKind,
    Submission,
    SubmissionStatus,
)
from annotate.services.import_items import undo_record
from annotate.services.import_look import cell_text
from annotate.services.import_taking import Outcome
from annotate.services.items import ItemRow, Taken, items_freeze, items_take_in
from annotate.services.raters import rater_imported
from annotate.services.summaries import summaries_recount

RECOUNT = 500


@dataclass(frozen=True)
class StagedLabel:
    """A row of the staged file; see import_checks.LabelCheck."""

    item: str
    rater: str
    kind: str
    question: int
    choice: int | None
    confidence: float | None
    rationale: str
    time: str | None
    fields: dict[str, str] | None
    metadata: dict[str, Any] | None
    value: Any = None
    distribution: dict[str, float] | None = None

    @property
    def said(self) -> Said:
        return Said(self.choice, self.value)


class LabelTaker:
    """Takes in chunks of one batch; remembers its raters and options between them."""

    def __init__(self) -> None:
        self._raters: dict[tuple[str, str], Rater] = {}
        self._asked: dict[int, Asked] = {}

    def __call__(self, batch: ImportBatch, rows: list[list[Any]]) -> Outcome:
        """Store the labels of one chunk, each with a submission of its own. Uses no slot.

        Repeat-safe by value: a label that stands is *unchanged*, another one of the same rater for
        the same question of the same item is refused. Call inside the chunk's transaction. Locks
        the items in id order, so that two imports or a recount of the same items queue up.
        """
        outcome = Outcome()
        staged = [(row, StagedLabel(*row[4:])) for row in rows]
        items = self._items(batch, staged, outcome)
        raters = {
            (label.kind, label.rater): self._rater(batch, label)
            for _row, label in staged
            if label.item in items
        }
        standing = self._standing(items, raters.values(), staged)
        fresh: list[tuple[StagedLabel, int, Rater, str]] = []
        for row, label in staged:
            item_id = items.get(label.item)
            if item_id is None:
                continue
            rater = raters[label.kind, label.rater]
            key = (item_id, label.question, rater.pk)
            if key not in standing:
                reason = self._unfit(label, item_id)
                if reason:
                    outcome.refuse(row, "unfit", reason=reason)
                    continue
                standing[key] = label.said
                fresh.append((label, item_id, rater, f"import:{batch.pk}:{row[0]}"))
            elif standing[key] == label.said:
                outcome.counts["unchanged"] += 1
            else:
                stands = self._plain(label.question, standing[key])
                outcome.refuse(row, "repeated", rater=label.rater, id=label.item, stands=stands)
        self._store(batch, fresh)
        outcome.counts["created"] += len(fresh)
        return outcome

    def _items(
        self, batch: ImportBatch, staged: list[tuple[list[Any], StagedLabel]], outcome: Outcome
    ) -> dict[str, int]:
        """External id -> item id, for the items there are or are made; refuses the rest."""
        wanted = {label.item for _row, label in staged}
        found: QuerySet[Item] = (
            Item.objects.select_for_update(no_key=True)
            .filter(project=batch.project, external_id__in=wanted)
            .order_by("pk")
        )
        known = {item.external_id: item for item in found}
        items = {n: item.pk for n, item in known.items() if item.status == ItemStatus.LIVE}
        missing: dict[str, ItemRow] = {}
        for _row, label in staged:
            if label.item not in items and label.item not in missing and label.fields is not None:
                missing[label.item] = ItemRow(label.item, label.fields, label.metadata or {})
        taken = items_take_in(batch.project, list(missing.values())) if missing else []
        for made, result in zip(missing.values(), taken, strict=True):
            if result.outcome == Taken.FROZEN:
                continue
            items[made.external_id] = result.item_id
            outcome.counts["items_created"] += 1
            outcome.undo.append(undo_record(result.item_id, made, result.before))
        for row, label in staged:
            if label.item not in items:
                code = "withdrawn_item" if label.item in known else "unknown_item"
                outcome.refuse(row, code, id=label.item)
        return items

    def _rater(self, batch: ImportBatch, label: StagedLabel) -> Rater:
        key = (label.kind, label.rater)
        if key not in self._raters:
            self._raters[key] = rater_imported(
                batch.project, name=label.rater, kind=RaterKind(label.kind)
            )
        return self._raters[key]

    def _standing(
        self,
        items: dict[str, int],
        raters: Iterable[Rater],
        staged: list[tuple[list[Any], StagedLabel]],
    ) -> dict[tuple[int, int, int], Said]:
        rows = Label.objects.filter(
            status=LabelStatus.LIVE,
            item_id__in=set(items.values()),
            question_id__in={label.question for _row, label in staged},
            rater_id__in={rater.pk for rater in raters},
        ).values_list("item_id", "question_id", "rater_id", "choice", "value")
        return {
            (item, question, rater): Said(choice, value)
            for item, question, rater, choice, value in rows
        }

    def _question(self, question_id: int) -> Asked:
        if question_id not in self._asked:
            self._asked[question_id] = asked_of(Question.objects.get(pk=question_id))
        return self._asked[question_id]

    def _unfit(self, label: StagedLabel, item_id: int) -> str:
        """Why an answer does not fit its item; "" where it does. Only spans depend on the item."""
        asked = self._question(label.question)
        if asked.kind != QuestionKind.SPAN:
            return ""
        try:
            kind_of(asked).check(asked, label.said, Item.objects.get(pk=item_id).fields)
        except Unfit as error:
            return error.message
        return ""

    def _plain(self, question_id: int, said: Said) -> str:
        asked = self._question(question_id)
        return cell_text(kind_of(asked).plain(asked, said))

    def _store(self, batch: ImportBatch, fresh: list[tuple[StagedLabel, int, Rater, str]]) -> None:
        now = timezone.now()
        submissions = Submission.objects.bulk_create(
            [
                Submission(
                    project=batch.project,
                    item_id=item_id,
                    rater=rater,
                    status=SubmissionStatus.SUBMITTED,
                    client_key=key,
                    batch=batch,
                    created_at=datetime.fromisoformat(label.time) if label.time else now,
                )
                for label, item_id, rater, key in fresh
            ],
            batch_size=500,
        )
        Label.objects.bulk_create(
            [
                Label(
                    project=batch.project,
                    submission=submission,
                    item_id=item_id,
                    question_id=label.question,
                    rater=rater,
                    choice=label.choice,
                    value=label.value,
                    confidence=label.confidence,
                    confidence_source=(
                        ConfidenceSource.NONE
                        if label.confidence is None
                        else ConfidenceSource.IMPORTED
                    ),
                    distribution=label.distribution,
                    rationale=label.rationale,
                    created_at=submission.created_at,
                )
                for submission, (label, item_id, rater, _key) in zip(
                    submissions, fresh, strict=True
                )
            ],
            batch_size=500,
        )
        items_freeze({item_id for _label, item_id, _rater, _key in fresh})
        mark_to_recount(
            batch, {(item_id, label.question) for label, item_id, _rater, _key in fresh}
        )


def mark_to_recount(batch: ImportBatch, pairs: set[tuple[int, int]]) -> None:
    """Mark (item, question) as dirty in the chunk's own transaction, also those not counted yet.

    So that, whatever becomes of the job, the sweeper counts them. The items must be locked: a
    recount locks them too, so what is dirty now stays so until this transaction ends.
    """
    dirty = ItemSummary.objects.filter(
        dirty=True,
        item_id__in={item for item, _question in pairs},
        question_id__in={question for _item, question in pairs},
    ).values_list("item_id", "question_id")
    ItemSummary.objects.bulk_create(
        [
            ItemSummary(project=batch.project, item_id=item, question_id=question, dirty=True)
            for item, question in sorted(pairs.difference(dirty))
        ],
        batch_size=500,
        update_conflicts=True,
        unique_fields=["item", "question"],
        update_fields=["dirty"],
    )


def recount(batch: ImportBatch, told: Callable[[int], None]) -> None:
    """Count the dirty items of the project anew. ``told(done)`` after each chunk. Repeat-safe."""
    done = last = 0
    while True:
        ids = list(
            ItemSummary.objects.filter(
                project=batch.project,
                dirty=True,
                item_id__gt=last,
                # A version retired meanwhile is not counted any more and would stay dirty.
                question__status=QuestionStatus.LIVE,
            )
            .order_by("item_id")
            .values_list("item_id", flat=True)
            .distinct()[:RECOUNT]
        )
        if not ids:
            return
        summaries_recount(batch.project, ids)
        last = ids[-1]
        done += len(ids)
        told(done)
