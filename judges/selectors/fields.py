"""Which fields the items of a project have."""

from __future__ import annotations

from collections.abc import Collection

from annotate.models import Item, ItemStatus, Project

# Files of items are tables: what the first of them have, the others have. More are looked at only
# for a name that these do not have.
LOOKED_AT = 200


def field_names(project: Project, wanted: Collection[str] = ()) -> list[str]:
    """The names of the fields that live items show, in the order of the first item that has them,
    and of the ``wanted`` names those that some item has. One query; two for a name that is rare, of
    which the second reads items until it is found.
    """
    rows = Item.objects.filter(project=project, status=ItemStatus.LIVE).order_by("pk")
    fields = rows.values_list("fields", flat=True)
    found: dict[str, None] = {}
    for each in fields[:LOOKED_AT]:
        found |= dict.fromkeys(each)
    missing = {*wanted} - found.keys()
    if missing and len(found):
        for each in fields[LOOKED_AT:].iterator(chunk_size=2_000):
            found |= dict.fromkeys(sorted(missing & each.keys()))
            missing -= each.keys()
            if not missing:
                break
    return list(found)
