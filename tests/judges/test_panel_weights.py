"""Weights of a panel's votes: from people's answers or gold, never from an item's own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from django.utils import timezone

from annotate.errors import BadInput
from annotate.models import Gold, Item, Label, Rater, Submission
from annotate.selectors.tables import question_table
from judges.models import JudgeVersion, Purpose
from judges.prompting.panel import EQUAL
from judges.providers.base import Request
from judges.selectors.panels import PARTS, panel_of, parts_of, spec_of
from judges.services.panel_costs import cheapest_first, forecast
from judges.services.panels import panel_draft, panel_version
from judges.services.runs import run_start
from tests.answers import says
from tests.judges.judging import answering, work
from tests.judges.panelling import LETTERS, member, panel, text_of, who
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

N = 40


def by_number(request: Request) -> str:
    return LETTERS["negative" if errs(who(request), text_of(request)) else "positive"]


def errs(name: str, text: str) -> bool:
    """People say positive of all; ann errs on every 10th item, bob on every 5th, cid on every 4th,
    dee on all.
    """
    return int(text) % {"ann": 10, "bob": 5, "cid": 4, "dee": 1}[name] == 0


def asked_story(names: Sequence[str], n: int = N) -> tuple[Story, list[JudgeVersion]]:
    """A project in which people and these judges have labelled n items."""
    s = story()
    items = s.items([str(number) for number in range(1, n + 1)])
    label(s, s.rater(s.ana), items, [0] * n)
    judges = [member(s, name) for name in names]
    for judge in judges:
        label(s, judge.rater, items, [int(errs(judge.name, i.fields["text"])) for i in items])
    return s, judges


def label(s: Story, rater: Rater, items: Sequence[Item], codes: Sequence[int]) -> None:
    """Live labels, written at once: handing each in would take most of the time of these tests."""
    same = {"project": s.project, "rater": rater, "created_at": timezone.now()}
    handed = Submission.objects.bulk_create(
        Submission(item=item, status="submitted", client_key=f"run:0:{item.pk}", **same)
        for item in items
    )
    Label.objects.bulk_create(
        Label(item=each.item, submission=each, question=s.question, choice=code, **same)
        for each, code in zip(handed, codes, strict=True)
    )


def test_weights_are_the_log_odds_of_agreeing_with_people() -> None:
    s, judges = asked_story(["ann", "bob", "cid"])
    version = panel_version(s.olga, s.question, judges, weights="people")
    spec = spec_of(version)
    assert spec.accuracy == (0.9, 0.8, 0.75)
    average = (36 + 32 + 30 + 1) / (3 * N + 2)
    wanted = [
        math.log(2 * p / (1 - p)) for p in ((h + 2 * average) / (N + 2) for h in (36, 32, 30))
    ]
    assert spec.shared == tuple(round(EQUAL * weight) for weight in wanted)
    assert (spec.source, spec.n_items) == ("people", N)
    assert 0 < spec.trust <= EQUAL
    newest = Label.objects.filter(rater=s.rater(s.ana)).latest("created_at")
    assert spec.as_of == newest.created_at.isoformat()
    assert version.training["labels"] == [[item.pk, 0] for item in Item.objects.order_by("pk")]
    # Made again of the same answers it is the same; of other answers another.
    assert panel_version(s.olga, s.question, judges, weights="people") == version
    item = Item.objects.first()
    assert item is not None
    says(s, "w1", item, 1)
    assert panel_version(s.olga, s.question, judges, weights="people") != version


def test_an_item_is_judged_by_weights_that_its_own_answer_went_into_nowhere() -> None:
    s, judges = asked_story(["ann", "bob", "cid"])
    version = panel_version(s.olga, s.question, judges, weights="people")
    found = panel_of(version)
    known = list(Item.objects.order_by("pk").values_list("pk", flat=True))
    parts = parts_of(known, PARTS)
    assert sorted(list(parts.values()).count(part) for part in range(PARTS)) == [N // PARTS] * PARTS
    # What people say of one item is turned round: its own weights stay, those of others change.
    item_id = known[0]
    before = {pk: found.ballot(pk).weights for pk in known}
    Label.objects.filter(item=item_id, rater=s.rater(s.ana)).update(choice=1)
    again = panel_of(panel_version(s.olga, s.question, judges, weights="people"))
    assert again.ballot(item_id).weights == before[item_id]
    for pk in known:
        same = again.ballot(pk).weights == before[pk]
        assert same == (parts[pk] == parts[item_id]), pk
    assert again.ballot(10**9).weights == again.spec.shared  # one that nobody answered


def test_a_judge_no_better_than_chance_is_not_asked() -> None:
    s, judges = asked_story(["ann", "bob", "dee"])
    version = panel_version(s.olga, s.question, judges, weights="people")
    assert spec_of(version).shared[2] == 0
    s.items(["41", "42"])
    with answering(by_number) as model:
        work(run_start(s.olga, version))
    assert "dee" not in {who(request) for request in model.asked}


def test_gold_items_make_a_qualification_set_of_which_a_part_may_be_named() -> None:
    s, judges = asked_story(["ann", "bob"])
    items = list(Item.objects.order_by("pk"))
    for item in items[:30]:
        Gold.objects.create(
            project=s.project, item=item, question=s.question, choice=0, source="imported"
        )
    version = panel_version(s.olga, s.question, judges, weights="qualification")
    assert spec_of(version).accuracy == pytest.approx((27 / 30, 24 / 30))
    named = [item.external_id for item in items[:20]]
    draft = panel_draft(s.question, judges, weights="qualification", gold=named)
    assert draft.spec.n_items == 20
    with pytest.raises(BadInput, match="labelled 5 of them"):
        panel_draft(s.question, judges, weights="qualification", gold=named[:5])


def test_what_judges_said_in_audits_counts_and_what_they_said_in_panels_does_not() -> None:
    s = story()
    items = s.items([str(number) for number in range(1, 25)])
    label(s, s.rater(s.ana), items, [0] * 24)
    judges = [member(s, name) for name in ("ann", "bob", "cid")]
    with answering(by_number):
        for judge in judges[:2]:
            work(run_start(s.olga, judge, purpose=Purpose.AUDIT))
        work(run_start(s.olga, panel(s, ["ann", "bob", "cid"], stop="all")))
    assert panel_draft(s.question, judges[:2], weights="people").spec.n_items == 24
    with pytest.raises(BadInput, match="labelled 0 of them"):
        panel_draft(s.question, judges, weights="people")


def test_too_few_known_answers_are_no_ground_for_weights() -> None:
    s, judges = asked_story(["ann", "bob"], n=19)
    with pytest.raises(BadInput, match="19 items have people’s answers"):
        panel_version(s.olga, s.question, judges, weights="people")


def test_stopping_when_sure_asks_fewer_and_its_confidence_is_a_probability() -> None:
    s, judges = asked_story(["ann", "bob", "cid"], n=60)
    settled = panel_draft(s.question, judges, weights="people")
    sure = panel_draft(s.question, judges, weights="people", stop="sure", sure=0.6)
    assert sure.forecast.asked is not None
    assert settled.forecast.asked is not None
    assert sure.forecast.asked < settled.forecast.asked
    assert settled.forecast.changed == 0
    version = panel_version(s.olga, s.question, judges, weights="people", stop="sure", sure=0.6)
    s.items(["61", "62", "63"])
    with answering(by_number):
        work(run_start(s.olga, version))
    for label in Label.objects.filter(rater=version.rater):
        assert label.confidence is not None
        assert 0.3 < label.confidence < 1
        assert label.distribution[str(label.choice)] == pytest.approx(label.confidence, abs=1e-5)


# --- What an item will take ---------------------------------------------------------------------


def test_a_forecast_is_the_vote_taken_again_on_what_all_of_them_answered() -> None:
    s, judges = asked_story(["ann", "bob", "cid"])
    draft = panel_draft(s.question, judges)
    assert [cost.basis for cost in draft.costs] == ["free"] * 3
    found = draft.forecast
    # Of 40 items ann errs on 4 and bob on 8, on 4 of them both.
    assert found.by_number == {2: N - 4, 3: 4}
    assert (found.n_items, found.n_members, found.least) == (N, 3, 2)
    assert found.asked == pytest.approx(2 + 4 / N)
    assert (found.changed, found.differ) == (0, 4)
    nothing = forecast(draft.spec.ballot(3), cheapest_first(judges), [])
    assert (nothing.n_items, nothing.least, nothing.asked) == (0, 2, None)


# --- Families -----------------------------------------------------------------------------------


def test_a_panel_is_of_the_families_of_all_its_judges_and_so_no_witness_beside_them() -> None:
    s, judges = asked_story(["ann", "bob", "cid"])
    apart = question_table(s.question)
    version = panel_version(s.olga, s.question, judges[:2])
    assert version.rater.family == "model-ann\nmodel-bob"
    with answering(by_number):
        work(run_start(s.olga, version))
    table = question_table(s.question)

    def family(found: object, judge: JudgeVersion) -> int:
        place = list(found.rater_ids).index(judge.rater_id)  # type: ignore[attr-defined]
        return int(found.table.families[place])  # type: ignore[attr-defined]

    # Without the panel its judges are apart; with it they and it are one voice, and cid is not.
    assert len({family(apart, judge) for judge in judges}) == 3
    joined = {family(table, judge) for judge in (judges[0], judges[1], version)}
    assert len(joined) == 1
    assert family(table, judges[2]) not in joined


def test_judges_of_one_model_are_named() -> None:
    s = story()
    one = member(s, "ann")
    same = JudgeVersion.objects.get(pk=member(s, "bob").pk)
    same.rater.family = one.rater.family
    same.rater.save(update_fields=["family"])
    draft = panel_draft(s.question, [one, same, member(s, "cid")])
    assert [(name, [str(v) for v in found]) for name, found in draft.alike] == [
        ("model-ann", ["ann v1", "bob v1"])
    ]
