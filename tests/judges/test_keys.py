"""A key is sent to its endpoint and is nowhere else to be had: not shown, logged, exported, or kept
in the clear, whatever the endpoint makes of it.
"""

from __future__ import annotations

import base64
import json
import logging
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.core import serializers
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.debug import SafeExceptionReporterFilter

from annotate.models import JobState, WhoCounts
from annotate.services.backup import backup_write
from annotate.services.exports import export_path, export_run, export_start
from annotate.services.jobs import job_take
from judges.models import Connection, ProviderName
from judges.providers.batches import AnthropicBatches, OpenAIBatches
from judges.services.backends import backend_version
from judges.services.connections import connection_add, connection_probe, connection_test
from judges.services.providers import Wanted, backend_of, lane_of, provider_of
from judges.services.runs import run_start
from judges.services.versions import chat_version
from judges.views.connections import connection_new
from tests.api.asking import Api
from tests.judges.judging import work
from tests.judges.providers.endpoint import Answer, Asked, Body, Endpoint
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "zz-7f3a9c/open+sesame=1234"
# As it is, and as it may be written on the way: what anybody could turn back into it.
FORMS = (
    KEY,
    json.dumps(KEY)[1:-1].replace("/", "\\/"),
    quote(KEY, safe=""),
    base64.b64encode(KEY.encode()).decode().rstrip("="),
)
PROVIDERS = (ProviderName.OPENAI, ProviderName.ANTHROPIC, ProviderName.LABEL_STUDIO)


def _chat(text: str) -> Body:
    message = {"role": "assistant", "content": text}
    return {
        "model": f"m-{KEY}",
        "choices": [{"index": 0, "finish_reason": f"stop {KEY}", "message": message}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1},
    }


def _message(text: str) -> Body:
    return {
        "model": f"m-{KEY}",
        "content": [{"type": "text", "text": text}],
        "stop_reason": f"end {KEY}",
        "usage": {"input_tokens": 5, "output_tokens": 1},
    }


def _prediction(text: str) -> Body:
    region = {
        "from_name": "sentiment",
        "type": "choices",
        "value": {"choices": ["Positive"]},
        "text": text,
        "note": KEY,
    }
    return {"results": [{"result": [region]}], "model_version": f"m-{KEY}"}


class Hostile:
    """An endpoint that says its visitor's key wherever it can say anything."""

    def __init__(self) -> None:
        self.fails_with: Answer | None = None
        self.keys: set[str] = set()
        routes: dict[tuple[str, str], Callable[[Asked], Answer]] = {
            ("POST", "/v1/chat/completions"): self._telling(_chat),
            ("POST", "/v1/messages"): self._telling(_message),
            ("POST", "/predict"): self._telling(_prediction),
            ("POST", "/setup"): lambda _: Answer({"model_version": f"m-{KEY}"}),
            ("GET", "/health"): lambda _: Answer({"status": "UP", "model_class": f"c-{KEY}"}),
        }
        self.endpoint = Endpoint(lambda _: Answer(b"", 404), routes)

    def _telling(self, shape: Callable[[str], Body]) -> Callable[[Asked], Answer]:
        def tell(asked: Asked) -> Answer:
            sent = asked.headers.get("x-api-key") or asked.headers.get("authorization", "")
            self.keys.add(sent)
            if self.fails_with is not None:
                return self.fails_with
            answer = {"rationale": f"It says {' '.join(FORMS)}.", "answer": "B", "confidence": 50}
            # Each letter of it escaped, in a reply that is JSON itself.
            hidden = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
            said = json.dumps(answer).replace("It says", f"It says {hidden}")
            return Answer(shape(said), headers={f"X-{FORMS[3]}": KEY})

        return tell

    def url(self, provider: str) -> str:
        base = self.endpoint.url.removesuffix("/v1")
        return self.endpoint.url if provider == ProviderName.OPENAI else base


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    with ExitStack() as stack:
        made = Hostile()
        stack.enter_context(made.endpoint.running())
        yield made


def add(s: Story, hostile: Hostile, provider: str) -> Connection:
    return connection_add(
        s.olga, s.project, name="Mine", base_url=hostile.url(provider), provider=provider, key=KEY
    )


def held(told: str) -> list[str]:
    """The forms of the key that a text holds."""
    return [form for form in FORMS if form in told]


def everything_kept() -> str:
    """All rows of the database, as a backup writes them."""
    models = [m for m in apps.get_models() if m._meta.managed]
    return "".join(serializers.serialize("json", model._default_manager.all()) for model in models)


def everything_shown(s: Story, connection: Connection, run: Any) -> str:
    client = Client()
    assert client.login(username="olga", password=PASSWORD)
    project = s.project.pk
    pages = [
        reverse("connections", args=[project]),
        reverse("connection", args=[project, connection.pk]),
        reverse("connection_probe", args=[project, connection.pk]),
        reverse("judge", args=[project, run.version_id]),
        reverse("run", args=[project, run.pk]),
    ]
    api = Api(s.olga, project)
    paths = ["connections/", f"connections/{connection.pk}/prices/", "judges/", f"runs/{run.pk}/"]
    shown = [client.get(page).content.decode() for page in pages]
    return "".join(shown + [api.get(path).content.decode() for path in paths])


def asked_and_done(s: Story, connection: Connection) -> tuple[Any, Any]:
    """A test of the connection and a run at it: (job of the test, run)."""
    running = job_take(connection_test(s.olga, connection, model="m").pk)
    assert running is not None
    connection_probe(running)
    running.job.refresh_from_db()
    if connection.provider == ProviderName.LABEL_STUDIO:
        version = backend_version(s.olga, s.question, connection)
    else:
        version = chat_version(s.olga, s.question, connection, model="m", ask_rationale=True)
    return running.job, work(run_start(s.olga, version))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_reply_that_echoes_the_key_is_kept_shown_and_exported_without_it(
    hostile: Hostile, provider: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    s = story()
    s.items(["Lovely soup."])
    connection = add(s, hostile, provider)
    with caplog.at_level(logging.DEBUG):
        _job, run = asked_and_done(s, connection)
        exports = [
            export_start(s.olga, s.project, what=what, format="csv", who=WhoCounts.JUDGES)
            for what in ("items", "labels")
        ]
        for export in exports:
            running = job_take(export.pk)
            assert running is not None
            export_run(running)
    # It did get the key, and did say it.
    assert any(KEY in key or FORMS[3] in key for key in hostile.keys)
    assert run.job.result == {"label": 1}
    assert run.calls.get().raw_reply.count("[key]") >= 1
    assert held(everything_kept()) == []
    assert held(everything_shown(s, connection, run)) == []
    assert held(caplog.text) == []
    for export in exports:
        export.refresh_from_db()
        assert export.state == JobState.DONE
        told = export_path(export).read_text(encoding="utf-8")
        assert told.count("\n") > 1
        assert held(told) == []
    archive = tmp_path / "backup.zip"
    backup_write(archive)
    with zipfile.ZipFile(archive) as opened:
        assert (
            held("".join(opened.read(n).decode(errors="replace") for n in opened.namelist())) == []
        )


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [400, 401, 402, 404, 429, 500])
def test_a_refusal_that_echoes_the_key_is_told_without_it(
    hostile: Hostile, provider: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    s = story()
    s.items(["Lovely soup."])
    connection = add(s, hostile, provider)
    said = f"Bad: {' '.join(FORMS)} Bearer {KEY}"
    hostile.fails_with = Answer({"error": {"message": said, "type": f"t-{KEY}"}}, status)
    with caplog.at_level(logging.DEBUG):
        if provider == ProviderName.LABEL_STUDIO:
            version = backend_version(s.olga, s.question, connection)
        else:
            version = chat_version(s.olga, s.question, connection, model="m")
        run = run_start(s.olga, version)
        run.max_attempts = 1
        run.save()
        running = job_take(run.job_id)
        assert running is not None
        with pytest.MonkeyPatch.context() as patch:
            # What is told to wait gives the worker back; here nobody waits.
            patch.setattr("judges.services.run_work.SIT_OUT_SECONDS", 0.0)
            from judges.services.run_work import run_work

            run_work(running)
    assert hostile.keys
    kept = everything_kept()
    assert "The endpoint says: Bad: [key]" in kept or status == 429
    assert held(kept) == []
    assert held(caplog.text) == []
    assert held(everything_shown(s, connection, run)) == []


def test_nothing_that_holds_the_key_tells_it_when_printed(hostile: Hostile) -> None:
    s = story()
    chat = add(s, hostile, ProviderName.OPENAI)
    chat.capabilities = {"m": {"batch": True}}
    chat.save()
    backend = connection_add(
        s.olga,
        s.project,
        name="Backend",
        base_url=hostile.url(ProviderName.LABEL_STUDIO),
        provider=ProviderName.LABEL_STUDIO,
        key=KEY,
    )
    anthropic = connection_add(
        s.olga,
        s.project,
        name="Anthropic",
        base_url=hostile.url(ProviderName.ANTHROPIC),
        provider=ProviderName.ANTHROPIC,
        key=KEY,
    )
    anthropic.capabilities = chat.capabilities
    openai_lane, anthropic_lane = lane_of(chat, "m"), lane_of(anthropic, "m")
    assert isinstance(openai_lane, OpenAIBatches)
    assert isinstance(anthropic_lane, AnthropicBatches)
    assert lane_of(chat, "another") is None
    made = [
        provider_of(chat, "m"),
        provider_of(anthropic, "m"),
        backend_of(backend),
        openai_lane,
        anthropic_lane,
        Wanted(chat, "m", 1.0, None),
        chat,
    ]
    endpoints = [thing._endpoint for thing in made if hasattr(thing, "_endpoint")]
    assert len(endpoints) == 5
    assert {endpoint.api_key for endpoint in endpoints} == {KEY}
    assert held("".join(f"{thing!r} {thing}" for thing in (*made, *endpoints))) == []
    # The vendors' libraries do not know it at all: the transport sends it.
    assert {openai_lane._client.api_key, anthropic_lane._client.api_key} == {"-"}
    openai_lane.close()
    anthropic_lane.close()


def test_a_fault_report_leaves_the_key_out() -> None:
    """Django's own, where an operator has it sent: the form's fields stand in it."""
    s = story()
    request = RequestFactory().post("/", {"name": "Mine", "key": KEY})
    request.user = s.sam
    with pytest.raises(Exception, match="project"):
        connection_new(request, s.project.pk)
    told = SafeExceptionReporterFilter().get_post_parameters(request)
    assert (told["name"], KEY in str(told)) == ("Mine", False)


def test_a_placeholder_that_is_no_secret_stays_in_texts(hostile: Hostile) -> None:
    """Own servers are often given "none" or "ollama", which stand in many a reply."""
    s = story()
    s.items(["Lovely soup."])
    connection = connection_add(
        s.olga, s.project, name="Mine", base_url=hostile.url(ProviderName.OPENAI), key="B"
    )
    run = work(run_start(s.olga, chat_version(s.olga, s.question, connection, model="m")))
    assert '"answer": "B"' in run.calls.get().raw_reply
