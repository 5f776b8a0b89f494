"""Reading projects: one's own for the first page, and what a project holds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.models import (
    STANDING,
    WANTED,
    ImportBatch,
    Job,
    JobState,
    Label,
    Membership,
    Project,
    ProjectStatus,
    RaterKind,
    Ruling,
    Slot,
    SlotState,
    Submission,
    User,
)

# The kind of job that deletes a project (services/deletion.py).
PROJECT_DELETE = "project_delete"


@dataclass(frozen=True)
class HomeRow:
    """One of a person's projects. ``progress`` is a sentence or two."""

    project: Project
    membership: Membership
    wanted: int
    given: int
    progress: str

    @property
    def is_archived(self) -> bool:
        return self.project.status == ProjectStatus.ARCHIVED


def projects_of(user: User) -> list[HomeRow]:
    """The projects somebody is a member of, newest first, with how far they are. Three queries."""
    memberships = list(
        Membership.objects.filter(user=user)
        .select_related("project")
        .order_by("-project__created_at", "-project_id")
    )
    ids = [membership.project_id for membership in memberships]
    wanted: dict[int, int] = defaultdict(int)
    given: dict[int, int] = defaultdict(int)
    for project_id, state, count in (
        Slot.objects.filter(WANTED, project__in=ids)
        .values_list("project", "state")
        .annotate(n=Count("pk"))
        .order_by()
    ):
        wanted[project_id] += count
        if state == SlotState.FILLED:
            given[project_id] += count
    mine = dict(
        Submission.objects.filter(
            project__in=ids,
            rater__user=user,
            status__in=STANDING,
        )
        .values_list("project")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return [
        HomeRow(
            project=membership.project,
            membership=membership,
            wanted=wanted[membership.project_id],
            given=given[membership.project_id],
            progress=_progress(
                wanted[membership.project_id],
                given[membership.project_id],
                mine.get(membership.project_id, 0),
            ),
        )
        for membership in memberships
    ]


def _progress(wanted: int, given: int, mine: int) -> str:
    if not wanted:
        return _("There are no items in it yet.")
    if given == wanted:
        said = ngettext(
            "The one label it wants is in.", "All %(wanted)s labels it wants are in.", wanted
        ) % {"wanted": intcomma(wanted)}
    elif given:
        said = _("%(given)s of %(wanted)s labels are in.") % {
            "given": intcomma(given),
            "wanted": intcomma(wanted),
        }
    else:
        said = ngettext(
            "One label is wanted, none is in yet.",
            "%(wanted)s labels are wanted, none is in yet.",
            wanted,
        ) % {"wanted": intcomma(wanted)}
    if mine:
        said += " " + ngettext("You labelled one item.", "You labelled %(n)s items.", mine) % {
            "n": intcomma(mine)
        }
    return said


@dataclass(frozen=True)
class Deletion:
    """A project of somebody's that is being deleted, or whose deletion stopped."""

    job: Job
    name: str

    @property
    def has_stopped(self) -> bool:
        return self.job.state in (JobState.FAILED, JobState.PAUSED)


def deletions_of(user: User) -> list[Deletion]:
    """The deletions somebody asked for that are not through. One query."""
    jobs = Job.objects.filter(
        project=None,
        kind=PROJECT_DELETE,
        created_by=user,
        state__in=[JobState.QUEUED, JobState.RUNNING, JobState.PAUSED, JobState.FAILED],
    ).order_by("pk")
    return [Deletion(job, str(job.parameters.get("name", ""))) for job in jobs]


@dataclass(frozen=True)
class Holdings:
    """What goes when a project goes, counted."""

    items: int
    people_labels: int
    judge_labels: int
    rulings: int
    files: int
    members: int

    def lines(self) -> list[str]:
        """In words, for the question before deleting; what there is none of is left out."""
        counted = [
            (self.items, ngettext("%(n)s item", "%(n)s items", self.items)),
            (
                self.people_labels,
                ngettext("%(n)s label of people", "%(n)s labels of people", self.people_labels),
            ),
            (
                self.judge_labels,
                ngettext("%(n)s label of judges", "%(n)s labels of judges", self.judge_labels),
            ),
            (self.rulings, ngettext("%(n)s ruling", "%(n)s rulings", self.rulings)),
            (
                self.files,
                ngettext(
                    "%(n)s imported or exported file",
                    "%(n)s imported or exported files",
                    self.files,
                ),
            ),
            (
                self.members,
                ngettext(
                    "the membership of %(n)s person (accounts stay)",
                    "the membership of %(n)s people (accounts stay)",
                    self.members,
                ),
            ),
        ]
        return [said % {"n": intcomma(n)} for n, said in counted if n]


def project_holdings(project: Project) -> Holdings:
    """Count what a project holds. Six queries over its rows."""
    labels = dict(
        Label.objects.filter(project=project)
        .values_list("rater__kind")
        .annotate(n=Count("pk"))
        .order_by()
    )
    return Holdings(
        items=project.items.count(),
        people_labels=labels.get(RaterKind.PERSON, 0),
        judge_labels=labels.get(RaterKind.JUDGE, 0),
        rulings=Ruling.objects.filter(project=project).count(),
        files=ImportBatch.objects.filter(project=project).count()
        + Job.objects.filter(project=project).exclude(file="").count(),
        members=project.memberships.count(),
    )
