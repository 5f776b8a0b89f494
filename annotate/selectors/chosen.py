"""A set of items that something is done with: all that a filter finds, or some that were ticked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from annotate.models import Item, ItemStatus, Project
from annotate.selectors.item_filters import Filters, filters_kept, items_filtered

# So many are counted; beyond, "more than".
COUNTED = 10_000


@dataclass(frozen=True)
class Chosen:
    """``ids`` are those ticked; none: all that the filters find, at the time of asking."""

    project: Project
    filters: Filters
    ids: tuple[int, ...] = ()

    def items(self) -> QuerySet[Item]:
        """Live items, by id."""
        if not self.ids:
            return items_filtered(self.project, self.filters).order_by("pk")
        items = Item.objects.filter(project=self.project, status=ItemStatus.LIVE)
        return items.filter(pk__in=self.ids).order_by("pk")

    def count(self, most: int = COUNTED) -> tuple[int, bool]:
        """How many there are, and whether there are more: counted no further than ``most``."""
        found = self.items().order_by()[: most + 1].count()
        return min(found, most), found > most

    def chunks(self, size: int) -> Iterator[list[Item]]:
        """The items, so many at a time, each chunk asked for anew after the one before it: what is
        done with a chunk may take its items out of the set."""
        after = 0
        while chunk := list(self.items().filter(pk__gt=after)[:size]):
            yield chunk
            after = chunk[-1].pk

    def kept(self) -> dict[str, Any]:
        """As plain values, for a job; ``chosen_kept`` reads them."""
        return {"filters": self.filters.kept(), "ids": list(self.ids)}


def chosen_kept(project: Project, kept: Mapping[str, Any]) -> Chosen:
    return Chosen(project, filters_kept(project, kept["filters"]), tuple(kept["ids"]))
