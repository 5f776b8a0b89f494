"""Many labels of raters that came with a file, stored without the services."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from annotate.models import Item, Label, Rater, RaterKind, Submission
from annotate.services.raters import rater_imported
from tests.personas import Story


def labelled(tale: Story, rows: Iterable[tuple[int, str, int]]) -> None:
    """Store (item id, rater's name, choice); a name that begins with j is a judge's.

    Items are made with these very ids, so that they may lie far apart.
    """
    rows = list(rows)
    Item.objects.bulk_create(
        [
            Item(pk=pk, project=tale.project, external_id=f"i{pk}", content_hash="", draw=0.5)
            for pk in sorted({pk for pk, _name, _choice in rows})
        ],
        ignore_conflicts=True,
    )
    raters = {name: _rater(tale, name) for name in sorted({name for _pk, name, _choice in rows})}
    submissions = {
        name: Submission.objects.create(
            project=tale.project,
            item_id=rows[0][0],
            rater=rater,
            status="submitted",
            client_key=f"many {Label.objects.count()}",
            created_at=timezone.now(),
        )
        for name, rater in raters.items()
    }
    Label.objects.bulk_create(
        [
            Label(
                project=tale.project,
                submission=submissions[name],
                item_id=pk,
                question=tale.question,
                rater=raters[name],
                choice=choice,
                created_at=timezone.now(),
            )
            for pk, name, choice in rows
        ],
        batch_size=5000,
    )


def _rater(tale: Story, name: str) -> Rater:
    kind = RaterKind.JUDGE if name.startswith("j") else RaterKind.PERSON
    return rater_imported(tale.project, name=name, kind=kind)
