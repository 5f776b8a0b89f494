"""Judges that are Label Studio ML backends, from the form to the label."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import BadInput
from annotate.models import JobState, Label
from annotate.services.jobs import job_take
from judges.models import Connection, JudgeVersion, ProviderName
from judges.providers.base import ProviderError
from judges.services.backends import backend_version
from judges.services.connections import connection_add, connection_probe, connection_test
from judges.services.providers import backend_of, provider_of
from judges.services.runs import run_start
from tests.api.asking import Api
from tests.judges.judging import scripted_connection, work
from tests.judges.providers.endpoint import Answer, Asked, Endpoint
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db


class Backend:
    """A backend that has learnt to tell praise from the rest, and may learn on."""

    def __init__(self) -> None:
        self.version = "v1"
        self.choices = {"praise": ("Positive", 0.9), "odd": ("Splendid", 0.8)}
        self.endpoint = Endpoint(
            lambda _: Answer(b"", 404),
            {
                ("GET", "/health"): lambda _: Answer({"status": "UP", "model_class": "Mood"}),
                ("POST", "/setup"): lambda _: Answer({"model_version": self.version}),
                ("POST", "/predict"): self.predict,
            },
        )

    @property
    def url(self) -> str:
        return self.endpoint.url.removesuffix("/v1")

    def predict(self, asked: Asked) -> Answer:
        text = asked.body["tasks"][0]["data"]["text"]
        found = next((said for word, said in self.choices.items() if word in text), None)
        choice, score = found or ("Negative", None)
        region = {
            "from_name": "sentiment",
            "to_name": "text",
            "type": "choices",
            "value": {"choices": [choice]},
        }
        prediction = {"result": [region]} | ({} if score is None else {"score": score})
        return Answer({"results": [prediction], "model_version": self.version})


@pytest.fixture
def backend() -> Iterator[Backend]:
    with ExitStack() as stack:
        made = Backend()
        stack.enter_context(made.endpoint.running())
        yield made


def connected(s: Story, backend: Backend) -> Connection:
    return connection_add(
        s.olga,
        s.project,
        name="Mood model",
        base_url=backend.url,
        provider=ProviderName.LABEL_STUDIO,
    )


def test_a_backend_s_scores_become_labels_with_their_confidence(backend: Backend) -> None:
    s = story()
    s.items(["praise", "cold soup", "odd"])
    version = backend_version(s.rhea, s.question, connected(s, backend))
    assert (version.model, str(version)) == ("v1", "Mood model v1 v1")

    run = work(run_start(s.rhea, version))

    assert run.job.result == {"label": 2, "unparseable": 1}
    labels = Label.objects.filter(rater=version.rater).order_by("item__external_id")
    assert list(labels.values_list("choice", "confidence", "confidence_source")) == [
        (0, 0.9, "score"),
        (1, None, ""),
    ]
    odd = run.calls.get(outcome="unparseable")
    assert "none of Positive" in odd.error
    assert set(run.calls.values_list("model_reported", flat=True)) == {"v1"}
    assert len(set(run.calls.values_list("request_hash", flat=True))) == 3
    assert not any("token" in str(asked.body) for asked in backend.endpoint.asked[2:])


def test_what_it_learnt_meanwhile_is_another_judge(backend: Backend) -> None:
    s = story()
    s.items(["praise", "cold soup"])
    connection = connected(s, backend)
    first = backend_version(s.rhea, s.question, connection)
    assert backend_version(s.rhea, s.question, connection) == first
    run = run_start(s.rhea, first)
    backend.version = "v2"

    done = work(run)

    assert done.job.state == JobState.PAUSED
    assert "which now has “v2”" in done.job.message
    assert not Label.objects.filter(rater=first.rater).exists()
    second = backend_version(s.rhea, s.question, connection)
    assert second != first
    assert work(run_start(s.rhea, second)).job.result == {"label": 2}


def test_one_that_learns_on_in_the_middle_of_a_run_stops_it(backend: Backend) -> None:
    s = story()
    s.items(["praise"])
    version = backend_version(s.rhea, s.question, connected(s, backend))
    predict = backend.predict

    def learns(asked: Asked) -> Answer:
        backend.version = "v2"
        return predict(asked)

    backend.endpoint.routes["POST", "/predict"] = learns
    done = work(run_start(s.rhea, version))
    assert done.job.state == JobState.PAUSED
    assert "now answers as version “v2”" in done.job.message


def test_texts_that_stay_here_are_not_sent_to_a_backend_elsewhere() -> None:
    s = story()
    s.items(["praise"])
    connection = connection_add(
        s.olga,
        s.project,
        name="Elsewhere",
        base_url="https://mood.example.org",
        provider=ProviderName.LABEL_STUDIO,
    )
    with pytest.raises(ProviderError, match="keeps its data on this machine"):
        backend_version(s.rhea, s.question, connection)


def test_testing_a_backend_asks_no_model_and_sends_no_item(backend: Backend) -> None:
    s = story()
    s.items(["A secret item."])
    connection = connected(s, backend)
    running = job_take(connection_test(s.olga, connection, model="").pk)
    assert running is not None
    connection_probe(running)
    running.job.refresh_from_db()
    connection.refresh_from_db()
    assert running.job.state == JobState.DONE
    assert connection.capabilities == {"Mood": {"labels": True}}
    assert [asked.path for asked in backend.endpoint.asked] == ["/health"]


def test_words_and_labels_are_not_asked_of_each_other(backend: Backend) -> None:
    s = story()
    with pytest.raises(ProviderError, match="no provider of that kind"):
        provider_of(connected(s, backend), "m")
    in_words = scripted_connection(s)
    with pytest.raises(ProviderError, match="no backend that gives labels"):
        backend_of(in_words)
    with pytest.raises(BadInput):
        backend_version(s.rhea, s.question, in_words)


def test_a_backend_becomes_a_judge_in_the_browser_and_by_the_api(backend: Backend) -> None:
    s = story()
    s.items(["praise"])
    client = Client()
    assert client.login(username="olga", password=PASSWORD)
    added = client.post(
        reverse("connection_new", args=[s.project.pk]),
        {
            "preset": "label_studio",
            "name": "Mood model",
            "base_url": backend.url,
            "concurrency": "2",
            "timeout_seconds": "60",
        },
        follow=True,
    )
    shown = added.content.decode()
    assert "Label Studio ML backend" in shown
    assert "What its models cost" not in shown
    connection = Connection.objects.get()
    assert connection.provider == ProviderName.LABEL_STUDIO

    made = client.post(
        reverse("judge_new", args=[s.project.pk]),
        {"question": s.question.pk, "how": f"backend-{connection.pk}"},
    )
    version = JudgeVersion.objects.get()
    assert made["Location"] == reverse("judge", args=[s.project.pk, version.pk])
    page = client.get(made["Location"])
    assert "the backend Mood model" in page.content.decode()
    api = Api(s.rhea, s.project.pk)
    asked: dict[str, Any] = {"question": "sentiment", "how": "connection"}
    same = api.post("judges/", {**asked, "connection": connection.pk}).json()
    assert (same["id"], same["provider"]) == (version.pk, "label_studio")


def test_a_backend_that_is_not_there_is_told_in_the_form() -> None:
    s = story()
    s.items(["praise"])
    gone = connection_add(
        s.olga,
        s.project,
        name="Gone",
        base_url="http://127.0.0.1:9",
        provider=ProviderName.LABEL_STUDIO,
    )
    client = Client()
    assert client.login(username="rhea", password=PASSWORD)
    reply = client.post(
        reverse("judge_new", args=[s.project.pk]),
        {"question": s.question.pk, "how": f"backend-{gone.pk}"},
    )
    assert reply.status_code == 422
    assert "cannot be reached" in reply.content.decode()
    api = Api(s.rhea, s.project.pk)
    wanted = {"question": "sentiment", "how": "connection", "connection": gone.pk}
    assert api.post("judges/", wanted).status_code == 409
