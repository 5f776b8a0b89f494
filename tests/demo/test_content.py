"""The demo's files fit together, and every screen finds something in them to show.

These tests read the files as they are, with no database.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Literal

import krippendorff
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "annotate" / "demo"
COLOURS = {"blue", "green", "amber", "red", "violet", "teal", "pink", "slate"}
CHANNELS = {"web form", "card", "email", "phone note"}
ROLES = {"owner", "reviewer", "annotator", "viewer"}
REASONS = {"rater_error", "ambiguous_item", "guideline_gap", "judge_error"}
RIGHT_TO_LEFT = re.compile("[\u0590-\u06ff]")

Row = dict[str, Any]


def read_lines(name: str) -> list[Row]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def project() -> Row:
    content: Row = json.loads((FOLDER / "project.json").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def items() -> list[Row]:
    return read_lines("items.jsonl")


@pytest.fixture(scope="module")
def labels() -> list[Row]:
    return read_lines("labels.jsonl")


@pytest.fixture(scope="module")
def rulings() -> list[Row]:
    return read_lines("rulings.jsonl")


@pytest.fixture(scope="module")
def options(project: Row) -> dict[str, list[str]]:
    """The option keys of each question, in their order."""
    return {q["key"]: [o["key"] for o in q["options"]] for q in project["questions"]}


def submitted(labels: list[Row]) -> list[Row]:
    return [row for row in labels if not row["skipped"]]


def test_project_is_complete(project: Row) -> None:
    assert project["name"]
    assert project["description"]
    assert project["labels_per_item"] == 3
    assert [(q["key"], q["kind"]) for q in project["questions"]] == [
        ("topic", "single"),
        ("tone", "rating"),
    ]
    for question in project["questions"]:
        assert question["required"] is True
        assert question["name"]
        assert question["text"]
        for field in ("key", "name", "definition", "colour"):
            values = [option[field] for option in question["options"]]
            assert all(values)
            assert len(set(values)) == len(values), f"{question['key']}: {field} repeats"
        assert {option["colour"] for option in question["options"]} <= COLOURS
    usernames = [person["username"] for person in project["people"]]
    assert len(set(usernames)) == len(usernames)
    assert {person["role"] for person in project["people"]} <= ROLES


def test_rating_steps_are_in_order(options: dict[str, list[str]]) -> None:
    assert options["tone"] == ["1", "2", "3", "4", "5"]


def test_items_are_unique_and_of_readable_length(items: list[Row]) -> None:
    assert len(items) == 150
    assert len({item["id"] for item in items}) == 150
    assert len({item["text"] for item in items}) == 150
    words = [len(item["text"].split()) for item in items]
    assert min(words) >= 4
    assert max(words) <= 120
    assert {item["channel"] for item in items} == CHANNELS


def test_items_give_no_answer_away(items: list[Row]) -> None:
    for item in items:
        assert set(item) <= {"id", "text", "channel", "gloss"}


def test_items_hold_the_hard_cases(items: list[Row]) -> None:
    other_direction = [item for item in items if RIGHT_TO_LEFT.search(item["text"])]
    assert len(other_direction) >= 2
    assert [item for item in items if "gloss" in item] == other_direction
    assert all(item["gloss"] for item in other_direction)
    assert any("<b>" in item["text"] for item in items)
    assert any("ignore your instructions" in item["text"] for item in items)


def test_labels_refer_to_what_exists(
    project: Row, items: list[Row], labels: list[Row], options: dict[str, list[str]]
) -> None:
    ids = {item["id"] for item in items}
    annotators = {p["username"] for p in project["people"] if p["role"] == "annotator"}
    seen = Counter((row["item"], row["person"]) for row in labels)
    assert set(seen.values()) == {1}, "a person labels an item once"
    for row in labels:
        assert row["item"] in ids
        assert row["person"] in annotators
        assert 1 < row["seconds"] < 120
        if row["skipped"]:
            assert row["answers"] == {}
            assert row["comment"]
        else:
            assert set(row["answers"]) == set(options)
            assert all(answer in options[key] for key, answer in row["answers"].items())


def test_work_is_unfinished(items: list[Row], labels: list[Row]) -> None:
    done = Counter(row["item"] for row in submitted(labels))
    sizes = Counter(done[item["id"]] for item in items)
    assert set(sizes) == {0, 1, 2, 3}
    assert min(sizes.values()) >= 10
    assert 85 <= 150 - sizes[0] <= 95


def test_labels_have_flags_skips_and_comments(labels: list[Row]) -> None:
    flagged = [row for row in labels if row["flag"]]
    assert len(flagged) == 3
    assert all(row["comment"] for row in flagged)
    assert len({row["person"] for row in flagged}) == 1
    assert sum(row["skipped"] for row in labels) == 2
    assert sum(bool(row["comment"]) for row in submitted(labels)) >= 6


def test_rulings_settle_real_disagreement(
    project: Row, labels: list[Row], rulings: list[Row], options: dict[str, list[str]]
) -> None:
    answers = defaultdict(set)
    for row in submitted(labels):
        for question, answer in row["answers"].items():
            answers[row["item"], question].add(answer)
    leads = {p["username"] for p in project["people"] if p["role"] in {"owner", "reviewer"}}
    assert 4 <= len(rulings) <= 6
    assert len({(ruling["item"], ruling["question"]) for ruling in rulings}) == len(rulings)
    for ruling in rulings:
        assert ruling["answer"] in options[ruling["question"]]
        assert ruling["reason"] in REASONS
        assert ruling["person"] in leads
        assert ruling["comment"]
        assert len(answers[ruling["item"], ruling["question"]]) > 1


def test_review_still_has_work(labels: list[Row], rulings: list[Row]) -> None:
    votes = defaultdict(set)
    for row in submitted(labels):
        votes[row["item"]].add(row["answers"]["topic"])
    ruled = {ruling["item"] for ruling in rulings if ruling["question"] == "topic"}
    split = {item for item, given in votes.items() if len(given) > 1}
    assert len(split - ruled) >= 8


@pytest.mark.parametrize(
    ("question", "level", "low", "high"),
    [("topic", "nominal", 0.65, 0.8), ("tone", "ordinal", 0.6, 0.85)],
)
def test_agreement_is_that_of_people(
    labels: list[Row],
    options: dict[str, list[str]],
    question: str,
    level: Literal["nominal", "ordinal"],
    low: float,
    high: float,
) -> None:
    """Krippendorff's alpha over the people: neither noise nor copies of one another."""
    rows = submitted(labels)
    given = {
        (row["person"], row["item"]): float(options[question].index(row["answers"][question]))
        for row in rows
    }
    matrix = [
        [given.get((person, item), math.nan) for item in sorted({row["item"] for row in rows})]
        for person in sorted({row["person"] for row in rows})
    ]
    alpha = krippendorff.alpha(reliability_data=matrix, level_of_measurement=level)
    assert low <= alpha <= high


def test_guideline_speaks_of_every_question_and_option(project: Row) -> None:
    guideline = (FOLDER / "guideline.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", guideline, flags=re.MULTILINE)
    for question in project["questions"]:
        assert question["text"] in headings
        for option in question["options"]:
            number = f"{option['key']}, " if question["kind"] == "rating" else ""
            paragraph = re.search(
                rf"^\*\*{re.escape(number + option['name'])}\.\*\*(.+?)\n\n",
                guideline,
                flags=re.MULTILINE | re.DOTALL,
            )
            assert paragraph, option["name"]
            assert "*Example:" in paragraph[1], option["name"]
            assert "Border:" in paragraph[1], option["name"]
