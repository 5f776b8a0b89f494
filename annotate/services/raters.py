"""Finding or making the rater that stands for somebody in a project."""

from __future__ import annotations

from annotate.models import Project, Rater, RaterKind, RaterOrigin, User


def rater_of_member(project: Project, user: User) -> Rater:
    """The member's rater, made at first use. Idempotent; safe when two requests come at once."""
    rater, _created = Rater.objects.get_or_create(
        project=project,
        user=user,
        defaults={
            "kind": RaterKind.PERSON,
            "origin": RaterOrigin.MEMBER,
            "name": user.shown_name[:200],
        },
    )
    # Both are at hand: whoever follows the relation needs no query.
    rater.project, rater.user = project, user
    return rater


def rater_imported(project: Project, *, name: str, kind: RaterKind) -> Rater:
    """The imported rater of that name and kind, made at first use. Idempotent."""
    rater, _created = Rater.objects.get_or_create(
        project=project, kind=kind, origin=RaterOrigin.IMPORTED, name=name[:200]
    )
    return rater


def rater_of_version(project: Project, *, name: str, version_hash: str, family: str = "") -> Rater:
    """The rater of a judge version run here, made at first use. Idempotent.

    ``family``: a name that it shares with raters whose errors it is likely to share; of a rater
    that is of several families one a line.
    """
    rater, _created = Rater.objects.get_or_create(
        project=project,
        version_hash=version_hash,
        defaults={
            "kind": RaterKind.JUDGE,
            "origin": RaterOrigin.RUN,
            "name": name[:200],
            "family": family,
        },
    )
    return rater
