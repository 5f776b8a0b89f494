"""Changing a project: settings, overlap, questions, guideline, archiving."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from annotate.errors import BadInput, Conflict
from annotate.models import Assignment, Event, Item, Job, Project, Slot, Submission
from annotate.services import overlap
from annotate.services.claims import claim_item, claims_hold, claims_return
from annotate.services.overlap import overlap_change
from annotate.services.projects import project_archive, question_retire
from annotate.services.submissions import submission_skip, submission_submit, submission_withdraw
from annotate.tasks import overlap_task
from tests.personas import SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db


def settings_form(**more: Any) -> dict[str, Any]:
    return {
        "name": "New name",
        "description": "Why",
        "labels_per_item": "1",
        "visibility": "suggestion_first",
        "lease_minutes": "45",
        "submit_on_choice": "on",
        **more,
    }


def submit(s: Story, item: Item, person: Any, key: str = "k") -> Submission:
    rater = s.rater(person)
    claim_item(rater, item)
    return submission_submit(rater, item, answers=s.answer(), client_key=key)


def states(item: Item) -> list[tuple[int, str]]:
    return list(Slot.objects.filter(item=item).order_by("ordinal").values_list("ordinal", "state"))


def test_settings_are_saved_with_an_event(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    assert client.post(f"/projects/{s.project.pk}/settings/", settings_form()).status_code == 302
    project = Project.objects.get()
    assert (project.name, project.visibility) == ("New name", "suggestion_first")
    assert (project.lease_minutes, project.submit_on_choice) == (45, True)
    assert project.data_may_leave is False
    event = Event.objects.get(verb="project.changed")
    assert event.detail["was"]["name"] == "Restaurant reviews"
    assert "description" in event.detail["to"]
    assert "data_may_leave" not in event.detail["to"]


@pytest.mark.parametrize("person", ["rhea", "ana", "vic"])
def test_only_owners_change_settings(client: Client, person: str) -> None:
    s = story()
    client.force_login(getattr(s, person))
    for path in ("settings", "people", "delete", "questions/new", "guideline/edit"):
        assert client.get(f"/projects/{s.project.pk}/{path}/").status_code == 403, path
    assert client.post(f"/projects/{s.project.pk}/settings/", settings_form()).status_code == 403
    assert client.post(f"/projects/{s.project.pk}/archive/").status_code == 403


def test_wrong_settings_are_refused(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    wrong = settings_form(labels_per_item="101", visibility="telepathy")
    response = client.post(f"/projects/{s.project.pk}/settings/", wrong)
    assert response.status_code == 422
    assert Project.objects.get().name == "Restaurant reviews"


# --- Labels per item ---------------------------------------------------------------------------


def test_raising_makes_slots_for_every_item() -> None:
    s = story(labels_per_item=1)
    one, two = s.items(["a", "b"])
    submit(s, one, s.ana)
    assert overlap_change(s.olga, s.project, 3) is None
    assert [state for _n, state in states(one)] == ["filled", "open", "open"]
    assert [state for _n, state in states(two)] == ["open"] * 3
    assert s.items(["a", "b", "c"])[2].slots.count() == 3


def test_lowering_takes_open_slots_only() -> None:
    s = story(labels_per_item=3)
    one, two, three = s.items(["a", "b", "c"])
    submit(s, one, s.ana)
    submit(s, one, s.ben)
    claim_item(s.rater(s.cem), two)
    overlap_change(s.olga, s.project, 1)
    assert states(one) == [(0, "filled"), (1, "filled")]
    assert states(two) == [(0, "held")]
    assert states(three) == [(0, "open")]
    assert Submission.objects.filter(status="submitted").count() == 2


def test_lowering_takes_the_open_ones_wherever_they_stand() -> None:
    """The first slot was given back, the second is filled: the filled one is what is wanted."""
    s = story(labels_per_item=2)
    (item,) = s.items(["a"])
    claim_item(s.rater(s.ana), item)
    submission = submit(s, item, s.ben)
    claims_return(s.rater(s.ana))
    assert states(item) == [(0, "open"), (1, "filled")]
    overlap_change(s.olga, s.project, 1)
    assert states(item) == [(0, "filled")]
    submission.refresh_from_db()
    assert submission.slot == item.slots.get()
    overlap_change(s.olga, s.project, 2)
    assert states(item) == [(0, "filled"), (1, "open")]


def test_lowering_keeps_the_history_of_what_goes() -> None:
    """Skips, what was given back and what was taken back named slots that go."""
    s = story(labels_per_item=2)
    item, other = s.items(["a", "b"])
    rater = s.rater(s.ana)
    claim_item(rater, item)
    submission_skip(rater, item, client_key="skip")
    second = s.rater(s.ben)
    taken_back = submit(s, item, s.ben)
    submission_withdraw(second, taken_back.pk)
    claims_return(second)
    submit(s, item, s.cem)
    claims_hold(s.rater(s.rhea))
    claims_return(s.rater(s.rhea))
    before = (Assignment.objects.count(), Submission.objects.count())
    overlap_change(s.olga, s.project, 1)
    assert states(item) == [(0, "filled")]
    assert states(other) == [(0, "open")]
    assert (Assignment.objects.count(), Submission.objects.count()) == before
    # And up again: exactly as many as wanted.
    overlap_change(s.olga, s.project, 3)
    assert [n for n, _state in states(item)] == [0, 1, 2]
    assert [state for _n, state in states(item)] == ["filled", "open", "open"]


def test_many_items_are_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    s = story(labels_per_item=1)
    items = s.items([f"text {n}" for n in range(7)])
    monkeypatch.setattr(overlap, "AT_ONCE", 5)
    monkeypatch.setattr(overlap, "CHUNK", 3)
    job = overlap_change(s.olga, s.project, 2)
    assert job is not None
    assert Slot.objects.count() == 7
    overlap_task(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.total) == ("done", 7, 7)
    assert Slot.objects.count() == 14
    assert {slot.draw for slot in items[0].slots.all()} == {items[0].draw}


def test_an_import_under_way_hears_of_the_new_number() -> None:
    s = story(labels_per_item=1)
    overlap_change(s.olga, Project.objects.get(), 3)
    assert s.project.labels_per_item == 1  # what the import had in hand
    assert s.items(["a"])[0].slots.count() == 3


def test_the_same_number_changes_nothing() -> None:
    s = story(labels_per_item=2)
    s.items(["a"])
    assert overlap_change(s.olga, s.project, 2) is None
    assert not Event.objects.filter(verb="project.overlap_changed").exists()
    with pytest.raises(BadInput):
        overlap_change(s.olga, s.project, 0)


# --- Questions ---------------------------------------------------------------------------------


def question_form(**more: str) -> dict[str, str]:
    rows = {
        f"option-{n}-{field}": value
        for n, row in enumerate(
            [
                {"name": "Good", "key": "positive", "definition": "", "colour": "green"},
                {"name": "Bad", "key": "negative", "definition": "", "colour": "red"},
            ]
        )
        for field, value in row.items()
    }
    return {
        "question-name": "Mood",
        "question-text": "How?",
        "question-kind": "single",
        "question-required": "on",
        "option-TOTAL_FORMS": "2",
        "option-INITIAL_FORMS": "0",
        **rows,
        **more,
    }


def test_a_question_without_labels_is_changed_in_place(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    address = f"/projects/{s.project.pk}/questions/{s.question.pk}/"
    assert "stays as it is" not in client.get(address).content.decode()
    assert client.post(address, question_form()).status_code == 302
    s.question.refresh_from_db()
    assert (s.question.name, s.question.version, s.question.key) == ("Mood", 1, "sentiment")
    assert s.question.options.count() == 2


def test_a_question_with_labels_gets_a_new_version(client: Client) -> None:
    s = story()
    submit(s, s.items(["a"])[0], s.ana)
    client.force_login(s.olga)
    address = f"/projects/{s.project.pk}/questions/{s.question.pk}/"
    assert "has 1 label, so it stays as it is" in client.get(address).content.decode()
    client.post(address, question_form())
    live = s.project.questions.get(status="live")
    assert (live.version, live.name) == (2, "Mood")
    s.question.refresh_from_db()
    assert (s.question.name, s.question.options.count()) == ("Sentiment", 3)
    assert s.question.labels.count() == 1
    # Too late for the version that was replaced: somebody else's tab is told so.
    assert client.post(address, question_form()).status_code == 409


def test_a_question_of_another_project_is_not_there(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    from annotate.services.projects import project_create

    other = project_create(s.sam, name="Sam's", questions=[STARS])
    theirs = other.questions.get().pk
    assert client.get(f"/projects/{s.project.pk}/questions/{theirs}/").status_code == 404
    assert client.post(f"/projects/{s.project.pk}/questions/{theirs}/stop/").status_code == 404


def test_the_last_question_stays() -> None:
    s = story(questions=(SENTIMENT, STARS))
    question_retire(s.olga, s.project.questions.get(key="stars"))
    with pytest.raises(Conflict):
        question_retire(s.olga, s.question)
    assert s.project.questions.filter(status="live").count() == 1


# --- Guideline ---------------------------------------------------------------------------------


def test_the_guideline_is_written_previewed_and_kept(client: Client) -> None:
    s = story()
    client.force_login(s.olga)
    address = f"/projects/{s.project.pk}/guideline/edit/"
    preview = client.post(address, {"text": "# Anew <script>x</script>", "preview": "1"})
    assert "<h3>Anew &lt;script&gt;" in preview.content.decode()
    assert s.project.guidelines.count() == 1
    client.post(address, {"text": "# Anew"})
    assert list(s.project.guidelines.order_by("version").values_list("version", "text")) == [
        (1, "# How to label\n\nJudge the text only."),
        (2, "# Anew"),
    ]
    client.force_login(s.ana)
    assert "<h3>Anew</h3>" in client.get(f"/projects/{s.project.pk}/guideline/").content.decode()
    earlier = client.get(f"/projects/{s.project.pk}/guideline/1/").content.decode()
    assert "Judge the text only." in earlier
    assert client.get(f"/projects/{s.project.pk}/guideline/9/").status_code == 404


# --- Archived ----------------------------------------------------------------------------------


def test_an_archived_project_refuses_labels_and_changes(client: Client) -> None:
    s = story()
    s.items(["a"])
    client.force_login(s.olga)
    client.post(f"/projects/{s.project.pk}/archive/")
    assert Project.objects.get().status == "archived"
    base = f"/projects/{s.project.pk}"
    assert client.post(f"{base}/settings/", settings_form()).status_code == 403
    assert client.post(f"{base}/questions/new/", question_form()).status_code == 403
    assert client.post(f"{base}/guideline/edit/", {"text": "x"}).status_code == 403
    assert client.post(f"{base}/invitations/", {"role": "viewer", "days": 1}).status_code == 403
    assert client.get(f"{base}/settings/").status_code == 200
    client.force_login(s.ana)
    client.get(f"{base}/label/")
    assert client.post(f"{base}/label/submit/", {}).status_code == 403
    assert not Assignment.objects.exists()
    client.force_login(s.olga)
    client.post(f"{base}/reopen/")
    client.force_login(s.ana)
    assert client.get(f"{base}/label/").status_code == 200
    assert Assignment.objects.count() == 1


def test_archiving_twice_writes_one_event() -> None:
    s = story()
    project_archive(s.olga, s.project)
    project_archive(s.olga, s.project)
    assert Event.objects.filter(verb="project.archived").count() == 1
    assert not Job.objects.exists()
