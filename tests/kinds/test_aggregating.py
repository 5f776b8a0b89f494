"""Combining answers that are no classes, and the figures of such questions."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import BadInput
from annotate.kinds import Said, mark_of
from annotate.models import EstimateRun, Item, ItemEstimate, JobState, RaterEstimate
from annotate.selectors.export_rows import item_rows
from annotate.selectors.figures import figures_of
from annotate.services.estimates import estimate_run, estimate_start
from annotate.tasks import job_do
from tests.kinds.asking import CASES
from tests.kinds.test_through import page, says, told
from tests.personas import Story

pytestmark = pytest.mark.django_db


def aggregated(tale: Story, **asked: Any) -> EstimateRun:
    run = estimate_start(tale.olga, tale.question, **asked)
    job_do(run.job_id, estimate_run)
    run.refresh_from_db()
    run.job.refresh_from_db()
    assert run.job.state == JobState.DONE, run.job.message
    return run


def everybody_says(tale: Story, item: Item, **answers: Any) -> None:
    for who, value in answers.items():
        says(tale, who, item, Said(value=value))


def test_each_option_of_a_multiple_choice_is_combined_for_itself() -> None:
    tale, item = told(CASES["multiple"])
    everybody_says(tale, item, wa=[0, 1], wb=[0], wc=[0, 2], j1=[2])
    run = aggregated(tale, method="majority")

    estimate = ItemEstimate.objects.get()
    assert estimate.payload["answer"] == [0]
    assert estimate.payload["posterior"] == {
        "0": 1.0,
        "1": pytest.approx(1 / 3, abs=1e-6),
        "2": pytest.approx(1 / 3, abs=1e-6),
    }
    assert estimate.payload["seen"] == mark_of([Said(value=v) for v in ([0], [0, 2], [0, 1])])
    assert (run.n_items, run.n_labels) == (1, 3)
    assert RaterEstimate.objects.filter(run=run).count() == 3

    row = next(iter(item_rows(tale.project)))
    assert (row["q"], row["q__source"]) == (["insult"], "majority")
    assert row["q__posterior"]["threat"] == pytest.approx(1 / 3, abs=1e-6)
    assert row["q__people_votes"] == {"insult": 3, "threat": 1, "spam": 1}
    # Another answer, and the aggregate is named but no more used.
    says(tale, "wd", item, Said(value=[1]))
    row = next(iter(item_rows(tale.project)))
    assert (row["q__source"], row["q__aggregate_outdated"]) == ("tie", True)


def test_a_tie_on_an_option_is_a_tie() -> None:
    tale, item = told(CASES["multiple"])
    everybody_says(tale, item, wa=[0, 1], wb=[0])
    aggregated(tale, method="majority")
    estimate = ItemEstimate.objects.get()
    assert (estimate.tied, estimate.payload["answer"]) == (True, None)
    assert next(iter(item_rows(tale.project)))["q__source"] == "tie"


def test_rulings_teach_how_far_raters_can_be_trusted_with_each_option() -> None:
    tale, item = told(CASES["multiple"])
    everybody_says(tale, item, wa=[0], wb=[1])
    run = aggregated(tale, method="ibcc", rulings=True)
    assert run.parameters == {"rulings": True}


def test_numbers_are_combined_with_an_interval() -> None:
    tale, item = told(CASES["number"])
    other = Item.objects.exclude(pk=item.pk).get()
    everybody_says(tale, item, wa=5, wb=5.5, wc=5)
    everybody_says(tale, other, wa=8, wb=9, wc=8.5)
    run = aggregated(tale)

    assert run.method == "robust_mean"
    estimate = ItemEstimate.objects.get(item=item)
    assert 4.5 < estimate.payload["answer"] < 6
    assert estimate.payload["low"] < estimate.payload["answer"] < estimate.payload["high"]
    (bias,) = (r.payload["bias"] for r in RaterEstimate.objects.filter(rater__name="wb"))
    assert bias > 0
    row = next(iter(item_rows(tale.project)))
    assert row["q__source"] == "robust_mean"
    assert set(row["q__posterior"]) == {"low", "high", "error"}
    assert row["q__people_votes"] == [5, 5.5, 5]
    assert "95 %" in page(tale, "item", item.pk)


def test_without_an_aggregate_numbers_come_to_their_median() -> None:
    tale, item = told(CASES["number"])
    everybody_says(tale, item, wa=1, wb=2, wc=9)
    row = next(iter(item_rows(tale.project)))
    assert (row["q"], row["q__source"]) == (2, "median")


def test_texts_are_not_combined_and_that_is_said() -> None:
    tale, item = told(CASES["text"])
    everybody_says(tale, item, wa="One.", wb="Two.")
    with pytest.raises(BadInput, match="Answers to “Question” are not combined"):
        estimate_start(tale.olga, tale.question)
    row = next(iter(item_rows(tale.project)))
    assert (row["q"], row["q__source"], row["q__people_votes"]) == (
        None,
        "differ",
        ["One.", "Two."],
    )
    text = page(tale, "overview")
    assert "Answers of this kind are not combined by a model" in text
    assert "Not defined for free text" in text
    assert "2 answers, 2 different texts" in text


def test_a_method_of_another_kind_is_refused_by_its_name() -> None:
    tale, _item = told(CASES["number"])
    with pytest.raises(BadInput, match="“Question” is combined by one of: robust_mean"):
        estimate_start(tale.olga, tale.question, method="ibcc")


def test_the_form_offers_the_methods_of_the_kind() -> None:
    tale, item = told(CASES["number"])
    everybody_says(tale, item, wa=1)
    text = page(tale, "overview")
    assert 'value="robust_mean"' in text
    assert 'value="ibcc"' not in text
    client = Client()
    client.force_login(tale.rhea)
    url = reverse("aggregate", args=[tale.project.pk, tale.question.pk])
    client.post(url, {"method": "robust_mean", "who": "people"})
    assert EstimateRun.objects.get().method == "robust_mean"


# --- Agreement ----------------------------------------------------------------------------------


def test_agreement_on_each_option_is_measured_and_shown() -> None:
    tale, item = told(CASES["multiple"])
    other = Item.objects.exclude(pk=item.pk).get()
    everybody_says(tale, item, wa=[0], wb=[0])
    everybody_says(tale, other, wa=[1], wb=[2])
    figures = figures_of(tale.question)
    insult, threat, spam = (figures["options"][code]["value"] for code in "012")
    assert insult == 1
    assert threat == spam == 0
    assert figures["agreement"]["value"] == pytest.approx(1 / 3)
    assert figures["agreement"]["level"] == "options"
    assert figures["people"] == {"0": 2, "1": 1, "2": 1}
    text = page(tale, "overview")
    assert "Agreement of people on each option" in text
    assert "mean of Krippendorff’s alpha over the options" in text


def test_agreement_of_numbers_is_alpha_at_the_interval_level() -> None:
    tale, item = told(CASES["number"])
    other = Item.objects.exclude(pk=item.pk).get()
    everybody_says(tale, item, wa=1, wb=1.5)
    everybody_says(tale, other, wa=9, wb=9)
    found = figures_of(tale.question)["agreement"]
    assert (found["level"], found["n"]) == ("interval", 4)
    assert found["value"] > 0.9
    assert "4 answers: median 5.25, from 1 to 9 points" in page(tale, "overview")


@pytest.mark.parametrize("name", list(CASES))
def test_the_figures_of_a_question_without_labels_are_empty(name: str) -> None:
    tale, _item = told(CASES[name])
    figures = figures_of(tale.question)
    assert (figures["n_labels"], figures["agreement"]["value"]) == (0, None)
    assert "No labels yet" in unescape(page(tale, "overview"))


@pytest.mark.parametrize("name", list(CASES))
def test_an_aggregate_is_outdated_when_a_label_comes(name: str) -> None:
    case = CASES[name]
    tale, item = told(case)
    says(tale, "wa", item, case.said)
    if name in {"text", "ranking"}:
        return  # nothing combines them
    aggregated(tale)
    assert "outdated" not in page(tale, "overview")
    says(tale, "wb", item, case.other)
    assert "outdated" in page(tale, "overview")


def test_orders_are_not_combined_by_a_model_but_have_mean_places_and_an_alpha() -> None:
    tale, item = told(CASES["ranking"])
    everybody_says(tale, item, wa=[0, 1, 2], wb=[0, 2, 1], wc=[0, 1, 2])
    with pytest.raises(BadInput, match="are not combined"):
        estimate_start(tale.olga, tale.question)
    row = next(iter(item_rows(tale.project)))
    assert (row["q"], row["q__source"]) == (["insult", "threat", "spam"], "mean_rank")
    agreement = figures_of(tale.question)["agreement"]
    assert (agreement["level"], agreement["n"], agreement["low"]) == ("places", 3, None)
    assert 0.5 < agreement["value"] < 1
    text = page(tale, "overview")
    assert "3 answers; mean places, 1 is best:" in text
    assert "alpha of the options’ places" in text


def test_spans_are_combined_place_by_place() -> None:
    tale, item = told(CASES["span"])
    everybody_says(tale, item, wa=[[0, 3, 0], [13, 15, 1]], wb=[[0, 3, 0]], wc=[[0, 3, 0]])
    aggregated(tale, method="majority")
    estimate = ItemEstimate.objects.get()
    assert estimate.payload["answer"] == [[0, 3, 0]]
    assert estimate.payload["spans"] == [[0, 3, 0, 1.0]]
    row = next(iter(item_rows(tale.project)))
    assert row["q"] == [{"start": 0, "end": 3, "label": "insult", "text": "Ana"}]
    assert row["q__posterior"] == [{**row["q"][0], "score": 1.0}]
    assert row["q__source"] == "majority"


def test_agreement_of_spans_is_f1_with_an_interval_for_two() -> None:
    tale, item = told(CASES["span"])
    other = Item.objects.exclude(pk=item.pk).get()
    everybody_says(tale, item, wa=[[0, 3, 0], [4, 9, 1]], wb=[[0, 3, 0]])
    everybody_says(tale, other, wa=[[22, 28, 2]], wb=[[22, 28, 2]])
    two = figures_of(tale.question)["agreement"]
    # Two of the three that one and the two that the other marked are alike: 2 x 2 / 5.
    assert two["value"] == pytest.approx(0.8)
    assert two["low"] < 0.8 < two["high"]
    text = page(tale, "overview")
    assert "Of all that two of them marked, 80 % was marked by both alike." in text
    assert "F1 of spans marked alike, with its 95 % interval" in text
    everybody_says(tale, item, wc=[])
    three = figures_of(tale.question)["agreement"]
    assert three["low"] is None
    # Pairs: 0.8 of 5 marks, and twice wc without any beside them.
    assert three["value"] == pytest.approx(4 / 8)
    assert "without an interval" in page(tale, "overview")


def test_overlapping_spans_are_combined_type_by_type() -> None:
    case = CASES["span"]
    settings = {**case.draft.settings, "overlap": True}
    tale, item = told(replace(case, draft=replace(case.draft, settings=settings)))
    everybody_says(tale, item, wa=[[0, 3, 0], [0, 9, 1]], wb=[[0, 3, 0], [0, 9, 1]])
    aggregated(tale, method="majority")
    assert ItemEstimate.objects.get().payload["answer"] == [[0, 3, 0], [0, 9, 1]]
