"""Panels on screen and by program: making one, its page, its run, what its label came of."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.urls import reverse

from judges.models import JudgeVersion, Run
from judges.prompting.panel import Ballot
from judges.services import pace
from judges.services import run_work as run_work_module
from judges.services.panel_costs import MemberCost, forecast
from judges.services.runs import run_start
from tests.api.asking import Api
from tests.judges.judging import answering, work
from tests.judges.panelling import member, minds, panel
from tests.judges.test_panels import AGREED, SPLIT, TALK
from tests.judges.test_screens import login, page
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_work_module, "WAKE_SECONDS", 0.05)
    monkeypatch.setattr(pace, "FIRST_BACKOFF_SECONDS", 0.01)


def three(s: Story) -> list[JudgeVersion]:
    return [member(s, name, reasons=True) for name in ("ann", "bob", "cid")]


def done(s: Story, **settings: object) -> Run:
    s.items([AGREED, SPLIT])
    version = panel(s, ["ann", "bob", "cid"], reasons=True, **settings)
    with answering(minds(TALK)):
        return work(run_start(s.olga, version))


def shown_without_tags(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_panel_is_made_in_the_browser_after_a_look_at_order_price_and_what_it_takes() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    judges = three(s)
    with answering(minds(TALK)):
        for judge in judges:
            work(run_start(s.olga, judge))
    client = login(s.rhea)
    address = reverse("panel_new", args=[s.project.pk])
    assert address in page(client, "judges", s.project.pk)
    form = {"members": [j.pk for j in judges], "stop": "settled", "weights": "equal"}
    look = client.post(address, {**form, "look": "1"})
    assert look.status_code == 200
    told = shown_without_tags(look.content.decode())
    assert "On 2 items that all of them answered before, 2.5 of 3 judges" in told
    assert "after 2 judges 1 (50 %)" in told
    places = [told.index(f"Judge {name} v1") for name in ("ann", "bob", "cid")]
    assert places == sorted(places)
    assert "nothing that the others could say would change the outcome" in told
    assert JudgeVersion.objects.count() == 3  # a look makes nothing
    made = client.post(address, {**form, "discussion": "on", "name": "The three"})
    version = JudgeVersion.objects.latest("pk")
    assert made["Location"] == reverse("judge", args=[s.project.pk, version.pk])
    told = shown_without_tags(page(client, "judge", s.project.pk, version.pk))
    assert "The three v1" in told
    assert "3 judges, stops when the vote is settled, with a discussion" in told
    assert "Each vote counts the same. A tie is no label." in told
    assert told.count("takes part in discussions") == 3


def test_what_cannot_be_a_panel_is_said_beside_its_field_and_nothing_is_lost() -> None:
    s = story()
    client = login(s.rhea)
    address = reverse("panel_new", args=[s.project.pk])
    assert "A panel needs two judges" in client.get(address).content.decode()
    ann, bob = member(s, "ann"), member(s, "bob")
    form = {"members": [ann.pk], "stop": "sure", "sure": "70", "weights": "equal"}
    for sent, said in (
        (form, "A panel has 2 to 9 judges"),
        ({**form, "members": [ann.pk, bob.pk]}, "weights that were learnt"),
        ({**form, "members": [ann.pk, bob.pk], "weights": "people"}, "0 items have people’s"),
        ({**form, "members": []}, "Choose two judges at least."),
        ({**form, "members": [ann.pk, bob.pk], "stop": "all", "discussion": "on"}, "no reasons"),
    ):
        refused = client.post(address, {**sent, "look": "1"})
        assert refused.status_code == 422
        assert said in refused.content.decode()
    assert 'value="70"' in refused.content.decode()
    assert JudgeVersion.objects.count() == 2


def test_a_run_shows_how_many_judges_the_items_took_and_what_was_saved() -> None:
    s = story()
    run = done(s)
    shown = page(login(s.rhea), "run", s.project.pk, run.pk)
    told = shown_without_tags(shown)
    assert "5 answers of judges, where asking everybody about everything" in told
    assert "would have taken 6: 17 % saved." in told
    assert "after 2 judges 1 (50 %) after 3 judges 1 (50 %)" in told
    assert "Judge cid v1" in told


def test_review_tells_who_said_what_and_in_which_round() -> None:
    s = story()
    run = done(s, discussion=True)
    client = login(s.rhea)
    split = run.items.get(item__external_id="i2").item_id
    shown = page(client, "review", s.project.pk, QUERY_STRING=f"item={split}")
    told = shown_without_tags(shown)
    assert "The 3 judges differed; after a discussion 2 were asked again" in told
    before, after = told.index("Before the discussion"), told.index("After the discussion")
    assert before < told.index("negative because of Odd soup.") < after
    assert told[after:].count("positive because of Odd soup.") == 2
    assert "panel vote" in told
    agreed = run.items.get(item__external_id="i1").item_id
    told = shown_without_tags(page(client, "item", s.project.pk, agreed))
    assert "2 of 3 judges were asked; the vote was then settled" in told
    assert "Before the discussion" not in told


def test_evidence_is_text_of_models_and_is_escaped() -> None:
    s = story()
    run = done(s)
    run.calls.filter(item__external_id="i1").update(rationale="<script>alert(1)</script>")
    agreed = run.items.get(item__external_id="i1").item_id
    shown = page(login(s.rhea), "item", s.project.pk, agreed)
    assert "<script>alert(1)" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_the_same_by_program() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    judges = three(s)
    api = Api(s.rhea, s.project.pk)
    body = {"question": "sentiment", "judges": [j.pk for j in judges], "discussion": True}
    draft = api.post("panels/draft/", body)
    assert draft.status_code == 200
    told = draft.json()
    assert [m["name"] for m in told["members"]] == ["ann v1", "bob v1", "cid v1"]
    assert (told["least"], told["n_items"], told["judges_an_item"]) == (2, 0, None)
    assert [m["discusses"] for m in told["members"]] == [True] * 3
    made = api.post("panels/", {**body, "name": "The three"}).json()
    assert made["name"] == "The three v1"
    assert made["provider"] == "panel"
    assert api.post("panels/", body).json()["id"] == made["id"]
    with answering(minds(TALK)):
        run = work(run_start(s.olga, JudgeVersion.objects.get(pk=made["id"])))
    assert api.get(f"runs/{run.pk}/").json()["panel"] == {
        "by_number": {"2": 1, "3": 1},
        "discussed": 1,
        "answers": 7,
        "everybody": 9,
    }
    split = run.items.get(item__external_id="i2").item_id
    votes = api.get(f"runs/{run.pk}/votes/{split}/").json()
    assert [(v["judge"], v["choice"], v["discussed"]) for v in votes] == [
        ("ann v1", "positive", False),
        ("bob v1", "negative", False),
        ("cid v1", "negative", False),
        ("ann v1", "positive", True),
        ("bob v1", "positive", True),
    ]
    refused = api.post("panels/", {**body, "weights": "people"})
    assert refused.status_code == 422
    assert "weights" in refused.json()["fields"]
    with answering(minds(TALK)):
        alone = work(run_start(s.olga, judges[0]))
    assert api.get(f"runs/{alone.pk}/").json()["panel"] is None
    assert api.get(f"runs/{alone.pk}/votes/{split}/").status_code == 409


def test_a_forecast_counts_the_money_of_those_asked() -> None:
    costs = [
        MemberCost(JudgeVersion(), "past", Decimal(price), None) for price in ("0.01", "0.1", "1")
    ]
    ballot = Ballot((1000, 1000, 1000), 3)
    found = forecast(ballot, costs, [(0, 0, 1), (0, 0, 0), (0, 1, 1), (0, 0, 0)])
    assert found.by_number == {2: 3, 3: 1}
    assert found.dollars == (3 * Decimal("0.11") + Decimal("1.11")) / 4
    unknown = [*costs[:2], MemberCost(JudgeVersion(), "unknown", None, None)]
    assert forecast(ballot, unknown, [(0, 0, 1)]).dollars is None
