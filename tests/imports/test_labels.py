"""Importing labels of named raters, people and judges."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotate.errors import BadInput, Conflict
from annotate.models import (
    Item,
    ItemSummary,
    Label,
    Rater,
    RaterKind,
    RaterOrigin,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
)
from annotate.services.import_plans import LabelPlan, question_guess, uses_guess
from annotate.services.import_refusals import refusals_shown
from annotate.services.imports import import_run, import_start
from annotate.services.projects import OptionDraft, QuestionDraft, question_revise
from tests.imports.bringing import (
    LABELS,
    bring_labels,
    labels_csv,
    refused,
    taken,
    upload,
)
from tests.personas import SENTIMENT, STARS, story

pytestmark = pytest.mark.django_db


def test_labels_come_in_with_raters_submissions_and_counts_and_use_no_slot() -> None:
    s = story(labels_per_item=2)
    first, second = s.items(["Lovely.", "Slow."])
    batch = bring_labels(
        s,
        labels_csv(
            ("i1", "w1", "human", "positive"),
            ("i1", "w2", "human", "Not mentioned"),  # by its name
            ("i2", "w1", "human", "negative"),
            ("i1", "gpt", "llm", "negative"),
        ),
    )
    assert batch.counts["created"] == 4
    assert set(Rater.objects.values_list("name", "kind", "origin")) == {
        ("w1", RaterKind.PERSON, RaterOrigin.IMPORTED),
        ("w2", RaterKind.PERSON, RaterOrigin.IMPORTED),
        ("gpt", RaterKind.JUDGE, RaterOrigin.IMPORTED),
    }
    assert (
        Submission.objects.filter(batch=batch, status=SubmissionStatus.SUBMITTED, slot=None).count()
        == 4
    )
    assert set(Slot.objects.values_list("state", flat=True)) == {SlotState.OPEN}
    summary = ItemSummary.objects.get(item=first, question=s.question)
    assert summary.people_counts == {"0": 1, "2": 1}
    assert summary.judge_counts == {"1": 1}
    assert summary.dirty is False
    second.refresh_from_db()
    assert second.frozen_at is not None


def test_confidence_rationale_and_time_come_with_a_label() -> None:
    s = story()
    s.items(["Lovely."])
    plan = replace(LABELS, confidence="conf", rationale="why", time="at")
    bring_labels(
        s,
        b"item_id,annotator_id,annotator_kind,label,conf,why,at\n"
        b"i1,gpt,llm,positive,0.75,<b>praise</b>,2025-03-01T10:00:00+02:00\n",
        plan=plan,
    )
    label = Label.objects.get()
    assert (label.confidence, label.confidence_source) == (0.75, "imported")
    assert label.rationale == "<b>praise</b>"
    assert label.created_at.isoformat() == "2025-03-01T08:00:00+00:00"


def test_every_refusal_names_its_line_and_the_rest_is_kept() -> None:
    s = story()
    s.items(["Lovely."])
    plan = replace(LABELS, confidence="c", time="t")
    lines = [
        b"item_id,annotator_id,annotator_kind,label,c,t",
        b"i1,w1,human,positive,,",  # 2
        b"i1,w2,human,perhaps,,",  # 3
        b"i1,w3,human,,,",  # 4
        b"i1,w4,robot,positive,,",  # 5
        b"i1,,human,positive,,",  # 6
        b",w5,human,positive,,",  # 7
        b"i9,w6,human,positive,,",  # 8
        b"i1,w7,llm,positive,1.5,",  # 9
        b"i1,w8,llm,positive,nan,",  # 10
        b"i1,w9,llm,positive,0.5,tomorrow",  # 11
        b"i1,w1,human,negative,,",  # 12: another label of w1
        b"i1,w1,human,positive,,",  # 13: the same label of w1
        b"i1," + b"w" * 201 + b",human,positive,,",  # 14
    ]
    batch = bring_labels(s, b"\n".join(lines), plan=plan)
    assert refused(batch) == [
        (3, "no_option"),
        (4, "empty_label"),
        (5, "no_kind"),
        (6, "empty_rater"),
        (7, "empty_id"),
        (8, "unknown_item"),
        (9, "confidence"),
        (10, "confidence"),
        (11, "time"),
        (12, "repeated"),
        (14, "long_id"),
    ]
    assert (batch.counts["created"], batch.counts["unchanged"]) == (1, 1)
    assert Label.objects.get().rater.name == "w1"
    sentences = {refusal.lines: refusal.sentence for refusal in refusals_shown(batch)}
    assert sentences["12"] == "w1 labelled “i1” before, as “positive”, which stands."
    assert "positive, negative, unknown" in sentences["3"]


def test_the_same_labels_again_are_unchanged_and_other_ones_refused() -> None:
    s = story()
    s.items(["Lovely.", "Slow."])
    rows = [("i1", "w1", "human", "positive"), ("i2", "w1", "human", "negative")]
    bring_labels(s, labels_csv(*rows))
    again = bring_labels(s, labels_csv(*rows))
    assert (again.counts["unchanged"], again.counts["created"]) == (2, 0)
    other = bring_labels(s, labels_csv(("i1", "w1", "human", "negative")))
    assert refused(other) == [(2, "repeated")]
    assert Label.objects.count() == 2


def test_one_name_as_person_and_as_judge_is_two_raters() -> None:
    s = story()
    s.items(["Lovely."])
    bring_labels(s, labels_csv(("i1", "x", "human", "positive"), ("i1", "x", "llm", "negative")))
    assert Rater.objects.filter(name="x").count() == 2


def test_labels_may_create_items_from_columns_or_from_the_id_alone() -> None:
    s = story(labels_per_item=3)
    plan = replace(LABELS, create=True, shown=["text"], metadata=["src"])
    batch = bring_labels(
        s,
        b"item_id,annotator_id,annotator_kind,label,text,src\n"
        b"a,w1,human,positive,Lovely.,web\n"
        b"a,w2,human,positive,Another text for a,web\n"
        b"b,w1,human,negative,,web\n",
        plan=plan,
    )
    assert batch.counts["items_created"] == 2
    assert Item.objects.get(external_id="a").fields == {"text": "Lovely."}
    assert Item.objects.get(external_id="b").fields == {"text": "b"}
    assert Item.objects.get(external_id="b").metadata == {"src": "web"}
    assert Slot.objects.count() == 6
    assert Label.objects.count() == 3


def test_a_new_question_is_made_of_the_values() -> None:
    s = story()
    s.items(["Lovely."])
    kind, options = question_guess({"3": 2, "10": 1, "1": 5})
    assert (kind, [option.key for option in options]) == ("rating", ["1", "3", "10"])
    assert question_guess({"no": 1, "yes": 5, "": 9})[0] == "single"
    assert [o.key for o in question_guess({"no": 1, "yes": 5})[1]] == ["yes", "no"]
    assert question_guess({"0": 1, "1": 5})[0] == "single"

    draft = QuestionDraft(key="stars", name="Stars", kind=kind, options=options)
    batch = bring_labels(
        s,
        labels_csv(("i1", "w1", "human", "10"), ("i1", "w2", "human", "2")),
        plan=replace(LABELS, questions={}),
        question=draft,
    )
    assert Label.objects.get().choice == 2
    assert Label.objects.get().question.key == "stars"
    assert refused(batch) == [(3, "no_option")]


def test_a_column_may_say_which_question_a_label_answers() -> None:
    s = story(questions=(SENTIMENT, STARS))
    s.items(["Lovely."])
    batch = bring_labels(
        s,
        b"item_id,annotator_id,annotator_kind,q,label\n"
        b"i1,w1,human,sentiment,positive\ni1,w1,human,stars,4\ni1,w1,human,other,4\n",
        plan=replace(LABELS, question="q", questions={}),
    )
    assert set(Label.objects.values_list("question__key", "choice")) == {
        ("sentiment", 0),
        ("stars", 3),
    }
    assert refused(batch) == [(4, "no_question")]


def test_one_rater_may_be_named_for_the_whole_file() -> None:
    s = story()
    s.items(["Lovely."])
    plan = LabelPlan(
        item="item_id",
        label="label",
        rater_name="gpt-x",
        fixed_kind=RaterKind.JUDGE,
        questions={"sentiment": 0},
    )
    bring_labels(s, b"item_id,label\ni1,positive\n", plan=plan)
    rater = Rater.objects.get()
    assert (rater.name, rater.kind) == ("gpt-x", RaterKind.JUDGE)


def test_a_plan_of_labels_says_rater_and_question() -> None:
    s = story()
    batch = upload(s, b"item_id,label\ni1,positive\n", kind="labels")
    with pytest.raises(BadInput, match="rater"):
        import_start(s.olga, batch, LabelPlan("item_id", "label", questions={"sentiment": 0}))
    with pytest.raises(BadInput, match="which question"):
        import_start(s.olga, batch, LabelPlan("item_id", "label", rater_name="x"))


def test_a_question_changed_meanwhile_stops_the_import_before_it_writes() -> None:
    s = story()
    s.items(["Lovely."])
    bring_labels(s, labels_csv(("i1", "w0", "human", "positive")))
    batch = import_start(
        s.olga, upload(s, labels_csv(("i1", "w1", "human", "positive")), kind="labels"), LABELS
    )
    question_revise(
        s.olga,
        s.question,
        QuestionDraft(
            "sentiment", "Mood", "single", (OptionDraft("a", "A"), OptionDraft("b", "B"))
        ),
    )
    with pytest.raises(Conflict, match="changed"):
        import_run(taken(batch))
    assert Label.objects.count() == 1


def test_columns_are_guessed_by_name_and_by_what_is_in_them() -> None:
    guessed = uses_guess(
        "items",
        ["item_id", "text", "aspect", "num_id", "score", "page_url"],
        {"text": ["words"], "aspect": ["food"], "num_id": ["12"], "score": ["1.5"]},
    )
    assert guessed == {
        "item_id": "item",
        "text": "shown",
        "aspect": "shown",
        "num_id": "metadata",
        "score": "metadata",
        "page_url": "metadata",
    }
    assert uses_guess("labels", ["item_id", "annotator_id", "annotator_kind", "label"], {}) == {
        "item_id": "item",
        "annotator_id": "rater",
        "annotator_kind": "kind",
        "label": "label",
    }
    assert uses_guess("items", ["n"], {"n": ["1"]}) == {"n": "shown"}
    own = {"Review ID": ["r1", "r2"], "author id": ["a", "a"], "text": ["x", "y"]}
    assert uses_guess("items", ["author id", "Review ID", "text"], own) == {
        "author id": "metadata",
        "Review ID": "item",
        "text": "shown",
    }
