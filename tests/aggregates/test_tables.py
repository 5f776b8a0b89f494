"""The table of a question is what its live labels say, at every moment, kept or not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from annotate.models import Gold, Item, Label, LabelStatus, Rater, WhoCounts
from annotate.selectors import label_blocks, tables
from annotate.selectors.tables import QuestionTable, question_table
from annotate.services.claims import claim_item
from annotate.services.deletion import project_delete, project_delete_run
from annotate.services.jobs import job_take
from annotate.services.rulings import gold_promote, ruling_make, ruling_withdraw
from annotate.services.submissions import submission_submit, submission_withdraw
from tests.aggregates.many import labelled
from tests.answers import says
from tests.imports.bringing import bring_labels, labels_csv, take_back
from tests.personas import SENTIMENT, STARS, Story, story

# Parts of 1,024 ids: in one, at its ends, in the next, and far from both.
SCATTERED = [1, 2, 1023, 1024, 2047, 2048, 5_000_000_000, 5_000_000_001]
KINDS = {"people": {"person"}, "judges": {"judge"}, "all": {"person", "judge"}}


def triples(found: QuestionTable) -> list[tuple[int, int, int]]:
    table = found.table
    items = found.item_ids[table.items].tolist()
    raters = found.rater_ids[table.raters].tolist()
    return list(zip(items, raters, table.codes.tolist(), strict=True))


def said(tale: Story, who: str = "all") -> list[tuple[int, int, int]]:
    """The same by way of Django's models, one label after the other."""
    rows = Label.objects.filter(
        question=tale.question, status="live", item__status="live", rater__kind__in=KINDS[who]
    )
    return sorted(rows.values_list("item_id", "rater_id", "choice"))  # type: ignore[arg-type]


def scattered(tale: Story) -> None:
    rng = random.Random(5)
    names = ["w1", "w2", "w3", "j1", "j2"]
    rows = [(pk, name, rng.randrange(3)) for pk in SCATTERED for name in rng.sample(names, 3)]
    rng.shuffle(rows)
    labelled(tale, rows)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Keep every table, however small, and count how often labels are read from the database."""
    monkeypatch.setattr(tables, "KEPT_FROM", 1)
    counted: list[int] = []
    real = label_blocks.label_blocks

    def counting(question: Any, **more: Any) -> Any:
        counted.append(question.pk)
        return real(question, **more)

    monkeypatch.setattr(label_blocks, "label_blocks", counting)
    return counted


# --- What is in it --------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("who", WhoCounts.values)
def test_a_table_holds_the_labels_of_those_who_count_in_order(who: str) -> None:
    tale = story()
    scattered(tale)

    found = question_table(tale.question, who)

    assert triples(found) == said(tale, who) != []
    assert found.table.n_items == len({item for item, _rater, _choice in said(tale, who)})
    assert found.table.n_raters == len(found.raters) == len(found.rater_ids)
    assert found.table.n_classes == 3


@pytest.mark.django_db
def test_blocks_of_any_size_hold_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    tale = story()
    scattered(tale)
    whole = question_table(tale.question)
    real = label_blocks.label_blocks
    monkeypatch.setattr(label_blocks, "label_blocks", lambda q: real(q, least=1))
    monkeypatch.setattr(tables, "LOOKED_UP", 1)
    monkeypatch.setattr(tables, "CHUNK", 3)

    cut = question_table(tale.question)

    assert triples(cut) == triples(whole)
    assert cut.fingerprint == whole.fingerprint


@pytest.mark.django_db
def test_nobody_has_labelled_yet() -> None:
    found = question_table(story().question)

    assert (found.table.n_labels, found.table.n_items, found.table.n_raters) == (0, 0, 0)
    assert found.of("people").table.n_labels == 0


@pytest.mark.django_db
def test_labels_of_another_question_and_those_that_no_longer_count_are_left_out() -> None:
    tale = story(questions=(SENTIMENT, STARS))
    labelled(tale, [(1, "w1", 0), (2, "w1", 1), (3, "w1", 2), (4, "w1", 2), (5, "w1", 2)])
    for pk, status in ((1, "superseded"), (2, "withdrawn"), (3, "surplus")):
        Label.objects.filter(item=pk).update(status=status)
    Label.objects.filter(item=5).update(question=tale.project.questions.get(key="stars"))

    assert triples(question_table(tale.question)) == said(tale)
    assert question_table(tale.question).item_ids.tolist() == [4]


@pytest.mark.django_db
def test_it_knows_who_is_a_judge_and_who_is_of_one_family() -> None:
    tale = story()
    labelled(tale, [(1, name, 0) for name in ("w1", "j1", "j2", "j3", "w2")])
    assert question_table(tale.question).table.families is None
    Rater.objects.filter(name__in=["j1", "j3"]).update(family="one model")

    found = question_table(tale.question)

    judges, families = found.table.judges, found.table.families
    assert judges is not None
    assert families is not None
    known = {
        found.raters[int(pk)].name: (bool(judges[k]), int(families[k]))
        for k, pk in enumerate(found.rater_ids)
    }
    assert known == {
        "w1": (False, -1), "w2": (False, -1), "j1": (True, 0), "j2": (True, -1), "j3": (True, 0),
    }  # fmt: skip
    people = found.of("people").table
    assert people.judges is not None
    assert not people.judges.any()
    assert people.families is None


# --- Known answers --------------------------------------------------------------------------------


def gold_of(found: QuestionTable) -> dict[int, int]:
    gold = found.table.gold
    if gold is None:
        return {}
    return {int(pk): int(code) for pk, code in zip(found.item_ids, gold, strict=True) if code >= 0}


@pytest.mark.django_db
def test_gold_is_always_known_and_rulings_where_they_are_asked_for() -> None:
    tale = story()
    labelled(tale, [(pk, name, 0) for pk in (1, 2, 3) for name in ("w1", "j1")])
    items = Item.objects.in_bulk([1, 2, 3])
    bare = question_table(tale.question)
    ruling = ruling_make(tale.rhea, items[1], tale.question, choice=1, reason="rater_error")
    assert gold_of(question_table(tale.question)) == {}
    assert question_table(tale.question).fingerprint == bare.fingerprint
    gold_promote(tale.rhea, ruling)
    Gold.objects.create(
        project=tale.project, item=items[2], question=tale.question, choice=2, source="imported"
    )
    again = ruling_make(tale.rhea, items[1], tale.question, choice=0, reason="ambiguous_item")
    other = ruling_make(tale.rhea, items[3], tale.question, choice=2, reason="ambiguous_item")

    found = question_table(tale.question)
    ruled = question_table(tale.question, rulings=True)

    assert gold_of(found) == {1: 1, 2: 2}
    assert gold_of(ruled) == {1: 0, 2: 2, 3: 2}  # a ruling that stands comes before gold
    assert gold_of(ruled.of("people")) == gold_of(ruled)
    assert bare.labels_digest == found.labels_digest == ruled.labels_digest
    assert len({bare.fingerprint, found.fingerprint, ruled.fingerprint}) == 3
    for ruling in (again, other):
        ruling_withdraw(tale.rhea, ruling.item, ruling.pk)
    assert question_table(tale.question, rulings=True).fingerprint == found.fingerprint


@pytest.mark.django_db
def test_gold_of_an_item_without_labels_that_count_is_left_out() -> None:
    tale = story()
    labelled(tale, [(1, "w1", 0), (2, "j1", 0)])
    for pk in (1, 2):
        Gold.objects.create(
            project=tale.project, item_id=pk, question=tale.question, choice=1, source="imported"
        )

    people = question_table(tale.question, "people")

    assert gold_of(people) == {1: 1}
    assert people.fingerprint == question_table(tale.question).of("people").fingerprint


# --- Kept, and never stale ------------------------------------------------------------------------


def member_answers(tale: Story, item: Item, choice: int, key: str) -> Any:
    rater = tale.rater(tale.ana)
    claim_item(rater, item)
    return submission_submit(
        rater, item, answers=tale.answer(choice), client_key=f"{key}:{item.pk}"
    )


def withdrawn_and_again(tale: Story, item: Item) -> Iterator[None]:
    submission = member_answers(tale, item, 1, "first")
    yield
    submission_withdraw(tale.rater(tale.ana), submission.pk)
    yield
    submission_submit(tale.rater(tale.ana), item, answers=tale.answer(1), client_key="second")
    yield


def superseded(tale: Story, item: Item) -> Iterator[None]:
    rater = says(tale, "j9", item, 0)
    yield
    for choice in (1, 0):
        submission_submit(rater, item, answers=tale.answer(choice), client_key=f"c{choice}")
        yield


def import_undone(tale: Story, item: Item) -> Iterator[None]:
    batch = bring_labels(tale, labels_csv((item.external_id, "w8", "human", "positive")))
    yield
    take_back(tale, batch)
    yield


def item_withdrawn(tale: Story, item: Item) -> Iterator[None]:
    for status in ("withdrawn", "live"):
        Item.objects.filter(pk=item.pk).update(status=status)
        yield


def choice_overwritten(tale: Story, item: Item) -> Iterator[None]:
    """As no service does it: the mark is made of what is there, not of who wrote it."""
    for choice in (2, 1):
        Label.objects.filter(item=item).update(choice=choice)
        yield


def raters_swapped(tale: Story, item: Item) -> Iterator[None]:
    first, second = Label.objects.filter(item=item).order_by("rater__name")[:2]
    Label.objects.filter(pk=first.pk).update(choice=second.choice)
    Label.objects.filter(pk=second.pk).update(choice=first.choice)
    yield


CHANGES = [
    withdrawn_and_again,
    superseded,
    import_undone,
    item_withdrawn,
    choice_overwritten,
    raters_swapped,
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_kept_table_is_never_stale(
    reads: list[int], change: Callable[[Story, Item], Iterable[None]]
) -> None:
    tale = story(labels_per_item=1)
    first, second = tale.items(["a", "b"])
    for item in (first, second):
        for name, choice in (("w1", 0), ("w2", 1), ("j1", 1)):
            says(tale, name, item, choice)
    seen = {question_table(tale.question).fingerprint: said(tale)}

    for _step in change(tale, first):
        found = question_table(tale.question)
        assert triples(found) == said(tale)
        assert seen.setdefault(found.fingerprint, said(tale)) == said(tale)
        before = len(reads)
        assert triples(question_table(tale.question)) == said(tale)
        if connection.vendor == "postgresql":
            assert len(reads) == before  # it came from the file
    assert len(seen) > 1


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_nothing_is_kept_that_others_might_find(reads: list[int]) -> None:
    """PostgreSQL shows each statement another moment there: mark and labels need not fit."""
    tale = story()
    labelled(tale, [(1, "w1", 0), (1, "w2", 0)])
    if connection.vendor == "postgresql":
        with transaction.atomic():
            question_table(tale.question)
            question_table(tale.question)
        assert len(reads) == 2
    Label.objects.filter(rater__name="w1").update(status=LabelStatus.WITHDRAWN)

    assert triples(question_table(tale.question)) == said(tale)


@pytest.mark.django_db(transaction=True)
def test_small_tables_are_read_and_not_kept(settings: Any) -> None:
    tale = story()
    labelled(tale, [(1, "w1", 0)])

    question_table(tale.question)

    assert not settings.TABLE_DIR.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_kept_goes_with_the_project(reads: list[int], settings: Any) -> None:
    tale = story()
    labelled(tale, [(1, "w1", 0)])
    question_table(tale.question)
    job = project_delete(tale.olga, tale.project, confirm_name=tale.project.name)
    running = job_take(job.pk)
    assert running
    project_delete_run(running)

    assert list(settings.TABLE_DIR.glob("*")) == []


@pytest.mark.django_db(transaction=True)
def test_two_questions_keep_their_own(reads: list[int]) -> None:
    tale = story(questions=(SENTIMENT, STARS))
    labelled(tale, [(1, "w1", 0), (2, "w1", 1)])
    other = tale.project.questions.get(key="stars")
    for _turn in range(2):
        assert triples(question_table(tale.question)) == said(tale)
        assert question_table(other).table.n_labels == 0
