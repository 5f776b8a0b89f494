"""The judges' screens: who may open them, what they teach, what they do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import JobState, RaterKind
from annotate.services.projects import project_archive
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from judges.models import Connection, JudgeVersion, Run
from judges.services.runs import run_start
from judges.views.run_shown import seconds_said
from tests.judges.judging import answering, by_words, scripted_version, work
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db


def login(person: Any) -> Client:
    client = Client()
    assert client.login(username=person.username, password=PASSWORD)
    return client


def page(client: Client, name: str, *args: int, **more: Any) -> str:
    reply = client.get(reverse(name, args=args), **more)
    assert reply.status_code == 200
    return str(reply.content.decode())


def done_run(s: Story) -> Run:
    with answering(by_words):
        return work(run_start(s.olga, scripted_version(s, ask_rationale=False)))


def test_judges_stand_in_one_table_whether_run_here_or_imported() -> None:
    s = story()
    first, second = s.items(["Lovely soup.", "Cold soup."])
    for rater, kind in (("person one", RaterKind.PERSON), ("gpt-x", RaterKind.JUDGE)):
        imported = rater_imported(s.project, name=rater, kind=kind)
        for item in (first, second):
            submission_submit(imported, item, answers=s.answer(0), client_key=str(item.pk))
    run = done_run(s)
    shown = page(login(s.rhea), "judges", s.project.pk)
    assert "gpt-x" in shown
    assert "script-1 v1" in shown
    assert "imported" in shown
    assert "person one" not in shown
    # The script agrees with the one person on one of two, the import on both.
    assert re.findall(r'interval__value">\s*([.\d]+)\s*<', shown) == ["1", ".50"]
    assert reverse("run", args=[s.project.pk, run.pk]) in shown


def test_empty_pages_say_what_comes_and_have_the_button_that_begins_it() -> None:
    s = story()
    client = login(s.rhea)
    shown = page(client, "judges", s.project.pk)
    assert "No judge yet" in shown
    assert reverse("judge_new", args=[s.project.pk]) in shown
    assert "fetch_model" in page(client, "judge_new", s.project.pk)
    assert "An owner of this project can add one" in page(client, "connections", s.project.pk)


def test_making_a_classifier_and_running_it_from_the_browser() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    client = login(s.rhea)
    made = client.post(
        reverse("judge_new", args=[s.project.pk]),
        {"question": s.question.pk, "how": "zero_shot"},
    )
    version = JudgeVersion.objects.get()
    assert made["Location"] == reverse("judge", args=[s.project.pk, version.pk])
    assert "2 items are not labelled by it yet" in page(client, "judge", s.project.pk, version.pk)
    started = client.post(
        reverse("judge_run", args=[s.project.pk, version.pk]), {"limit": "1"}, follow=True
    )
    run = Run.objects.get()
    assert run.job.total == 1
    assert "every 1s" in started.content.decode()
    work(run)
    again = client.get(reverse("run", args=[s.project.pk, run.pk]), headers={"HX-Request": "true"})
    live = again.content.decode()
    assert "<h1" not in live
    assert "every 1s" not in live
    assert "1 of 1" in live


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"how": "trained"}, "needs 10"),
        ({"how": "local_llm"}, "is not one of the available choices"),
        ({"how": "connection-999"}, "is not one of the available choices"),
        ({"how": "zero_shot", "question": "999"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_made_is_said_and_the_form_comes_back(
    entered: dict[str, str], said: str
) -> None:
    s = story()
    reply = login(s.olga).post(
        reverse("judge_new", args=[s.project.pk]), {"question": s.question.pk, **entered}
    )
    assert reply.status_code == 422
    assert said in reply.content.decode()
    assert not JudgeVersion.objects.exists()


def test_pausing_resuming_and_cancelling_a_run() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    run = run_start(s.olga, scripted_version(s))
    client = login(s.rhea)

    def steer(verb: str, **more: Any) -> Any:
        return client.post(reverse("run_steer", args=[s.project.pk, run.pk, verb]), **more)

    paused = steer("pause", headers={"HX-Request": "true"})
    assert (paused["HX-Retarget"], paused.status_code) == ("#run-live", 200)
    assert "Resume" in paused.content.decode()
    assert steer("pause").status_code == 409
    assert steer("resume").status_code == 302
    assert steer("cancel").status_code == 302
    assert steer("explode").status_code == 404
    run.job.refresh_from_db()
    assert run.job.state == JobState.CANCELLED


def test_texts_of_others_are_shown_as_text() -> None:
    s = story()
    nasty = "<script>alert(1)</script>"
    s.items([nasty])
    with answering(lambda _: f"{nasty} nonsense"):
        run = work(run_start(s.olga, scripted_version(s, system=nasty)))
    client = login(s.olga)
    shown = page(client, "run", s.project.pk, run.pk) + page(
        client, "judge", s.project.pk, run.version_id
    )
    assert nasty not in shown
    assert shown.count("&lt;script&gt;alert(1)&lt;/script&gt; nonsense") == 2


def test_a_key_typed_into_the_browser_never_comes_back() -> None:
    s = story()
    client = login(s.olga)
    entered = {
        "name": "Mine",
        "base_url": "not an address",
        "key": "sk-sesame-42",
        "concurrency": "2",
        "timeout_seconds": "60",
    }
    url = reverse("connection_new", args=[s.project.pk])
    refused = client.post(url, entered)
    assert refused.status_code == 422
    assert "sk-sesame" not in refused.content.decode()
    added = client.post(url, {**entered, "base_url": "https://e.example.org/v1"}, follow=True)
    assert "A key is kept" in added.content.decode()
    assert "sk-sesame" not in added.content.decode()
    assert Connection.objects.get().created_by == s.olga


# What each person gets: owner, reviewer, annotator, viewer, stranger.
PEOPLE = ("olga", "rhea", "ana", "vic", "sam")
LEADS_ONLY = (200, 200, 403, 403, 404)
OWNERS_ONLY = (200, 403, 403, 403, 404)
PAGES = {
    "judges": LEADS_ONLY,
    "judge_new": LEADS_ONLY,
    "judge": LEADS_ONLY,
    "run": LEADS_ONLY,
    "connections": LEADS_ONLY,
    "connection_new": OWNERS_ONLY,
    "connection": OWNERS_ONLY,
    "connection_probe": OWNERS_ONLY,
    "connection_drop": OWNERS_ONLY,
}
POSTS = {
    "judge_run": (302, 302, 403, 403, 404),
    "run_steer": (302, 302, 403, 403, 404),
    "connection_try": (302, 403, 403, 403, 404),
}


def _arguments(s: Story, name: str, run: Run) -> list[Any]:
    connection = run.version.connection_id
    return {
        "judge": [run.version_id],
        "judge_run": [run.version_id],
        "run": [run.pk],
        "run_steer": [run.pk, "cancel"],
        "connection": [connection],
        "connection_probe": [connection],
        "connection_drop": [connection],
        "connection_try": [connection],
    }.get(name, [])


@pytest.mark.parametrize("name", [*PAGES, *POSTS])
def test_who_may_open_what(name: str) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    version = scripted_version(s)
    got = []
    for person in PEOPLE:
        Run.objects.all().delete()
        run = run_start(s.olga, version, selection={"strategy": "random", "limit": 1})
        if name == "judge_run":
            run.delete()
        url = reverse(name, args=[s.project.pk, *_arguments(s, name, run)])
        client = login(getattr(s, person))
        data = {"limit": "1", "model": "m"}
        reply = client.get(url) if name in PAGES else client.post(url, data)
        got.append(reply.status_code)
    assert tuple(got) == {**PAGES, **POSTS}[name]


def test_what_belongs_to_another_project_is_not_there() -> None:
    s = story()
    s.items(["Lovely soup."])
    run = run_start(s.olga, scripted_version(s))
    from annotate.services.projects import project_create

    other = project_create(s.olga, name="Other")
    client = login(s.olga)
    for name in ("judge", "run", "connection"):
        url = reverse(name, args=[other.pk, *_arguments(s, name, run)])
        assert client.get(url).status_code == 404


def test_an_archived_project_is_seen_but_not_run() -> None:
    s = story()
    s.items(["Lovely soup."])
    version = scripted_version(s)
    project_archive(s.olga, s.project)
    client = login(s.olga)
    assert client.get(reverse("judge", args=[s.project.pk, version.pk])).status_code == 200
    started = client.post(reverse("judge_run", args=[s.project.pk, version.pk]), {"limit": "1"})
    assert started.status_code == 403
    assert not Run.objects.exists()


def test_a_free_judge_does_not_tell_that_each_label_cost_nothing() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    run = done_run(s)
    client = login(s.rhea)
    assert "$0" not in page(client, "run", s.project.pk, run.pk)
    assert "$0" not in page(client, "judge", s.project.pk, run.version_id)
    assert "$0" not in page(client, "judges", s.project.pk)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.004, "under 0.1 s"), (0.44, "0.4 s"), (9.94, "9.9 s"), (41.2, "41 s")]
)
def test_a_short_time_is_never_no_time(seconds: float, said: str) -> None:
    assert seconds_said(seconds) == said


@pytest.mark.parametrize(
    ("entered", "name"),
    [
        ({"preset": "ollama"}, "Ollama"),
        ({"preset": "other", "base_url": "http://localhost:9/v1"}, "localhost:9"),
        ({"preset": "ollama", "name": "Mine"}, "Mine"),
    ],
)
def test_a_connection_needs_no_name_of_its_own(entered: dict[str, str], name: str) -> None:
    s = story()
    url = reverse("connection_new", args=[s.project.pk])
    sent = {"concurrency": "2", "timeout_seconds": "60", **entered}
    assert login(s.olga).post(url, sent).status_code == 302
    assert Connection.objects.get().name == name


def test_an_address_that_is_none_is_refused_and_not_made_a_name_of() -> None:
    s = story()
    url = reverse("connection_new", args=[s.project.pk])
    sent = {"concurrency": "2", "timeout_seconds": "60", "preset": "other"}
    for address in ("http://[::1", "http://[x]:9/", "", "nowhere"):
        reply = login(s.olga).post(url, {**sent, "base_url": address})
        assert reply.status_code == 422, address


def test_a_connection_that_was_tested_leads_to_a_prompt_for_its_model() -> None:
    s = story()
    connection = scripted_version(s).connection
    connection.provider = "openai"
    connection.capabilities = {"vendor/model-1": {"logprobs": True}}
    connection.save()
    shown = page(login(s.olga), "connection_probe", s.project.pk, connection.pk)
    address = reverse("prompt", args=[s.project.pk])
    assert f"{address}?by=connection-{connection.pk}&amp;model=vendor%2Fmodel-1" in shown
