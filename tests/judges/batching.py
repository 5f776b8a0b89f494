"""Judges at an endpoint with a batch lane, and their runs."""

from __future__ import annotations

from django.utils import timezone

from judges.models import Batch, JudgeVersion, Run
from judges.services.connections import connection_add
from judges.services.runs import run_start
from judges.services.versions import chat_version
from tests.judges.batch_endpoint import Lane, OpenAILane
from tests.judges.judging import work
from tests.personas import Story

# A model of the kept list at each vendor, whose batch lane costs half.
MODELS = {"openai": "gpt-4.1-mini", "anthropic": "claude-haiku-4-5"}


def judge_at(s: Story, lane: Lane, **more: object) -> JudgeVersion:
    """A judge at the lane, as if its connection had been tested."""
    provider = "openai" if isinstance(lane, OpenAILane) else "anthropic"
    model = MODELS[provider]
    connection = connection_add(
        s.olga, s.project, name="Lane", provider=provider, base_url=lane.url, key="sk-of-the-tests"
    )
    connection.capabilities = {model: {"temperature": True, "batch": True}}
    connection.save()
    return chat_version(s.olga, s.question, connection, model=model, **more)  # type: ignore[arg-type]


def started(s: Story, version: JudgeVersion, **more: object) -> Run:
    return run_start(s.olga, version, in_batches=True, **more)  # type: ignore[arg-type]


def looked(run: Run) -> Run:
    """Do what is to do once the next look is due."""
    Batch.objects.filter(run=run).update(look_at=timezone.now())
    return work(run)
