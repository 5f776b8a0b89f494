"""Prompts by program: what would be sent, trials, and versions side by side."""

from __future__ import annotations

from typing import Any

import pytest

from annotate.models import Label
from annotate.services.claims import claims_hold
from annotate.services.submissions import submission_submit
from judges.models import Connection, JudgeVersion, Purpose, Run
from judges.services.connections import connection_add
from tests.api.asking import Api, assert_problem
from tests.judges.judging import answering, by_words, work
from tests.personas import Story, story

pytestmark = pytest.mark.django_db
WORDS = {
    "system": "Be kind.",
    "task": "{{item.text}}\n\n{{options}}\n\n{{question}}",
    "output": "Say it. {{form}}",
}


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No broker here: what would be sent to the worker."""
    tasks: list[str] = []
    monkeypatch.setattr("judges.api.trying.job_nudge", lambda job: tasks.append(job.task))
    return tasks


def endpoint(s: Story) -> Connection:
    return connection_add(s.olga, s.project, name="Mine", base_url="http://localhost:9/v1")


def wanted(connection: Connection, **more: Any) -> dict[str, Any]:
    chosen = {"question": "sentiment", "how": "connection", "connection": connection.pk}
    return {**chosen, "model": "m", **more}


def test_a_judge_has_the_words_and_the_way_of_asking_that_were_sent() -> None:
    s = story()
    s.items(["Cold soup."])
    api = Api(s.rhea, s.project.pk)
    asking = {"orders": "both", "persona": "A cook."}
    made = api.post("judges/", wanted(endpoint(s), **WORDS, asking=asking, name="Kind")).json()
    assert made["name"] == "Kind v1"
    assert {part: made[part] for part in WORDS} == WORDS
    assert made["parameters"]["how"] == asking
    (listed,) = api.get("judges/").json()["results"]
    assert listed == made


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"asking": {"ask": "by_magic"}}, "asking"),
        ({"asking": {"speed": 9}}, "asking"),
        ({"asking": []}, "asking"),
        ({"asking": {"ask": "expected_score"}}, "how"),
        ({"task": "{{item.txet}} {{options}}"}, "task"),
        ({"output": "{{"}, "output"),
        ({"system": "{{item}}"}, "system"),
        ({"ask_rationale": True, "asking": {"ask": "candidates"}}, "ask_rationale"),
        ({"asking": {"examples": {"count": 9, "choice": "random"}}}, "examples"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    s = story()
    s.items(["Cold soup."])
    refused = Api(s.rhea, s.project.pk).post("judges/", wanted(endpoint(s), **change))
    assert field in assert_problem(refused, 422)["fields"]
    assert not JudgeVersion.objects.exists()


def test_a_preview_shows_what_would_be_sent_and_keeps_nothing() -> None:
    s = story()
    s.items(["Cold soup.", "Warm soup."])
    api = Api(s.rhea, s.project.pk)
    given = wanted(endpoint(s), **WORDS, asking={"orders": "both"}, place=2, variant="order:1")
    shown = api.post("judges/preview/", given).json()
    assert shown["problems"] == {}
    assert (shown["place"], shown["n_items"], shown["variant"]) == (2, 2, "order:1")
    assert shown["user"].startswith("<item>\n")
    assert "A. Not mentioned" in shown["user"]
    assert shown["system"].startswith("Be kind.")
    assert [call["words"] for call in shown["calls"]] == ["as given", "reversed"]
    wrong = api.post("judges/preview/", {**given, "task": "{{options}}"}).json()
    assert "The item is shown nowhere" in wrong["problems"]["task"]
    assert not JudgeVersion.objects.exists()


def test_a_preview_without_items_shows_none() -> None:
    s = story()
    shown = Api(s.rhea, s.project.pk).post("judges/preview/", wanted(endpoint(s))).json()
    assert (shown["item"], shown["user"], shown["n_items"]) == (None, None, 0)


def test_a_trial_and_what_came_of_it(sent: list[str]) -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup.", "Good soup."])
    api = Api(s.rhea, s.project.pk)
    (held, *_rest) = claims_hold(s.rater(s.ana))
    submission_submit(s.rater(s.ana), held.item, answers=s.answer(1), client_key="a")
    judge = api.post("judges/", wanted(endpoint(s))).json()["id"]
    begun = api.post(f"judges/{judge}/try/", {"n_items": 2})
    assert begun.status_code == 202
    assert (begun.json()["purpose"], sent) == ("trial", ["judges.run"])
    run = Run.objects.get()
    with answering(by_words):
        work(run)
    trial = api.get(f"runs/{run.pk}/trial/").json()
    assert (trial["ended"], trial["answered"], trial["shared"]) == (2, 2, 1)
    first = trial["items"][0]
    assert first["item"] == held.item.pk
    assert first["people"] == {"negative": 1}
    assert first["answer"] in {"positive", "negative"}
    assert first["match"] == ("agrees" if first["answer"] == "negative" else "differs")
    assert [reply["raw"] for reply in first["replies"]] in (["A"], ["B"])
    assert not Label.objects.filter(rater__kind="judge").exists()


def test_only_a_trial_is_shown_as_one() -> None:
    s = story()
    s.items(["Lovely soup."])
    api = Api(s.rhea, s.project.pk)
    judge = api.post("judges/", wanted(endpoint(s))).json()["id"]
    run = api.post("runs/", {"version": judge, "limit": 1}).json()["id"]
    assert Run.objects.get().purpose == Purpose.LABEL
    assert_problem(api.get(f"runs/{run}/trial/"), 409)


def test_versions_are_compared_on_the_same_items_and_told_apart() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup.", "Good soup."])
    rater = s.rater(s.ana)
    while held := claims_hold(rater):
        for one in held:
            submission_submit(rater, one.item, answers=s.answer(0), client_key=f"{one.pk}")
    api, connection = Api(s.rhea, s.project.pk), endpoint(s)
    judges = [
        api.post("judges/", wanted(connection, system=words)).json()["id"]
        for words in ("Be kind.", "Be strict.")
    ]
    for judge, script in zip(judges, (lambda _: "A", by_words), strict=True):
        api.post(f"judges/{judge}/try/", {})
        with answering(script):
            work(Run.objects.latest("pk"))
    both = api.get(f"judges/{judges[0]}/compare/?with={judges[1]}").json()
    assert both["n_same"] == 3
    assert {v["id"]: v["same"]["agree"] for v in both["versions"]} == {judges[0]: 3, judges[1]: 2}
    assert both["versions"][0]["own"]["low"] is not None
    diff = api.get(f"judges/{judges[0]}/diff/{judges[1]}/").json()
    assert [text["name"] for text in diff["texts"]] == ["System prompt"]
    assert [line["kind"] for line in diff["texts"][0]["lines"]] == ["gone", "new"]
    assert (diff["paired"]["first_only"], diff["paired"]["p"]) == (1, 1.0)
    assert_problem(api.get(f"judges/{judges[0]}/compare/?with=99999"), 422)
    many = "&".join(f"with={n}" for n in range(1, 20))
    assert_problem(api.get(f"judges/{judges[0]}/compare/?{many}"), 422)
