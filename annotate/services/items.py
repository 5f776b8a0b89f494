"""Bringing items in: new, changed, unchanged or refused, with their slots."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotate.models import Entrusted, Item, ItemStatus, Project, Slot
from annotate.services.entrusting import slots_fit


class Taken(StrEnum):
    """What became of one row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FROZEN = "frozen"  # refused: other content for an item already labelled or asked


@dataclass(frozen=True)
class ItemRow:
    """One item as it comes in. ``fields`` are shown, ``metadata`` is not."""

    external_id: str
    fields: Mapping[str, str]
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ItemTaken:
    """The outcome of one row; ``before`` is what an update replaced, for undo."""

    outcome: Taken
    item_id: int
    before: dict[str, Any] | None = None


def content_hash(fields: Mapping[str, str]) -> str:
    """SHA-256 of the shown fields, hexadecimal. Key order matters: it is the order shown."""
    text = json.dumps(list(fields.items()), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def draw_number(seed: int, external_id: str) -> float:
    """The item's permanent random number, uniform in [0, 1), from seed and id alone.

    So the order does not depend on when or how an item came in, and an item imported again keeps
    its place (permanent random numbers: Ohlsson 1995, in Business Survey Methods, ch. 9).
    """
    digest = hashlib.blake2b(
        external_id.encode("utf-8", "surrogatepass"),
        key=seed.to_bytes(8, "big", signed=True),
        digest_size=8,
    ).digest()
    return (int.from_bytes(digest, "big") >> 11) / float(1 << 53)


@transaction.atomic
def items_take_in(project: Project, rows: Sequence[ItemRow]) -> list[ItemTaken]:
    """Create or update items by external id, with their slots. One outcome a row, in order.

    Repeat-safe: the same rows again are *unchanged*. An item withdrawn before is taken up again.
    External ids must differ within ``rows``. Locks existing items in id order. At most a few
    thousand rows a call: one transaction.
    """
    ids = [row.external_id for row in rows]
    existing = {
        item.external_id: item
        for item in Item.objects.select_for_update(no_key=True)
        .filter(project=project, external_id__in=ids)
        .order_by("pk")
    }
    new: list[Item] = []
    updated: list[Item] = []
    reopened: list[Item] = []
    results: list[tuple[Item, Taken, dict[str, Any] | None]] = []
    for row in rows:
        fields, metadata = dict(row.fields), dict(row.metadata)
        digest = content_hash(fields)
        item = existing.get(row.external_id)
        if item is None:
            item = Item(
                project=project,
                external_id=row.external_id,
                fields=fields,
                metadata=metadata,
                content_hash=digest,
                draw=draw_number(project.seed, row.external_id),
            )
            new.append(item)
            results.append((item, Taken.CREATED, None))
            continue
        withdrawn = item.status == ItemStatus.WITHDRAWN
        same = item.content_hash == digest
        if not same and item.frozen_at is not None:
            results.append((item, Taken.FROZEN, None))
            continue
        if same and item.metadata == metadata and not withdrawn:
            results.append((item, Taken.UNCHANGED, None))
            continue
        before = {"fields": item.fields, "metadata": item.metadata, "status": item.status}
        item.fields, item.metadata, item.content_hash = fields, metadata, digest
        item.status = ItemStatus.LIVE
        updated.append(item)
        if withdrawn:
            reopened.append(item)
        results.append((item, Taken.UPDATED, before))
    Item.objects.bulk_create(new, batch_size=1000)
    Item.objects.bulk_update(
        updated, ["fields", "metadata", "content_hash", "status"], batch_size=500
    )
    slots_make(project, [*new, *reopened])
    return [ItemTaken(outcome, item.pk, before) for item, outcome, before in results]


def slots_make(project: Project, items: Iterable[Item]) -> None:
    """Give each item the slots that the project wants. Idempotent: those it has stay."""
    items = list(items)
    # Read now: it may have changed since a long import began.
    wanted = Project.objects.values_list("labels_per_item", flat=True).get(pk=project.pk)
    Slot.objects.bulk_create(
        (
            Slot(project=project, item=item, ordinal=ordinal, draw=item.draw)
            for item in items
            for ordinal in range(wanted)
        ),
        batch_size=2000,
        ignore_conflicts=True,
    )
    if Entrusted.objects.filter(project=project).exists():
        slots_fit(project, [item.pk for item in items])


def items_freeze(item_ids: Collection[int]) -> None:
    """Mark items as given out or asked: their content stays from now on. Idempotent."""
    if not item_ids:
        return
    Item.objects.filter(pk__in=item_ids, frozen_at=None).update(frozen_at=timezone.now())
