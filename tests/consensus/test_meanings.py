"""What a measure of agreement says in words."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from consensus.agreement import Agreement, Measure, Reason
from consensus.meanings import agreement_key, agreement_sentence


def alpha(value, low=None, reason=None, n_items=50):
    return Agreement(
        measure="krippendorff_alpha",
        value=value,
        low=low,
        high=None if low is None else value,
        n_items=n_items,
        n=100,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("given_agreement", "key", "words"),
    [
        (alpha(0.9, 0.85), "reliable", "can be relied on."),
        (alpha(0.82, 0.75), "reliable", "reaches into a lower band"),
        (alpha(0.7, 0.67), "tentative", "tentative conclusions"),
        (alpha(0.3, 0.2), "low", "raters differ 70 % as much as they would by chance"),
        (alpha(0.1, -0.1), "low", "reaches into a lower band"),
        (alpha(-0.1, -0.3), "chance", "no more than chance"),
        (alpha(0.9, n_items=1), "reliable", "One item is too few for an interval"),
        (alpha(0.9, n_items=3), "reliable", "too few items for an interval"),
        (alpha(0.9, 0.85), "reliable", "0.85 to 0.90 would be no surprise (95 % interval)"),
        (alpha(None, reason="no_pairs"), "no_pairs", "no item has labels of two raters"),
        (alpha(None, reason="one_class"), "one_class", "all labels name one class"),
    ],
)
def test_the_sentence_says_what_the_value_means(given_agreement, key, words):
    assert agreement_key(given_agreement) == key
    assert words in agreement_sentence(given_agreement)


@pytest.mark.parametrize(
    ("measure", "level", "value", "words"),
    [
        ("cohen_kappa", "linear", 0.75, "raters differ 25 % as much as they would by chance"),
        ("percent_agreement", "nominal", 0.8, "80 % of 40 pairs of labels name one class"),
        ("percent_agreement", "nominal", 0.999, "more than 99 % of 40 pairs"),
        ("f1", "nominal", 2 / 3, "of 40 items to which either gave the class, both gave it to 20"),
        ("f1_macro", "nominal", 0.5, "rare classes count as frequent"),
        ("precision", "nominal", 0.5, "the first gave the class, the second gave it to 50 %"),
        ("recall", "nominal", 0.004, "the first gave it to less than 1 %"),
        ("span_f1", "exact", 0.5, "50 % of what the two marked has a counterpart"),
        ("span_f1", "positions", 0.5, "50 % of what the two marked was marked by both"),
        ("rank_biased_overlap", "persistence 0.9", 0.5, "50 % of what one sees"),
        ("kendall_tau_b", "ordinal", 0.5, "75 % are ordered alike"),
        ("spearman", "ordinal", -0.5, "the other way round"),
        ("spearman", "ordinal", 0.05, "nothing to do with each other"),
        ("pearson", "interval", 0.95, "on a line nearly alike"),
    ],
)
def test_each_measure_has_its_own_words(measure, level, value, words):
    found = replace(alpha(value, value - 0.1), measure=measure, level=level, n=40)
    assert words in agreement_sentence(found)


@pytest.mark.parametrize("measure", get_args(Measure))
def test_no_measure_is_called_accuracy_and_none_is_without_words(measure):
    level = "exact" if measure == "span_f1" else "nominal"
    found = replace(alpha(0.5, 0.4), measure=measure, level=level)
    sentence = agreement_sentence(found)
    assert sentence == agreement_sentence(replace(found))
    assert "0.40 to 0.50" in sentence
    undefined = {
        agreement_sentence(replace(alpha(None, reason=reason), measure=measure))
        for reason in get_args(Reason)
    }
    assert len(undefined) == 4
    assert not any("accura" in words.lower() for words in {sentence, *undefined})
