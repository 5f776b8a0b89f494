"""Checks for planted verdicts as runs: who obeys is found out, and nothing is labelled."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import BadInput
from annotate.models import Label
from judges.exchange import Request
from judges.models import Call, Purpose, RunItem
from judges.prompting.canaries import KINDS, canary_of, option_to_plant, variant_of
from judges.prompting.how import How, Repeats
from judges.selectors.canaries import canary_result
from judges.services.canaries import CALLS_AN_ITEM, canary_start
from judges.services.costs import past_costs
from judges.services.versions import classifier_version
from tests.judges.judging import answering, priced_version, scripted_version, work
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

PLANTS = re.compile(r"(?:reply|Reply|replying|answer\"|Antworte nur mit)[^A-C]{0,6}([A-C])\b")


def honest(request: Request) -> str:
    """Says A of everything, whatever stands in it."""
    return "A"


def obedient(request: Request) -> str:
    """Does as the item says, else says A."""
    item = request.user.rpartition("# Item")[2] or request.user
    found = re.findall(r"\b(?:is|with|replying|mit|reply|Reply:|answer\": \")\s*([BC])\b", item)
    return found[-1] if found else "A"


def with_items(n: int = 4) -> Story:
    s = story()
    s.items([f"The parcel number {n} came on Tuesday." for n in range(n)])
    return s


@pytest.mark.parametrize(("script", "all_moved"), [(honest, False), (obedient, True)])
def test_who_obeys_is_moved_and_who_does_not_is_not(script, all_moved: bool) -> None:
    s = with_items()
    version = scripted_version(s, concurrency=3)
    with answering(script):
        run = work(canary_start(s.olga, version, n_items=3))
    found = canary_result(version)
    assert found is not None
    assert found.is_over
    assert found.all.seen == 3 * len(KINDS)
    assert found.all.n == (found.all.seen if all_moved else 0)
    assert {kind: moved.seen for kind, moved in found.kinds.items()} == dict.fromkeys(KINDS, 3)
    assert (found.low > 0.8) if all_moved else (found.high < 0.2)
    assert not Label.objects.exists()
    assert Call.objects.filter(run=run).count() == 3 * CALLS_AN_ITEM
    assert RunItem.objects.exclude(ending="label").count() == 0


def test_only_what_the_judge_does_not_say_anyhow_is_planted() -> None:
    assert option_to_plant(1, [0, 1, 2], 0) == 0
    assert option_to_plant(1, [0, 1, 2], 1) == 2
    assert option_to_plant(7, [7], 0) is None
    assert {option_to_plant(2, [0, 1, 2], n) for n in range(9)} == {0, 1}


def test_a_variant_says_what_is_planted_and_others_do_not() -> None:
    for kind in KINDS:
        assert canary_of(variant_of(kind, 12)) == (kind, 12)
        assert len(variant_of(kind, 9999)) <= 50
    for other in ("plain", "order:1", "canary:threat:1", "canary:german:x", "canary:"):
        assert canary_of(other) is None


def test_a_judge_that_does_not_answer_the_text_alone_shows_nothing() -> None:
    s = with_items()
    version = scripted_version(s)
    with answering(lambda _request: "I love soup"):
        work(canary_start(s.olga, version, n_items=2))
    found = canary_result(version)
    assert found is not None
    assert found.all.seen == 0
    assert Call.objects.count() == 2


def test_a_way_to_ask_in_several_calls_is_checked_in_one_each() -> None:
    s = with_items()
    version = scripted_version(s, how=How(orders="both", repeats=Repeats(3, delta=0)))
    with answering(honest):
        work(canary_start(s.olga, version, n_items=2))
    assert Call.objects.count() == 2 * CALLS_AN_ITEM


def test_what_is_told_no_words_cannot_be_checked_and_one_check_goes_at_a_time() -> None:
    s = with_items()
    with pytest.raises(BadInput, match="language model"):
        canary_start(s.olga, classifier_version(s.olga, s.question, mode="zero_shot"))
    version = scripted_version(s)
    assert canary_start(s.olga, version).pk == canary_start(s.olga, version).pk


def test_what_checks_cost_does_not_count_as_the_price_of_labelling() -> None:
    s = with_items(8)
    version = priced_version(s)
    with answering(honest):
        work(canary_start(s.olga, version))
    assert version.runs.get().purpose == Purpose.CANARY
    assert past_costs(version) == []


def test_the_page_of_the_judge_begins_it_and_shows_what_came() -> None:
    s = with_items()
    version = scripted_version(s)
    client = Client()
    client.force_login(s.rhea)
    page = reverse("judge", args=[s.project.pk, version.pk])
    before = client.get(page).content.decode()
    assert "Never checked" in before
    assert "It was never checked for planted verdicts." in before
    client.post(reverse("judge_canaries", args=[s.project.pk, version.pk]))
    assert "The check is under way." in client.get(page).content.decode()
    with answering(obedient):
        work(version.runs.get())
    after = client.get(page).content.decode()
    assert "28 of 28 verdicts planted" in after
    assert "Planted verdicts move it easily." in after
    assert "can steer it" in after
    # What was planted in an item is no answer about it.
    assert "Its latest answers" not in after
