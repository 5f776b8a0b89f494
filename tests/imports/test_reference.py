"""Files of others brought in whole, from the folder REFERENCE_DATA (conftest.py)."""

from __future__ import annotations

import csv
import os
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from annotate.models import Item, ItemSummary, Label, Project, Rater, RaterKind, WhoCounts
from annotate.selectors.tables import question_table
from consensus.krippendorff import krippendorff_alpha
from tests.personas import user

pytestmark = [pytest.mark.reference, pytest.mark.django_db]


def path(name: str) -> Path:
    return Path(os.environ["REFERENCE_DATA"]) / name


def bring(*args: str | Path) -> str:
    out = StringIO()
    user("olga", founder=True)
    call_command(
        "import_items",
        "--create-project=P",
        "--owner=olga",
        *map(str, args),
        stdout=out,
        stderr=out,
    )
    return out.getvalue()


def test_restaurant_aspects_come_in_whole_in_one_go() -> None:
    bring(
        "--items",
        path("alttest_cebab_aspects.items.csv"),
        "--labels",
        path("alttest_cebab_aspects.labels.csv"),
        "--question-key=judgement",
        "--question-text=How does the text judge the {aspect}?",
    )
    assert Item.objects.count() == 1008
    assert list(Item.objects.first().fields) == ["text", "aspect"]  # type: ignore[union-attr]
    assert Counter(Rater.objects.values_list("kind", flat=True)) == {"person": 10, "judge": 6}
    with path("alttest_cebab_aspects.labels.csv").open(encoding="utf-8", newline="") as file:
        given = Counter(
            (row["item_id"], row["annotator_id"], row["label"]) for row in csv.DictReader(file)
        )
    question = Project.objects.get().questions.get()
    names = {option.code: option.key for option in question.options.all()}
    rows = Label.objects.values_list("item__external_id", "rater__name", "choice")
    kept = Counter(
        (item, rater, names[choice]) for item, rater, choice in rows if choice is not None
    )
    assert kept.total() == 10_080
    assert kept == given
    people = Label.objects.filter(rater__kind=RaterKind.PERSON).count()
    assert people == sum(ItemSummary.objects.values_list("n_people", flat=True)) == 4032
    found = question_table(question, WhoCounts.PEOPLE)
    assert round(krippendorff_alpha(found.table), 3) == 0.742


def test_a_file_of_labels_alone_makes_its_items() -> None:
    bring("--labels", path("alttest_framing.labels.csv"))
    assert Item.objects.count() == 2552
    assert Label.objects.count() == 7656 + 15_312


def test_a_rater_who_repeats_items_keeps_the_first_answer_and_the_rest_is_told() -> None:
    told = bring("--labels", path("anesthesia.labels.csv"))
    with path("anesthesia.labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            (line, row["item_id"], row["annotator_id"], row["label"])
            for line, row in enumerate(csv.DictReader(file), 2)
        ]
    first: dict[tuple[str, str], str] = {}
    other = [
        line for line, item, rater, label in rows if first.setdefault((item, rater), label) != label
    ]
    assert Label.objects.count() == len(first)
    assert f"lines refused: {len(other)}" in told
    assert f"line {other[0]}: " in told
