"""Deleting a project: nothing of it stays, nothing of another goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.test import Client
from django.utils import timezone

from annotate.errors import BadInput, Conflict
from annotate.models import (
    Entrusted,
    EstimateRun,
    Event,
    GivenBack,
    Gold,
    ImportBatch,
    Item,
    ItemEstimate,
    Job,
    KeptFigure,
    Label,
    LikelyError,
    Project,
    Rater,
    RaterEstimate,
    RoutedItem,
    RoutingPlan,
)
from annotate.services import deletion
from annotate.services.answers import Answer
from annotate.services.claims import claim_item
from annotate.services.deletion import project_delete, project_delete_again, project_files
from annotate.services.invitations import invitation_make
from annotate.services.jobs import job_cancel, job_create, job_take
from annotate.services.members import member_add
from annotate.services.projects import guideline_publish, project_create, question_revise
from annotate.services.rulings import gold_promote, ruling_make
from annotate.services.saved_views import view_save
from annotate.services.submissions import submission_skip, submission_submit
from annotate.tasks import project_delete as delete_task
from judges.models import (
    AuditFinding,
    Batch,
    Call,
    Connection,
    HandOver,
    HandOverItem,
    JudgeVersion,
    ModelPrice,
    Pace,
    Spending,
    TextVector,
    Watch,
    WatchRound,
)
from judges.services.judge_reports import reports_run, reports_start
from judges.services.panels import panel_version
from judges.services.prompts import prompt_get
from judges.services.replacement_tests import (
    replacement_decide,
    replacement_plan,
    replacement_run,
)
from judges.services.runs import run_start
from judges.services.versions import ZERO_SHOT, classifier_version, judge_version_create
from tests.personas import SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db


def trust_judge(s: Story, project: Project, version: JudgeVersion) -> None:
    """A report on the judge, and a replacement test with its file of labels."""
    running = job_take(reports_start(s.olga, project).pk)
    assert running
    reports_run(running)
    test = replacement_plan(
        s.olga,
        version.question,
        version.rater,
        epsilon=0.1,
        score="accuracy",
        n_people=2,
        per_item=2,
        gap=0.1,
    )
    assert test.deciding
    job_cancel(s.olga, test.deciding)
    test = replacement_decide(s.olga, test)
    assert test.deciding
    running = job_take(test.deciding.pk)
    assert running
    replacement_run(running)


def fill(s: Story, project: Project) -> None:
    """Put a row into every table that a project can have rows in."""
    from annotate.services.items import ItemRow, items_take_in

    items_take_in(project, [ItemRow(f"i{n}", {"text": f"text {n}"}) for n in range(4)])
    items = list(project.items.order_by("pk"))
    question = project.questions.get(key="sentiment")
    rater = Rater.objects.create(
        project=project, kind="person", origin="member", name="Ana", user=s.ana
    )
    claim_item(rater, items[0])
    submission_submit(rater, items[0], answers={question.pk: Answer(0)}, client_key="a")
    claim_item(rater, items[1])
    submission_skip(rater, items[1], client_key="b")
    claim_item(rater, items[2])
    gold_promote(s.olga, ruling_make(s.olga, items[0], question, choice=1, reason="rater_error"))
    prompt_get(s.olga, project, system="You label.", ask_rationale=False)
    version = classifier_version(s.olga, question, mode=ZERO_SHOT)
    run_start(s.olga, version, selection={"strategy": "all"})
    version.rater.submissions.create(
        project=project,
        item=items[3],
        status="submitted",
        client_key="c",
        created_at="2026-01-01T00:00Z",
    ).labels.create(
        project=project,
        item=items[3],
        question=question,
        rater=version.rater,
        choice=1,
        created_at="2026-01-01T00:00Z",
    )
    trust_judge(s, project, version)
    label = rater.labels.get()
    LikelyError.objects.create(
        project=project, question=question, item=items[0], label=label, score=1
    )
    view_save(s.olga, project, name="Mine", query="q=x")
    GivenBack.objects.create(
        project=project,
        submission=rater.submissions.get(client_key="a"),
        comment="Look again.",
        by=s.olga,
        created_at="2026-01-01T00:00Z",
    )
    TextVector.objects.get_or_create(
        model="m", text_hash="0" * 64, defaults={"vector": b"\x00\x00\x00\x00"}
    )
    job = job_create(s.olga, project=project, kind="import", task="none")
    folder = Path(settings.MEDIA_ROOT) / "imports" / str(project.pk)
    folder.mkdir(parents=True)
    for name in ("upload", "staged"):
        (folder / name).write_text("kept here")
    ImportBatch.objects.create(
        project=project,
        kind="items",
        format="csv",
        name="f.csv",
        job=job,
        upload=f"imports/{project.pk}/upload",
        staged_file=f"imports/{project.pk}/staged",
        created_by=s.olga,
    )
    estimate = EstimateRun.objects.create(
        project=project,
        question=question,
        job=job_create(s.olga, project=project, kind="aggregate", task="none"),
        method="majority",
        created_by=s.olga,
    )
    Entrusted.objects.create(project=project, question=question, item=items[0], rater=rater)
    plan = RoutingPlan.objects.create(
        project=project, question=question, certainty=0.95, created_by=s.olga
    )
    RoutedItem.objects.create(plan=plan, item=items[0], next="person", certainty=0.5)
    KeptFigure.objects.create(
        job=job_create(s.olga, project=project, kind="figures", task="none"),
        question=question,
        name="pairs",
    )
    ItemEstimate.objects.create(run=estimate, item=items[0], choice=0)
    RaterEstimate.objects.create(run=estimate, rater=rater)
    for place in Connection.objects.filter(project=project):
        ModelPrice.objects.create(connection=place, model="m", input=1, output=2, created_by=s.olga)
    for place in Connection.objects.filter(project=project):
        Pace.objects.get_or_create(connection=place, defaults={"limit": 1})
    Spending.objects.get_or_create(project=project)
    second = judge_version_create(s.olga, question, version.connection, name="Second")
    panel = run_start(s.olga, panel_version(s.olga, question, [version, second]))
    over = HandOver.objects.create(
        project=project,
        question=question,
        rater=rater,
        alpha=0.1,
        delta=0.1,
        audit_share=0.1,
        seed=1,
        planned_by=s.olga,
        planned_at=timezone.now(),
    )
    HandOverItem.objects.create(hand_over=over, item=items[0], part="left", confidence=0.9)
    watch = Watch.objects.create(project=project, version=second, set_by=s.olga)
    WatchRound.objects.create(watch=watch, number=1, run=panel, base=1)
    AuditFinding.objects.create(run=panel, audit="length", n=2, changed=0, value=0.0)
    batch = Batch.objects.create(run=panel, key=f"key {project.pk}", look_at=timezone.now())
    panel.calls.update(batch=batch)
    assert panel.items.exists()
    assert panel.calls.filter(member=second).exists()
    guideline_publish(s.olga, project, "Read it.")
    invitation_make(s.olga, project, role="viewer")
    member_add(s.olga, project, s.ben, "annotator")
    question_revise(s.olga, question, SENTIMENT)


def path_to_project(model: type[models.Model]) -> str | None:
    """How a model's rows point to a project, directly or over one other row."""
    for field in model._meta.concrete_fields:
        if field.related_model is Project:
            return field.name
    for field in model._meta.concrete_fields:
        related = field.related_model
        if isinstance(related, type) and issubclass(related, models.Model):
            for further in related._meta.concrete_fields:
                if further.related_model is Project and not field.null:
                    return f"{field.name}__{further.name}"
    return None


def rows(project_id: int) -> dict[str, int]:
    counted = {}
    for model in apps.get_models():
        path = path_to_project(model)
        if model is not Project and path is not None:
            counted[model._meta.label] = model._default_manager.filter(**{path: project_id}).count()
    return counted


def two_projects() -> tuple[Story, Project, Project]:
    s = story()
    gone = project_create(s.olga, name="Gone", labels_per_item=2, questions=[SENTIMENT, STARS])
    kept = project_create(s.olga, name="Kept", labels_per_item=2, questions=[SENTIMENT, STARS])
    fill(s, gone)
    fill(s, kept)
    return s, gone, kept


def test_nothing_stays_and_nothing_else_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "CHUNK", 3)
    s, gone, kept = two_projects()
    before = rows(gone.pk)
    empty = {name for name, count in before.items() if not count}
    assert not empty, f"the test knows no row of {empty}"
    others, files = rows(kept.pk), project_files(kept.pk)
    job = project_delete(s.olga, gone, confirm_name="Gone")
    delete_task(job.pk)
    job.refresh_from_db()
    assert job.state == "done", job.message
    assert not Project.objects.filter(pk=gone.pk).exists()
    assert set(rows(gone.pk).values()) == {0}
    assert rows(kept.pk) == others
    assert project_files(kept.pk) == files
    assert len(files) == 3
    assert not (Path(settings.MEDIA_ROOT) / "imports" / str(gone.pk)).exists()
    assert not TextVector.objects.exists()
    connection.check_constraints()
    assert "Gone" not in str(list(Event.objects.values_list("detail", flat=True)))
    assert "Gone" not in str(list(Job.objects.values_list("parameters", flat=True)))
    assert Event.objects.get(verb="project.deleted").actor == s.olga


def test_out_of_reach_at_once(client: Client) -> None:
    s, gone, _kept = two_projects()
    client.force_login(s.olga)
    running = Job.objects.get(project=gone, kind="import")
    assert (
        client.post(f"/projects/{gone.pk}/delete/", {"confirm_name": " Gone "}).status_code == 302
    )
    assert client.get(f"/projects/{gone.pk}/settings/").status_code == 404
    assert "“Gone” is being deleted" in client.get("/").content.decode()
    running.refresh_from_db()
    assert running.state == "cancelled"
    assert job_take(running.pk) is None


def test_the_question_names_what_goes_and_wants_the_name(client: Client) -> None:
    s, gone, _kept = two_projects()
    client.force_login(s.olga)
    html = client.get(f"/projects/{gone.pk}/delete/").content.decode()
    for line in ("4 items", "1 label of people", "1 label of judges", "1 ruling", "2 people"):
        assert line in html
    response = client.post(f"/projects/{gone.pk}/delete/", {"confirm_name": "gone"})
    assert response.status_code == 422
    assert "That is not the name" in response.content.decode()
    assert not Job.objects.filter(kind="project_delete").exists()
    with pytest.raises(BadInput):
        project_delete(s.olga, gone, confirm_name="")


def test_only_owners_delete(client: Client) -> None:
    s, gone, _kept = two_projects()
    client.force_login(s.ben)
    address = f"/projects/{gone.pk}/delete/"
    assert client.post(address, {"confirm_name": "Gone"}).status_code == 403
    client.force_login(s.sam)
    assert client.post(address, {"confirm_name": "Gone"}).status_code == 404


def test_a_killed_deletion_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker dies in the middle; whoever takes the job up finds the rest."""
    s, gone, kept = two_projects()
    others = rows(kept.pk)
    job = project_delete(s.olga, gone, confirm_name="Gone")
    real, seen = deletion.rows_delete, []

    def dies(model: type[models.Model], condition: dict[str, object]) -> Any:
        seen.append(model)
        if model is Item:
            raise SystemExit
        return real(model, condition)

    with monkeypatch.context() as patch:
        patch.setattr(deletion, "rows_delete", dies)
        with pytest.raises(SystemExit):
            delete_task(job.pk)
    assert not Label.objects.filter(project=gone).exists()
    assert Item.objects.filter(project=gone).exists()
    Job.objects.filter(pk=job.pk).update(lease_until="2026-01-01T00:00Z")
    delete_task(job.pk)
    assert set(rows(gone.pk).values()) == {0}
    assert rows(kept.pk) == others


def test_what_is_written_meanwhile_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that began before the deletion may still write: the next round finds it."""
    s, gone, _kept = two_projects()
    job = project_delete(s.olga, gone, confirm_name="Gone")
    item = Item.objects.filter(project=gone).earliest("pk")
    real, late = deletion.rows_delete, []

    def written_late(model: type[models.Model], condition: dict[str, object]) -> Any:
        if model is Rater and not late:
            late.append(True)
            Gold.objects.filter(project=gone).delete()
            Event.objects.create(project=gone, actor_name="late", verb="x", at="2026-01-01T00:00Z")
            Item.objects.create(project=gone, external_id="late", content_hash="", draw=0.5)
        return real(model, condition)

    monkeypatch.setattr(deletion, "rows_delete", written_late)
    delete_task(job.pk)
    job.refresh_from_db()
    assert late
    assert job.state == "done", job.message
    assert not Item.objects.filter(pk=item.pk).exists()
    assert set(rows(gone.pk).values()) == {0}


def test_a_failed_deletion_can_be_tried_again(client: Client) -> None:
    s, gone, _kept = two_projects()
    job = project_delete(s.olga, gone, confirm_name="Gone")
    running = job_take(job.pk)
    assert running is not None
    running.fail("The disk is full.")
    client.force_login(s.ben)
    assert client.post(f"/deletions/{job.pk}/again/").status_code == 409
    client.force_login(s.olga)
    assert "stopped before its end" in client.get("/").content.decode()
    client.post(f"/deletions/{job.pk}/again/")
    job.refresh_from_db()
    assert job.state == "queued"
    delete_task(job.pk)
    assert not Call.objects.filter(run__project=gone.pk).exists()
    assert not Project.objects.filter(pk=gone.pk).exists()
    with pytest.raises(Conflict):
        project_delete_again(s.olga, job.pk)


def test_files_outside_the_folder_are_left_alone(tmp_path: Path) -> None:
    s = story()
    outside = tmp_path / "outside.txt"
    outside.write_text("not ours")
    Path(settings.MEDIA_ROOT).mkdir(parents=True)
    Job.objects.create(project=s.project, kind="export", task="x", file="../outside.txt")
    job = project_delete(s.olga, s.project, confirm_name="Restaurant reviews")
    delete_task(job.pk)
    assert outside.exists()
    assert not Project.objects.exists()
