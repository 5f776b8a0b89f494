"""Connections: where judges are asked. Only owners add them (the views check Right.MANAGE).

An owner chooses where this server sends requests. So an address inside the operator's network is
refused, here and again when it is asked, unless the operator allows it; no redirect is followed;
and what comes back is shown as a judge's reply only (docs/judges.md).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.models import Job, Project, User
from annotate.services.events import event_write
from annotate.services.jobs import RunningJob, job_create
from judges.models import CONNECTED, Connection, JudgeVersion, Pace, ProviderName
from judges.providers.base import ProviderError
from judges.selectors.panels import is_panel, panel_of
from judges.services.addresses import address_check, address_leaves, reach_check
from judges.services.keys import key_check, key_encrypt, variable_check

PROBE = "probe"
# The name of a backend's model where it gives it none.
BACKEND = "backend"
MAX_CONCURRENCY = 128
MAX_TIMEOUT = 600


def connection_add(
    actor: User,
    project: Project,
    *,
    name: str,
    base_url: str,
    provider: str = ProviderName.OPENAI,
    key: str = "",
    key_variable: str = "",
    concurrency: int = 2,
    timeout_seconds: int = 60,
) -> Connection:
    """Add a connection to a provider of CONNECTED. A typed ``key`` is encrypted. Looks the
    address up, so not to be called in a transaction. Raises BadInput.
    """
    if provider not in CONNECTED:
        raise BadInput(_("A provider of this kind is not connected by hand."))
    key, key_variable = _check_key(key, key_variable)
    base_url = address_check(base_url)
    leaves = address_leaves(base_url)
    reach_check(base_url, leaves=leaves)
    with transaction.atomic():
        connection = Connection(
            project=project,
            name=_check_name(project, name),
            provider=provider,
            base_url=base_url,
            leaves_machine=leaves,
            key_variable=key_variable,
            key_encrypted=key_encrypt(key) if key else "",
            created_by=actor,
            **_check_limits(concurrency, timeout_seconds),
        )
        connection.full_clean()
        connection.save()
        event_write(actor, "connection.added", project=project, target=connection, address=base_url)
    return connection


def connection_edit(
    actor: User,
    connection: Connection,
    *,
    name: str,
    base_url: str,
    key: str = "",
    key_variable: str = "",
    forget_key: bool = False,
    concurrency: int = 2,
    timeout_seconds: int = 60,
) -> Connection:
    """Change a connection. An empty ``key`` keeps the one there is; a variable replaces it.

    A key goes to the address it was entered for and to no other: another address needs it again.
    Judges made with a connection name its address, so it stays once there are some. Looks the
    address up, so not to be called in a transaction. Locks the connection. Raises BadInput,
    Conflict.
    """
    if connection.provider not in CONNECTED:
        raise Conflict(_("This connection comes with Concord; there is nothing to change."))
    key, key_variable = _check_key(key, key_variable)
    base_url = address_check(base_url)
    if base_url != connection.base_url:
        reach_check(base_url, leaves=address_leaves(base_url))
    limits = _check_limits(concurrency, timeout_seconds)
    with transaction.atomic():
        return _edit(
            actor,
            Connection.objects.select_for_update().get(pk=connection.pk),
            name=name,
            base_url=base_url,
            key=key,
            key_variable=key_variable,
            forget_key=forget_key,
            limits=limits,
        )


def _edit(
    actor: User,
    connection: Connection,
    *,
    name: str,
    base_url: str,
    key: str,
    key_variable: str,
    forget_key: bool,
    limits: dict[str, int],
) -> Connection:
    if base_url != connection.base_url:
        if connection.judge_versions.exists():
            raise Conflict(
                _("Judges were made with this address, so it stays. Add another connection.")
            )
        if connection.key_encrypted and not (key or key_variable or forget_key):
            raise BadInput(
                _("The key was entered for another address. Enter it again."),
                fields={"key": _("Enter the key for the new address.")},
            )
        connection.capabilities = {}
    connection.name = _check_name(connection.project, name, besides=connection)
    connection.base_url = base_url
    connection.leaves_machine = address_leaves(base_url)
    connection.key_variable = key_variable
    if key:
        connection.key_encrypted = key_encrypt(key)
    elif key_variable or forget_key:
        connection.key_encrypted = ""
    if limits["concurrency"] != connection.concurrency:
        # It may have been slowed down under the old limit; the owner's word is tried anew.
        Pace.objects.filter(connection=connection).update(limit=limits["concurrency"])
    for field, value in limits.items():
        setattr(connection, field, value)
    connection.full_clean()
    connection.save(
        update_fields=[
            "name",
            "base_url",
            "leaves_machine",
            "key_variable",
            "key_encrypted",
            "capabilities",
            "concurrency",
            "timeout_seconds",
        ]
    )
    event_write(
        actor,
        "connection.edited",
        project=connection.project,
        target=connection,
        address=base_url,
        key_changed=bool(key or key_variable or forget_key),
    )
    return connection


@transaction.atomic
def connection_remove(actor: User, connection: Connection) -> None:
    """Remove a connection and its key. Raises Conflict where judges were made with it."""
    if connection.judge_versions.exists():
        raise Conflict(
            _(
                "Judges were made with “%(name)s”, so it stays as their record. "
                "You can take its key away."
            )
            % {"name": connection.name}
        )
    event_write(
        actor, "connection.removed", project=connection.project, target=connection.name[:100]
    )
    connection.delete()


def connection_local(actor: User, project: Project, provider: str) -> Connection:
    """The project's connection to a judge that comes with Concord. Made at first use; idempotent.

    Raises Conflict for the local language model while none is served here.
    """
    if provider == ProviderName.LOCAL_LLM and not settings.LOCAL_LLM_URL:
        raise Conflict(
            _(
                "No language model is served on this machine. Start Concord with "
                "`bin/run --local-llm`, after `manage.py fetch_model`."
            )
        )
    names = {
        ProviderName.LOCAL_CLASSIFIER: "Local classifier",
        ProviderName.LOCAL_LLM: "Local LLM",
        ProviderName.PANEL: "Panels",
    }
    connection, _created = Connection.objects.get_or_create(
        project=project,
        provider=provider,
        defaults={
            "name": _free_name(project, names[ProviderName(provider)]),
            "leaves_machine": False,
            # Parallel requests bring no throughput on a small machine.
            "concurrency": 1,
            "timeout_seconds": 120,
            "created_by": actor,
        },
    )
    return connection


def check_may_leave(connection: Connection) -> None:
    """Raise ProviderError where the project keeps its texts on this machine. Costs one query."""
    if not connection.leaves_machine:
        return
    if not Project.objects.filter(pk=connection.project_id, data_may_leave=True).exists():
        raise ProviderError(
            "bad_config",
            _(
                "This project keeps its data on this machine, and “%(name)s” (%(address)s) is "
                "elsewhere. An owner can change that in the settings (“Item texts may be sent to "
                "judges outside this machine”); or choose a local judge."
            )
            % {"name": connection.name, "address": connection.base_url},
        )


def check_judge_may_leave(version: JudgeVersion) -> None:
    """The same for all that a judge is asked through: of a panel each member's connection."""
    asked = panel_of(version).members if is_panel(version) else (version,)
    for each in asked:
        check_may_leave(each.connection)


# --- Testing a connection -----------------------------------------------------------------------


@transaction.atomic
def connection_test(actor: User, connection: Connection, *, model: str) -> Job:
    """Write a job that tests a connection with a model; the caller nudges it. Raises BadInput.

    A backend that gives labels has one model, and is tested without a name. The test sends a
    few sentences of Concord's own and no item, so the project's say over its data does not come
    in.
    """
    model = model.strip()
    if not model and connection.provider != ProviderName.LABEL_STUDIO:
        raise BadInput(_("Say which model to ask."), fields={"model": _("Required.")})
    return job_create(
        actor,
        project=connection.project,
        kind=PROBE,
        task="judges.probe",
        parameters={"connection": connection.pk, "model": model[:200]},
        total=1,
    )


def connection_probe(running: RunningJob) -> None:
    """Do the test of a job taken: find out what the endpoint honours for the model, and keep it."""
    parameters = running.job.parameters
    connection = Connection.objects.filter(pk=parameters["connection"]).first()
    if connection is None:
        running.fail(_("The connection was removed."))
        return
    running.progress(0, message=_("Asking"))
    try:
        model, found = _probed(connection, parameters["model"])
    except ProviderError as error:
        running.fail(error.message, kind=error.kind)
        return
    capabilities_keep(connection, model, found)
    running.progress(1)
    running.finish(message=_("It answers."), capabilities=found)


def _probed(connection: Connection, model: str) -> tuple[str, dict[str, Any]]:
    """What the endpoint honours for the model, under the name to keep it by."""
    from judges.services.providers import backend_of, provider_of

    if connection.provider == ProviderName.LABEL_STUDIO:
        return backend_of(connection, timeout=10).health() or BACKEND, {"labels": True}
    # Ten tiny calls at most; a person waits for them.
    provider = provider_of(connection, model, timeout=10, probed=False)
    return model, provider.probe().as_dict()


def capabilities_keep(connection: Connection, model: str, found: dict[str, Any]) -> None:
    """Remember what the endpoint honours for the model. Locks the connection."""
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        row.capabilities = {**row.capabilities, model: found}
        row.save(update_fields=["capabilities"])
    connection.capabilities = row.capabilities


# --- Checks -------------------------------------------------------------------------------------


def _check_key(key: str, key_variable: str) -> tuple[str, str]:
    key, key_variable = key_check(key), variable_check(key_variable)
    if key and key_variable:
        raise BadInput(
            _("Enter a key or name a variable, not both."),
            fields={"key_variable": _("Leave this empty, or the key.")},
        )
    return key, key_variable


def _check_name(project: Project, name: str, besides: Connection | None = None) -> str:
    name = name.strip()
    if not name or len(name) > 100:
        raise BadInput(
            _("A connection needs a name, of 100 characters at most."),
            fields={"name": _("From 1 to 100 characters.")},
        )
    taken = project.connections.filter(name=name)
    if besides is not None:
        taken = taken.exclude(pk=besides.pk)
    if taken.exists():
        raise BadInput(
            _("There is a connection “%(name)s” already.") % {"name": name},
            fields={"name": _("Already used.")},
        )
    return name


def _check_limits(concurrency: int, timeout_seconds: int) -> dict[str, int]:
    wrong = {}
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        wrong["concurrency"] = _("From 1 to %(most)s.") % {"most": MAX_CONCURRENCY}
    if not 1 <= timeout_seconds <= MAX_TIMEOUT:
        wrong["timeout_seconds"] = _("From 1 to %(most)s seconds.") % {"most": MAX_TIMEOUT}
    if wrong:
        raise BadInput(" ".join(wrong.values()), fields=wrong)
    return {"concurrency": concurrency, "timeout_seconds": timeout_seconds}


def _free_name(project: Project, wanted: str) -> str:
    taken = set(project.connections.values_list("name", flat=True))
    return next(
        name
        for name in (wanted, *(f"{wanted} {n}" for n in range(2, len(taken) + 3)))
        if name not in taken
    )
