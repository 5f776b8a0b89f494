"""The actions of this app for many items: more answers, giving them to somebody, an export."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from annotate.access import Right
from annotate.models import Job, Project, User
from annotate.selectors.chosen import Chosen
from annotate.selectors.exports import FORMAT_NAMES
from annotate.services.exports import export_start
from annotate.services.item_actions import ItemAction, action_register
from annotate.services.item_work import assign_choices, assign_start, more_choices, more_start


def _formats(project: Project) -> list[tuple[str, str]]:
    return [(value, str(name)) for value, name in FORMAT_NAMES.items()]


def _export(actor: User, chosen: Chosen, value: str) -> Job:
    return export_start(actor, chosen.project, what="items", format=value, chosen=chosen)


def actions_register() -> None:
    """Called once, at start-up."""
    action_register(
        ItemAction(
            key="more",
            title=_("Ask for more answers"),
            text=_(
                "Each of these items then wants so many more labels of people than it does now."
            ),
            label=_("How many more"),
            right=Right.REVIEW,
            choices=more_choices,
            start=more_start,
        )
    )
    action_register(
        ItemAction(
            key="assign",
            title=_("Give them to somebody"),
            text=_(
                "They find these items before all others, for a week. What they have answered or "
                "skipped already is left out."
            ),
            label=_("To whom"),
            right=Right.REVIEW,
            choices=assign_choices,
            start=assign_start,
        )
    )
    action_register(
        ItemAction(
            key="export",
            title=_("Export them"),
            text=_("One row an item, with the answer it has now and where that comes from."),
            label=_("Format"),
            right=Right.DATA,
            choices=_formats,
            start=_export,
        )
    )
