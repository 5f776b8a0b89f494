"""Trying a judge on a few items before it labels."""

from __future__ import annotations

from django.utils.translation import gettext as _

from annotate.errors import BadInput, NotAllowed
from annotate.models import Item, ItemStatus, JobState, User
from judges.models import JudgeVersion, ProviderName, Purpose, Run
from judges.providers.base import ProviderError
from judges.services.connections import check_may_leave, connection_local
from judges.services.drafts import Draft
from judges.services.local_llm import model_served
from judges.services.runs import run_start
from judges.services.versions import chat_version

TRIAL_ITEMS = 10
MOST_TRIED = 200


def trial_start(
    actor: User,
    version: JudgeVersion,
    *,
    n_items: int = TRIAL_ITEMS,
    seed: int = 0,
    cap: int | None = None,
) -> Run:
    """Ask a judge about ``n_items`` items as it would label them, and hand in no label: the queued
    run, which the caller nudges. Those come first that people have answered. One and the same
    ``seed`` takes the same items for every version.

    A trial of the version that is under way comes back as it is. Raises as run_start.
    """
    if not 1 <= n_items <= MOST_TRIED:
        said = _("A trial is over 1 to %(most)s items.") % {"most": MOST_TRIED}
        raise BadInput(said, fields={"n_items": said})
    going = version.runs.filter(
        purpose=Purpose.TRIAL, job__state__in=(JobState.QUEUED, JobState.RUNNING)
    ).first()
    if going is not None:
        return going
    return run_start(
        actor,
        version,
        purpose=Purpose.TRIAL,
        selection={"strategy": "known", "limit": n_items},
        seed=seed,
        cap=cap,
    )


def draft_make(actor: User, draft: Draft) -> JudgeVersion:
    """Keep a draft as a version. Where it is asked on this machine, the model is the one that is
    served now. May embed examples, so not to be called in a transaction. Raises BadInput by field,
    Conflict, ProviderError.
    """
    connection, model = draft.connection, draft.model
    if connection.provider == ProviderName.LOCAL_LLM:
        connection = connection_local(actor, draft.question.project, ProviderName.LOCAL_LLM)
        model = model_served()
    return chat_version(
        actor,
        draft.question,
        connection,
        model=model,
        system=draft.system,
        task=draft.task,
        output=draft.output,
        ask_rationale=draft.ask_rationale,
        name=draft.name,
        how=draft.how,
    )


def draft_try(
    actor: User, draft: Draft, *, n_items: int = TRIAL_ITEMS, seed: int = 0, cap: int | None = None
) -> Run:
    """Keep a draft as a version and try it: see ``draft_make`` and ``trial_start``. What can be
    known to stand in the way is said before a version is made.
    """
    try:
        check_may_leave(draft.connection)
    except ProviderError as error:
        raise NotAllowed(error.message) from None
    if not Item.objects.filter(project=draft.question.project, status=ItemStatus.LIVE).exists():
        raise BadInput(_("There are no items to try it on yet. Bring some in first."))
    version = draft_make(actor, draft)
    return trial_start(actor, version, n_items=n_items, seed=seed, cap=cap)
