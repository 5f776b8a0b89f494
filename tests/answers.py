"""Answers of raters, made through the services, for tests of what is read from them."""

from __future__ import annotations

from typing import Any

from annotate.models import Item, Rater, RaterKind
from annotate.services.answers import Answer
from annotate.services.claims import claim_item
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from tests.personas import Story


def says(tale: Story, who: str, item: Item, choice: int, **more: Any) -> Rater:
    """Let somebody answer the story's question: w… is an imported person, j… a judge, else a
    member of the story who is given the item first."""
    if who.startswith(("w", "j")):
        kind = RaterKind.PERSON if who.startswith("w") else RaterKind.JUDGE
        rater = rater_imported(tale.project, name=who, kind=kind)
    else:
        rater = tale.rater(getattr(tale, who))
        claim_item(rater, item)
    submission_submit(
        rater,
        item,
        answers={tale.question.pk: Answer(choice, **more)},
        client_key=f"{who}:{item.pk}",
    )
    return rater
