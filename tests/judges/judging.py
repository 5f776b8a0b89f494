"""Judges that answer from a script, for the tests of runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from annotate.services.jobs import job_take
from judges.models import Connection, JudgeVersion, ProviderName, Run
from judges.providers.base import ChatProvider, Request
from judges.providers.scripted import Answer, ScriptedProvider
from judges.services import providers
from judges.services.run_work import run_work
from judges.services.versions import chat_version
from tests.personas import Story

PRAISE = re.compile("lovely|great|good", re.IGNORECASE)


def by_words(request: Request) -> Answer:
    """A for praise, B for the rest: a judge with an opinion of its own."""
    item = request.user.rpartition("# Item")[2]
    return "A" if PRAISE.search(item) else "B"


def scripted_connection(s: Story, *, concurrency: int = 1, leaves: bool = False) -> Connection:
    return Connection.objects.create(
        project=s.project,
        name="Script",
        provider=ProviderName.SCRIPTED,
        leaves_machine=leaves,
        concurrency=concurrency,
        created_by=s.olga,
    )


def scripted_version(s: Story, *, concurrency: int = 1, **more: object) -> JudgeVersion:
    return chat_version(
        s.olga,
        s.question,
        scripted_connection(s, concurrency=concurrency),
        model="script-1",
        **more,  # type: ignore[arg-type]
    )


@contextmanager
def answering(script: Callable[[Request], Answer]) -> Iterator[ScriptedProvider]:
    """Within it, a connection of kind scripted answers from the script."""
    provider = ScriptedProvider(script)

    def make(_wanted: providers.Wanted) -> ChatProvider:
        return provider

    providers.PROVIDERS[ProviderName.SCRIPTED] = make
    try:
        yield provider
    finally:
        providers.PROVIDERS.pop(ProviderName.SCRIPTED, None)


def work(run: Run) -> Run:
    """Do a run as the worker would, here."""
    running = job_take(run.job_id)
    assert running is not None
    run_work(running)
    run.job.refresh_from_db()
    return run
