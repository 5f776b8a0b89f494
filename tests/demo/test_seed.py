"""The demo as it stands in the database."""

from __future__ import annotations

import io
import stat
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone

from annotate.models import (
    Assignment,
    Event,
    Item,
    Job,
    Label,
    Membership,
    Project,
    Ruling,
    Slot,
    Submission,
    User,
)
from annotate.services import demo
from annotate.services.demo import demo_create, logins_file
from annotate.services.summaries import summaries_that_drifted
from judges.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Any) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dozen labels in place of all, where it does not matter how many there are."""
    whole = demo._lines

    def cut(name: str) -> list[Any]:
        return whole(name)[:12] if name == "labels.jsonl" else whole(name)

    monkeypatch.setattr(demo, "_lines", cut)


def seed(*arguments: str) -> str:
    said = io.StringIO()
    call_command("seed_demo", *arguments, stdout=said)
    return said.getvalue()


def everything() -> dict[str, list[Any]]:
    return {
        model._meta.label: [str(row) for row in model._default_manager.order_by("pk").values()]
        for model in apps.get_models()
    }


def test_the_whole_of_it() -> None:
    """One seeding and many looks at it: seeding hands in 200 submissions one by one."""
    seed()
    an_unfinished_project_with_life_in_it()
    labels_are_those_of_the_file()
    the_work_is_spread_over_days_in_the_files_order()


def an_unfinished_project_with_life_in_it() -> None:
    project = Project.objects.get()
    assert project.is_demo
    assert project.items.count() == 150
    assert project.guidelines.count() == 1
    assert dict(Membership.objects.values_list("user__username", "role")) == {
        "dora": "owner",
        "ana": "annotator",
        "ben": "annotator",
        "chidi": "annotator",
    }
    lines = demo._lines("labels.jsonl")
    submitted = [line for line in lines if not line["skipped"]]
    assert Submission.objects.filter(status="submitted").count() == len(submitted)
    assert Submission.objects.filter(status="skipped").count() == len(lines) - len(submitted)
    assert Label.objects.filter(status="live").count() == 2 * len(submitted)
    assert Submission.objects.filter(flagged=True).count() == sum(x["flag"] for x in lines)
    assert Ruling.objects.filter(status="live").count() == 5
    assert not Submission.objects.filter(status="surplus").exists()
    assert Counter(Slot.objects.values_list("state", flat=True)) == {
        "filled": len(submitted),
        "open": 450 - len(submitted),
    }
    assert not Assignment.objects.filter(state="open").exists()
    assert summaries_that_drifted(project) == []


def labels_are_those_of_the_file() -> None:
    want = {
        (row["item"], row["person"], question, answer)
        for row in demo._lines("labels.jsonl")
        for question, answer in row["answers"].items()
    }
    options = {
        (question.pk, option.code): option.key
        for question in Project.objects.get().questions.all()
        for option in question.options.all()
    }
    found = {
        (
            label.item.external_id,
            label.rater.user.username if label.rater.user else "",
            label.question.key,
            options[label.question_id, label.choice or 0],
        )
        for label in Label.objects.select_related("item", "rater__user", "question")
    }
    assert found == want


def the_work_is_spread_over_days_in_the_files_order() -> None:
    rows = demo._lines("labels.jsonl")
    found = Submission.objects.order_by("created_at").select_related("item", "rater__user")
    assert [(s.item.external_id, s.rater.user.username) for s in found if s.rater.user] == [
        (row["item"], row["person"]) for row in rows
    ]
    now = timezone.now()
    times = list(found.values_list("created_at", flat=True))
    assert now - timedelta(days=4) < times[0] < now - timedelta(days=2)
    assert now - timedelta(hours=1) < times[-1] < now
    for submission in found:
        assert submission.assignment is not None
        assert submission.assignment.closed_at == submission.created_at
        for label in submission.labels.all():
            assert label.created_at == submission.created_at
        assert Event.objects.get(target=f"submission {submission.pk}").at == submission.created_at
    assert not Event.objects.filter(at__gt=now).exists()
    assert Project.objects.get().created_at < times[0]
    assert Ruling.objects.earliest("created_at").created_at > times[-1]
    assert Ruling.objects.latest("created_at").created_at < now


@pytest.mark.usefixtures("few")
def test_twice_changes_nothing() -> None:
    said = seed()
    before, file = everything(), logins_file().read_text()
    assert seed() == said
    assert everything() == before
    assert logins_file().read_text() == file


@pytest.mark.usefixtures("few")
def test_passwords_are_random_and_kept_from_others(settings: Any, tmp_path: Any) -> None:
    said = seed()
    assert stat.S_IMODE(logins_file().stat().st_mode) == 0o600
    kept = dict(
        line.split()[:2]
        for line in logins_file().read_text().splitlines()
        if not line.startswith("#")
    )
    assert set(kept) == {"ana", "ben", "chidi", "dora"}
    assert len(set(kept.values())) == 4
    for name, password in kept.items():
        assert len(password) >= 15
        assert password in said
        assert User.objects.get(username=name).check_password(password)
        assert password not in str(everything())
    # Another machine's are others; here they are made anew once the file is gone.
    logins_file().unlink()
    seed()
    assert kept["dora"] not in logins_file().read_text()
    assert not User.objects.get(username="dora").check_password(kept["dora"])


@pytest.mark.usefixtures("few")
def test_the_judge_waits_for_the_worker() -> None:
    seed()
    run = Run.objects.get()
    assert run.version.question.key == "topic"
    assert run.job.state == "queued"
    assert run.calls.count() == 150
    assert Job.objects.count() == 1


@pytest.mark.usefixtures("few")
def test_people_who_are_there_keep_their_names_and_passwords() -> None:
    ana = User.objects.create_user("ana", password="my own secret")
    demo_create()
    ana.refresh_from_db()
    assert ana.check_password("my own secret")
    assert not Membership.objects.filter(user=ana).exists()
    assert Membership.objects.filter(user__username="demo-ana").exists()


@pytest.mark.usefixtures("few")
def test_a_deleted_demo_stays_deleted() -> None:
    seed()
    from annotate.services.deletion import project_delete
    from annotate.tasks import project_delete as delete_task

    project = Project.objects.get()
    job = project_delete(project.created_by, project, confirm_name=project.name)
    delete_task(job.pk)
    assert "was deleted" in seed()
    assert not Project.objects.exists()
    assert "dora" in seed("--again")
    assert Item.objects.count() == 150


@pytest.mark.usefixtures("few")
def test_all_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any) -> None:
        raise OSError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(demo, "_write", breaks)
        with pytest.raises(OSError, match="no room"):
            seed()
    assert not Project.objects.exists()
    assert not User.objects.exists()
    assert seed()
    assert Project.objects.count() == 1
