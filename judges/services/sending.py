"""Sending chosen items to a judge: an action of the list of items."""

from __future__ import annotations

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.access import Right
from annotate.errors import BadInput
from annotate.models import Job, Project, QuestionStatus, User
from annotate.selectors.chosen import Chosen
from annotate.services.item_actions import ItemAction, action_register
from judges.models import JudgeVersion
from judges.services.runs import LISTED_MOST, run_start

# So many judges are offered, the newest first.
OFFERED = 100


def send_choices(project: Project) -> list[tuple[str, str]]:
    versions = JudgeVersion.objects.filter(
        project=project, question__status=QuestionStatus.LIVE
    ).order_by("-pk")
    return [(str(version.pk), str(version)) for version in versions[:OFFERED]]


def send_start(actor: User, chosen: Chosen, value: str) -> Job:
    """Start a run of a judge over these items, of which it has not labelled all. Raises what
    run_start does, and BadInput for too many items or an unknown judge.
    """
    offered = {number for number, _name in send_choices(chosen.project)}
    if value not in offered:
        raise BadInput(_("Choose one of the judges."))
    ids = list(chosen.items().values_list("pk", flat=True)[: LISTED_MOST + 1])
    if len(ids) > LISTED_MOST:
        raise BadInput(
            _("At most %(most)s items are sent at once. Narrow the list, or run the judge.")
            % {"most": intcomma(LISTED_MOST)}
        )
    version = JudgeVersion.objects.get(project=chosen.project, pk=int(value))
    run = run_start(actor, version, selection={"strategy": "listed", "ids": ids})
    return run.job


def sending_register() -> None:
    """Called once, at start-up."""
    action_register(
        ItemAction(
            key="judge",
            title=gettext_lazy("Send them to a judge"),
            text=gettext_lazy(
                "The judge is asked about those of them that it has not labelled. What it may cost "
                "is bounded by the project's limit; texts leave this machine only where the "
                "project says so."
            ),
            label=gettext_lazy("Which judge"),
            right=Right.REVIEW,
            choices=send_choices,
            start=send_start,
        )
    )
