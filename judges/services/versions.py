"""Judge versions: immutable, known by a hash of everything that could change an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.models import Guideline, Project, Question, QuestionStatus, User
from annotate.services.events import event_write
from annotate.services.projects import guideline_live
from annotate.services.raters import rater_of_version
from judges.models import Connection, JudgeVersion, Prompt, ProviderName
from judges.prompting.how import How
from judges.providers import local_classifier
from judges.selectors.panels import asked_versions, is_panel
from judges.selectors.specs import kind_check
from judges.selectors.training import MIN_LABELS, TrainingSet, training_set
from judges.services.connections import connection_local
from judges.services.drafts import Draft, draft_check, draft_parameters
from judges.services.examples import examples_choose
from judges.services.prompts import content_hash, prompt_get, task_kept

ZERO_SHOT = "zero_shot"
TRAINED = "trained"
# Out-of-fold answers: so many parts, drawn by this seed.
FOLDS = 5
SEED = 2026
# Texts this alike (cosine of their vectors) are held out together: see services/learning.py.
NEAR_COPY = 0.95


def classifier_version(actor: User, question: Question, *, mode: str) -> JudgeVersion:
    """The local classifier for a question: ``zero_shot`` or ``trained`` on people's labels so far.

    Idempotent: the same training set is the same version. Raises BadInput where there is too
    little to learn from.
    """
    kind_check(question)
    # What the classifier does with the vectors belongs to the version as well as the vectors.
    parameters: dict[str, Any] = {"mode": mode}
    training: dict[str, Any] = {}
    if mode == TRAINED:
        parameters["regularisation"] = local_classifier.REGULARISATION
        found = training_set(question)
        check_trainable(found)
        training = training_as_dict(found)
        parameters |= {
            "folds": FOLDS,
            "seed": SEED,
            "near_copy": NEAR_COPY,
            "n_labels": len(found.labels),
        }
    elif mode == ZERO_SHOT:
        parameters["temperature"] = local_classifier.ZERO_SHOT_TEMPERATURE
    else:
        raise BadInput(_("The local classifier is zero-shot or trained."))
    return judge_version_create(
        actor,
        question,
        connection_local(actor, question.project, ProviderName.LOCAL_CLASSIFIER),
        name=_("Local classifier, trained") if training else _("Local classifier, zero-shot"),
        model=local_classifier.MODEL,
        parameters=parameters,
        training=training,
    )


def chat_version(
    actor: User,
    question: Question,
    connection: Connection,
    *,
    model: str,
    system: str = "",
    task: str = "",
    output: str = "",
    ask_rationale: bool = False,
    name: str = "",
    how: How | None = None,
) -> JudgeVersion:
    """A judge that is a language model behind a connection, with the project's live guideline.

    ``system``, ``task`` and ``output`` are its words with {{variables}} (prompting/words.py), ""
    for Concord's own. ``how`` is how it asks, directly where it is None; examples are chosen here
    and kept with the version. Idempotent as judge_version_create. Raises BadInput, by field.
    """
    draft = Draft(
        question,
        connection,
        model,
        system=system,
        task=task,
        output=output,
        ask_rationale=ask_rationale,
        how=how,
        name=name,
    ).settled()
    draft_check(draft)
    parameters = draft_parameters(draft)
    if draft.how and draft.how.examples:
        parameters["examples"] = examples_choose(question, draft.how.examples)
    return judge_version_create(
        actor,
        question,
        connection,
        name=draft.name,
        model=draft.model,
        prompt=prompt_get(
            actor,
            question.project,
            ask_rationale=draft.ask_rationale,
            system=draft.system,
            task=task_kept(draft.how.ask if draft.how else "direct", draft.task),
            output=draft.output,
        ),
        guideline=guideline_live(question.project),
        parameters=parameters,
    )


def judge_version_create(
    actor: User,
    question: Question,
    connection: Connection,
    *,
    name: str,
    model: str = "",
    prompt: Prompt | None = None,
    guideline: Guideline | None = None,
    parameters: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    family: str | None = None,
) -> JudgeVersion:
    """The version with exactly this make-up, and its rater, made where there is none yet.

    Idempotent by hash: what there is comes back, whatever name was given. Numbers go v1, v2 ...
    by name. ``family``: the rater's, where it is not its model's. Locks the project. Raises
    BadInput for what does not belong together, Conflict for a question version that was replaced.
    """
    kind_check(question)
    project = question.project
    if connection.project_id != project.pk or (prompt and prompt.project_id != project.pk):
        raise BadInput(_("Question, connection and prompt must be of one project."))
    if question.status != QuestionStatus.LIVE:
        raise Conflict(_("This question was replaced by a newer version. Choose that one."))
    version = JudgeVersion(
        project=project,
        name=name.strip()[:100] or _("Judge"),
        question=question,
        connection=connection,
        model=model[:200],
        prompt=prompt,
        guideline=guideline,
        parameters=dict(parameters or {}),
        training=dict(training or {}),
        created_by=actor,
    )
    version.hash = version_hash(version)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        standing = JudgeVersion.objects.filter(project=project, hash=version.hash).first()
        if standing is not None:
            return standing
        newest = project.judge_versions.filter(name=version.name).aggregate(at=Max("number"))["at"]
        version.number = (newest or 0) + 1
        version.rater = rater_of_version(
            project,
            name=str(version),
            version_hash=version.hash,
            family=model_family(version.model) if family is None else family,
        )
        version.save(force_insert=True)
        event_write(
            actor, "judge.made", project=project, target=version, name=str(version), model=model
        )
        return version


def model_family(model: str) -> str:
    """What versions of one model share, whatever their prompt: its name, without the vendor's."""
    return " ".join(model.rpartition("/")[2].split()).casefold()


def version_hash(version: JudgeVersion) -> str:
    """SHA-256, hexadecimal, of all that could change an answer: and of nothing else.

    In it: the question as it is asked with its options, the guideline's text, the prompt, provider
    and address, model, parameters, training set. Not in it: names, keys, limits, who made it when.
    Costs a query for the options. Since the question's own words are read, a version whose question
    was edited in place no longer has its hash (`version_check`).
    """
    question = version.question
    made_of = {
        "question": {
            "key": question.key,
            "version": question.version,
            "kind": question.kind,
            "name": question.name,
            "text": question.text,
            "options": [
                [option.code, option.key, option.name, option.definition]
                for option in question.options.all()
            ],
        },
        "guideline": version.guideline.text if version.guideline else None,
        "prompt": version.prompt.hash if version.prompt else None,
        "provider": version.connection.provider,
        "address": version.connection.base_url,
        "model": version.model,
        "parameters": version.parameters,
        "training": version.training.get("hash"),
    }
    return content_hash(made_of)


def version_check(version: JudgeVersion) -> None:
    """Raise Conflict unless the version, and of a panel each member, still asks what it was made to
    ask.
    """
    for each in asked_versions(version):
        _check_as_made(each)
    if is_panel(version):
        _check_as_made(version)


def _check_as_made(version: JudgeVersion) -> None:
    if version.question.status != QuestionStatus.LIVE:
        raise Conflict(
            _(
                "“%(question)s” was replaced by a newer version since this judge was made. "
                "Make a new version of the judge."
            )
            % {"question": version.question.name}
        )
    if version_hash(version) != version.hash:
        raise Conflict(
            _(
                "“%(question)s” was edited since this judge was made. Make a new version of the "
                "judge."
            )
            % {"question": version.question.name}
        )


def check_trainable(found: TrainingSet) -> None:
    """Raise BadInput where there is too little to learn from, with what is there."""
    if found.is_enough:
        return
    raise BadInput(
        _(
            "To learn from people the classifier needs %(least)s labelled items with at least two "
            "options named twice or more; there are %(there)s items in %(options)s such options. "
            "Label more, or start with the zero-shot classifier."
        )
        % {
            "least": MIN_LABELS,
            "there": sum(found.usable.values()),
            "options": len(found.usable),
        }
    )


def training_as_dict(found: TrainingSet) -> dict[str, Any]:
    """As JudgeVersion.training keeps it."""
    labels = [list(pair) for pair in found.labels]
    return {"labels": labels, "hash": content_hash(labels)}
