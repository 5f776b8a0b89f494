"""An owner cannot send this server into the network it stands in, when saving or when asking."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import BadInput
from annotate.models import JobState
from annotate.services.jobs import job_take
from config.checks import private_hosts_make_sense
from judges.models import CONNECTED, Connection
from judges.services.connections import (
    connection_add,
    connection_edit,
    connection_probe,
    connection_test,
)
from judges.services.runs import run_start
from judges.services.versions import chat_version
from tests.judges.judging import work
from tests.judges.providers.endpoint import Endpoint, completion
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db

INSIDE = ["http://10.1.2.3/v1", "http://169.254.169.254/latest", "http://[fd00:ec2::254]/"]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with ExitStack() as stack:
        yield stack.enter_context(Endpoint(lambda _: completion("A")).running())


def add(s: Story, url: str, **more: Any) -> Connection:
    return connection_add(s.olga, s.project, **{"name": "Mine", "base_url": url, **more})


@pytest.mark.parametrize("url", INSIDE)
@pytest.mark.parametrize("provider", CONNECTED)
def test_a_private_address_is_refused_when_it_is_entered(url: str, provider: str) -> None:
    s = story()
    with pytest.raises(BadInput, match="JUDGE_PRIVATE_HOSTS") as caught:
        add(s, url, provider=provider)
    assert "base_url" in caught.value.detail["fields"]
    kept = add(s, "https://api.example.org/v1", provider=provider)
    fields = {"name": "Mine", "concurrency": 1, "timeout_seconds": 9}
    with pytest.raises(BadInput, match="JUDGE_PRIVATE_HOSTS"):
        connection_edit(s.olga, kept, base_url=url, **fields)
    assert Connection.objects.get().base_url == "https://api.example.org/v1"


def test_in_production_this_machine_is_private_too(settings: Any) -> None:
    s = story()
    assert add(s, "http://localhost:11434/v1").leaves_machine is False
    settings.JUDGE_PRIVATE_HOSTS = []
    with pytest.raises(BadInput, match="private network"):
        add(s, "http://localhost:11434/v1", name="Other")


def test_the_operator_allows_a_network(settings: Any) -> None:
    settings.JUDGE_PRIVATE_HOSTS = ["10.1.0.0/16"]
    assert add(story(), INSIDE[0]).leaves_machine


def test_what_was_saved_while_it_was_allowed_is_refused_when_it_is_asked(
    endpoint: Endpoint, settings: Any
) -> None:
    s = story()
    s.items(["Lovely soup."])
    connection = add(s, endpoint.url)
    version = chat_version(s.olga, s.question, connection, model="m")
    settings.JUDGE_PRIVATE_HOSTS = []

    running = job_take(connection_test(s.olga, connection, model="m").pk)
    assert running is not None
    connection_probe(running)
    running.job.refresh_from_db()
    assert running.job.state == JobState.FAILED
    assert "private network" in running.job.message
    run = work(run_start(s.olga, version))
    assert run.job.state == JobState.PAUSED
    assert "JUDGE_PRIVATE_HOSTS" in run.job.message
    assert endpoint.asked == []


def test_a_name_that_turns_inwards_after_it_was_saved_is_refused_when_it_is_asked(
    endpoint: Endpoint, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding, from the form to the run."""
    settings.JUDGE_PRIVATE_HOSTS = []
    where = ["8.8.8.8"]
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host == "rebound.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (where[0], port))]
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    s = story()
    s.items(["Lovely soup."])
    s.project.data_may_leave = True
    s.project.save()
    connection = add(s, endpoint.url.replace("127.0.0.1", "rebound.example"))
    where[0] = "127.0.0.1"
    run = work(run_start(s.olga, chat_version(s.olga, s.question, connection, model="m")))
    assert run.job.state == JobState.PAUSED
    assert "private network" in run.job.message
    assert endpoint.asked == []


def test_the_form_says_why_and_keeps_what_was_entered() -> None:
    s = story()
    client = Client()
    assert client.login(username="olga", password=PASSWORD)
    entered = {"name": "Mine", "base_url": INSIDE[0], "concurrency": "2", "timeout_seconds": "60"}
    reply = client.post(reverse("connection_new", args=[s.project.pk]), entered)
    assert reply.status_code == 422
    shown = reply.content.decode()
    assert INSIDE[0] in shown
    assert "does not reach it" in shown
    assert not Connection.objects.exists()


# --- Presets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preset", "provider", "address"),
    [
        ("openai", "openai", "https://api.openai.com/v1"),
        ("anthropic", "anthropic", "https://api.anthropic.com"),
        ("openrouter", "openai", "https://openrouter.ai/api/v1"),
        ("ollama", "openai", "http://localhost:11434/v1"),
        ("vllm", "openai", "http://localhost:8000/v1"),
        ("llama_cpp", "openai", "http://localhost:8080/v1"),
        ("label_studio", "label_studio", "http://localhost:9090"),
    ],
)
def test_a_preset_brings_its_address(
    preset: str, provider: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host != "localhost":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))]
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    s = story()
    client = Client()
    assert client.login(username="olga", password=PASSWORD)
    url = reverse("connection_new", args=[s.project.pk])
    assert address in client.get(url).content.decode()
    entered = {"preset": preset, "name": "Mine", "concurrency": "2", "timeout_seconds": "60"}
    assert client.post(url, entered).status_code == 302
    connection = Connection.objects.get()
    assert (connection.provider, connection.base_url) == (provider, address)


@pytest.mark.parametrize("entered", [{"preset": "other"}, {}, {"preset": "nonsense"}])
def test_without_a_preset_s_address_one_has_to_be_entered(entered: dict[str, str]) -> None:
    s = story()
    client = Client()
    assert client.login(username="olga", password=PASSWORD)
    more = {"name": "Mine", "concurrency": "2", "timeout_seconds": "60"}
    reply = client.post(reverse("connection_new", args=[s.project.pk]), {**entered, **more})
    assert reply.status_code == 422
    assert not Connection.objects.exists()


# --- What an operator may have mistyped ---------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "production", "found"),
    [
        (["127.0.0.0/8", "vllm.internal"], False, []),
        ([], True, []),
        (["10.0.0.1/8", "http://vllm"], True, ["concord.E008", "concord.E008"]),
        (["0.0.0.0/0"], True, ["concord.W009"]),
        (["::/0"], False, []),
    ],
)
def test_a_mistake_in_the_setting_is_named(
    settings: Any, hosts: list[str], production: bool, found: list[str]
) -> None:
    settings.JUDGE_PRIVATE_HOSTS = hosts
    settings.PRODUCTION = production
    assert [said.id for said in private_hosts_make_sense(None)] == found
