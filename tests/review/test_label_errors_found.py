"""What the search for label errors finds, by the way that a user's files go."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from annotate.models import Item, Label, LikelyError
from annotate.selectors.label_support import people_said
from annotate.services.import_plans import ItemPlan, LabelPlan
from annotate.services.jobs import job_take
from annotate.services.label_errors import label_errors_run, label_errors_start, scored
from annotate.services.projects import OptionDraft, QuestionDraft
from bench.published import rows
from consensus.label_errors import ranking_quality
from tests.imports.bringing import bring_items, bring_labels, jsonl_of, refused
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

CLASSES = ("contradiction", "entailment", "neutral")
RELATION = QuestionDraft(
    key="relation",
    name="Relation",
    kind="multiple",
    text="How is the statement related to the context?",
    options=tuple(OptionDraft(name, name.title()) for name in CLASSES),
)
PLAN = LabelPlan(
    item="item",
    label="label",
    rater="rater",
    kind="kind",
    questions={"relation": 0},
    distribution="probabilities",
)


def searched(tale: Story) -> None:
    running = job_take(label_errors_start(tale.rhea, tale.question).pk)
    assert running is not None
    label_errors_run(running)
    running.job.refresh_from_db()
    assert running.job.state == "done", running.job.message


def judged(item: str, rater: str, shares: dict[str, float]) -> dict[str, object]:
    """A judge's line: what it thinks likely, and its probabilities."""
    most = max(shares.values())
    named = [name for name, share in shares.items() if share >= min(0.5, most)]
    return {
        "item": item,
        "rater": rater,
        "kind": "model",
        "label": named,
        "probabilities": shares,
    }


def varierr(*, crowd: bool) -> Story:
    """VariErr NLI brought in: people's labels, GPT-4's scores and, if asked for, a crowd's votes as
    those of one more judge."""
    tale = story(questions=(RELATION,))
    of_items = list(rows("varierr_nli.items.csv"))
    bring_items(
        tale,
        jsonl_of(*({k: r[k] for k in ("item_id", "context", "statement")} for r in of_items)),
        "items.jsonl",
        ItemPlan(item="item_id", shown=["context", "statement"]),
    )
    people: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows("varierr_nli.labels.csv"):
        if row["label"] != "idk":
            people[row["item_id"], row["annotator_id"]].append(row["label"])
    gpt4: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows("varierr_nli.llm_scores.csv"):
        if row["model"] == "gpt-4-1106-preview":
            gpt4[row["item_id"]][row["label"]] = float(row["validity_probability"])
    lines = [judged(item, "gpt-4", shares) for item, shares in gpt4.items()]
    if crowd:
        for row in of_items:
            votes = {name: int(row[f"chaos_{name[0]}"]) for name in CLASSES}
            total = sum(votes.values())
            shares = {name: n / total for name, n in votes.items()}
            lines.append(judged(row["item_id"], "crowd", shares))
    lines += [
        {"item": item, "rater": rater, "kind": "person", "label": named}
        for (item, rater), named in people.items()
    ]
    batch = bring_labels(tale, jsonl_of(*lines), "labels.jsonl", PLAN)
    assert batch.counts["created"] == len(lines)
    return tale


def average_precision(tale: Story) -> float:
    """In per cent, over the 878 pairs of an item and a class that somebody named."""
    said = people_said(tale.question)
    found = scored(tale.question, said, None).scores.score
    external = dict(Item.objects.values_list("pk", "external_id"))
    codes = {option.code: option.key for option in tale.question.options.all()}
    by_pair = {
        f"{external[int(said.item_ids[item])]}|{codes[int(code)]}": score
        for item, code, score in zip(said.table.items, said.table.codes, found, strict=True)
    }
    gold = {row["item_id"]: row["gold"] == "1" for row in rows("varierr_nli.gold.csv")}
    assert len(gold) == 878
    quality = ranking_quality([by_pair[pair] for pair in gold], list(gold.values()))
    assert quality.average_precision is not None
    return 100 * quality.average_precision


@pytest.mark.reference
def test_errors_of_varierr_are_found_by_people_and_gpt_4() -> None:
    assert average_precision(varierr(crowd=False)) == pytest.approx(43.5, abs=0.06)


@pytest.mark.reference
def test_with_the_votes_of_a_crowd_more_of_them_are_found() -> None:
    tale = varierr(crowd=True)

    assert average_precision(tale) == pytest.approx(51.4, abs=0.06)

    searched(tale)
    errors = LikelyError.objects.order_by("pk")
    assert errors.count() <= 1000
    scores = list(errors.values_list("score", flat=True))
    assert scores == sorted(scores, reverse=True)
    first = errors[0]
    assert first.option in first.label.value
    assert {"peers", "judges", "others", "same"} <= first.support.keys()


def test_probabilities_of_a_file_are_read_and_odd_ones_refused() -> None:
    tale = story(questions=(RELATION,))
    tale.items(["One.", "Two.", "Three.", "Four."])
    line = {"rater": "m", "kind": "model", "label": ["neutral"]}

    batch = bring_labels(
        tale,
        jsonl_of(
            {**line, "item": "i1", "probabilities": {"neutral": 0.9, "Entailment": 0.4}},
            {**line, "item": "i2", "probabilities": {"neutral": 1.2}},
            {**line, "item": "i3", "probabilities": {"maybe": 0.2}},
            {**line, "item": "i4", "probabilities": json.dumps({"neutral": 0.5})},
        ),
        "labels.jsonl",
        PLAN,
    )

    assert refused(batch) == [(2, "distribution"), (3, "no_option")]
    told = dict(Label.objects.values_list("item__external_id", "distribution"))
    assert told == {"i1": {"2": 0.9, "1": 0.4}, "i4": {"2": 0.5}}


GOOD = ("wonderful", "delicious", "excellent", "superb", "lovely", "delightful")
BAD = ("terrible", "disgusting", "awful", "horrible", "dreadful", "inedible")
WHAT = ("soup", "dinner", "dessert", "wine", "bread", "lunch")


def texts_with_one_label_each(wrong: set[int]) -> Story:
    """72 sentences, half praise, each with one label; those of these places have the other one."""
    tale = story()
    texts = [f"The {what} was {how}." for how in (*GOOD, *BAD) for what in WHAT]
    lines = jsonl_of(*({"id": f"t{n}", "text": text} for n, text in enumerate(texts)))
    items = bring_items(tale, lines, "items.jsonl")
    assert items.counts["created"] == len(texts)
    labels = [
        {
            "item_id": f"t{n}",
            "annotator_id": "w1",
            "annotator_kind": "person",
            "label": "positive" if (n < len(texts) // 2) != (n in wrong) else "negative",
        }
        for n in range(len(texts))
    ]
    bring_labels(tale, jsonl_of(*labels), "labels.jsonl")
    return tale


def test_labels_and_texts_alone_are_looked_through_by_a_model_of_the_texts() -> None:
    wrong = {3, 20, 45, 70}
    tale = texts_with_one_label_each(wrong)

    searched(tale)

    found = list(LikelyError.objects.order_by("pk").values_list("item__external_id", flat=True))
    assert set(found[:4]) == {f"t{n}" for n in wrong}
    first = LikelyError.objects.order_by("pk")[0]
    assert first.support["others"] == 0
    assert first.support["model"] < 1 / 3
    assert first.instead == (1 if first.label.choice == 0 else 0)


def test_a_model_that_has_shown_nothing_is_not_heard() -> None:
    # Every other sentence is called positive, whatever it says: there is nothing to learn.
    n = len(GOOD) * len(WHAT)
    tale = texts_with_one_label_each({k for k in range(2 * n) if (k < n) == (k % 2 == 0)})

    searched(tale)

    assert not LikelyError.objects.exists()
