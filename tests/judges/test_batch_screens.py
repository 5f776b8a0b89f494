"""The batch lane on the pages of judges and runs, by program and from the shell."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotate.models import Label
from annotate.services.jobs import job_cancel
from judges.models import Batch, Connection, Run
from judges.services.batch_sweeping import batches_sweep
from tests.api.asking import Api
from tests.judges.batch_endpoint import Lane, OpenAILane
from tests.judges.batching import judge_at, looked, started
from tests.judges.judging import scripted_version, work
from tests.judges.providers.endpoint import refusal
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db

Open: TypeAlias = Callable[[Lane], Lane]


@pytest.fixture
def opened() -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda lane: stack.enter_context(lane.running())


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("judges.views.judge", "judges.api.judging"):
        monkeypatch.setattr(f"{module}.job_nudge", lambda job: None)


def rhea(s: Story) -> Client:
    client = Client()
    assert client.login(username=s.rhea.username, password=PASSWORD)
    return client


def shown(client: Client, name: str, *args: int) -> str:
    reply = client.get(reverse(name, args=args))
    assert reply.status_code == 200
    return str(reply.content.decode())


def test_a_lead_chooses_the_batch_lane_and_sees_what_is_handed_in(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    client = rhea(s)

    page = shown(client, "judge", s.project.pk, version.pk)
    assert "In the endpoint’s batch lane" in page
    assert "at 50 % of the price. 2 items: at most $" in page
    address = reverse("judge_run", args=[s.project.pk, version.pk])
    assert client.post(address, {"limit": "2", "in_batches": "on"}).status_code == 302
    run = work(Run.objects.get())
    assert run.in_batches

    page = shown(client, "run", s.project.pk, run.pk)
    assert "2 calls are handed in, 0 answered so far." in page
    assert "batch_1" in page
    assert "every 10s" in page
    lane.end()
    looked(run)
    page = shown(client, "run", s.project.pk, run.pk)
    assert "Stored" in page
    assert "hx-trigger" not in page.partition('id="run-live"')[2].partition(">")[0]


def test_a_judge_without_a_batch_lane_is_not_offered_it_nor_run_in_it(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup."])
    version = scripted_version(s)
    client = rhea(s)
    assert "batch lane" not in shown(client, "judge", s.project.pk, version.pk)
    reply = client.post(
        reverse("judge_run", args=[s.project.pk, version.pk]), {"limit": "1", "in_batches": "on"}
    )
    assert reply.status_code == 422
    assert "was not found to have a batch lane" in reply.content.decode()
    assert not Run.objects.exists()


def test_what_the_endpoint_did_not_take_and_what_is_cancelled_is_told(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup."])
    lane = opened(OpenAILane())
    lane.at_creation = [refusal(429, "The <b>queue</b> is full.")]
    run = work(work(started(s, judge_at(s, lane))))
    page = shown(rhea(s), "run", s.project.pk, run.pk)
    assert "Not taken" in page
    assert "The &lt;b&gt;queue&lt;/b&gt; is full." in page
    job_cancel(s.olga, run.job)
    batches_sweep()
    assert "Being cancelled" in shown(rhea(s), "run", s.project.pk, run.pk)


def test_runs_in_batches_are_started_and_watched_by_program(opened: Open) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    api = Api(s.rhea, s.project.pk)

    at = f"judges/{version.pk}/estimate/"
    whole, half = api.get(at).json(), api.get(at, in_batches="true").json()
    assert float(half["high"]) == pytest.approx(float(whole["high"]) / 2)
    reply = api.post("runs/", {"version": version.pk, "in_batches": True})
    assert reply.status_code == 202
    assert reply.json()["in_batches"] is True
    run = work(Run.objects.get())
    found = api.get(f"runs/{run.pk}/").json()
    assert found["progress"]["sent"] == 2
    (batch,) = found["batches"]
    assert (batch["remote_id"], batch["stage"], batch["n_calls"]) == ("batch_1", "sent", 2)

    Connection.objects.update(capabilities={version.model: {}})
    reply = api.post("runs/", {"version": version.pk, "in_batches": True, "purpose": "audit"})
    assert reply.status_code == 422
    assert "batch lane" in reply.json()["detail"]


def test_the_command_waits_for_a_batch_where_no_worker_does(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    lane = opened(OpenAILane())
    version = judge_at(s, lane)
    slept: list[float] = []

    def hours_pass(seconds: float) -> None:
        slept.append(seconds)
        lane.end()
        Batch.objects.update(look_at=timezone.now())

    monkeypatch.setattr("judges.management.commands.judge_run.time.sleep", hours_pass)
    said = io.StringIO()
    arguments = [str(s.project.pk), "--judge", "Lane", "--model", version.model]
    call_command("judge_run", *arguments, "--batches", "--wait", stdout=said)
    assert "2 calls are handed in, 0 answered so far." in said.getvalue()
    assert "2 labels." in said.getvalue()
    assert Label.objects.count() == 2
    (waited,) = slept
    assert 30 < waited <= 60


def test_the_command_says_why_a_judge_cannot_be_run_in_batches() -> None:
    s = story()
    s.items(["Lovely soup."])
    with pytest.raises(CommandError, match="batch lane"):
        call_command("judge_run", str(s.project.pk), "--judge", "zero-shot", "--batches")
