"""What can be done with many items at once, besides ruling on them: a list that other apps add to.

An action starts a job for a set of items. Apps above this one that can do something with items
(ask a judge, say) register theirs at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from annotate.access import Right
from annotate.models import Job, Project, User
from annotate.selectors.chosen import Chosen

# (value, words) of what there is to choose from.
Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ItemAction:
    """``choices`` are asked of the person, none: then it cannot be done here. ``start`` gets one of
    their values, writes a queued job, raises ConcordError; the caller nudges.
    """

    key: str
    title: str | Promise
    text: str | Promise
    label: str | Promise
    right: Right
    choices: Callable[[Project], Choices]
    start: Callable[[User, Chosen, str], Job]


_actions: list[ItemAction] = []


def action_register(action: ItemAction) -> None:
    """Called once for each, at start-up."""
    if action.key not in {known.key for known in _actions}:
        _actions.append(action)


def actions_all() -> Sequence[ItemAction]:
    return tuple(_actions)
