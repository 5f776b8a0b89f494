"""Taking in a chunk of staged items."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from annotate.models import ImportBatch
from annotate.services.import_taking import Outcome
from annotate.services.items import ItemRow, Taken, items_take_in


def items_chunk(batch: ImportBatch, rows: list[list[Any]]) -> Outcome:
    """Create or update the items of one chunk; those frozen with other content are refused.

    Call inside the chunk's transaction. Locks the existing items in id order.
    """
    outcome = Outcome()
    item_rows = [ItemRow(row[4], row[5], row[6]) for row in rows]
    taken = items_take_in(batch.project, item_rows)
    for row, item_row, result in zip(rows, item_rows, taken, strict=True):
        if result.outcome == Taken.FROZEN:
            outcome.refuse(row, "frozen", id=item_row.external_id)
            continue
        outcome.counts[result.outcome.value] += 1
        if result.outcome in {Taken.CREATED, Taken.UPDATED}:
            outcome.undo.append(undo_record(result.item_id, item_row, result.before))
    return outcome


def undo_record(item_id: int, row: ItemRow, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What undo needs: ``after`` tells whether somebody changed the item again in between."""
    return {
        "item": item_id,
        "before": before,
        "after": content_mark(row.fields, row.metadata),
    }


def content_mark(fields: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
    """A short digest of an item's whole content, the order of shown fields included."""
    text = json.dumps([list(fields.items()), metadata], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
