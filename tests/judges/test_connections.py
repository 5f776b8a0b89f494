"""Connections: keys that nobody sees, addresses, what comes with Concord, testing one."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core import serializers
from django.test import Client

from annotate.errors import BadInput, Conflict
from annotate.models import Event, JobState
from annotate.services.jobs import job_take
from judges.models import Connection, ProviderName
from judges.providers.base import ProviderError
from judges.services.addresses import address_leaves
from judges.services.connections import (
    connection_add,
    connection_edit,
    connection_local,
    connection_probe,
    connection_remove,
    connection_test,
)
from judges.services.keys import key_of
from judges.services.providers import provider_of
from judges.services.runs import run_start
from judges.services.versions import chat_version
from tests.judges.judging import work
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db

KEY = "sk-open-sesame-7f3a9c"


class Endpoint(ThreadingHTTPServer):
    """An endpoint on this machine that knows one key and one model."""

    daemon_threads = True

    def __init__(self) -> None:
        self.keys: list[str | None] = []
        super().__init__(("127.0.0.1", 0), Answers)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Answers(BaseHTTPRequestHandler):
    server: Endpoint

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.keys.append(self.headers["authorization"])
        if self.headers["authorization"] != f"Bearer {KEY}":
            said = f"Incorrect API key provided: {self.headers['authorization']}"
            self._send(401, {"error": {"message": said}})
            return
        message = {"role": "assistant", "content": "B"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 50, "completion_tokens": 1}
        self._send(200, {"model": "m-2026", "choices": [choice], "usage": usage})

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def add(s: Story, base_url: str = "https://api.example.org/v1", **more: Any) -> Connection:
    return connection_add(s.olga, s.project, **{"name": "Mine", "base_url": base_url, **more})


def login(person: Any) -> Client:
    client = Client()
    assert client.login(username=person.username, password=PASSWORD)
    return client


def test_a_typed_key_is_kept_encrypted_and_comes_back_only_to_be_sent() -> None:
    s = story()
    connection = add(s, key=f"  {KEY}\n")
    row = Connection.objects.get()
    assert KEY not in serializers.serialize("json", [row])
    assert key_of(row) == KEY
    again = add(s, name="Other", key=KEY)
    assert again.key_encrypted != connection.key_encrypted
    assert KEY not in repr(list(Event.objects.values("verb", "detail", "target")))
    assert KEY not in repr(provider_of(row, "m"))


def test_a_key_kept_under_another_secret_pauses_with_a_sentence(settings: Any) -> None:
    s = story()
    connection = add(s, key=KEY)
    settings.SECRET_KEY = "x" * 60
    with pytest.raises(ProviderError, match="Enter the key again") as caught:
        key_of(connection)
    assert caught.value.concerns == "judge"


def test_field_key_outlives_a_change_of_the_signing_secret(settings: Any) -> None:
    s = story()
    settings.FIELD_KEY = "f" * 50
    connection = add(s, key=KEY)
    settings.SECRET_KEY = "y" * 60
    assert key_of(connection) == KEY


def test_a_key_may_stay_in_the_environment_but_no_other_secret_of_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s = story()
    connection = add(s, key_variable="MINE_API_KEY")
    with pytest.raises(ProviderError, match="MINE_API_KEY is not set"):
        key_of(connection)
    monkeypatch.setenv("MINE_API_KEY", KEY)
    assert key_of(connection) == KEY
    for name in ("SECRET_KEY", "DATABASE_URL", "API_KEY_FILE", "mine_api_key", "A B_API_KEY"):
        with pytest.raises(BadInput):
            add(s, name=name, key_variable=name)
    with pytest.raises(BadInput, match="not both"):
        add(s, name="Both", key=KEY, key_variable="MINE_API_KEY")


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org",
        "file:///etc/passwd",
        "example.org/v1",
        "http://",
        "https://key@example.org/v1",
        "https://example.org/v1?key=1",
        "https://example.org:port/v1",
        "https://exa mple.org",
        "javascript:alert(1)",
        "https://example.org/" + "x" * 500,
    ],
)
def test_an_address_that_is_no_plain_web_address_is_refused(address: str) -> None:
    with pytest.raises(BadInput, match="must start with http"):
        add(story(), address)


@pytest.mark.parametrize(
    ("address", "leaves"),
    [
        ("http://127.0.0.1:8000/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://localhost/v1", False),
        ("http://192.168.1.5/v1", True),
        ("https://api.example.org/v1", True),
        ("http://localhost.example.org/v1", True),
        ("http://127.0.0.1.example.org/v1", True),
    ],
)
def test_only_what_stays_on_this_machine_counts_as_staying(
    address: str, leaves: bool, settings: Any
) -> None:
    settings.JUDGE_PRIVATE_HOSTS = [*settings.JUDGE_PRIVATE_HOSTS, "192.168.1.0/24"]
    assert address_leaves(address) is leaves
    assert add(story(), address).leaves_machine is leaves


def test_a_key_goes_to_the_address_it_was_entered_for_and_no_other() -> None:
    s = story()
    connection = add(s, key=KEY)
    fields = {"name": "Mine", "concurrency": 3, "timeout_seconds": 9}
    with pytest.raises(BadInput, match="Enter it again"):
        connection_edit(s.olga, connection, base_url="https://evil.example.org/v1", **fields)
    kept = connection_edit(s.olga, connection, base_url=connection.base_url, **fields)
    assert (key_of(kept), kept.concurrency) == (KEY, 3)
    moved = connection_edit(
        s.olga, connection, base_url="http://127.0.0.1:1/v1", key="new", **fields
    )
    assert (key_of(moved), moved.leaves_machine) == ("new", False)
    gone = connection_edit(s.olga, moved, base_url=moved.base_url, forget_key=True, **fields)
    assert (key_of(gone), gone.key_encrypted) == ("", "")


def test_an_address_that_judges_were_made_with_stays_and_so_does_its_connection() -> None:
    s = story()
    connection = add(s)
    chat_version(s.olga, s.question, connection, model="m")
    with pytest.raises(Conflict, match="so it stays"):
        connection_edit(s.olga, connection, name="Mine", base_url="https://other.example.org/v1")
    with pytest.raises(Conflict, match="stays as their record"):
        connection_remove(s.olga, connection)
    unused = add(s, name="Unused")
    connection_remove(s.olga, unused)
    assert not Connection.objects.filter(name="Unused").exists()


def test_the_local_judges_need_nobody_to_connect_them(settings: Any) -> None:
    s = story()
    first = connection_local(s.rhea, s.project, ProviderName.LOCAL_CLASSIFIER)
    assert first == connection_local(s.olga, s.project, ProviderName.LOCAL_CLASSIFIER)
    assert not first.leaves_machine
    with pytest.raises(Conflict, match="--local-llm"):
        connection_local(s.olga, s.project, ProviderName.LOCAL_LLM)
    settings.LOCAL_LLM_URL = "http://127.0.0.1:9/v1"
    assert not connection_local(s.olga, s.project, ProviderName.LOCAL_LLM).leaves_machine


def test_testing_a_connection_says_what_it_can_do_and_sends_no_item(endpoint: Endpoint) -> None:
    s = story()
    s.items(["A secret item."])
    connection = add(s, endpoint.address, key=KEY)
    running = job_take(connection_test(s.olga, connection, model="m").pk)
    assert running is not None
    connection_probe(running)
    running.job.refresh_from_db()
    assert running.job.state == JobState.DONE
    connection.refresh_from_db()
    assert connection.capabilities["m"]["logprobs"] is False
    assert set(endpoint.keys) == {f"Bearer {KEY}"}
    assert len(endpoint.keys) <= 8


def test_a_refused_key_is_told_without_the_key_anywhere(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    s = story()
    s.items(["Lovely soup."])
    wrong = "sk-not-this-one-1234567"
    connection = add(s, endpoint.address, key=wrong)
    with caplog.at_level(logging.DEBUG):
        running = job_take(connection_test(s.olga, connection, model="m").pk)
        assert running is not None
        connection_probe(running)
        run = work(run_start(s.olga, chat_version(s.olga, s.question, connection, model="m")))
    running.job.refresh_from_db()
    assert running.job.state == JobState.FAILED
    assert "refuses the key" in running.job.message
    assert run.job.state == JobState.PAUSED
    client = login(s.olga)
    pages = [
        client.get(f"/projects/{s.project.pk}/connections/"),
        client.get(f"/projects/{s.project.pk}/connections/{connection.pk}/"),
        client.get(f"/projects/{s.project.pk}/connections/{connection.pk}/tested/"),
        client.get(f"/projects/{s.project.pk}/runs/{run.pk}/"),
        client.get(f"/projects/{s.project.pk}/judges/{run.version_id}/"),
    ]
    assert [page.status_code for page in pages] == [200] * 5
    shown = "".join(page.content.decode() for page in pages)
    assert "refuses the key" in shown
    told = shown + running.job.message + run.job.message + caplog.text
    assert wrong not in told
    assert wrong[3:] not in told


def test_a_run_over_a_real_endpoint_once_the_key_is_right(endpoint: Endpoint) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    connection = add(s, endpoint.address, key=KEY)
    run = work(run_start(s.olga, chat_version(s.olga, s.question, connection, model="m")))
    assert run.job.result == {"label": 2}
    assert set(run.calls.values_list("choice", "model_reported", "tokens_in")) == {
        (1, "m-2026", 50)
    }
    # What it can do was found out before the first item and kept.
    connection.refresh_from_db()
    assert "m" in connection.capabilities
