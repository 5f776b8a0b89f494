"""The screens of importing: upload, preview, mapping, job, report, undo, and who may see them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import ImportBatch, ImportStatus, Item, Job, JobState, Label
from annotate.services.import_undo import undo_run
from annotate.services.imports import import_run
from annotate.services.jobs import job_create, job_take
from annotate.services.projects import project_archive
from tests.imports.bringing import bring_items, csv_of, labels_csv, taken, upload
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

BOMB = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def as_(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def file_of(data: bytes, name: str = "items.csv") -> BytesIO:
    file = BytesIO(data)
    file.name = name
    return file


def at(name: str, s: Story, *more: Any) -> str:
    return reverse(name, args=[s.project.pk, *more])


def send(
    client: Client, s: Story, data: bytes, name: str = "items.csv", kind: str = "items"
) -> ImportBatch:
    response = client.post(at("import_new", s, kind), {"file": file_of(data, name)})
    batch = ImportBatch.objects.latest("pk")
    assert response.url == at("import_map", s, batch.pk)
    return batch


def test_a_file_goes_from_upload_to_report_and_back() -> None:
    s = story()
    client = as_(s.olga)
    assert b"No file yet" in client.get(at("data", s)).content
    batch = send(client, s, csv_of(("a", "Lovely."), ("b", BOMB), ("a", BOMB)))
    page = client.get(at("import_map", s, batch.pk)).content.decode()
    assert "Lovely." in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page

    response = client.post(
        at("import_map", s, batch.pk),
        {"use_0": "item", "use_1": "shown", "place_0": "", "place_1": "1"},
    )
    batch.refresh_from_db()
    assert response.url == at("job", s, batch.job_id)
    page = client.get(response.url).content.decode()
    assert "Import of items.csv" in page
    assert at("job_pause", s, batch.job_id) in page
    import_run(taken(batch))

    fragment = client.get(response.url, headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert at("import_report", s, batch.pk) in fragment.content.decode()
    report = client.get(at("import_report", s, batch.pk)).content.decode()
    assert "2 items created" in report
    assert "The id “a” stands in line 2 already." in report
    assert "<script>alert" not in report
    refused = client.get(at("import_refused", s, batch.pk))
    assert b"".join(refused.streaming_content) == f"id,text\na,{BOMB}\n".encode()
    assert refused["Content-Type"] == "application/octet-stream"
    assert "items.refused.csv" in refused["Content-Disposition"]

    question = client.get(at("import_undo", s, batch.pk)).content.decode()
    assert "2 items go" in question
    undone = client.post(at("import_undo", s, batch.pk))
    batch.refresh_from_db()
    assert undone.url == at("job", s, batch.job_id)
    undo_run(taken(batch))
    assert Item.objects.filter(status="live").count() == 0
    assert b"Undone" in client.get(at("data", s)).content


def test_places_put_the_shown_fields_in_order() -> None:
    s = story()
    client = as_(s.olga)
    batch = send(client, s, b"id,text,aspect\na,Lovely.,food\n")
    uses = {"use_0": "item", "use_1": "shown", "use_2": "shown", "place_1": "2", "place_2": "1"}
    client.post(at("import_map", s, batch.pk), uses)
    batch.refresh_from_db()
    assert batch.mapping["plan"]["shown"] == ["aspect", "text"]


def test_a_mapping_that_does_not_hold_together_is_shown_again() -> None:
    s = story()
    client = as_(s.olga)
    batch = send(client, s, csv_of(("a", "Lovely.")))
    for uses, words in [
        ({"use_0": "item", "use_1": "item"}, "Only one column"),
        ({"use_0": "item", "use_1": "out"}, "to be shown"),
        ({"use_0": "item", "use_1": "nonsense"}, "valid choice"),
    ]:
        response = client.post(at("import_map", s, batch.pk), uses)
        assert response.status_code == 422
        assert words in response.content.decode()
    batch.refresh_from_db()
    assert batch.status == ImportStatus.UPLOADED


def test_an_unclear_encoding_is_asked_and_shown_in_each() -> None:
    s = story()
    client = as_(s.olga)
    batch = send(client, s, "id;text\na;Café\n".encode("cp1252"))
    page = client.get(at("import_map", s, batch.pk)).content.decode()
    assert "Line 2 of 2 is not UTF-8" in page
    assert "a;Café" in page
    assert "Start the import" not in page
    assert client.post(at("import_map", s, batch.pk), {"use_0": "item"}).status_code == 200
    client.post(at("import_read", s, batch.pk), {"format": "csv", "encoding": "windows-1252"})
    page = client.get(at("import_map", s, batch.pk)).content.decode()
    assert ">Café<" in page
    assert "Start the import" in page
    batch.refresh_from_db()
    assert (batch.encoding, batch.mapping["delimiter"]) == ("windows-1252", ";")
    client.post(
        at("import_read", s, batch.pk),
        {"format": "csv", "encoding": "windows-1252", "delimiter": ","},
    )
    batch.refresh_from_db()
    assert batch.mapping["columns"] == ["id;text"]


def test_labels_bring_a_new_question_that_the_person_confirms() -> None:
    s = story()
    client = as_(s.rhea)
    s.items(["Lovely.", "Slow."])
    data = labels_csv(
        ("i1", "w1", "human", "4"), ("i2", "w1", "human", "5"), ("i2", "w2", "llm", "1")
    )
    batch = send(client, s, data, "labels.csv", "labels")
    page = client.get(at("import_map", s, batch.pk)).content.decode()
    assert "1\n4\n5" in page
    form = {
        "use_0": "item", "use_1": "rater", "use_2": "kind", "use_3": "label",
        "fixed_kind": "person", "question": "new", "new_name": "Stars given",
        "new_kind": "rating", "new_options": "1\n4 | four stars\n5\n",
        "new_text": "How many stars?",
    }  # fmt: skip
    assert client.post(at("import_map", s, batch.pk), {**form, "new_name": ""}).status_code == 422
    assert not s.project.questions.filter(key="stars-given").exists()
    client.post(at("import_map", s, batch.pk), form)
    batch.refresh_from_db()
    import_run(taken(batch))
    question = s.project.questions.get(key="stars-given")
    assert (question.kind, question.text) == ("rating", "How many stars?")
    assert [o.name for o in question.options.all()] == ["1", "four stars", "5"]
    assert sorted(Label.objects.values_list("question__key", "choice")) == [
        ("stars-given", 0),
        ("stars-given", 1),
        ("stars-given", 2),
    ]


def test_options_can_be_taken_from_another_column() -> None:
    s = story()
    client = as_(s.olga)
    data = b"item_id,annotator_id,label,verdict\ni1,w1,x,good\ni2,w1,y,bad\n"
    batch = send(client, s, data, "labels.csv", "labels")
    page = client.post(
        at("import_map", s, batch.pk),
        {"use_0": "item", "use_1": "rater", "use_2": "out", "use_3": "label", "values_again": "1"},
    )
    assert page.status_code == 200
    assert "bad\ngood" in page.content.decode()
    batch.refresh_from_db()
    assert batch.status == ImportStatus.UPLOADED


def test_a_file_of_labels_that_fit_a_question_is_proposed_for_it() -> None:
    s = story()
    client = as_(s.olga)
    batch = send(client, s, labels_csv(("i1", "w1", "human", "Positive")), kind="labels")
    page = client.get(at("import_map", s, batch.pk)).content.decode()
    assert '<option value="sentiment" selected>' in page


def test_a_bad_file_is_told_on_the_upload_page() -> None:
    s = story()
    client = as_(s.olga)
    response = client.post(at("import_new", s, "items"), {"file": file_of(b" \n", "x.csv")})
    assert response.status_code == 422
    assert "This file is empty." in response.content.decode()
    override = {"file": file_of(b'{"text": "a"}\n', "x.csv"), "format": "jsonl"}
    assert client.post(at("import_new", s, "items"), override).status_code == 302
    assert ImportBatch.objects.get().format == "jsonl"
    assert client.get(at("import_new", s, "nonsense")).status_code == 404


def test_dropping_an_upload_and_going_on_with_a_stopped_one() -> None:
    s = story()
    client = as_(s.olga)
    batch = upload(s, csv_of(("a", "one")))
    assert client.post(at("import_drop", s, batch.pk)).status_code == 302
    batch.refresh_from_db()
    assert batch.status == ImportStatus.DROPPED
    assert client.get(at("import_report", s, batch.pk)).status_code == 200
    assert client.get(at("import_refused", s, batch.pk)).status_code == 404
    assert client.get(at("import_undo", s, batch.pk)).status_code == 302

    batch = send(client, s, csv_of(("a", "one")))
    client.post(at("import_map", s, batch.pk), {"use_0": "item", "use_1": "shown"})
    batch.refresh_from_db()
    assert client.post(at("import_go_on", s, batch.pk)).status_code == 409
    client.post(at("job_cancel", s, batch.job_id))
    page = client.get(at("import_report", s, batch.pk)).content.decode()
    assert "Stopped, nothing taken in" in page
    client.post(at("import_go_on", s, batch.pk))
    batch.refresh_from_db()
    import_run(taken(batch))
    assert Item.objects.count() == 1


def test_a_job_is_paused_resumed_and_cancelled_from_its_page() -> None:
    s = story()
    client = as_(s.rhea)
    job = job_create(s.olga, project=s.project, kind="odd_kind", task="annotate.nothing")
    page = client.get(at("job", s, job.pk)).content.decode()
    assert "Odd kind" in page

    def state() -> str:
        return Job.objects.get(pk=job.pk).state

    assert client.post(at("job_pause", s, job.pk)).url == at("job", s, job.pk)
    assert state() == JobState.PAUSED
    fragment = client.post(at("job_resume", s, job.pk), headers={"HX-Request": "true"})
    assert fragment.status_code == 200
    assert "hx-trigger" in fragment.content.decode()
    assert state() == JobState.QUEUED
    fragment = client.post(at("job_cancel", s, job.pk), headers={"HX-Request": "true"})
    assert "hx-trigger" not in fragment.content.decode()
    assert client.post(at("job_pause", s, job.pk)).status_code == 409
    assert client.get(at("job_pause", s, job.pk)).status_code == 405

    failed = job_create(s.olga, project=s.project, kind="export", task="annotate.export")
    running = job_take(failed.pk)
    assert running is not None
    running.fail("The disk is <full>.")
    page = client.get(at("job", s, failed.pk)).content.decode()
    assert "The disk is &lt;full&gt;." in page
    assert at("job_resume", s, failed.pk) in page


def pages(s: Story, batch: ImportBatch) -> list[tuple[str, str]]:
    posts = ["import_read", "import_drop", "import_go_on"]
    job = ["job_pause", "job_resume", "job_cancel"]
    return [
        ("get", at("data", s)),
        ("get", at("import_new", s, "items")),
        ("post", at("import_new", s, "items")),
        ("get", at("import_map", s, batch.pk)),
        ("get", at("import_report", s, batch.pk)),
        ("get", at("import_refused", s, batch.pk)),
        ("get", at("import_undo", s, batch.pk)),
        ("post", at("import_undo", s, batch.pk)),
        ("get", at("job", s, batch.job_id)),
        *(("post", at(name, s, batch.pk)) for name in posts),
        *(("post", at(name, s, batch.job_id)) for name in job),
    ]


@pytest.mark.parametrize(("name", "status"), [("ana", 403), ("vic", 403), ("sam", 404)])
def test_others_are_kept_out(name: str, status: int) -> None:
    s = story()
    batch = bring_items(s, csv_of(("a", "one"), ("", "two")))
    client = as_(getattr(s, name))
    for method, address in pages(s, batch):
        assert getattr(client, method)(address).status_code == status, address


def test_an_import_of_another_project_is_not_found() -> None:
    from annotate.services.projects import project_create

    s = story()
    other = project_create(s.olga, name="Other")
    batch = bring_items(s, csv_of(("a", "one"), ("", "two")))
    client = as_(s.olga)
    for name in ("import_report", "import_map", "import_refused", "import_undo"):
        assert client.get(reverse(name, args=[other.pk, batch.pk])).status_code == 404
    assert client.get(reverse("job", args=[other.pk, batch.job_id])).status_code == 404


def test_only_a_job_that_goes_on_says_that_one_may_leave() -> None:
    s = story()
    client, words = as_(s.olga), "You may leave this page"
    job = job_create(s.olga, project=s.project, kind="import", task="none", parameters={})
    assert words in client.get(at("job", s, job.pk)).content.decode()
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    assert words not in client.get(at("job", s, job.pk)).content.decode()


def test_an_archived_project_takes_nothing_in_and_still_shows_what_came() -> None:
    s = story()
    batch = bring_items(s, csv_of(("a", "one"), ("", "two")))
    waiting = upload(s, csv_of(("b", "two")))
    project_archive(s.olga, s.project)
    client = as_(s.olga)
    assert client.get(at("import_new", s, "items")).status_code == 403
    assert client.post(at("import_map", s, waiting.pk)).status_code == 403
    assert client.post(at("import_undo", s, batch.pk)).status_code == 403
    assert client.get(at("data", s)).status_code == 200
    assert client.get(at("import_report", s, batch.pk)).status_code == 200
    assert client.get(at("import_refused", s, batch.pk)).status_code == 200


def test_the_list_of_imports_costs_the_same_however_many_there_are(
    django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    from annotate.selectors.imports import imports_of

    s = story()
    for n in range(3):
        bring_items(s, csv_of((f"a{n}", "one")))
    with django_assert_num_queries(1):
        rows = imports_of(s.project)
        assert [row.batch.created_by.shown_name for row in rows] == ["Olga"] * 3
        assert [row.is_live for row in rows] == [False] * 3
