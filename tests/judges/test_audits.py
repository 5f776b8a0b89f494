"""Audits of judges as runs: asked, measured when they end, kept, shown, and nothing labelled."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import BadInput, Conflict
from annotate.models import Label
from judges.exchange import Request
from judges.models import AuditFinding, Call, Purpose
from judges.prompting.how import How
from judges.selectors.audits import audit_runs, is_found
from judges.services.audit_remedies import remedy_make, remedy_of
from judges.services.audits import audits_conclude, audits_start
from judges.services.costs import past_costs
from judges.services.versions import classifier_version
from tests.answers import says
from tests.judges.judging import answering, by_words, priced_version, scripted_version, work
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

TWO = ["option_order", "repeat"]


def first_option(_request: Request) -> str:
    """Says A, whatever it stands for."""
    return "A"


def steady(request: Request) -> str:
    """Says the same option, wherever it is shown."""
    return next(option.letter for option in request.options if option.code == 1)


def with_items(n: int = 12) -> Story:
    s = story()
    s.items([f"The parcel number {n} came on Tuesday." for n in range(n)])
    return s


def test_a_judge_that_takes_what_stands_first_is_found_and_a_steady_one_is_not() -> None:
    s = with_items()
    version = scripted_version(s, concurrency=3)
    with answering(first_option):
        biased = work(audits_start(s.olga, version, TWO, n_items=12))
    with answering(steady):
        unbiased = work(audits_start(s.olga, version, TWO, n_items=12))

    by_run = {found.run.pk: found for found in audit_runs(version)}
    order, repeat = by_run[biased.pk].findings
    assert (order.audit, repeat.audit) == ("option_order", "repeat")
    assert is_found(order)
    assert order.value == pytest.approx(1.0)
    assert order.low is not None
    assert order.low > 0.5
    assert (repeat.value, repeat.changed, repeat.n) == (0.0, 0, 12)
    assert not is_found(by_run[unbiased.pk].findings[0])
    assert by_run[unbiased.pk].findings[0].value == 0.0
    assert not Label.objects.exists()
    assert Call.objects.filter(run=biased).count() == 12 * 3
    assert biased.purpose == Purpose.AUDIT


def test_measuring_again_changes_nothing() -> None:
    s = with_items(4)
    version = scripted_version(s)
    with answering(first_option):
        run = work(audits_start(s.olga, version, TWO, n_items=4))
    before = list(AuditFinding.objects.order_by("audit").values("audit", "value", "p_adjusted"))
    audits_conclude(run)
    after = list(AuditFinding.objects.order_by("audit").values("audit", "value", "p_adjusted"))
    assert before == after
    assert len(after) == 2


def test_answers_of_earlier_runs_are_looked_up() -> None:
    s = with_items()
    version = scripted_version(s)
    with answering(first_option):
        first = work(audits_start(s.olga, version, ["history"], n_items=12))
    with answering(lambda _request: "B"):
        second = work(audits_start(s.olga, version, ["history"], n_items=12))
    assert first.findings.get().missing == "earlier"
    drift = second.findings.get()
    assert drift.value == pytest.approx(1.0)
    assert is_found(drift)


def test_replies_that_do_not_parse_leave_nothing_to_measure() -> None:
    s = with_items(3)
    version = scripted_version(s)
    with answering(lambda _request: "I love soup"):
        run = work(audits_start(s.olga, version, TWO, n_items=3))
    assert {finding.missing for finding in run.findings.all()} == {"answers"}


def test_what_cannot_be_audited_is_refused_in_words() -> None:
    s = with_items(2)
    version = scripted_version(s)
    with pytest.raises(BadInput, match="pair_position"):
        audits_start(s.olga, version, ["pair_position"])
    with pytest.raises(BadInput, match="one audit"):
        audits_start(s.olga, version, [])
    with pytest.raises(BadInput, match="2 to"):
        audits_start(s.olga, version, TWO, n_items=1)
    with pytest.raises(BadInput, match="language model"):
        audits_start(s.olga, classifier_version(s.olga, s.question, mode="zero_shot"), TWO)
    audits_start(s.olga, version, TWO)
    with pytest.raises(Conflict):
        audits_start(s.olga, version, TWO)


def test_what_audits_cost_is_told_by_audit_and_is_no_price_of_labelling() -> None:
    s = with_items(5)
    version = priced_version(s)
    with answering(first_option):
        run = work(audits_start(s.olga, version, TWO, n_items=5))
    found = {finding.audit: finding for finding in run.findings.all()}
    assert found["option_order"].calls == 5
    assert found["option_order"].cost is not None
    assert found["option_order"].cost > 0
    assert past_costs(version) == []


def test_a_remedy_is_a_version_that_is_made_once_and_then_there_is_none() -> None:
    s = with_items(2)
    version = scripted_version(s)
    both = remedy_make(s.olga, version, "option_order")
    assert both.pk != version.pk
    assert both.name == version.name
    assert both.parameters["how"]["orders"] == "both"
    assert remedy_make(s.olga, version, "option_order").pk == both.pk
    assert remedy_of(both, "option_order") is None
    told = remedy_make(s.olga, version, "length")
    assert told.prompt is not None
    assert "How long a text is does not count." in told.prompt.system
    assert remedy_of(told, "length") is None
    assert remedy_make(s.olga, version, "authority").parameters["how"]["quoted"]
    assert remedy_make(s.olga, version, "repeat").parameters["how"]["repeats"]["most"] == 5
    assert remedy_make(s.olga, version, "paraphrase").parameters["how"]["paraphrases"]
    with pytest.raises(Conflict):
        remedy_make(s.olga, version, "history")


def test_the_page_begins_audits_and_shows_what_came_with_a_remedy() -> None:
    s = with_items()
    version = scripted_version(s)
    client = Client()
    client.force_login(s.rhea)
    page = reverse("judge_audits", args=[s.project.pk, version.pk])
    empty = client.get(page).content.decode()
    assert "Nothing was audited yet" in empty
    assert "12 items, each asked" in empty
    entered = {"audits": TWO, "n_items": 12, "source": "random"}
    estimate = client.post(page, {**entered, "estimate": "1"}).content.decode()
    assert "12 items, each asked 3 times: 36 calls" in estimate
    assert not version.runs.exists()
    assert client.post(page, {"n_items": 12, "source": "known"}).status_code == 422
    assert client.post(page, entered).status_code == 302
    assert "under way" in client.get(page).content.decode()
    with answering(first_option):
        work(version.runs.get())
    after = client.get(page).content.decode()
    assert "is moved by what should not matter: Option order." in after
    assert "Make a version that asks in both orders" in after
    assert "answers lean to what is shown first, by 100" in after
    judge = client.get(reverse("judge", args=[s.project.pk, version.pk])).content.decode()
    assert "is moved by what should not matter" in judge
    remedy = reverse("judge_audit_remedy", args=[s.project.pk, version.pk])
    there = client.post(remedy, {"audit": "option_order"}, follow=True).content.decode()
    assert "Audit it on the same items" in there


def test_a_judge_that_is_told_no_words_says_so() -> None:
    s = with_items(2)
    version = classifier_version(s.olga, s.question, mode="zero_shot")
    client = Client()
    client.force_login(s.rhea)
    page = client.get(reverse("judge_audits", args=[s.project.pk, version.pk]))
    assert "This judge is told no words" in page.content.decode()


def test_looking_costs_as_many_queries_with_many_audits_as_with_few(
    django_assert_max_num_queries,
) -> None:
    s = with_items(3)
    version = scripted_version(s, how=How(quoted=True))
    client = Client()
    client.force_login(s.rhea)
    for _again in range(4):
        with answering(by_words):
            work(audits_start(s.olga, version, ["length", "authority", *TWO], n_items=3))
    with django_assert_max_num_queries(26):
        client.get(reverse("judge_audits", args=[s.project.pk, version.pk]))


def test_people_are_taken_beside_the_judge_of_a_rating() -> None:
    s = with_items(6)
    s.question.kind = "rating"
    s.question.save()
    for item in s.project.items.all():
        says(s, "ana", item, 0)
        says(s, "w1", item, 2)
    version = scripted_version(s)
    with answering(steady):
        run = work(audits_start(s.olga, version, ["central_tendency"], n_items=6))
    found = run.findings.get()
    assert found.n == 6
    assert found.value == pytest.approx(-0.5)


def test_by_program() -> None:
    s = with_items(4)
    version = scripted_version(s)
    client = Client()
    client.force_login(s.rhea)
    address = reverse("api_judge_audits", args=[s.project.pk, version.pk])
    begun = client.post(address, {"audits": TWO, "items": 4}, content_type="application/json")
    assert begun.status_code == 202
    with answering(first_option):
        work(version.runs.get())
    told = client.get(address).json()
    assert {each["audit"]: each["unfit"] for each in told["audits"]}["score_range"] == "no_rating"
    assert [f["audit"] for f in told["runs"][0]["findings"]] == TWO
    wrong = client.post(address, {"audits": ["none"]}, content_type="application/json")
    assert wrong.status_code == 422
