"""What a person may see of judges while answering: the project's rule, and what it comes to.

The one door for suggestions on their way to a page. What it does not return must not be sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from annotate.models import (
    Arm,
    Assignment,
    Item,
    Project,
    Question,
    Rater,
    Strategy,
    Visibility,
)
from annotate.selectors.label import Suggestion, suggestions_for


@dataclass(frozen=True)
class Rule:
    """The rule in force for one page, as Submission keeps it.

    ``shown_probability``: with which suggestions were to be shown to this rater on this item.
    """

    visibility: str = ""
    arm: str = Arm.UNKNOWN
    shown_probability: float | None = None


@dataclass(frozen=True)
class Help:
    """What a page shows of judges: ``suggestions`` now; ``may_reveal`` once there is an answer."""

    rule: Rule
    suggestions: Sequence[Suggestion] = ()
    may_reveal: bool = False

    @property
    def shows_judges(self) -> bool:
        return self.rule.arm == Arm.SHOWN or bool(self.suggestions)

    @property
    def keeps_place(self) -> bool:
        """Whether nothing is shown here, but is on other items: the page keeps its shape."""
        comes = self.rule.visibility in (Visibility.OWN_FIRST, Visibility.RANDOM_SHARE)
        return comes and not self.shows_judges

    @property
    def is_revealed(self) -> bool:
        return self.rule.arm == Arm.REVEALED and bool(self.suggestions)


def rule_of(project: Project, rater_id: int, item_id: int) -> Rule:
    """The project's rule for this rater and item. No query; the same whenever it is asked."""
    visibility = project.visibility
    if visibility == Visibility.SUGGESTION_FIRST:
        return Rule(visibility, Arm.SHOWN, 1.0)
    if visibility == Visibility.RANDOM_SHARE:
        share = project.shown_percent / 100
        shown = shown_draw(project.seed, rater_id, item_id) < share
        return Rule(visibility, Arm.SHOWN if shown else Arm.BLIND, share)
    return Rule(visibility, Arm.BLIND, 0.0)


def rule_by_program(project: Project) -> Rule:
    """For what is handed in by program: the API gives nobody a suggestion, and draws nothing."""
    return Rule(project.visibility, Arm.BLIND, None)


def shown_draw(seed: int, rater_id: int, item_id: int) -> float:
    """A number from 0 to 1 for this rater and item: from a hash, so it cannot be drawn again."""
    text = f"shown {seed} {rater_id} {item_id}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def help_of(
    project: Project,
    rater: Rater,
    item: Item,
    questions: Sequence[Question],
    sides: Mapping[str, str],
    *,
    seen: Sequence[Mapping[str, Any]] = (),
) -> Help:
    """What the page of this item may show to this rater.

    ``sides`` as in suggestions_for; ``seen``: what they saw of judges on this item before, as in
    Submission.exposure. At most two queries, none where the rule hides all. Of an item drawn by lot
    nothing is shown.
    """
    rule = rule_of(project, rater.pk, item.pk)
    if rule.visibility != Visibility.BLIND and _by_lot(rater, item):
        # What it is asked for is what they would say unhelped.
        return Help(replace(rule, arm=Arm.REVEALED if seen else Arm.BLIND))
    if seen and rule.arm == Arm.BLIND:
        rule = replace(rule, arm=Arm.REVEALED)
    if rule.arm == Arm.SHOWN:
        return Help(rule, suggestions_for(item, questions, sides))
    if rule.visibility != Visibility.OWN_FIRST:
        return Help(rule)
    found = suggestions_for(item, questions, sides)
    return Help(rule, found) if rule.arm == Arm.REVEALED else Help(rule, may_reveal=bool(found))


def _by_lot(rater: Rater, item: Item) -> bool:
    return Assignment.objects.filter(item=item, rater=rater, strategy=Strategy.LOT).exists()
