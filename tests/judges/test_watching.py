"""Watching a judge: rounds over the same items, limits, notices, and the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotate.errors import BadInput, Conflict
from annotate.models import Label
from judges.exchange import Request
from judges.models import Call, JudgeVersion, Purpose, Watch, WatchRound
from judges.providers.scripted import scripted_reply
from judges.services.runs import run_start
from judges.services.watching import (
    round_see,
    watch_round_start,
    watch_set,
    watches_begin_due,
)
from tests.answers import says
from tests.judges.judging import answering, scripted_version, work
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


def always(letter: str):  # type: ignore[no-untyped-def]
    return lambda _request: letter


def watched(n: int = 12, every_days: int | None = None) -> tuple[Story, JudgeVersion, Watch]:
    s = story()
    items = s.items([f"The parcel {number} came." for number in range(n)])
    for item in items[:6]:
        says(s, "ana", item, 0)
    version = scripted_version(s)
    return s, version, watch_set(s.olga, version, n_items=n, every_days=every_days)


def asked(s: Story, watch: Watch, script) -> WatchRound:  # type: ignore[no-untyped-def]
    watch.refresh_from_db()
    with answering(script):
        run = work(watch_round_start(s.olga, watch))
    return WatchRound.objects.get(run=run)


def test_a_judge_that_stays_as_it_is_stays_in_line_and_labels_nothing() -> None:
    s, version, watch = watched()
    rounds = [asked(s, watch, always("A")) for _round in range(4)]
    assert [(each.answers, each.n_answers) for each in rounds] == [(None, None)] + [(12, 12)] * 3
    assert [(each.people, each.n_people) for each in rounds] == [(6, 6)] * 4
    assert not any(each.notices for each in rounds)
    assert rounds[-1].limits == {"answers": [12, 12], "people": [6, 6]}
    assert not Label.objects.filter(rater=version.rater).exists()
    # Asked anew each time, not taken from what was said before.
    assert Call.objects.filter(run__purpose=Purpose.ANCHOR, reused=None).count() == 48


def test_a_judge_that_changes_opens_a_notice_until_it_is_seen() -> None:
    s, version, watch = watched()
    for _round in range(3):
        asked(s, watch, always("A"))
    changed = asked(s, watch, always("B"))
    assert changed.answers == 0
    assert "answers" in changed.notices
    assert changed.seen_at is None
    client = Client()
    client.force_login(s.rhea)
    overview = reverse("overview", args=[s.project.pk])
    assert "has changed" in client.get(overview).content.decode()
    page = reverse("judge_watch", args=[s.project.pk, version.pk])
    assert "it answers otherwise than at first" in client.get(page).content.decode()
    see = reverse("judge_watch_see", args=[s.project.pk, version.pk])
    assert client.post(see, {"round": changed.number}).status_code == 302
    assert "has changed" not in client.get(overview).content.decode()
    assert client.post(see, {"round": "99"}).status_code == 404


def test_after_a_new_beginning_what_it_says_now_is_the_measure() -> None:
    s, _version, watch = watched()
    for _round in range(3):
        asked(s, watch, always("A"))
    changed = asked(s, watch, always("B"))
    round_see(s.olga, changed, anew=True)
    after = asked(s, watch, always("B"))
    assert (after.base, after.answers, after.n_answers) == (changed.number, 12, 12)
    assert after.notices == []


def test_another_model_behind_the_same_name_opens_a_notice() -> None:
    s, _version, watch = watched(4)

    def served(name: str):  # type: ignore[no-untyped-def]
        from dataclasses import replace

        return lambda _request: replace(scripted_reply("A"), model=name)

    asked(s, watch, served("model-2026-01"))
    same = asked(s, watch, served("model-2026-01"))
    other = asked(s, watch, served("model-2026-06"))
    assert same.notices == []
    assert other.notices == ["model"]
    assert other.models_reported == ["model-2026-06"]


def test_noise_is_no_change() -> None:
    s, _version, watch = watched(30)
    told = {"n": 0}

    def noisy(_request: Request) -> str:
        told["n"] += 1
        return "AAAAB"[told["n"] * told["n"] % 7 % 5]

    rounds = [asked(s, watch, noisy) for _round in range(5)]
    assert not any(each.notices for each in rounds)


def test_the_clock_begins_what_is_due_once_and_is_off_unless_set() -> None:
    s, version, watch = watched()
    assert watch.next_at is None
    assert list(watches_begin_due()) == []
    watch_set(s.olga, version, every_days=7)
    jobs = list(watches_begin_due())
    assert len(jobs) == 1
    assert list(watches_begin_due()) == []
    watch.refresh_from_db()
    assert watch.next_at is not None
    assert watch.next_at > timezone.now() + timedelta(days=6)
    with answering(always("A")):
        work(watch.rounds.get().run)
    # The second round at once, to learn how it differs from itself.
    assert len(list(watches_begin_due())) == 1


def test_a_round_that_cannot_be_begun_says_why_and_the_clock_goes_on() -> None:
    s, version, watch = watched(every_days=1)
    run_start(s.olga, version, purpose=Purpose.ANCHOR)
    assert list(watches_begin_due()) == []
    watch.refresh_from_db()
    assert "is not finished" in watch.stopped_why
    assert watch.next_at is not None
    assert watch.next_at > timezone.now()
    client = Client()
    client.force_login(s.rhea)
    page = reverse("judge_watch", args=[s.project.pk, version.pk])
    assert "is not finished" in client.get(page).content.decode()


def test_the_items_are_drawn_once_those_with_peoples_labels_first() -> None:
    s, version, watch = watched()
    by_people = set(Label.objects.values_list("item_id", flat=True))
    assert set(watch.items[:6]) == by_people
    again = watch_set(s.olga, version, n_items=3, seed=9)
    assert again.items == watch.items
    with pytest.raises(BadInput):
        watch_set(s.olga, version, every_days=2)
    with pytest.raises(BadInput):
        watch_set(s.olga, scripted_version_of(s), n_items=1)


def scripted_version_of(s: Story) -> JudgeVersion:
    from judges.services.versions import chat_version

    return chat_version(s.olga, s.question, s.project.connections.get(name="Script"), model="two")


def test_a_round_that_is_not_over_cannot_be_seen() -> None:
    s, _version, watch = watched()
    watch_round_start(s.olga, watch)
    with pytest.raises(Conflict):
        round_see(s.olga, watch.rounds.get())


def test_the_page_sets_asks_and_shows() -> None:
    s = story()
    s.items([f"The parcel {n} came." for n in range(5)])
    version = scripted_version(s)
    client = Client()
    client.force_login(s.rhea)
    page = reverse("judge_watch", args=[s.project.pk, version.pk])
    assert "No round yet" in client.get(page).content.decode()
    client.post(page, {"n_items": 5, "every_days": "7"})
    assert Watch.objects.get().every_days == 7
    for _round in range(3):
        client.post(page, {"every_days": "", "ask": "1"})
        with answering(always("A")):
            work(WatchRound.objects.latest("pk").run)
    shown = client.get(page).content.decode()
    assert "Round 3 lies within the limits" in shown
    assert "watch__line" in shown
    assert "5 of 5 (100" in shown
    judge = client.get(reverse("judge", args=[s.project.pk, version.pk])).content.decode()
    assert page in judge


def test_by_program() -> None:
    s = story()
    s.items(["one", "two", "three"])
    version = scripted_version(s)
    client = Client()
    client.force_login(s.rhea)
    address = reverse("api_judge_watch", args=[s.project.pk, version.pk])
    rounds = reverse("api_judge_watch_rounds", args=[s.project.pk, version.pk])
    assert client.get(address).status_code == 404
    assert client.post(rounds).status_code == 404
    told = client.post(address, {"items": 3}, content_type="application/json")
    assert told.status_code == 200
    assert len(told.json()["items"]) == 3
    assert client.post(rounds).status_code == 202
    with answering(always("A")):
        work(WatchRound.objects.get().run)
    assert [each["number"] for each in client.get(address).json()["rounds"]] == [1]
