"""Aggregating a question from the overview, and what is said of it."""

from __future__ import annotations

import html
import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from annotate.forms.aggregates import METHOD_LINES
from annotate.models import EstimateRun, Item, JobState, Method
from annotate.selectors.export_rows import item_rows
from annotate.services.estimates import estimate_run
from annotate.services.projects import project_create
from annotate.services.rulings import ruling_make
from annotate.tasks import job_do
from tests.answers import says
from tests.personas import SENTIMENT, Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture
def tale() -> Story:
    tale = story()
    clear, tied = tale.items(["a", "b"])
    for who in ("w1", "w2", "w3"):
        says(tale, who, clear, 0)
    for who, choice in (("w1", 0), ("w2", 1), ("j1", 1)):
        says(tale, who, tied, choice)
    return tale


def start(
    tale: Story,
    actor: str = "rhea",
    *,
    method: str = "majority",
    who: str = "people",
    rulings: bool = False,
    **more: str,
) -> int:
    client = Client()
    client.force_login(getattr(tale, actor))
    address = reverse("aggregate", args=[tale.project.pk, tale.question.pk])
    form = {"method": method, "who": who, **more} | ({"rulings": "on"} if rulings else {})
    return client.post(address, form).status_code


def overview(tale: Story) -> str:
    client = Client()
    client.force_login(tale.rhea)
    page = client.get(reverse("overview", args=[tale.project.pk])).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_majority_of_people_is_kept_with_its_ties(tale: Story) -> None:
    assert start(tale) == 302
    assert "At work" in overview(tale)
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)

    text = overview(tale)
    assert (
        "Majority, people only: 2 items from 5 labels. 1 item is a tie and has no answer." in text
    )
    assert "At work" not in text
    assert "outdated" not in text
    assert run.item_estimates.get(item__external_id="i2").choice is None


@pytest.mark.parametrize(
    ("who", "status"), [("olga", 302), ("rhea", 302), ("vic", 403), ("ana", 403), ("sam", 404)]
)
def test_only_leads_aggregate(tale: Story, who: str, status: int) -> None:
    assert start(tale, who) == status
    assert EstimateRun.objects.exists() is (status == 302)


def test_judges_count_only_by_choice_and_then_decide_the_tie(tale: Story) -> None:
    assert "Several judges outvote people." in overview(tale)
    start(tale, who="all")
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)

    assert run.item_estimates.get(item__external_id="i2").choice == 1


def test_dawid_skene_says_how_it_went_and_how_able_each_rater_is(tale: Story) -> None:
    start(tale, method="dawid_skene")
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)

    text = overview(tale)

    assert re.search(r"It settled after \d+ rounds?\.", text)
    assert "Right, by Dawid-Skene" in text
    estimate = run.rater_estimates.exclude(ability=None).first()
    assert estimate
    assert f"{estimate.ability_low:.2f}".lstrip("0") in text  # its interval, too


def test_it_is_told_to_be_outdated_once_labels_change_and_only_then(tale: Story) -> None:
    start(tale)
    job_do(EstimateRun.objects.get().job_id, estimate_run)
    says(tale, "j2", Item.objects.get(external_id="i1"), 2)
    assert "outdated" not in overview(tale)  # judges do not count in it

    says(tale, "w4", Item.objects.get(external_id="i1"), 0)

    assert "Labels have changed since. Aggregate again" in overview(tale)


def test_a_ruling_makes_it_outdated_where_rulings_count_and_only_there(tale: Story) -> None:
    item = Item.objects.get(external_id="i1")
    for rulings in (False, True):
        start(tale, rulings=rulings)
        job_do(EstimateRun.objects.latest("pk").job_id, estimate_run)
        assert ("Rulings counted as known answers." in overview(tale)) is rulings
        assert "outdated" not in overview(tale)

        ruling_make(tale.rhea, item, tale.question, choice=int(rulings), reason="rater_error")

        assert ("outdated" in overview(tale)) is rulings


def test_what_counts_votes_is_not_said_to_find_who_is_right(tale: Story) -> None:
    start(tale, method="majority", who="all")
    job_do(EstimateRun.objects.get().job_id, estimate_run)

    text = overview(tale)

    assert "Agrees, by Majority" in text
    assert "Right, by" not in text


def test_the_form_is_as_it_was_filled_in_last_and_each_method_is_told(tale: Story) -> None:
    start(tale, method="weighted_majority", who="all", judge_weight="0.25")
    job_do(EstimateRun.objects.get().job_id, estimate_run)

    client = Client()
    client.force_login(tale.rhea)
    page = client.get(reverse("overview", args=[tale.project.pk])).content.decode()
    assert re.search(r'value="weighted_majority"\s+selected', page)
    assert re.search(r'value="all"\s+selected', page)
    assert re.search(r'name="judge_weight"[^>]*value="0.25"', page)
    assert set(METHOD_LINES) == set(Method)
    assert all(str(line) in html.unescape(page) for line in METHOD_LINES.values())


def test_the_weight_of_a_judge_is_heeded_and_told(tale: Story) -> None:
    start(tale, method="weighted_majority", who="all", judge_weight="0.25")
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)

    assert "A judge’s label weighed 0.25 of a person’s." in overview(tale)
    # One for, one and a judge against: a quarter tips the balance.
    estimate = run.item_estimates.get(item__external_id="i2")
    assert (estimate.choice, estimate.probability) == (1, pytest.approx(1.25 / 2.25))


def test_a_panel_of_judges_says_how_far_it_may_be_believed(tale: Story) -> None:
    start(tale, method="judge_panel", who="all")
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)
    run.refresh_from_db()

    assert run.found["sentences"]
    text = overview(tale)
    assert all(escape(sentence) in text for sentence in run.found["sentences"])
    panel = run.rater_estimates.filter(rater__kind="judge")
    assert sum(row.payload["weight"] for row in panel) == pytest.approx(1)
    people = run.rater_estimates.filter(rater__kind="person")
    assert {row.payload["weight"] for row in people} == {None}  # no part of the panel: not 0


def test_an_item_whose_labels_weigh_nothing_has_no_answer_and_breaks_no_page(tale: Story) -> None:
    only = tale.items(["a", "b", "c"])[2]
    says(tale, "j1", only, 1)
    start(tale, method="weighted_majority", who="all", judge_weight="0")
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)
    estimate = run.item_estimates.get(item=only)
    assert (estimate.choice, estimate.tied, estimate.payload["posterior"]) == (None, False, {})

    client = Client()
    client.force_login(tale.rhea)
    for name, more in (("item", [only.pk]), ("items", []), ("overview", [])):
        address = reverse(name, args=[tale.project.pk, *more])
        assert client.get(address).status_code == 200
    rows = {row["item_id"]: row for row in item_rows(tale.project, "all")}
    assert (rows["i3"]["sentiment"], rows["i3"]["sentiment__source"]) == (None, "")


@pytest.mark.parametrize("weight", ["-1", "nan", "much", "1e9"])
def test_a_weight_that_is_none_is_refused(tale: Story, weight: str) -> None:
    assert start(tale, method="weighted_majority", judge_weight=weight) == 422
    assert not EstimateRun.objects.exists()


# --- manage.py aggregate ------------------------------------------------------------------------


def command(*arguments: str) -> str:
    said = io.StringIO()
    call_command("aggregate", *arguments, stdout=said, stderr=said)
    return said.getvalue()


def test_the_command_aggregates_by_ibcc_and_says_how_it_went(tale: Story) -> None:
    said = command(tale.project.name)

    assert re.match(
        r"iBCC, people only: 2 items from 5 labels, \d ties\. \d+ rounds\. \d+\.\d seconds\.", said
    )
    run = EstimateRun.objects.get()
    assert (run.method, run.created_by, run.n_items) == ("ibcc", tale.olga, 2)


def test_the_command_takes_what_the_screen_takes(tale: Story) -> None:
    command(
        str(tale.project.pk), "--question", "sentiment", "--method", "weighted_majority",
        "--who", "all", "--rulings", "--judge-weight", "0.2", "--user", "rhea",
    )  # fmt: skip

    run = EstimateRun.objects.get()
    assert (run.method, run.who_counts, run.created_by) == ("weighted_majority", "all", tale.rhea)
    assert run.parameters == {"rulings": True, "judge_weight": 0.2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Nowhere"], "no project"),
        (["Restaurant reviews", "--question", "mood"], "there are: sentiment"),
        (["Restaurant reviews", "--user", "nobody"], "no account"),
        (["Restaurant reviews", "--who", "judges", "--method", "wawa"], None),
        (
            ["Restaurant reviews", "--method", "weighted_majority", "--judge-weight", "-1"],
            "0 or more",
        ),
    ],
)
def test_the_command_says_what_does_not_fit(
    tale: Story, arguments: list[str], said: str | None
) -> None:
    if said is None:
        assert "Wawa, judges only: 1 items from 1 labels" in command(*arguments)
        return
    with pytest.raises(CommandError, match=said):
        command(*arguments)


def test_the_command_says_when_there_is_nothing_to_aggregate() -> None:
    tale = story()
    with pytest.raises(CommandError, match="no labels to aggregate yet"):
        command(str(tale.project.pk))


def test_without_labels_it_fails_with_a_sentence_that_the_overview_tells() -> None:
    tale = story()
    tale.items(["a"])
    start(tale)
    run = EstimateRun.objects.get()
    job_do(run.job_id, estimate_run)

    run.job.refresh_from_db()
    assert run.job.state == JobState.FAILED
    assert "Aggregation failed: There are no labels to aggregate yet." in overview(tale)


def test_what_is_not_in_the_lists_is_refused(tale: Story) -> None:
    assert start(tale, method="guessing") == 422
    assert not EstimateRun.objects.exists()


def test_a_question_of_another_project_is_not_found(tale: Story) -> None:
    other = project_create(tale.olga, name="Other", questions=(SENTIMENT,))
    client = Client()
    client.force_login(tale.olga)
    address = reverse("aggregate", args=[tale.project.pk, other.questions.get().pk])

    assert client.post(address, {"method": "majority", "who": "people"}).status_code == 404


def test_an_archived_project_is_not_aggregated(tale: Story) -> None:
    tale.project.status = "archived"
    tale.project.save(update_fields=["status"])

    assert start(tale) == 403
