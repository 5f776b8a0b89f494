"""Starting a project and saying what is asked in it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.models import (
    Colour,
    Guideline,
    ItemSummary,
    Membership,
    Option,
    Project,
    ProjectStatus,
    Question,
    QuestionStatus,
    Role,
    User,
)
from annotate.selectors.item_display import HOWS, TEXT
from annotate.selectors.questions import questions_live
from annotate.services.entrusting import slots_fit
from annotate.services.events import event_write
from annotate.services.question_drafts import (
    OptionDraft,
    QuestionDraft,
    condition_check,
    dependents_of,
    draft_check,
    others_check,
)

__all__ = ["OptionDraft", "QuestionDraft"]

CHECK_SETTINGS = ("gold_every", "gold_feedback", "qualify_items", "qualify_percent")
# What a change of a question without labels writes anew, beside its options.
WRITTEN = ("name", "kind", "text", "required", "settings")


@transaction.atomic
def project_create(
    actor: User,
    *,
    name: str,
    description: str = "",
    labels_per_item: int = 1,
    visibility: str = "blind",
    questions: Sequence[QuestionDraft] = (),
    guideline: str = "",
    seed: int | None = None,
    is_demo: bool = False,
) -> Project:
    """Start a project with the actor as its owner. ``seed`` None draws one. Raises BadInput."""
    if not name.strip():
        raise BadInput(_("A project needs a name."), fields={"name": _("Required.")})
    project = Project(
        name=name.strip(),
        description=description,
        labels_per_item=labels_per_item,
        visibility=visibility,
        seed=secrets.randbits(63) if seed is None else seed,
        is_demo=is_demo,
        created_by=actor,
    )
    project.full_clean()
    project.save()
    Membership.objects.create(project=project, user=actor, role=Role.OWNER)
    for draft in questions:
        question_add(actor, project, draft)
    if guideline:
        guideline_publish(actor, project, guideline)
    event_write(actor, "project.created", project=project, target=project)
    return project


@transaction.atomic
def project_change(
    actor: User,
    project: Project,
    *,
    name: str,
    description: str,
    visibility: str,
    submit_on_choice: bool,
    data_may_leave: bool,
    lease_minutes: int,
    display: Mapping[str, str] | None = None,
    outside_images: bool = False,
    shown_percent: int | None = None,
    checks: Mapping[str, int | bool] | None = None,
) -> Project:
    """Change a project's settings; the event tells what they were. Locks the project.

    ``display``: how each field of the items is shown (selectors/item_display.py), as text where
    nothing is said; None leaves that as it is.

    ``checks``: what the project wants of known items, by names of CHECK_SETTINGS.

    How many labels an item wants is changed by services/overlap.py. Idempotent. Raises BadInput.
    """
    if not name.strip():
        raise BadInput(_("A project needs a name."), fields={"name": _("Required.")})
    wanted: dict[str, Any] = {
        "name": name.strip(),
        "description": description,
        "visibility": visibility,
        "submit_on_choice": submit_on_choice,
        "data_may_leave": data_may_leave,
        "lease_minutes": lease_minutes,
        "outside_images": outside_images,
    }
    wanted |= {name: value for name, value in (checks or {}).items() if name in CHECK_SETTINGS}
    if shown_percent is not None:
        wanted["shown_percent"] = shown_percent
    if display is not None:
        unknown = [how for how in display.values() if how not in HOWS]
        if unknown:
            raise BadInput(_("Choose how a field is shown from the list."))
        wanted["display"] = {name: how for name, how in display.items() if how != TEXT}
    kept = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    changed = {field: value for field, value in wanted.items() if getattr(kept, field) != value}
    for field, value in wanted.items():
        setattr(project, field, value)
    if not changed:
        return project
    try:
        project.full_clean()
    except ValidationError as error:
        fields = {field: " ".join(texts) for field, texts in error.message_dict.items()}
        raise BadInput(" ".join(fields.values()), fields=fields) from None
    project.save(update_fields=list(changed))
    was = {field: getattr(kept, field) for field in changed}
    event_write(actor, "project.changed", project=project, target=project, to=changed, was=was)
    return project


@transaction.atomic
def question_add(actor: User, project: Project, draft: QuestionDraft) -> Question:
    """Add a question. Raises BadInput for a draft that does not hold together."""
    draft = draft_check(draft)
    condition_check(draft, questions_live(project))
    if project.questions.filter(key=draft.key, status=QuestionStatus.LIVE).exists():
        raise BadInput(
            _("There is a question with the key “%(key)s” already.") % {"key": draft.key},
            fields={"key": _("Already used.")},
        )
    question = _write(project, draft, position=project.questions.count())
    event_write(actor, "question.added", project=project, target=question)
    _slots_anew(project)
    return question


@transaction.atomic
def question_revise(actor: User, question: Question, draft: QuestionDraft) -> Question:
    """Change a question. One that has labels is frozen: the change makes its next version.

    Returns the live version. Locks the question. The key stays. Raises BadInput, Conflict.
    """
    question = Question.objects.select_for_update().get(pk=question.pk)
    if question.status != QuestionStatus.LIVE:
        raise Conflict(_("This version was replaced by a newer one. Reload to see it."))
    draft = draft_check(draft)
    if draft.key != question.key:
        raise BadInput(_("The key of a question stays as it is: labels and exports name it."))
    others_check(question, draft)
    if not question.labels.exists():
        question.options.all().delete()
        for name in WRITTEN:
            setattr(question, name, getattr(draft, name))
        question.save(update_fields=list(WRITTEN))
        _write_options(question, draft)
        event_write(actor, "question.edited", project=question.project, target=question)
        return question
    question.status = QuestionStatus.RETIRED
    question.save(update_fields=["status"])
    fresh = _write(question.project, draft, position=question.position)
    ItemSummary.objects.filter(question=question).delete()
    _slots_anew(question.project)
    event_write(
        actor,
        "question.revised",
        project=question.project,
        target=fresh,
        version=fresh.version,
        replaces=question.pk,
    )
    return fresh


@transaction.atomic
def question_retire(actor: User, question: Question) -> None:
    """Ask a question no more; its labels stay. Idempotent. Raises Conflict for the last one."""
    Project.objects.select_for_update(no_key=True).get(pk=question.project_id)
    live = Question.objects.filter(project=question.project_id, status=QuestionStatus.LIVE)
    if not live.filter(pk=question.pk).exists():
        return
    if not live.exclude(pk=question.pk).exists():
        raise Conflict(_("A project needs a question. Add another one first, or edit this one."))
    dependents = dependents_of(question)
    if dependents:
        raise Conflict(
            _("“%(other)s” is asked only after an answer to this question. Change that first.")
            % {"other": dependents[0].name}
        )
    question.status = QuestionStatus.RETIRED
    question.save(update_fields=["status"])
    ItemSummary.objects.filter(question=question).delete()
    event_write(actor, "question.retired", project=question.project, target=question)
    _slots_anew(question.project)


def _slots_anew(project: Project) -> None:
    """Where routing is on, what it has settled is settled for the questions as they were."""
    if Project.objects.filter(pk=project.pk, routes=True).exists():
        slots_fit(project)


@transaction.atomic
def guideline_publish(actor: User, project: Project, text: str) -> Guideline:
    """Publish a guideline version; the same text again returns the live one. Locks the project."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    live = guideline_live(project)
    if live is not None and live.text == text:
        return live
    guideline = Guideline.objects.create(
        project=project, version=(live.version if live else 0) + 1, text=text, created_by=actor
    )
    event_write(actor, "guideline.published", project=project, target=guideline)
    return guideline


def guideline_live(project: Project) -> Guideline | None:
    """The newest guideline of the project. Costs one query."""
    return project.guidelines.order_by("-version").first()


@transaction.atomic
def project_archive(actor: User, project: Project) -> None:
    """Close a project: all stays to be seen and exported, nothing is labelled. Idempotent."""
    _set_status(actor, project, ProjectStatus.ARCHIVED, "project.archived")


@transaction.atomic
def project_reopen(actor: User, project: Project) -> None:
    """Take an archived project up again. Idempotent."""
    _set_status(actor, project, ProjectStatus.ACTIVE, "project.reopened")


def _set_status(actor: User, project: Project, status: ProjectStatus, verb: str) -> None:
    if Project.objects.filter(pk=project.pk).exclude(status=status).update(status=status):
        project.status = status
        event_write(actor, verb, project=project, target=project)


def _write(project: Project, draft: QuestionDraft, *, position: int) -> Question:
    newest = project.questions.filter(key=draft.key).aggregate(at=Max("version"))["at"] or 0
    question = Question.objects.create(
        project=project,
        key=draft.key,
        version=newest + 1,
        kind=draft.kind,
        name=draft.name.strip(),
        text=draft.text,
        required=draft.required,
        settings=draft.settings,
        position=position,
    )
    _write_options(question, draft)
    return question


def _write_options(question: Question, draft: QuestionDraft) -> None:
    palette = Colour.values
    Option.objects.bulk_create(
        Option(
            question=question,
            code=code,
            key=option.key.strip(),
            name=option.name.strip(),
            definition=option.definition,
            colour=option.colour or palette[code % len(palette)],
        )
        for code, option in enumerate(draft.options)
    )
