"""Taking an import back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from annotate.errors import Conflict
from annotate.models import (
    Event,
    ImportStatus,
    Item,
    ItemStatus,
    ItemSummary,
    Label,
    LabelStatus,
    Slot,
    Submission,
    SubmissionStatus,
)
from annotate.services.claims import claim_item, claims_hold
from annotate.services.import_undo import undo_facts
from annotate.services.imports import import_start, import_undo
from annotate.services.submissions import submission_submit, submission_withdraw
from tests.imports.bringing import (
    ITEMS,
    LABELS,
    bring_items,
    bring_labels,
    csv_of,
    labels_csv,
    take_back,
    upload,
)
from tests.personas import story

pytestmark = pytest.mark.django_db


def statuses() -> dict[str, str]:
    return dict(Item.objects.values_list("external_id", "status"))


def test_items_nobody_met_go_with_their_slots_and_those_given_out_stay() -> None:
    s = story(labels_per_item=2)
    batch = bring_items(s, csv_of(("a", "one"), ("b", "two"), ("c", "three")))
    given = Item.objects.get(external_id="b")
    claim_item(s.rater(s.ana), given)

    facts = undo_facts(batch)
    assert (facts.withdrawn, facts.stay, facts.restored) == (2, 1, 0)
    batch = take_back(s, batch)

    assert batch.status == ImportStatus.UNDONE
    assert statuses() == {"a": "withdrawn", "b": "live", "c": "withdrawn"}
    assert set(Slot.objects.values_list("item__external_id", flat=True)) == {"b"}
    assert Slot.objects.count() == 2
    assert Event.objects.filter(verb="import.undone").count() == 1


def test_updated_items_get_their_content_back_unless_somebody_met_or_changed_them() -> None:
    s = story()
    bring_items(s, csv_of(("a", "one"), ("b", "two"), ("c", "three")))
    batch = bring_items(s, csv_of(("a", "one!"), ("b", "two!"), ("c", "three!"), ("d", "new")))
    claim_item(s.rater(s.ana), Item.objects.get(external_id="b"))
    bring_items(s, csv_of(("c", "three again")))

    take_back(s, batch)

    texts = {item.external_id: item.fields["text"] for item in Item.objects.all()}
    assert texts == {"a": "one", "b": "two!", "c": "three again", "d": "new"}
    assert statuses() == {"a": "live", "b": "live", "c": "live", "d": "withdrawn"}
    assert Slot.objects.filter(item__external_id="a").count() == 1
    again = bring_items(s, csv_of(("a", "one")))
    assert again.counts["unchanged"] == 1


def test_what_was_taken_back_can_be_brought_in_again() -> None:
    s = story(labels_per_item=2)
    batch = take_back(s, bring_items(s, csv_of(("a", "one"))))
    again = bring_items(s, csv_of(("a", "one, mended".replace(",", ";"))))
    assert again.counts["updated"] == 1
    assert statuses() == {"a": "live"}
    assert Slot.objects.count() == 2
    take_back(s, again)
    assert statuses() == {"a": "withdrawn"}
    assert Item.objects.get().fields == {"text": "one"}
    assert batch.counts["undone"] == {"withdrawn": 1, "restored": 0, "stay": 0}


def test_imported_labels_go_and_the_counts_with_them() -> None:
    s = story()
    (item, _other) = s.items(["Lovely.", "Slow."])
    rater = s.rater(s.ana)
    claim_item(rater, item)
    submission_submit(rater, item, answers=s.answer(1), client_key="k")
    batch = bring_labels(
        s, labels_csv(("i1", "w1", "human", "positive"), ("i2", "w1", "human", "positive"))
    )
    assert ItemSummary.objects.get(item=item).n_people == 2

    assert undo_facts(batch).labels == 2
    batch = take_back(s, batch)

    assert batch.counts["undone"]["labels"] == 2
    assert ItemSummary.objects.get(item=item).people_counts == {"1": 1}
    assert Label.objects.get(status=LabelStatus.LIVE).rater == rater
    assert set(Submission.objects.filter(batch=batch).values_list("status", flat=True)) == {
        SubmissionStatus.WITHDRAWN
    }
    assert statuses() == {"i1": "live", "i2": "live"}
    again = bring_labels(s, labels_csv(("i1", "w1", "human", "negative")))
    assert again.counts["created"] == 1


def test_items_made_by_labels_go_unless_others_worked_on_them() -> None:
    s = story()
    plan = replace(LABELS, create=True)
    batch = bring_labels(
        s, labels_csv(*[(n, "w1", "human", "positive") for n in "abcd"]), plan=plan
    )
    by_id = {item.external_id: item for item in Item.objects.all()}
    rater = s.rater(s.ana)
    claim_item(rater, by_id["b"])
    bring_labels(s, labels_csv(("c", "w2", "human", "negative")))

    facts = undo_facts(batch)
    assert (facts.labels, facts.withdrawn, facts.stay) == (4, 2, 2)
    take_back(s, batch)

    assert statuses() == {"a": "withdrawn", "b": "live", "c": "live", "d": "withdrawn"}
    assert set(Slot.objects.values_list("item__external_id", flat=True)) == {"b", "c"}
    # The mended file may come in now, with other content too.
    again = bring_labels(
        s,
        b"item_id,annotator_id,annotator_kind,label,text\na,w1,human,negative,Words\n",
        plan=replace(plan, shown=["text"]),
    )
    assert again.counts["refused"] == 0
    assert Item.objects.get(external_id="a").fields == {"text": "Words"}


def test_items_and_then_their_labels_can_both_be_taken_back() -> None:
    s = story()
    items = bring_items(s, csv_of(("a", "one"), ("b", "two")))
    labels = bring_labels(s, labels_csv(("a", "w1", "human", "positive")))
    take_back(s, labels)
    take_back(s, items)
    assert statuses() == {"a": "withdrawn", "b": "withdrawn"}


def test_an_item_whose_labels_were_taken_back_by_their_rater_still_stays() -> None:
    s = story()
    batch = bring_items(s, csv_of(("a", "one")))
    rater = s.rater(s.ana)
    (held,) = claims_hold(rater)
    done = submission_submit(rater, held.item, answers=s.answer(0), client_key="k")
    submission_withdraw(rater, done.pk)
    take_back(s, batch)
    assert statuses() == {"a": ItemStatus.LIVE}


def test_undo_waits_for_the_end_of_the_import_and_happens_once() -> None:
    s = story()
    batch = import_start(s.olga, upload(s, csv_of(("a", "one"))), ITEMS)
    with pytest.raises(Conflict):
        import_undo(s.olga, batch)
    done = take_back(s, bring_items(s, csv_of(("b", "two"))))
    with pytest.raises(Conflict):
        import_undo(s.olga, done)
