"""Many items at once by program, views of the list, giving back, qualification."""

from __future__ import annotations

from typing import Any

import pytest

from annotate.models import Admission, Job, Ruling, SavedView, Submission, SubmissionStatus
from annotate.services.bulk_rulings import bulk_rulings_run, bulk_rulings_undo_run
from annotate.tasks import job_do
from tests.answers import says
from tests.api.asking import Api
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No broker here: what would be sent to the worker."""
    tasks: list[str] = []
    monkeypatch.setattr("annotate.api.together.job_nudge", lambda job: tasks.append(job.task))
    return tasks


@pytest.fixture
def tale() -> Story:
    """Three items: two on which people are split, one on which they agree."""
    tale = story()
    for n, item in enumerate(tale.items(["a", "b", "c"])):
        says(tale, "w1", item, 0)
        says(tale, "w2", item, n % 2)
        says(tale, "w3", item, 0)
    return tale


def asked(**more: Any) -> dict[str, Any]:
    return {"question": "sentiment", "reason": "ambiguous_item", **more}


def test_what_a_filter_finds_is_previewed_ruled_on_and_taken_back(
    tale: Story, sent: list[str]
) -> None:
    api = Api(tale.rhea, tale.project.pk)
    body = asked(query="disagreement=agree", answer="negative")

    preview = api.post("rulings/bulk/preview/", body).json()
    assert (preview["looked"], preview["ruled"], preview["more"]) == (2, 2, False)
    assert not Job.objects.exists()
    started = api.post("rulings/bulk/", body)
    assert started.status_code == 202
    job_do(started.json()["id"], bulk_rulings_run)
    assert [r.item.external_id for r in Ruling.objects.order_by("item_id")] == ["i1", "i3"]
    assert set(Ruling.objects.values_list("choice", flat=True)) == {1}
    undo = api.post(f"rulings/bulk/{started.json()['id']}/undo/")
    assert undo.status_code == 202
    job_do(undo.json()["id"], bulk_rulings_undo_run)
    assert not Ruling.objects.filter(status="live").exists()
    assert sent == ["annotate.bulk_rulings", "annotate.bulk_rulings_undo"]


def test_certain_items_are_ruled_as_they_stand(tale: Story) -> None:
    api = Api(tale.rhea, tale.project.pk)
    item = tale.project.items.get(external_id="i2")

    job_do(api.post("rulings/bulk/", asked(items=[item.pk])).json()["id"], bulk_rulings_run)

    ruling = Ruling.objects.get()
    assert (ruling.item_id, ruling.choice) == (item.pk, 0)


def test_what_does_not_fit_is_refused_with_where(tale: Story) -> None:
    api = Api(tale.rhea, tale.project.pk)
    for odd, where in (
        ({"question": "mood"}, "question"),
        ({"answer": "splendid"}, "sentiment"),
        ({"reason": "whim"}, "reason"),
        ({"items": [0]}, "items"),
    ):
        answer = api.post("rulings/bulk/", asked() | odd)
        assert answer.status_code == 422
        assert where in answer.json()["fields"]
    assert not Job.objects.exists()


def test_views_are_kept_listed_replaced_and_removed(tale: Story) -> None:
    rhea, vic = Api(tale.rhea, tale.project.pk), Api(tale.vic, tale.project.pk)
    body = {"name": "Split", "query": "?after=9&disagreement=split&made=up", "shared": True}

    kept = rhea.post("views/", body | {"query": "after=9&disagreement=split&made=up"})
    assert kept.status_code == 200
    assert (kept.json()["query"], kept.json()["owner"]) == ("disagreement=split", "rhea")
    assert vic.get("views/").json() == [kept.json()]
    assert vic.post("views/", body).status_code == 403
    again = rhea.post("views/", {"name": "Split", "query": "state=ruled"}).json()
    assert (again["id"], again["shared"]) == (kept.json()["id"], False)
    assert vic.get("views/").json() == []
    assert rhea.post("views/", {"name": "All", "query": "after=9"}).status_code == 422
    assert rhea.delete(f"views/{again['id']}/").status_code == 204
    assert not SavedView.objects.exists()


def test_an_answer_is_given_back(tale: Story) -> None:
    (item,) = tale.project.items.filter(external_id="i1")
    says(tale, "ana", item, 0)
    submission = Submission.objects.latest("pk")
    api = Api(tale.rhea, tale.project.pk)

    back = api.post(f"submissions/{submission.pk}/give-back/", {"comment": "Irony?"})

    assert (back.status_code, back.json()["comment"]) == (200, "Irony?")
    submission.refresh_from_db()
    assert submission.status == SubmissionStatus.WITHDRAWN
    assert api.post(f"submissions/{submission.pk}/give-back/", {"comment": ""}).status_code == 422


def test_qualification_is_told_and_decided(tale: Story) -> None:
    ben = tale.rater(tale.ben)
    tale.project.qualify_items = 2
    tale.project.save(update_fields=["qualify_items"])
    olga = Api(tale.olga, tale.project.pk)

    (row,) = olga.get("qualification/").json()
    assert (row["rater"], row["name"], row["stage"]) == (ben.pk, "Ben", "free")
    out = olga.post(f"qualification/{ben.pk}/", {"admission": "out"}).json()
    assert out["stage"] == "out"
    ben.refresh_from_db()
    assert ben.admission == Admission.OUT
    assert olga.post(f"qualification/{ben.pk}/", {"admission": "passed"}).status_code == 422
