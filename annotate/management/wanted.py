"""What an operator names on the command line: a project, one of its questions, an account."""

from __future__ import annotations

from django.core.management.base import CommandError

from annotate.models import Project, Question, User
from annotate.selectors.questions import questions_live


def project_wanted(wanted: str) -> Project:
    """The project of that number or name. Raises CommandError."""
    found = Project.objects.filter(
        **({"pk": int(wanted)} if wanted.isdecimal() else {"name": wanted})
    ).select_related("created_by")[:2]
    if not found:
        raise CommandError(f"There is no project {wanted!r}.")
    if len(found) > 1:
        raise CommandError(
            f"Several projects are named {wanted!r}. Give the number of the one you mean."
        )
    return found[0]


def question_wanted(project: Project, key: str | None) -> Question:
    """The live question of that key; without a key the only one there is. Raises CommandError."""
    live = questions_live(project)
    if key is None and len(live) == 1:
        return live[0]
    for question in live:
        if question.key == key:
            return question
    keys = ", ".join(question.key for question in live) or "none yet"
    raise CommandError(f"Name a question of the project by --question; there are: {keys}.")


def actor_wanted(project: Project, username: str | None) -> User:
    """The account of that name; without a name who started the project. Raises CommandError."""
    if not username:
        return project.created_by
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no account named {username!r}. Give one by --user USER.")
    return user
