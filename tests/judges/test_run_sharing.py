"""Several workers at one run: each takes its share, none ends what another holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotate.errors import JobStopped
from annotate.models import Heartbeat, Job, JobState, Label
from annotate.services.jobs import job_take
from judges import tasks
from judges.models import Call, Run
from judges.prompting.how import How
from judges.services import run_alive
from judges.services.lanes import lanes_of
from judges.services.run_sharing import HelpedJob, Sharing, helpers_wanted
from judges.services.run_work import run_help, run_work
from judges.services.runs import run_start
from tests.judges.judging import answering, by_words, scripted_version
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


def begun(n: int = 6, *, concurrency: int = 4, **more: object) -> tuple[Story, Run]:
    s = story()
    s.items([f"dish {n}" for n in range(n)])
    return s, run_start(s.olga, scripted_version(s, concurrency=concurrency, **more))


def job_of(run: Run) -> Job:
    return Job.objects.get(pk=run.job_id)


def test_a_helper_asks_and_stores_and_the_holder_ends_with_all_counted() -> None:
    _s, run = begun()
    running = job_take(run.job_id)
    assert running is not None
    with answering(by_words):
        run_help(job_of(run))
        assert Label.objects.count() == 6
        assert job_of(run).state == JobState.RUNNING
        run_work(running)
    job = job_of(run)
    assert (job.state, job.message) == (JobState.DONE, "6 labels.")
    assert not Heartbeat.objects.filter(worker__startswith="run ").exists()


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.PAUSED, JobState.DONE])
def test_nobody_helps_a_run_that_no_worker_holds(state: str) -> None:
    _s, run = begun()
    Job.objects.filter(pk=run.job_id).update(state=state)
    with answering(by_words) as asked:
        run_help(job_of(run))
    assert not Label.objects.exists()
    assert not asked.asked


def test_a_helper_leaves_once_the_run_is_paused() -> None:
    _s, run = begun()
    job_take(run.job_id)
    job = job_of(run)
    HelpedJob(job).progress()
    Job.objects.update(state=JobState.PAUSED, lease_token="", lease_until=None)
    with pytest.raises(JobStopped):
        HelpedJob(job).progress()


def test_what_stops_the_judge_for_a_helper_stops_it_for_all() -> None:
    _s, run = begun(30)
    running = job_take(run.job_id)
    assert running is not None
    with answering(lambda _request: "As an AI I love soup"):
        run_help(job_of(run))
    assert job_of(run).state == JobState.PAUSED
    assert "does not answer in the form asked for" in job_of(run).message
    with pytest.raises(JobStopped):
        running.progress()


def test_each_takes_its_share_of_what_the_connection_gets_at_once() -> None:
    _s, run = begun(how=How())
    (lane,) = lanes_of(run)
    assert lane.room == 4
    lane.workers = 3
    assert lane.room == 2
    lane.under_way = 3
    assert lane.room == 0


def test_workers_are_counted_while_they_live() -> None:
    _s, run = begun()
    mine, other = Sharing(run), Sharing(run)
    assert (mine.beat(), mine.shared) == (1, False)
    assert other.beat() == 2
    assert (mine.beat(), mine.shared) == (2, True)
    Heartbeat.objects.update(seen_at=timezone.now() - timedelta(minutes=1))
    assert mine.beat() == 1
    mine.leave()
    assert not Heartbeat.objects.exists()


@pytest.mark.parametrize(
    ("alive", "concurrency", "wanted"), [(1, 128, 0), (2, 128, 1), (9, 128, 3), (2, 32, 0)]
)
def test_help_is_called_for_wide_runs_and_where_others_live(
    alive: int, concurrency: int, wanted: int
) -> None:
    _s, run = begun(concurrency=concurrency)
    for n in range(alive):
        Heartbeat.objects.create(worker=f"w{n}", seen_at=timezone.now())
    Heartbeat.objects.create(worker="gone", seen_at=timezone.now() - timedelta(hours=1))
    Sharing(run).beat()
    assert helpers_wanted(lanes_of(run)) == wanted
    assert Call.objects.count() == 6


def test_a_wide_run_is_done_alone_where_the_broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    _s, run = begun(concurrency=128)
    for name in ("one", "another"):
        Heartbeat.objects.create(worker=name, seen_at=timezone.now())

    def away(*_args: object, **_more: object) -> None:
        raise OperationalError("Connection refused.")

    monkeypatch.setattr(current_app, "send_task", away)
    with answering(by_words):
        tasks.run(run.job_id)
    assert job_of(run).state == JobState.DONE


@pytest.mark.parametrize(("helpers", "called"), [(0, True), (1, False)])
def test_help_is_called_for_until_it_is_there(
    monkeypatch: pytest.MonkeyPatch, helpers: int, called: bool
) -> None:
    """The first call may have come to the very worker that holds the run."""
    _s, run = begun(20, concurrency=128)
    for name in ("one", "another"):
        Heartbeat.objects.create(worker=name, seen_at=timezone.now())
    for _helper in range(helpers):
        Sharing(run).beat()
    monkeypatch.setattr(run_alive, "BEAT_SECONDS", 0.0)
    monkeypatch.setattr(run_alive, "HELP_AGAIN_SECONDS", 0.0)
    calls: list[int] = []
    running = job_take(run.job_id)
    assert running is not None
    with answering(by_words):
        run_work(running, calls.append)
    assert set(calls) == ({1} if called else set())
    assert len(calls) != 1
    assert job_of(run).state == JobState.DONE
