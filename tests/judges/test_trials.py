"""Trials: a few items asked as they would be labelled, shown item by item, and no label of it."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import BadInput, NotAllowed
from annotate.models import Item, JobState, Label, RaterKind
from annotate.services.claims import claims_hold
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from judges.exchange import Request
from judges.models import Call, Connection, JudgeVersion, Purpose, Run
from judges.prompting.how import How
from judges.selectors.trials import trial_of
from judges.services.connections import connection_add
from judges.services.drafts import Draft
from judges.services.panels import panel_version
from judges.services.runs import run_start
from judges.services.trials import MOST_TRIED, draft_try, trial_start
from judges.services.versions import chat_version
from tests.judges.judging import answering, by_words, priced_version, scripted_version, work
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db
TEXTS = ["Lovely soup.", "Cold soup.", "Great bread.", "No bread.", "Good wine.", "Sour wine."]
PRAISED = {"Lovely soup.", "Great bread.", "Good wine."}


def login(s: Story) -> Client:
    client = Client()
    assert client.login(username=s.rhea.username, password=PASSWORD)
    return client


def say(s: Story, item: Item, choice: int) -> None:
    """A person's answer, to whichever item."""
    person = rater_imported(s.project, name="p1", kind=RaterKind.PERSON)
    submission_submit(person, item, answers=s.answer(choice), client_key=f"p{item.pk}")


def asked_items(run: Run) -> list[int]:
    return list(run.calls.order_by("pk").values_list("item_id", flat=True))


def test_a_trial_hands_in_no_label_and_says_what_came_of_each_item() -> None:
    s = story()
    s.items(TEXTS)
    known = s.project.items.order_by("draw")[3]
    right = 0 if known.fields["text"] in PRAISED else 1
    say(s, known, right)
    run = trial_start(s.olga, scripted_version(s), n_items=4)
    waiting = trial_of(run)
    assert (waiting.ended, waiting.share, waiting.seconds) == (0, None, None)
    assert {each.match for each in waiting.items} == {""}
    with answering(by_words):
        work(run)
    trial = trial_of(run)
    assert run.purpose == Purpose.TRIAL
    assert Label.objects.filter(rater__kind="judge").count() == 0
    assert (trial.ended, trial.answered, trial.none) == (4, 4, 0)
    assert (trial.agree, trial.shared, trial.share) == (1, 1, 1.0)
    assert trial.low is not None
    assert trial.low < 0.3
    first, *rest = trial.items
    assert first.item == known  # those that people answered come first
    assert (first.match, [(o.code, n) for o, n in first.people]) == ("agrees", [(right, 1)])
    assert {each.match for each in rest} == {"nobody"}
    assert [reply.call.raw_reply for reply in first.replies] == ["A" if right == 0 else "B"]


def test_ties_and_other_answers_are_told_apart() -> None:
    s = story(labels_per_item=2)
    s.items(TEXTS[:1])
    for name, choice in (("ana", 0), ("ben", 1)):
        rater = s.rater(getattr(s, name))
        (held,) = claims_hold(rater)
        submission_submit(rater, held.item, answers=s.answer(choice), client_key=name)
    with answering(by_words):
        run = work(trial_start(s.olga, scripted_version(s)))
    (tried,) = trial_of(run).items
    assert tried.match == "tied"
    assert trial_of(run).shared == 0
    ben = Label.objects.get(rater=s.rater(s.ben))
    Label.objects.filter(pk=ben.pk).update(status="withdrawn")
    with answering(lambda _: "B"):
        other = work(trial_start(s.olga, scripted_version_named(s, "Second")))
    (tried,) = trial_of(other).items
    assert tried.match == "differs"
    assert (trial_of(other).agree, trial_of(other).shared) == (0, 1)


def scripted_version_named(s: Story, words: str) -> JudgeVersion:
    return chat_version(
        s.olga, s.question, Connection.objects.get(name="Script"), model="script-1", system=words
    )


def test_a_reply_that_does_not_parse_is_shown_as_it_came() -> None:
    s = story()
    s.items(TEXTS[:2])
    with answering(lambda request: "A" if "Lovely" in request.user else "I like it!"):
        run = work(trial_start(s.olga, scripted_version(s)))
    trial = trial_of(run)
    assert (trial.answered, trial.none, trial.unparsed) == (1, 1, 1)
    (bad,) = [each for each in trial.items if not each.option]
    assert bad.ending == "unparseable"
    assert bad.match == ""
    assert bad.error
    assert bad.replies[0].call.raw_reply == "I like it!"
    page = login(s).get(reverse("run", args=[s.project.pk, run.pk])).content.decode()
    assert "I like it!" in page
    assert "1 reply was not in the form asked for" in page


def test_several_calls_an_item_are_shown_with_what_each_was() -> None:
    s = story()
    s.items(TEXTS[:2])
    with answering(by_words):
        run = work(trial_start(s.olga, scripted_version(s, how=How(orders="both"))))
    trial = trial_of(run)
    assert [len(each.replies) for each in trial.items] == [2, 2]
    assert trial.ended == 2
    page = login(s).get(reverse("run", args=[s.project.pk, run.pk])).content.decode()
    assert "Its 2 replies" in page
    assert "as given" in page
    assert "reversed" in page


def test_one_seed_takes_the_same_items_for_every_version_and_another_one_others() -> None:
    s = story()
    s.items([f"Soup {n}." for n in range(60)])
    first = scripted_version(s)
    second = scripted_version_named(s, "Be strict.")
    a = asked_items(trial_start(s.olga, first, n_items=10, seed=4))
    assert asked_items(trial_start(s.olga, second, n_items=10, seed=4)) == a
    Run.objects.all().delete()
    assert asked_items(trial_start(s.olga, second, n_items=10, seed=5)) != a


def test_a_trial_under_way_comes_back_and_is_not_begun_twice() -> None:
    s = story()
    s.items(TEXTS)
    version = scripted_version(s)
    run = trial_start(s.olga, version)
    assert trial_start(s.olga, version) == run
    with answering(by_words):
        work(run)
    assert trial_start(s.olga, version) != run


@pytest.mark.parametrize("n", [0, MOST_TRIED + 1])
def test_a_trial_is_over_a_few_items(n: int) -> None:
    s = story()
    s.items(TEXTS)
    with pytest.raises(BadInput):
        trial_start(s.olga, scripted_version(s), n_items=n)


def test_what_an_item_costs_and_takes_is_told() -> None:
    s = story()
    s.items(TEXTS[:2])
    with answering(by_words):
        run = work(trial_start(s.olga, priced_version(s)))
    trial = trial_of(run)
    run.refresh_from_db()
    assert trial.spent > 0
    assert trial.spent_an_item == trial.spent / 2
    assert trial.tokens_in
    assert trial.tokens_out


def test_a_run_over_known_items_first_labels_them_first() -> None:
    s = story()
    s.items(TEXTS)
    known = s.project.items.order_by("draw")[5]
    say(s, known, 0)
    run = run_start(s.olga, scripted_version(s), selection={"strategy": "known", "limit": 3})
    assert asked_items(run)[0] == known.pk
    assert len(asked_items(run)) == 3


def test_a_panel_is_tried_and_each_reply_says_whose_it_is() -> None:
    s = story()
    s.items(TEXTS[:2])
    members = [scripted_version(s), scripted_version_named(s, "Second")]
    panel = panel_version(s.olga, s.question, members, name="Bench")
    with answering(by_words):
        run = work(trial_start(s.olga, panel))
    trial = trial_of(run)
    assert (trial.ended, trial.answered) == (2, 2)
    assert not Label.objects.filter(rater__kind=RaterKind.JUDGE).exists()
    client = login(s)
    page = client.get(reverse("run", args=[s.project.pk, run.pk])).content.decode()
    for member in members:
        assert page.count(str(member)) >= 2
    assert "Edit the prompt" not in page
    assert "Run on all 2 items" in page
    for name in ("judge", "judge_versions"):
        shown = client.get(reverse(name, args=[s.project.pk, panel.pk]))
        assert shown.status_code == 200
    diff = client.get(reverse("judge_diff", args=[s.project.pk, panel.pk, members[0].pk]))
    assert "script-1 v1\nscript-1 v2" in diff.content.decode()


# --- Drafts ------------------------------------------------------------------------------------


def draft(s: Story, **more: object) -> Draft:
    connection = connection_add(s.olga, s.project, name="Here", base_url="http://localhost:9/v1")
    return Draft(s.question, connection, "m", **more)  # type: ignore[arg-type]


def test_a_draft_is_kept_and_tried_in_one_step() -> None:
    s = story()
    s.items(TEXTS)
    run = draft_try(s.rhea, draft(s, task="{{item}} {{options}}"), n_items=3)
    assert (run.purpose, run.job.total, run.job.state) == (Purpose.TRIAL, 3, JobState.QUEUED)
    assert run.version.prompt is not None
    assert run.version.prompt.task == "{{item}} {{options}}"


def test_what_stands_in_the_way_of_a_trial_is_said_before_a_version_is_made() -> None:
    s = story()
    wanted = draft(s)
    with pytest.raises(BadInput, match="no items to try it on"):
        draft_try(s.rhea, wanted)
    s.items(TEXTS)
    with pytest.raises(BadInput):
        draft_try(s.rhea, draft_wrong(wanted))
    wanted.connection.leaves_machine = True
    wanted.connection.save()
    with pytest.raises(NotAllowed):
        draft_try(s.rhea, wanted)
    assert not JudgeVersion.objects.exists()


def draft_wrong(good: Draft) -> Draft:
    return Draft(good.question, good.connection, "m", task="{{nothing}}")


# --- By a screen -------------------------------------------------------------------------------


def test_a_trial_s_page_is_live_while_it_runs_and_then_offers_what_comes_next() -> None:
    s = story()
    s.items(TEXTS)
    version = scripted_version(s)
    run = trial_start(s.rhea, version, n_items=3)
    client, address = login(s), reverse("run", args=[s.project.pk, run.pk])
    assert "every 1s" in client.get(address).content.decode()
    with answering(by_words):
        work(run)
    live = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<h1" not in live
    assert "every 1s" not in live
    assert "Run on all 6 items" in live
    assert f"from={version.pk}&amp;trial={run.pk}" in live
    beside = client.get(f"{address}?beside=1", headers={"HX-Request": "true"}).content.decode()
    assert "Edit the prompt" not in beside
    other = client.post(
        reverse("judge_try", args=[s.project.pk, version.pk]), {"n_items": "2", "seed": "1"}
    )
    assert other["Location"] == reverse("run", args=[s.project.pk, Run.objects.latest("pk").pk])


def test_nothing_is_offered_to_be_run_after_a_trial_without_an_answer() -> None:
    s = story()
    s.items(TEXTS[:1])
    with answering(lambda _: "nonsense"):
        run = work(trial_start(s.olga, scripted_version(s)))
    page = login(s).get(reverse("run", args=[s.project.pk, run.pk])).content.decode()
    assert "Run on" not in page


def test_words_of_models_and_items_are_shown_as_text() -> None:
    s = story()
    nasty = "<script>alert(1)</script>"
    s.items([nasty])

    def script(_request: Request) -> str:
        return json.dumps({"rationale": nasty, "answer": "A", "confidence": 50})

    with answering(script):
        run = work(trial_start(s.olga, scripted_version(s, ask_rationale=True)))
    assert Call.objects.get().rationale == nasty
    page = login(s).get(reverse("run", args=[s.project.pk, run.pk])).content.decode()
    assert nasty not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_trial_that_cannot_begin_says_why_on_the_judge_s_page() -> None:
    s = story()
    version = scripted_version(s)
    address = reverse("judge_try", args=[s.project.pk, version.pk])
    for data, said in (({}, "There are no items yet"), ({"n_items": "0"}, "A trial is over 1 to")):
        page = login(s).post(address, data, follow=True).content.decode()
        assert said in page
