"""Judges that answer from a script, for the tests of runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from annotate.services.jobs import job_take
from judges.models import Connection, JudgeVersion, ProviderName, Run
from judges.providers.base import ChatProvider, Request
from judges.providers.scripted import Answer, ScriptedProvider
from judges.services import providers
from judges.services.connections import connection_add
from judges.services.prices import price_set
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


def priced_version(
    s: Story, *, concurrency: int = 1, input: str = "1000", output: str = "100000", **more: object
) -> JudgeVersion:
    """Of an endpoint whose model costs so many dollars a million tokens: by default a tenth of a
    cent a token of the prompt, ten cents one of the reply. For `answering`.
    """
    connection = connection_add(
        s.olga, s.project, name="Priced", base_url="http://localhost:9/v1", concurrency=concurrency
    )
    price_set(s.olga, connection, model="script-1", input=Decimal(input), output=Decimal(output))
    return chat_version(s.olga, s.question, connection, model="script-1", **more)  # type: ignore[arg-type]


@contextmanager
def answering(script: Callable[[Request], Answer]) -> Iterator[ScriptedProvider]:
    """Within it, connections of kind scripted, and of kind OpenAI, answer from the script."""
    provider = ScriptedProvider(script)
    real = providers.PROVIDERS[ProviderName.OPENAI]

    def make(_wanted: providers.Wanted) -> ChatProvider:
        return provider

    providers.PROVIDERS[ProviderName.SCRIPTED] = make
    providers.PROVIDERS[ProviderName.OPENAI] = make
    try:
        yield provider
    finally:
        providers.PROVIDERS.pop(ProviderName.SCRIPTED, None)
        providers.PROVIDERS[ProviderName.OPENAI] = real


def work(run: Run) -> Run:
    """Do a run as the worker would, here."""
    running = job_take(run.job_id)
    assert running is not None
    run_work(running)
    run.job.refresh_from_db()
    return run
