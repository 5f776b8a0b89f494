"""What a member may reach of the judges: always through the project, else 404."""

from __future__ import annotations

from django.utils.translation import gettext as _

from annotate.access import Place
from annotate.errors import NotFound
from judges.models import Connection, JudgeVersion, Run


def version_of(place: Place, version_id: int) -> JudgeVersion:
    """Return a judge version of the place's project, or raise NotFound."""
    version = (
        JudgeVersion.objects.filter(project=place.project, pk=version_id)
        .select_related("project", "question", "connection", "prompt", "guideline", "rater")
        .prefetch_related("question__options")
        .first()
    )
    if version is None:
        raise NotFound(_("There is no such judge in this project."))
    return version


def run_of(place: Place, run_id: int) -> Run:
    """Return a run of the place's project, or raise NotFound."""
    run = (
        Run.objects.filter(project=place.project, pk=run_id)
        .select_related("job", "version__project", "version__question", "version__connection")
        .prefetch_related("version__question__options")
        .first()
    )
    if run is None:
        raise NotFound(_("There is no such run in this project."))
    return run


def connection_of(place: Place, connection_id: int) -> Connection:
    """Return a connection of the place's project, or raise NotFound."""
    connection = Connection.objects.filter(project=place.project, pk=connection_id).first()
    if connection is None:
        raise NotFound(_("There is no such connection in this project."))
    return connection
