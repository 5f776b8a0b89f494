"""Two sets to ask a judge about: texts of our own, and restaurant reviews that people labelled."""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.published import rows
from judges.exchange import OptionSpec, QuestionSpec

TEXTS = Path(__file__).with_name("sentiment_texts.csv")
# Answered items beyond those asked, from which few-shot examples are drawn.
POOL = 100


@dataclass(frozen=True)
class Item:
    """`code` is what is taken for right: written with the text, or most people's label."""

    key: int
    fields: Mapping[str, str]
    code: int


@dataclass(frozen=True)
class AskedSet:
    """`asked` are the items a judge is asked, `pool` those that may be its examples; the same ones
    may be in both.
    """

    name: str
    question: QuestionSpec
    wording: Callable[[Mapping[str, str]], str]
    asked: list[Item]
    pool: list[Item]


def own_texts(n: int, seed: int) -> AskedSet:
    """Short texts, half of them pleased and half not; 44 of 120 say it in a roundabout way."""
    options = (
        OptionSpec(1, "", "positive", "Positive", "The writer is pleased."),
        OptionSpec(2, "", "negative", "Negative", "The writer is displeased or sad."),
    )
    codes = {option.key: option.code for option in options}
    with TEXTS.open(encoding="utf-8", newline="") as file:
        items = [
            Item(number, {"text": row["text"]}, codes[row["gold"]])
            for number, row in enumerate(csv.DictReader(file))
        ]
    text = "What is the sentiment of this text?"
    question = QuestionSpec("sentiment", text, "single", options)
    asked = random.Random(seed).sample(items, min(n, len(items)))
    return AskedSet("own texts", question, lambda fields: text, asked, items)


def reviews(n: int, seed: int) -> AskedSet:
    """cebab_aspects: one aspect of a restaurant review, labelled by four people each. Items on
    which people are tied are left out.
    """
    options = (
        OptionSpec(1, "", "Positive", "Positive", "The review praises it."),
        OptionSpec(2, "", "Negative", "Negative", "The review finds fault with it."),
        OptionSpec(3, "", "unknown", "Not mentioned", "The review says nothing about it."),
    )
    codes = {option.key: option.code for option in options}
    votes: dict[str, Counter[int]] = defaultdict(Counter)
    for row in rows("alttest_cebab_aspects.labels.csv"):
        if row["annotator_kind"] == "human":
            votes[row["item_id"]][codes[row["label"]]] += 1
    items = []
    for number, row in enumerate(rows("alttest_cebab_aspects.items.csv")):
        ranked = votes[row["item_id"]].most_common(2)
        if len(ranked) == 1 or ranked[0][1] > ranked[1][1]:
            fields = {"text": row["text"], "aspect": row["aspect"]}
            items.append(Item(number, fields, ranked[0][0]))
    drawn = random.Random(seed).sample(items, n + POOL)

    def wording(fields: Mapping[str, str]) -> str:
        return f"What does the review say about the {fields['aspect']}?"

    question = QuestionSpec("aspect", "What does the review say about it?", "single", options)
    return AskedSet("cebab_aspects", question, wording, drawn[:n], drawn[n:])
