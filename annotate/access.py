"""The one door for access: who may do what. Strangers get 404, too little right gets 403.

Every view and API operation begins with one of these calls, and queries only through what they
return. The table of addresses and roles is tests/permissions/.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from annotate.errors import NotAllowed, NotFound
from annotate.models import (
    EstimateRun,
    ImportBatch,
    Item,
    ItemStatus,
    Job,
    Membership,
    Project,
    ProjectStatus,
    Question,
    Rater,
    Role,
    User,
)


class Right(StrEnum):
    """What may be done in a project."""

    LABEL = "label"  # claim, submit, skip, undo: one's own work
    REVIEW = "review"  # see everybody's labels, rule, run judges, aggregate
    SEE = "see"  # see the overview and results, change nothing
    DATA = "data"  # bring data in, take it out
    MANAGE = "manage"  # members, questions, settings, archive, delete


RIGHTS: dict[str, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.REVIEWER: frozenset({Right.LABEL, Right.REVIEW, Right.SEE, Right.DATA}),
    Role.ANNOTATOR: frozenset({Right.LABEL}),
    Role.VIEWER: frozenset({Right.SEE}),
}

# What writes: refused in an archived project.
WRITES = frozenset({Right.LABEL})


@dataclass(frozen=True)
class Place:
    """A project as one member sees it."""

    project: Project
    membership: Membership
    user: User

    def may(self, right: Right) -> bool:
        return right in RIGHTS[self.membership.role]

    @property
    def is_lead(self) -> bool:
        return self.membership.is_lead


def project_of(user: User | AnonymousUser, project_id: int, right: Right | None = None) -> Place:
    """Return the project for a member who has ``right`` (None: any member).

    Raises NotFound for who is not a member, NotAllowed for a member without the right or for
    labelling in an archived project.
    """
    if not isinstance(user, User):
        raise NotFound(_("There is no such project, or you are not a member of it."))
    membership = (
        Membership.objects.select_related("project")
        # By the project's own id: a number beyond what the database counts then finds nothing.
        .filter(project__id=project_id, user=user, user__is_active=True)
        .first()
    )
    if membership is None:
        raise NotFound(_("There is no such project, or you are not a member of it."))
    place = Place(project=membership.project, membership=membership, user=user)
    if right is not None:
        check(place, right)
    return place


def check(place: Place, right: Right) -> None:
    """Raise NotAllowed unless the member has the right."""
    if not place.may(right):
        raise NotAllowed(
            _("Your role in this project (%(role)s) does not include this.")
            % {"role": place.membership.get_role_display()}
        )
    if right in WRITES:
        check_active(place)


def check_active(place: Place) -> None:
    """Raise NotAllowed where the project is archived: nothing may be changed in it."""
    if place.project.status == ProjectStatus.ARCHIVED:
        raise NotAllowed(_("This project is archived. An owner can take it up again."))


def item_of(place: Place, item_id: int, *, live_only: bool = True) -> Item:
    """Return an item of the place's project, or raise NotFound."""
    items = Item.objects.filter(project=place.project, pk=item_id)
    if live_only:
        items = items.filter(status=ItemStatus.LIVE)
    item = items.first()
    if item is None:
        raise NotFound(_("There is no such item in this project."))
    item.project = place.project
    return item


def question_of(place: Place, question_id: int) -> Question:
    """Return a question of the place's project, or raise NotFound."""
    question = (
        Question.objects.filter(project=place.project, pk=question_id)
        .prefetch_related("options")
        .first()
    )
    if question is None:
        raise NotFound(_("There is no such question in this project."))
    return question


def rater_of(place: Place, rater_id: int) -> Rater:
    """Return a rater of the place's project, or raise NotFound."""
    rater = Rater.objects.filter(project=place.project, pk=rater_id).first()
    if rater is None:
        raise NotFound(_("There is no such rater in this project."))
    return rater


def job_of(place: Place, job_id: int, kinds: Iterable[str] | None = None) -> Job:
    """Return a job of the place's project, or raise NotFound."""
    jobs = Job.objects.filter(project=place.project, pk=job_id)
    if kinds is not None:
        jobs = jobs.filter(kind__in=kinds)
    job = jobs.first()
    if job is None:
        raise NotFound(_("There is no such job in this project."))
    return job


def aggregation_of(place: Place, run_id: int) -> EstimateRun:
    """Return an aggregation of the place's project, or raise NotFound."""
    run = EstimateRun.objects.filter(project=place.project, pk=run_id).first()
    if run is None:
        raise NotFound(_("There is no such aggregation in this project."))
    return run


def person(user: User | AnonymousUser) -> User:
    """Return the account of somebody logged in, or raise NotAllowed."""
    if isinstance(user, User) and user.is_active:
        return user
    raise NotAllowed(_("Log in first."))


def import_of(place: Place, import_id: int) -> ImportBatch:
    """Return an import of the place's project, or raise NotFound."""
    batch = (
        ImportBatch.objects.filter(project=place.project, pk=import_id)
        .select_related("project", "job", "created_by")
        .first()
    )
    if batch is None:
        raise NotFound(_("There is no such import in this project."))
    return batch


def founder(user: User | AnonymousUser) -> User:
    """Return the user if they may start projects, or raise NotAllowed."""
    if isinstance(user, User) and user.is_active and (user.is_founder or user.is_superuser):
        return user
    raise NotAllowed(_("You may not start projects. Ask whoever runs this Concord."))
