"""Taking data out: what the files hold, who may fetch them, and that memory stays bounded."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from annotate.models import (
    Item,
    Job,
    JobState,
    Label,
    LabelStatus,
    Project,
    Question,
    Rater,
    RaterKind,
)
from annotate.selectors.export_rows import item_rows, label_rows
from annotate.services.estimates import estimate_run, estimate_start
from annotate.services.exports import export_path, export_run, export_start
from annotate.services.jobs import job_take
from annotate.services.projects import QuestionDraft, project_create
from annotate.services.rulings import ruling_make
from annotate.services.submissions import submission_withdraw
from annotate.tasks import job_do
from tests.answers import says
from tests.personas import SENTIMENT, Story, story

NASTY = [
    'She said "fine",\nthen left; twice',
    '=HYPERLINK("http://x")',
    "الطعام لذيذ والخدمة بطيئة",
    " leading and trailing \t",
    "line\r\nwith a carriage return",
    "",
]


def aggregated(tale: Story, method: str = "majority", who: str = "people") -> None:
    run = estimate_start(tale.olga, tale.question, method=method, who_counts=who)
    taken = job_take(run.job_id)
    assert taken
    estimate_run(taken)


def exported(tale: Story, **asked: Any) -> Path:
    job = export_start(tale.olga, tale.project, **{"what": "items", "format": "csv", **asked})
    job_do(job.pk, export_run)
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.message
    return export_path(job)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.django_db
def test_an_item_is_a_row_with_its_answer_and_where_it_comes_from() -> None:
    tale = story()
    ruled, voted, tied, silent = tale.items(["a", "b", "c", "d"])
    says(tale, "w1", ruled, 0)
    ruling_make(tale.rhea, ruled, tale.question, choice=1, reason="rater_error")
    for who, choice in (("w1", 1), ("w2", 1), ("w3", 0), ("j1", 0), ("j2", 0), ("j3", 0)):
        says(tale, who, voted, choice)
    says(tale, "w1", tied, 0)
    says(tale, "w2", tied, 2)

    first, second, third, fourth = table(exported(tale))

    assert first["item_id"] == "i1"
    assert json.loads(first["fields"]) == {"text": "a"}
    assert (first["sentiment"], first["sentiment__source"]) == ("negative", "ruling")
    assert (first["sentiment__ruling_reason"], first["sentiment__ruled_by"]) == (
        "rater_error",
        "rhea",
    )
    # Three judges do not outvote two people.
    assert (second["sentiment"], second["sentiment__source"]) == ("negative", "majority")
    assert float(second["sentiment__probability"]) == pytest.approx(2 / 3)
    assert json.loads(second["sentiment__people_votes"]) == {"positive": 1, "negative": 2}
    assert json.loads(second["sentiment__judge_votes"]) == {"positive": 3}
    assert (third["sentiment"], third["sentiment__source"]) == ("", "tie")
    assert (fourth["sentiment"], fourth["sentiment__source"]) == ("", "")
    assert {row["demo"] for row in (first, second, third, fourth)} == {"false"}
    assert silent.external_id == fourth["item_id"]


@pytest.mark.django_db
def test_judges_count_only_where_asked_for() -> None:
    tale = story()
    (item,) = tale.items(["a"])
    for who, choice in (("w1", 1), ("j1", 0), ("j2", 0)):
        says(tale, who, item, choice)

    answers = {
        who: next(item_rows(tale.project, who))["sentiment"] for who in ("people", "judges", "all")
    }

    assert answers == {"people": "negative", "judges": "positive", "all": "positive"}
    assert len(list(label_rows(tale.project, "people"))) == 1
    assert len(list(label_rows(tale.project, "all"))) == 3


@pytest.mark.django_db
def test_an_aggregate_is_used_until_the_votes_change() -> None:
    tale = story()
    changed, kept = tale.items(["a", "b"])
    for item in (changed, kept):
        for who in ("w1", "w2", "w3"):
            says(tale, who, item, 0)
    aggregated(tale, "dawid_skene")
    says(tale, "w4", changed, 1)

    new, old = table(exported(tale))

    assert (new["sentiment__source"], new["sentiment__aggregate_outdated"]) == ("majority", "true")
    assert (new["sentiment"], new["sentiment__posterior"]) == ("positive", "")
    assert old["sentiment__source"] == "dawid_skene"
    assert old["sentiment__aggregate_outdated"] == "false"
    assert sum(json.loads(old["sentiment__posterior"]).values()) == pytest.approx(1)


@pytest.mark.django_db
def test_an_aggregate_whose_labels_were_taken_back_is_not_an_answer() -> None:
    tale = story()
    (item,) = tale.items(["a"])
    ana = says(tale, "ana", item, 0)
    aggregated(tale)
    submission_withdraw(ana, ana.submissions.get().pk)

    (row,) = table(exported(tale))

    assert (row["sentiment"], row["sentiment__source"]) == ("", "")
    assert row["sentiment__aggregate_outdated"] == "true"


@pytest.mark.django_db
def test_a_summary_that_waits_for_its_recount_does_not_falsify_the_votes() -> None:
    tale = story()
    (item,) = tale.items(["a"])
    says(tale, "w1", item, 1)
    item.summaries.update(people_counts={"0": 5}, dirty=True)

    (row,) = item_rows(tale.project)

    assert row["sentiment"] == "negative"
    assert row["sentiment__people_votes"] == {"negative": 1}


@pytest.mark.django_db
def test_answers_by_the_aggregation_that_was_chosen() -> None:
    tale = story()
    items = tale.items(["a", "b", "c", "d"])
    for n, item in enumerate(items):
        for k in range(3):
            says(tale, f"w{k}", item, (n + (k == 2 and n == 3)) % 3)
    for method in ("dawid_skene", "majority"):
        run = estimate_start(tale.olga, tale.question, method=method)
        job_do(run.job_id, estimate_run)
    client = Client()
    client.force_login(tale.olga)

    page = client.get(reverse("data", args=[tale.project.pk])).content.decode()
    assert '<option value="dawid_skene">' in page
    assert '<option value="glad">' not in page
    sources = {}
    for method in ("", "dawid_skene", "votes", "glad"):
        asked = {"what": "items", "format": "csv", "who": "people", "method": method}
        client.post(reverse("export_start", args=[tale.project.pk]), asked)
        job = Job.objects.filter(kind="export").latest("pk")
        job_do(job.pk, export_run)
        (row, *_others) = table(export_path(Job.objects.get(pk=job.pk)))
        sources[method] = (row["sentiment__source"], row["sentiment__aggregate"].split(" ")[0])
        assert row["text"] == "a"

    assert sources == {
        "": ("majority", "majority"),
        "dawid_skene": ("dawid_skene", "dawid_skene"),
        "votes": ("majority", ""),
        "glad": ("majority", ""),
    }
    asked["method"] = "guess"
    assert client.post(reverse("export_start", args=[tale.project.pk]), asked).status_code == 422


@pytest.mark.django_db
def test_a_question_named_like_a_column_of_items_keeps_both() -> None:
    draft = QuestionDraft(key="demo", name="Demo", kind="single", options=SENTIMENT.options)
    tale = story(questions=(draft,))
    (item,) = tale.items(["a"])
    says(tale, "w1", item, 2)

    (row,) = table(exported(tale))

    assert (row["demo"], row["demo_"], row["demo___source"]) == ("false", "unknown", "majority")


@pytest.mark.django_db
def test_withdrawn_and_surplus_labels_come_only_with_history() -> None:
    tale = story()
    (item,) = tale.items(["a"])
    ana = says(tale, "ana", item, 0)
    submission_withdraw(ana, ana.submissions.get().pk)
    says(tale, "w1", item, 1)

    plain = table(exported(tale, what="labels"))
    whole = table(exported(tale, what="labels", history=True))

    assert [row["label"] for row in plain] == ["negative"]
    assert [(row["label"], row["status"]) for row in whole] == [
        ("positive", "withdrawn"),
        ("negative", "live"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_labels_taken_out_and_brought_in_again_are_the_same(tmp_path: Path, format: str) -> None:
    tale = story()
    # An import of CSV reads every kind of line end as one.
    texts = [text.replace("\r\n", "\n") for text in NASTY]
    for n, item in enumerate(tale.items(texts)):
        says(tale, 'w\u00e9ra, "the" first', item, n % 3, rationale=texts[n], confidence=0.25)
        says(tale, "j=1+1", item, (n + 1) % 3)
    path = exported(tale, what="labels", format=format, who="all")
    (tmp_path / f"labels.{format}").write_bytes(path.read_bytes())
    copy = project_create(tale.olga, name="Copy", questions=(SENTIMENT,))

    call_command(
        "import_items",
        str(copy.pk),
        labels=tmp_path / f"labels.{format}",
        create_items=True,
        verbosity=0,
    )

    def facts(project: Project) -> list[tuple[Any, ...]]:
        return sorted(
            Label.objects.filter(project=project, status=LabelStatus.LIVE).values_list(
                "item__external_id",
                "rater__name",
                "rater__kind",
                "question__key",
                "choice",
                "confidence",
                "rationale",
                "created_at",
            ),
            key=str,
        )

    assert facts(copy) == facts(tale.project)
    assert len(facts(copy)) == 12


@pytest.mark.django_db
def test_texts_are_the_same_in_csv_and_jsonl() -> None:
    tale = story()
    tale.items(NASTY)

    by_csv = [json.loads(row["fields"])["text"] for row in table(exported(tale))]
    lines = exported(tale, format="jsonl").read_text(encoding="utf-8").split("\n")
    by_jsonl = [json.loads(line)["fields"]["text"] for line in lines if line]

    stored = [item.fields["text"] for item in Item.objects.order_by("pk")]
    assert by_csv == by_jsonl == stored
    assert stored[1].startswith("=")


@pytest.mark.django_db
def test_started_watched_and_fetched_in_the_browser() -> None:
    tale = story()
    tale.items(["a"])
    client = Client()
    client.force_login(tale.rhea)
    address = reverse("export_start", args=[tale.project.pk])

    answer = client.post(
        address,
        {"what": "items", "format": "csv", "who": "people"},
        headers={"HX-Request": "true"},
    )

    job = Job.objects.get(kind="export")
    assert 'hx-trigger="every 1s"' in answer.content.decode()
    early = client.get(reverse("export_file", args=[tale.project.pk, job.pk]))
    assert early.status_code == 409
    job_do(job.pk, export_run)
    later = client.get(reverse("exports", args=[tale.project.pk]), headers={"HX-Request": "true"})
    assert "hx-trigger" not in later.content.decode()
    file = client.get(reverse("export_file", args=[tale.project.pk, job.pk]))
    assert file.status_code == 200
    assert file.headers["Content-Disposition"].startswith("attachment; filename=")
    assert b"".join(file).startswith(b"item_id,text,fields,metadata,demo,sentiment")
    file.close()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("who", "status"),
    [("olga", 302), ("rhea", 302), ("ana", 403), ("vic", 403), ("sam", 404)],
)
def test_only_those_who_may_take_data_out_do(who: str, status: int) -> None:
    tale = story()
    client = Client()
    client.force_login(getattr(tale, who))
    asked = {"what": "items", "format": "csv", "who": "people"}

    answer = client.post(reverse("export_start", args=[tale.project.pk]), asked)

    assert answer.status_code == status
    assert Job.objects.filter(kind="export").exists() is (status == 302)
    job = export_start(tale.olga, tale.project, what="labels", format="csv")
    job_do(job.pk, export_run)
    fetched = client.get(reverse("export_file", args=[tale.project.pk, job.pk]))
    fetched.close()
    assert fetched.status_code == (200 if status == 302 else status)


@pytest.mark.django_db
def test_a_file_of_another_project_is_not_found() -> None:
    tale = story()
    other = project_create(tale.olga, name="Other")
    job = export_start(tale.olga, other, what="items", format="csv")
    job_do(job.pk, export_run)
    client = Client()
    client.force_login(tale.rhea)

    assert client.get(reverse("export_file", args=[tale.project.pk, job.pk])).status_code == 404


@pytest.mark.django_db
def test_what_is_not_in_the_lists_is_refused() -> None:
    tale = story()
    client = Client()
    client.force_login(tale.olga)

    answer = client.post(
        reverse("export_start", args=[tale.project.pk]), {"what": "passwords", "format": "csv"}
    )

    assert answer.status_code == 422
    assert not Job.objects.filter(kind="export").exists()


@pytest.mark.django_db
def test_the_command_writes_the_file_it_was_told(tmp_path: Path) -> None:
    tale = story()
    (item,) = tale.items(["a"])
    says(tale, "w1", item, 1)
    out = tmp_path / "labels.jsonl"

    call_command("export", tale.project.name, what="labels", format="jsonl", out=out)

    (line,) = out.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["label"] == "negative"
    assert Job.objects.get(kind="export").state == JobState.DONE
    assert [path for path in tmp_path.iterdir() if path.is_file()] == [out]


@pytest.mark.django_db
def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    tale = story()
    with pytest.raises(CommandError, match="no project"):
        call_command("export", "Nowhere", out=tmp_path / "x.csv")
    with pytest.raises(CommandError, match="no folder"):
        call_command("export", str(tale.project.pk), out=tmp_path / "no" / "x.csv")


@pytest.mark.django_db(transaction=True)
def test_an_export_goes_on_while_others_write() -> None:
    """A reader left open would, on SQLite, keep the export from showing its progress."""
    tale = story()
    for item in tale.items(["a", "b", "c"]):
        says(tale, "w1", item, 0)
    taken = job_take(export_start(tale.olga, tale.project, what="labels", format="csv").pk)
    assert taken
    rows = label_rows(tale.project)
    next(rows)

    def write() -> None:
        Project.objects.filter(pk=tale.project.pk).update(description="changed meanwhile")
        connection.close()

    other = threading.Thread(target=write)
    other.start()
    other.join()

    taken.progress(1, total=3)
    assert len(list(rows)) == 2


@pytest.mark.django_db
def test_queries_grow_with_chunks_and_not_with_rows(
    django_assert_max_num_queries: Any,
) -> None:
    tale = story()
    for item in tale.items([str(n) for n in range(30)]):
        says(tale, "w1", item, 0)

    with django_assert_max_num_queries(8):
        assert len(list(item_rows(tale.project))) == 30
    with django_assert_max_num_queries(6):
        assert len(list(label_rows(tale.project))) == 30


MEASURE = """
import sys, tracemalloc
import django
django.setup()
from annotate.models import Project
from annotate.selectors import export_rows
from annotate.selectors.export_rows import item_rows, label_rows
export_rows.CHUNK = 100
for pk in sys.argv[1:]:
    project = Project.objects.get(pk=int(pk))
    tracemalloc.start()
    for rows in (item_rows, label_rows):
        for row in rows(project):
            pass
    print(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
"""


@pytest.mark.django_db(transaction=True)
def test_ten_times_the_labels_take_no_more_memory(process_env: dict[str, str]) -> None:
    tale = story()
    projects = []
    # The first one warms up what is loaded once.
    for name, n in (("First", 10), ("Small", 400), ("Large", 4_000)):
        projects.append(project_create(tale.olga, name=name, questions=(SENTIMENT,)))
        _fill(projects[-1], n)

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *(str(project.pk) for project in projects)],
        env=process_env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    _first, small, large = map(int, done.stdout.split())
    # One chunk is held at a time: the tenfold data may cost a little more, never tenfold.
    assert large < small * 1.5


def _fill(project: Project, n: int) -> None:
    """Many items with one label each, faster than the services make them."""
    from django.utils import timezone

    from annotate.models import Submission
    from annotate.services.raters import rater_imported

    now = timezone.now()
    question = Question.objects.get(project=project)
    rater: Rater = rater_imported(project, name="w1", kind=RaterKind.PERSON)
    Item.objects.bulk_create(
        Item(
            project=project,
            external_id=str(k),
            fields={"text": f"A text of some length, the {k}th of many. " * 4},
            content_hash="",
            draw=0.5,
        )
        for k in range(n)
    )
    ids = list(Item.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))
    Submission.objects.bulk_create(
        Submission(
            project=project,
            item_id=pk,
            rater=rater,
            status="submitted",
            client_key=f"k{pk}",
            created_at=now,
        )
        for pk in ids
    )
    submissions = Submission.objects.filter(project=project).values_list("pk", "item_id")
    Label.objects.bulk_create(
        Label(
            project=project,
            submission_id=pk,
            item_id=item_id,
            question=question,
            rater=rater,
            choice=0,
            created_at=now,
        )
        for pk, item_id in submissions
    )
