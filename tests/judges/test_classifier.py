"""The local classifier as a judge, with its real embeddings: zero-shot and learnt from people."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from annotate.errors import BadInput
from annotate.models import Item, JobState, Label, Rater, RulingReason
from annotate.services.claims import claims_hold
from annotate.services.items import ItemRow, items_take_in
from annotate.services.projects import OptionDraft, QuestionDraft
from annotate.services.rulings import ruling_make
from annotate.services.submissions import submission_submit
from judges.models import Call, JudgeVersion, TextVector
from judges.providers import local_classifier
from judges.selectors.judges import judge_row
from judges.selectors.training import training_set
from judges.services.embeddings import vectors_keep, vectors_kept
from judges.services.learning import near_copies
from judges.services.runs import run_start
from judges.services.versions import classifier_version
from tests.judges.judging import work
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

FEELING = QuestionDraft(
    "feeling",
    "Feeling",
    "single",
    (
        OptionDraft("pos", "Positive", "The guest praises the food, the staff or the place."),
        OptionDraft("neg", "Negative", "The guest complains about the food, staff or place."),
    ),
)
GOOD = [
    "The soup was wonderful and warm.",
    "Lovely staff, they smiled all evening.",
    "Best bread I have eaten in years.",
    "A delightful little place, we will return.",
    "Everything tasted fresh and delicious.",
    "Great service and a perfect dessert.",
]
BAD = [
    "The soup was cold and tasteless.",
    "Rude staff, we waited an hour.",
    "The bread was stale and hard.",
    "A dirty, noisy place, never again.",
    "Everything was greasy and far too salty.",
    "Terrible service and a burnt dessert.",
]


def labelled(s: Story, person: str = "ana", *, wrong: tuple[str, ...] = ()) -> None:
    """One person labels everything: 0 for praise, 1 for complaints, but for the texts in wrong."""
    rater = s.rater(getattr(s, person))
    for number in itertools.count():
        held = claims_hold(rater)
        if not held:
            return
        item = held[0].item
        code = int(item.fields["text"] in BAD) ^ int(item.fields["text"] in wrong)
        submission_submit(rater, item, answers=s.answer(code), client_key=f"k{number}")


def test_zero_shot_reads_the_definitions_and_says_how_sure_it_is() -> None:
    s = story(questions=(FEELING,))
    items = s.items([*GOOD, *BAD])
    version = classifier_version(s.olga, s.question, mode="zero_shot")
    run = work(run_start(s.olga, version))
    assert run.job.state == JobState.DONE
    labels = Label.objects.filter(rater=version.rater)
    assert len(labels) == 12
    right = sum(label.choice == (label.item_id in {i.pk for i in items[6:]}) for label in labels)
    assert right >= 10
    for label in labels:
        assert label.confidence_source == "classifier"
        assert label.confidence == pytest.approx(max(label.distribution.values()), abs=1e-5)
        assert sum(label.distribution.values()) == pytest.approx(1, abs=1e-4)
    # Texts and options are embedded once and kept.
    assert TextVector.objects.count() == 12 + 2


def test_vectors_come_back_as_they_were_kept() -> None:
    given = dict(zip(GOOD, local_classifier.embed(GOOD), strict=True))
    vectors_keep("m", given)
    vectors_keep("m", given)
    kept = vectors_kept("m", [*GOOD, "unknown"])
    assert kept.keys() == given.keys()
    assert all((kept[text] == given[text]).all() for text in GOOD)


def test_learning_needs_labels_of_two_options_and_says_how_many_there_are() -> None:
    s = story(questions=(FEELING,))
    s.items(GOOD)
    with pytest.raises(BadInput, match=r"needs 10 .* there are 0 items"):
        classifier_version(s.olga, s.question, mode="trained")
    labelled(s)
    with pytest.raises(BadInput, match="6 items in 1 such"):
        classifier_version(s.olga, s.question, mode="trained")


def test_the_training_set_is_rulings_first_then_peoples_majority_and_never_judges() -> None:
    s = story(labels_per_item=2, questions=(FEELING,))
    first, second, third, fourth = s.items([GOOD[0], GOOD[1], BAD[0], BAD[1]])
    labelled(s, "ana")
    labelled(s, "ben", wrong=(GOOD[1], BAD[1]))
    ruling_make(s.rhea, fourth, s.question, choice=1, reason=RulingReason.RATER_ERROR)
    judge = Rater.objects.create(project=s.project, kind="judge", origin="imported", name="m")
    submission_submit(judge, second, answers=s.answer(1), client_key="j")
    found = training_set(s.question)
    assert dict(found.labels) == {third.pk: 1, fourth.pk: 1}
    assert found.counts == {0: 1, 1: 2}
    assert found.tied == 1
    assert first.pk not in dict(found.labels)  # an option named once cannot be held out


def test_a_trained_judge_meets_each_item_it_learnt_from_as_one_it_has_not_seen() -> None:
    s = story(questions=(FEELING,))
    # The same words twice, and a label that only somebody who had seen it would repeat.
    twins = [GOOD[0], GOOD[0] + " "]
    s.items([*twins, *GOOD[1:], *BAD])
    labelled(s, wrong=tuple(twins))
    version = classifier_version(s.olga, s.question, mode="trained")
    assert len(version.training["labels"]) == 13
    items_take_in(s.project, [ItemRow("new", {"text": "A wonderful evening."})])

    run = work(run_start(s.olga, version, selection={"strategy": "all"}))

    assert run.job.result == {"label": 14}
    variants = dict(Call.objects.values_list("item__external_id", "variant"))
    assert variants.pop("new") == "plain"
    assert set(variants.values()) == {"out_of_fold"}
    said = dict(
        Label.objects.filter(rater=version.rater).values_list("item__external_id", "choice")
    )
    assert said["i1"] == said["i2"] == 0  # people said 1, of these alone
    assert said["new"] == 0
    row = judge_row(version)
    assert row.agreement is not None
    assert row.agreement.shared == 13
    assert row.agreement.agree <= 11
    # The control: fitted on all of it, the classifier repeats what it was told.
    told = dict(version.training["labels"])
    items = Item.objects.in_bulk(told)
    vectors = local_classifier.embed([items[pk].fields["text"].strip() for pk in told])
    fitted = local_classifier.train(vectors, list(told.values()))
    repeated = fitted.predict(vectors).argmax(axis=1)
    assert sum(int(a == b) for a, b in zip(repeated, told.values(), strict=True)) >= 12


def test_edited_versions_of_a_text_are_held_out_together_but_not_a_way_of_writing() -> None:
    vectors = local_classifier.embed(
        [GOOD[0], GOOD[0].replace("wonderful and warm", "wonderful and so warm"), *BAD, *GOOD[1:]]
    )
    groups = near_copies(vectors, 0.95)
    assert groups[0] == groups[1]
    assert len(set(groups.tolist())) > 8
    # However low the bar, a fifth of all at most hang together.
    crowded = np.bincount(near_copies(vectors, 0.5)).max()
    assert crowded <= 0.2 * len(vectors)


def test_new_labels_make_a_new_version_and_the_same_labels_the_same() -> None:
    s = story(questions=(FEELING,))
    s.items([*GOOD, *BAD])
    labelled(s)
    first = classifier_version(s.olga, s.question, mode="trained")
    assert classifier_version(s.rhea, s.question, mode="trained").pk == first.pk
    item = Item.objects.get(external_id="i1")
    ruling_make(s.rhea, item, s.question, choice=1, reason=RulingReason.RATER_ERROR)
    second = classifier_version(s.olga, s.question, mode="trained")
    assert (first.number, second.number) == (1, 2)
    assert first.rater_id != second.rater_id
    assert JudgeVersion.objects.count() == 2


def test_a_classifier_takes_up_where_it_was_and_gives_the_same_answers() -> None:
    s = story(questions=(FEELING,))
    s.items([*GOOD, *BAD])
    version = classifier_version(s.olga, s.question, mode="zero_shot")
    run = run_start(s.olga, version)
    work(run)
    before = dict(Call.objects.values_list("item_id", "distribution"))
    Label.objects.all().delete()
    Call.objects.filter(pk__in=list(run.calls.values_list("pk", flat=True)[:5])).update(
        state="waiting", outcome="", choice=None
    )
    TextVector.objects.all().delete()
    run.job.__class__.objects.filter(pk=run.job_id).update(state="queued")
    # The client keys stand, so what was handed in before is not handed in twice.
    work(run)
    assert dict(Call.objects.values_list("item_id", "distribution")) == before
    assert not Label.objects.exists()
