"""manage.py judge_run and fetch_model, and the language model served on this machine."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotate.models import JobState
from judges.models import Connection, JudgeVersion, Run
from judges.services.runs import run_start
from judges.services.versions import chat_version
from tests.judges.judging import work
from tests.personas import SENTIMENT, STARS, story

pytestmark = pytest.mark.django_db


def command(*arguments: Any) -> str:
    said = io.StringIO()
    call_command(*arguments, stdout=said)
    return said.getvalue()


def test_a_run_from_the_command_line_waits_and_says_what_came_of_it() -> None:
    s = story()
    s.items(["Praise for the cook.", "A complaint, even a mild one."])
    said = command("judge_run", s.project.name, "--judge", "zero-shot", "--limit", "5", "--wait")
    assert "over 2 items" in said
    assert "2 labels." in said
    run = Run.objects.get()
    assert (run.job.state, run.created_by) == (JobState.DONE, s.olga)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "--judge", "zero-shot"], "no project 'nowhere'"),
        (["Restaurant reviews", "--judge", "zero-shot"], "sentiment, stars"),
        (["Restaurant reviews", "--judge", "gpt", "--question", "stars"], "no connection 'gpt'"),
        (["Restaurant reviews", "--judge", "trained", "--question", "stars"], "needs 10"),
        (["Restaurant reviews", "--judge", "local-llm", "--question", "stars"], "--local-llm"),
        (["Restaurant reviews", "--judge", "zero-shot", "--user", "eve"], "no account"),
    ],
)
def test_a_mistake_at_the_command_line_is_said_in_a_sentence(
    arguments: list[str], said: str
) -> None:
    story(questions=(SENTIMENT, STARS))
    with pytest.raises(CommandError, match=said):
        command("judge_run", *arguments)
    assert not Run.objects.exists()


def test_a_model_of_ones_own_is_taken_and_what_is_none_is_refused(
    tmp_path: Path, settings: Any
) -> None:
    settings.MODEL_DIR = tmp_path / "models"
    assert "Apache-2.0" in command("fetch_model", "--list")
    with pytest.raises(CommandError, match="no model 'gpt'"):
        command("fetch_model", "gpt")
    nothing = tmp_path / "nothing.gguf"
    nothing.write_bytes(b"<html>")
    with pytest.raises(CommandError, match="not a GGUF file"):
        command("fetch_model", "--file", nothing)
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF" + bytes(100))
    assert "not in Concord's table" in command("fetch_model", "--file", own)
    assert (settings.MODEL_DIR / "own.gguf").exists()


class Served(BaseHTTPRequestHandler):
    """A local language model whose name can be changed under a judge's feet."""

    name = "small-1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._send({"data": [{"id": Served.name}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        message = {"role": "assistant", "content": "A"}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        self._send({"model": Served.name, "choices": [choice]})

    def _send(self, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        allowed = self.headers["authorization"] == "Bearer local-key"
        self.send_response(200 if allowed else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def local_llm(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings.LOCAL_LLM_URL = f"http://127.0.0.1:{server.server_port}/v1"
        settings.LOCAL_LLM_KEY = "local-key"
        monkeypatch.setattr(Served, "name", "small-1")
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("local_llm")
def test_the_model_served_here_is_a_judge_without_key_and_address() -> None:
    s = story()
    s.items(["Lovely soup."])
    said = command("judge_run", s.project.pk, "--judge", "local-llm", "--wait")
    assert "1 label." in said
    version = JudgeVersion.objects.get()
    assert (version.model, version.name) == ("small-1", "small-1")
    assert Connection.objects.get().base_url == ""


@pytest.mark.usefixtures("local_llm")
def test_another_model_served_meanwhile_does_not_answer_in_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    command("judge_run", s.project.pk, "--judge", "local-llm", "--limit", "1", "--wait")
    version = JudgeVersion.objects.get()
    monkeypatch.setattr(Served, "name", "large-2")
    run = work(run_start(s.olga, version))
    assert run.job.state == JobState.PAUSED
    assert "now large-2 is served" in run.job.message
    assert run.calls.filter(state="waiting").count() == 1
    other = chat_version(s.olga, s.question, version.connection, model="large-2")
    assert other.hash != version.hash
