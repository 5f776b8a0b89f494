"""Panels in runs: who is asked, when it stops, what is stored, what a limit holds."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from annotate.errors import BadInput, Conflict, NotAllowed
from annotate.models import JobState, Label, LabelStatus, Project, Submission
from annotate.services.jobs import job_resume
from judges.models import (
    Call,
    CallState,
    Connection,
    JudgeVersion,
    Outcome,
    Purpose,
    Run,
    RunItem,
)
from judges.prompting.how import How
from judges.providers.base import ProviderError, Request
from judges.selectors.judges import costs_of
from judges.selectors.panel_runs import panel_tally
from judges.services import pace
from judges.services import run_work as run_work_module
from judges.services.calls import Result, calls_claim, calls_expire
from judges.services.connections import connection_add
from judges.services.costs import past_costs
from judges.services.panels import panel_version
from judges.services.prices import price_set
from judges.services.retrying import run_retry_failed
from judges.services.runs import run_start
from judges.services.spending import run_cap_set
from judges.services.storing import call_store
from judges.services.versions import ZERO_SHOT, chat_version, classifier_version
from tests.judges.judging import answering, work
from tests.judges.panelling import member, minds, panel, text_of, who
from tests.personas import SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db

AGREED, SPLIT = "Lovely soup.", "Odd soup."


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_work_module, "WAKE_SECONDS", 0.05)
    monkeypatch.setattr(pace, "FIRST_BACKOFF_SECONDS", 0.01)


THREE = minds(
    {
        "ann": {AGREED: "positive", SPLIT: "positive"},
        "bob": {AGREED: "positive", SPLIT: "negative"},
        "cid": {AGREED: "negative", SPLIT: "negative"},
    }
)


# --- Who is asked, and what is stored ----------------------------------------------------------


def test_the_third_judge_is_asked_only_where_the_first_two_differ() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    version = panel(s, ["ann", "bob", "cid"])
    with answering(THREE) as model:
        run = work(run_start(s.olga, version))
    assert [who(r) for r in model.asked if text_of(r) == AGREED] == ["ann", "bob"]
    assert sorted(who(r) for r in model.asked if text_of(r) == SPLIT) == ["ann", "bob", "cid"]
    assert (run.job.state, run.job.result) == (JobState.DONE, {"label": 2})
    assert (run.job.done, run.job.total) == (2, 2)
    labels = {label.item.external_id: label for label in Label.objects.filter(rater=version.rater)}
    assert {key: label.choice for key, label in labels.items()} == {"i1": 0, "i2": 1}
    assert {label.confidence_source for label in labels.values()} == {"panel"}
    assert labels["i1"].confidence == 1.0
    assert labels["i2"].confidence == pytest.approx(2 / 3)
    assert labels["i2"].distribution == {"0": pytest.approx(1 / 3), "1": pytest.approx(2 / 3)}
    # Answers of members are calls of the panel's run, and no labels of theirs.
    assert Label.objects.count() == Submission.objects.count() == 2
    members = [row.version for row in version.members.order_by("place")]
    calls = Call.objects.filter(run=run, item__external_id="i2").order_by("pk")
    assert [(call.member, call.choice) for call in calls] == [
        (members[0], 0),
        (members[1], 1),
        (members[2], 1),
    ]
    assert [(row.asked, row.asked_again) for row in run.items.order_by("item")] == [(2, 0), (3, 0)]
    tally = panel_tally(run)
    assert (tally.by_number, tally.answers, tally.everybody, tally.saved) == ({2: 1, 3: 1}, 5, 6, 1)
    assert costs_of([version])[version.pk].labels == 2


def test_stopping_when_settled_labels_as_asking_everybody_does() -> None:
    s = story()
    texts = [f"{a}{b}{c}" for a in "01x" for b in "01x" for c in "01x"]
    s.items(texts)
    keys = {"0": "positive", "1": "negative", "x": "Well ..."}
    script = minds(
        {
            name: {text: keys[text[place]] for text in texts}
            for place, name in enumerate(("ann", "bob", "cid"))
        }
    )
    endings = []
    for stop in ("settled", "all"):
        version = panel(s, ["ann", "bob", "cid"], stop=stop)
        with answering(script) as model:
            run = work(run_start(s.olga, version))
        endings.append(list(run.items.order_by("item").values_list("ending", "choice")))
        asked = len(model.asked)
    assert asked < 3 * len(texts)  # what was asked before is not asked again
    settled, everybody = [[(e == "label", c) for e, c in rows] for rows in endings]
    assert settled == everybody
    assert 0 < sum(labelled for labelled, _choice in settled) < len(texts)


def test_a_tie_is_no_label_and_marked_with_its_reason() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    version = panel(s, ["ann", "bob"])
    with answering(THREE):
        run = work(run_start(s.olga, version))
    assert run.job.result == {"label": 1, "undecided": 1}
    tied = run.items.get(item__external_id="i2")
    assert (tied.ending, tied.choice, tied.asked) == ("undecided", None, 2)
    assert tied.error == "The votes are tied between 2 options."
    assert tied.distribution == {"0": 0.5, "1": 0.5}
    assert Label.objects.count() == 1
    assert costs_of([version])[version.pk].labels == 1


def test_judges_that_give_no_answer_are_left_out_and_too_many_are_no_label() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    script = minds(
        {
            "ann": {AGREED: "Well ...", SPLIT: "Well ..."},
            "bob": {AGREED: "positive", SPLIT: "Hm."},
            "cid": {AGREED: "positive", SPLIT: "positive"},
        }
    )
    with answering(script) as model:
        run = work(run_start(s.olga, panel(s, ["ann", "bob", "cid"])))
    assert run.job.result == {"label": 1, "unparseable": 1}
    label = Label.objects.get()
    assert (label.item.external_id, label.choice, label.confidence) == ("i1", 0, 1.0)
    silent = run.items.get(item__external_id="i2")
    assert silent.error.startswith("2 of 2 judges gave no answer.")
    # The third could not have brought a label any more, and was not asked.
    assert len([r for r in model.asked if text_of(r) == SPLIT]) == 2
    # Asking again about what failed asks those two, and then needs no third.
    run = run_retry_failed(s.olga, run)
    assert run.items.get(item__external_id="i2").asked is None
    with answering(THREE):
        work(run)
    assert run.job.result == {"label": 2}
    assert Label.objects.count() == 2


def test_a_member_may_take_several_calls_of_its_own() -> None:
    s = story()
    s.items([SPLIT])
    judges = [member(s, "ann"), member(s, "bob")]
    judges.append(
        chat_version(
            s.olga,
            s.question,
            judges[0].connection,
            model="model-cid",
            system="You are cid.",
            how=How(orders="both"),
        )
    )
    version = panel_version(s.olga, s.question, judges)
    with answering(THREE) as model:
        run = work(run_start(s.olga, version))
    asked = [[o.code for o in r.options] for r in model.asked if who(r) == "cid"]
    assert asked == [[0, 1, 2], [2, 1, 0]]
    assert Label.objects.get().choice == 1
    assert run.items.get().asked == 3
    assert Call.objects.filter(run=run).count() == 4


def test_a_local_classifier_and_a_language_model_sit_on_one_panel() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    classifier = classifier_version(s.olga, s.question, mode=ZERO_SHOT)
    version = panel_version(s.olga, s.question, [member(s, "ann"), classifier], stop="all")
    with answering(THREE):
        run = work(run_start(s.olga, version))
    assert run.job.state == JobState.DONE
    sources = set(Call.objects.filter(run=run).values_list("member__name", "confidence_source"))
    assert sources == {("ann", ""), (classifier.name, "classifier")}


def test_other_purposes_hand_nothing_in() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    with answering(THREE):
        run = work(run_start(s.olga, panel(s, ["ann", "bob", "cid"]), purpose=Purpose.TRIAL))
    assert run.job.result == {"label": 2}
    assert not Label.objects.exists()


def test_what_a_judge_said_by_itself_is_not_asked_or_paid_for_again() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    with answering(THREE) as model:
        work(run_start(s.olga, member(s, "ann")))
        run = work(run_start(s.olga, panel(s, ["ann", "bob", "cid"])))
        again = work(run_start(s.olga, member(s, "cid")))
    assert [who(r) for r in model.asked].count("ann") == 2
    reused = Call.objects.filter(run=run, reused__isnull=False)
    assert {call.member.name for call in reused if call.member} == {"ann"}
    # And the other way round: cid said one of these in the panel.
    assert Call.objects.filter(run=again, reused__run=run).count() == 1
    # Its own labels stay its own.
    assert Label.objects.filter(status=LabelStatus.LIVE).count() == 6


# --- Discussion ---------------------------------------------------------------------------------

TALK = {
    "ann": {AGREED: "positive", SPLIT: "positive"},
    "bob": {AGREED: "positive", SPLIT: "negative", f"talk:{SPLIT}": "positive"},
    "cid": {AGREED: "negative", SPLIT: "negative"},
}


def test_where_they_differ_each_hears_the_others_reasons_without_names_and_is_asked_again() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    version = panel(s, ["ann", "bob", "cid"], reasons=True, discussion=True)
    with answering(minds(TALK)) as model:
        run = work(run_start(s.olga, version))
    heard = {who(r): r.user for r in model.asked if "Others have labelled" in r.user}
    assert set(heard) == {"ann", "bob"}  # positive twice is settled: cid is not asked again
    assert heard["ann"].count("negative because of Odd soup.") == 2
    assert "positive because" not in heard["ann"]  # nobody hears itself
    assert heard["bob"].count("because of Odd soup.") == 2
    for text in heard.values():
        assert not any(name in text for name in ("ann", "bob", "cid", "model-"))
    assert not any(AGREED in text for text in heard.values())
    # The vote is on the second answers; both rounds are kept.
    label = Label.objects.get(item__external_id="i2")
    assert (label.choice, label.confidence) == (0, 1.0)
    assert label.rationale == "positive because of Odd soup."
    rounds = Call.objects.filter(run=run, item=label.item).order_by("discussed", "member")
    assert [(c.discussed, c.choice) for c in rounds] == [
        (False, 0),
        (False, 1),
        (False, 1),
        (True, 0),
        (True, 0),
    ]
    assert [(r.asked, r.asked_again) for r in run.items.order_by("item")] == [(2, 0), (3, 2)]
    tally = panel_tally(run)
    assert (tally.discussed, tally.answers, tally.everybody) == (1, 7, 9)


def test_who_is_asked_no_words_keeps_its_answer_in_a_discussion() -> None:
    s = story()
    s.items([SPLIT])
    classifier = classifier_version(s.olga, s.question, mode=ZERO_SHOT)
    judges = [member(s, name, reasons=True) for name in ("ann", "bob")]
    version = panel_version(s.olga, s.question, [*judges, classifier], discussion=True)
    with answering(minds(TALK)) as model:
        run = work(run_start(s.olga, version))
    assert run.job.result == {"label": 1}
    assert Label.objects.get().choice == 0
    said = [r.user for r in model.asked if "Others have labelled" in r.user]
    assert len(said) >= 1
    assert Call.objects.filter(run=run, member=classifier).count() == 1


def test_a_discussion_needs_judges_that_give_reasons() -> None:
    s = story()
    with pytest.raises(BadInput, match="gives no reasons"):
        panel(s, ["ann", "bob"], discussion=True)
    classifier = classifier_version(s.olga, s.question, mode=ZERO_SHOT)
    with pytest.raises(BadInput, match="two language models"):
        panel_version(
            s.olga, s.question, [member(s, "ann", reasons=True), classifier], discussion=True
        )


# --- Stopping, killing, racing -----------------------------------------------------------------


def test_a_run_is_paused_by_a_member_that_cannot_go_on_and_says_whose_fault_it_is() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    version = panel(s, ["ann", "bob", "cid"])

    def refusing(request: Request) -> object:
        if who(request) == "cid":
            return ProviderError("key_refused", "The key was refused.")
        return THREE(request)

    with answering(refusing):  # type: ignore[arg-type]
        run = work(run_start(s.olga, version))
    assert run.job.state == JobState.PAUSED
    assert run.job.message == "cid v1: The key was refused."
    assert run.items.filter(ending="label").count() == 1
    job_resume(s.olga, run.job)
    with answering(THREE) as model:
        work(run)
    assert [who(r) for r in model.asked] == ["cid"]
    assert run.job.result == {"label": 2}


def test_calls_of_a_worker_that_died_are_asked_again_and_nothing_is_labelled_twice() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    version = panel(s, ["ann", "bob", "cid"])
    run = run_start(s.olga, version)
    members = [row.version for row in version.members.order_by("place")]
    dead = [calls_claim(run, most=2, member=each) for each in members[:2]]
    # Its first reply was stored before it died, and another came back after it was given up.
    first, late = dead[0].calls
    call_store(run, first, dead[0].token, Result(outcome=Outcome.LABEL, choice=0))
    Call.objects.filter(state=CallState.CLAIMED).update(lease_until=timezone.now())
    assert calls_expire(run) == 3
    assert not call_store(run, late, dead[0].token, Result(outcome=Outcome.LABEL, choice=2)).outcome
    with answering(THREE) as model:
        work(run)
    assert len(model.asked) == 4
    assert Call.objects.filter(run=run).count() == 5
    assert set(Label.objects.values_list("item__external_id", "choice")) == {("i1", 0), ("i2", 1)}


def test_a_claim_of_one_member_takes_none_of_the_others() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    version = panel(s, ["ann", "bob", "cid"])
    run = run_start(s.olga, version)
    for row in version.members.order_by("place"):
        claim = calls_claim(run, most=10, member=row.version)
        assert {call.member_id for call in claim.calls} <= {row.version_id}
        assert len(claim.calls) == (2 if row.place < 2 else 0)


def test_members_at_one_connection_share_what_it_admits_at_once() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    version = panel(s, ["ann", "bob", "cid"])
    run = run_start(s.olga, version)
    members = [row.version for row in version.members.order_by("place")]
    pace.pace_of(members[0].connection)
    assert members[0].connection.concurrency == 1
    assert len(calls_claim(run, most=9, member=members[0], paced=True).calls) == 1
    assert not calls_claim(run, most=9, member=members[1], paced=True).calls
    # And with judges that run by themselves there.
    alone = run_start(s.olga, members[2])
    assert not calls_claim(alone, most=9, paced=True).calls


# --- Money and data -----------------------------------------------------------------------------


def priced(s: Story, name: str, dollars: str) -> JudgeVersion:
    """A judge whose model costs so many dollars a million tokens."""
    connection = s.project.connections.filter(name="Priced").first() or connection_add(
        s.olga, s.project, name="Priced", base_url="http://localhost:9/v1", concurrency=1
    )
    price = Decimal(dollars)
    price_set(s.olga, connection, model=f"model-{name}", input=price, output=price)
    return member(s, name, connection)


def test_judges_are_asked_cheapest_first_whatever_order_they_were_chosen_in() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    dear, cheap, free = priced(s, "ann", "50"), priced(s, "bob", "2"), member(s, "cid")
    version = panel_version(s.olga, s.question, [dear, cheap, free])
    names = [row.version.name for row in version.members.order_by("place")]
    assert names == ["cid", "bob", "ann"]
    # The same judges in another order are the same panel.
    assert panel_version(s.olga, s.question, [free, dear, cheap]) == version
    assert version.members.count() == 3


def test_a_limit_holds_over_all_members_each_call_reserved_at_its_members_price() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    judges = [priced(s, "ann", "10"), priced(s, "bob", "20"), priced(s, "cid", "1000")]
    version = panel_version(s.olga, s.question, judges)
    # Room for the cheap two on both items (101 tokens each); not for the bound of the dear one.
    run = run_start(s.olga, version, cap=8_000_000)
    with answering(THREE) as model:
        work(run)
    assert run.job.state == JobState.PAUSED
    assert "does not allow the next call" in run.job.message
    assert {who(r) for r in model.asked} == {"ann", "bob"}
    run.refresh_from_db()
    spent = sum(101 * price * 100 * 2 for price in (10, 20))
    assert (run.spent, run.reserved) == (spent, 0)
    run_cap_set(s.olga, run, None)
    job_resume(s.olga, run.job)
    with answering(THREE):
        work(run)
    run.refresh_from_db()
    assert run.spent == spent + 101 * 1000 * 100
    assert run.spent == sum(int(c.price * 10**8) for c in run.calls.all() if c.price)


def scripted_elsewhere(s: Story) -> Connection:
    return Connection.objects.create(
        project=s.project,
        name="Away",
        provider="openai",
        base_url="https://judge.example.org/v1",
        leaves_machine=True,
        created_by=s.olga,
    )


def test_what_a_judge_cost_in_panels_tells_what_it_costs_but_for_discussions() -> None:
    s = story()
    s.items([AGREED, SPLIT])
    judges = [priced(s, name, "10") for name in ("ann", "bob", "cid")]
    judges = [
        chat_version(
            s.olga,
            s.question,
            judge.connection,
            model=judge.model,
            system=f"You are {judge.name}.",
            ask_rationale=True,
        )
        for judge in judges
    ]
    version = panel_version(s.olga, s.question, judges, discussion=True)
    with answering(minds(TALK)):
        work(run_start(s.olga, version))
    each = 101 * 10 / 10**6
    assert [past_costs(judge) for judge in judges] == [[each] * 2, [each] * 2, [each]]
    # Of the panel itself all counts: two answers of the one item, five of the other.
    assert past_costs(version) == pytest.approx([5 * each, 2 * each])


def test_no_limit_can_be_kept_while_the_price_of_a_member_is_not_known() -> None:
    s = story()
    s.items([AGREED])
    s.project.data_may_leave = True
    s.project.save(update_fields=["data_may_leave"])
    away = scripted_elsewhere(s)
    version = panel_version(s.olga, s.question, [member(s, "ann"), member(s, "bob", away)])
    with pytest.raises(BadInput, match="model-bob"):
        run_start(s.olga, version, cap=1000)
    run_start(s.olga, version)


def test_texts_stay_where_they_are_if_one_member_is_elsewhere() -> None:
    s = story()
    s.items([AGREED])
    away = scripted_elsewhere(s)
    version = panel_version(s.olga, s.question, [member(s, "ann"), member(s, "bob", away)])
    assert not version.connection.leaves_machine
    with pytest.raises(NotAllowed, match="“Away”"):
        run_start(s.olga, version)
    Project.objects.update(data_may_leave=True)
    run = run_start(s.olga, version)
    Project.objects.update(data_may_leave=False)
    with answering(THREE) as model:
        work(run)
    assert run.job.state == JobState.PAUSED
    assert "“Away”" in run.job.message
    assert not model.asked


# --- What a panel may be made of ----------------------------------------------------------------


def test_what_is_no_panel_is_refused_in_words() -> None:
    s = story(questions=(SENTIMENT, STARS))
    stars = s.project.questions.get(key="stars")
    ann, bob = member(s, "ann"), member(s, "bob")
    made = panel_version(s.olga, s.question, [ann, bob])
    for judges, settings, said in (
        ([ann], {}, "2 to 9 judges"),
        ([ann, ann], {}, "each once"),
        ([ann, bob, made], {}, "is a panel itself"),
        ([ann, bob], {"stop": "soon"}, "A panel stops"),
        ([ann, bob], {"weights": "mine"}, "Weights are equal"),
        ([ann, bob], {"stop": "sure"}, "weights that were learnt"),
        ([ann, bob], {"weights": "people"}, "0 items have people’s answers"),
    ):
        with pytest.raises(BadInput, match=said):
            panel_version(s.olga, s.question, judges, **settings)
    with pytest.raises(BadInput, match="another question"):
        panel_version(s.olga, stars, [ann, bob])


def test_a_panel_does_not_run_once_its_question_was_edited() -> None:
    s = story()
    s.items([AGREED])
    version = panel(s, ["ann", "bob"])
    s.question.options.filter(code=0).update(definition="Another one.")
    with pytest.raises(Conflict, match="edited"):
        run_start(s.olga, version)


def test_everything_a_panel_is_made_of_makes_another_version() -> None:
    s = story()
    versions = [
        panel(s, ["ann", "bob"]),
        panel(s, ["ann", "bob", "cid"]),
        panel(s, ["ann", "bob"], stop="all"),
        panel(s, ["ann", "bob"], reasons=True),
        panel(s, ["ann", "bob"], reasons=True, discussion=True),
    ]
    assert len({version.hash for version in versions}) == 5
    assert len({version.rater_id for version in versions}) == 5
    assert {version.rater.kind for version in versions} == {"judge"}
    assert Run.objects.count() == RunItem.objects.count() == 0
