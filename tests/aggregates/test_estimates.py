"""What an aggregation stores: each item once, as the method says, whoever died on the way."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from annotate.errors import JobStopped
from annotate.models import (
    CLASS_METHODS,
    EstimateRun,
    Gold,
    Item,
    ItemEstimate,
    Job,
    JobState,
    Method,
    WhoCounts,
)
from annotate.selectors.export_rows import item_rows
from annotate.selectors.tables import question_table
from annotate.services import estimate_rows, estimates
from annotate.services.estimates import compute, estimate_run, estimate_start
from annotate.services.jobs import RunningJob, job_cancel, job_take
from annotate.services.rulings import ruling_make
from annotate.tasks import job_do
from tests.aggregates.many import labelled
from tests.personas import Story, story


@pytest.fixture
def tale(monkeypatch: pytest.MonkeyPatch) -> Story:
    """Sixty items of five people, some of them tied, and chunks that do not go into sixty."""
    monkeypatch.setattr(estimate_rows, "CHUNK", 25)
    monkeypatch.setattr(estimate_rows, "LINES", 7)
    tale = story()
    rng = random.Random(2)
    rows = []
    for pk in range(100, 160):
        truth, four = rng.randrange(3), rng.sample(["w1", "w2", "w3", "w4", "w5"], 4)
        rows += [(pk, w, truth if rng.random() < 0.6 else rng.randrange(3)) for w in four]
    labelled(tale, rows)
    return tale


def started(tale: Story, **asked: Any) -> EstimateRun:
    return estimate_start(tale.olga, tale.question, **asked)


def taken(run: EstimateRun) -> RunningJob:
    running = job_take(run.job_id)
    assert running
    return running


def done(tale: Story, **asked: Any) -> EstimateRun:
    run = started(tale, **asked)
    job_do(run.job_id, estimate_run)
    run.refresh_from_db()
    assert run.job.state == JobState.DONE, run.job.message
    return run


def stored(run: EstimateRun) -> dict[int, tuple[Any, ...]]:
    rows = run.item_estimates.values_list("item_id", "choice", "tied", "probability", "payload")
    return {item: rest for item, *rest in rows}  # type: ignore[misc]


@pytest.mark.django_db
@pytest.mark.parametrize("method", CLASS_METHODS)
def test_each_item_is_stored_once_as_the_method_says(tale: Story, method: str) -> None:
    who = WhoCounts.ALL if method == Method.JUDGE_PANEL else WhoCounts.PEOPLE
    run = done(tale, method=method, who_counts=who)

    found = question_table(tale.question, who)
    estimate = compute(run, found.table)
    votes = found.table.counts()
    rows = stored(run)
    assert run.item_estimates.count() == len(rows) == run.n_items == 60
    for k, pk in enumerate(found.item_ids.tolist()):
        choice, tied, probability, payload = rows[pk]
        expected = {str(c): round(float(p), 6) for c, p in enumerate(estimate.posterior[k])}
        assert payload["posterior"] == pytest.approx({c: p for c, p in expected.items() if p})
        assert payload["votes"] == {str(c): int(n) for c, n in enumerate(votes[k]) if n}
        assert tied is bool(estimate.tied[k])
        assert choice == (None if tied else estimate.choice[k])
        assert probability == (
            None if tied else pytest.approx(min(1, estimate.posterior[k, choice]), abs=1e-15)
        )
    assert (run.n_labels, run.input_fingerprint) == (240, found.fingerprint)
    assert Job.objects.get(pk=run.job_id).result == {
        "items": 60, "ties": int(estimate.tied.sum())
    }  # fmt: skip


@pytest.mark.django_db
def test_there_are_ties_and_certainties_among_what_is_stored(tale: Story) -> None:
    """So that the test before means something."""
    rows = stored(done(tale, method="majority")).values()

    assert Counter(choice is None for choice, *_rest in rows)[True] > 3
    assert any(payload["posterior"] == {str(choice): 1.0} for choice, _t, _p, payload in rows)


@pytest.mark.django_db
def test_raters_are_stored_with_the_interval_of_their_ability_where_there_is_one(
    tale: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    from consensus.majority import majority

    def with_intervals(table: Any) -> Any:
        from dataclasses import replace

        ability = np.linspace(0.2, 0.9, table.n_raters)
        ability[-1] = np.nan
        interval = np.column_stack([ability - 0.3, ability + 0.2])
        return replace(majority(table), ability=ability, ability_interval=interval)

    monkeypatch.setattr(estimates, "compute", lambda run, table: with_intervals(table))
    run = done(tale)

    rows = run.rater_estimates.order_by("rater_id").values_list(
        "ability", "ability_low", "ability_high", "n_labels"
    )
    assert rows[0][:3] == (pytest.approx(0.2), 0.0, pytest.approx(0.4))  # within 0 and 1
    assert rows[4][:3] == (None, None, None)
    assert sum(n for *_rest, n in rows) == 240


@pytest.mark.django_db
def test_the_methods_are_those_of_consensus_and_the_default_is_its_own() -> None:
    from consensus.methods import DEFAULT, METHODS

    assert set(CLASS_METHODS) == set(METHODS)
    assert Method.values[0] == DEFAULT


@pytest.mark.django_db
def test_ibcc_is_what_is_meant_where_nothing_is_said(tale: Story) -> None:
    assert started(tale).method == "ibcc"


@pytest.mark.django_db
def test_rulings_count_as_known_where_that_is_asked_for_and_the_run_says_so(tale: Story) -> None:
    item = Item.objects.get(pk=100)
    plain = done(tale)
    ruling_make(tale.rhea, item, tale.question, choice=1, reason="rater_error")

    run = done(tale, rulings=True)

    assert (plain.parameters, run.parameters) == ({}, {"rulings": True})
    assert run.input_fingerprint == question_table(tale.question, rulings=True).fingerprint
    assert done(tale).input_fingerprint == plain.input_fingerprint != run.input_fingerprint
    Gold.objects.create(
        project=tale.project, item_id=101, question=tale.question, choice=2, source="imported"
    )
    assert done(tale).input_fingerprint != plain.input_fingerprint


@pytest.mark.django_db
def test_an_export_names_every_option_though_the_negligible_are_not_stored() -> None:
    tale = story()
    labelled(tale, [(1, "w1", 0), (1, "w2", 0)])
    run = done(tale, method="majority")
    assert stored(run)[1][3]["posterior"] == {"0": 1.0}

    (row,) = item_rows(tale.project)

    assert row["sentiment__posterior"] == {"positive": 1.0, "negative": 0.0, "unknown": 0.0}


# --- Workers that die, are held up, or take long --------------------------------------------------


class Killed(BaseException):
    """Nothing catches it, as nothing catches the end of a process."""


def killed_after(run: EstimateRun, chunks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        real, count = RunningJob.hold, [0]

        def hold(self: RunningJob) -> None:
            count[0] += 1
            if count[0] > chunks:
                raise Killed
            real(self)

        patch.setattr(RunningJob, "hold", hold)
        with pytest.raises(Killed):
            estimate_run(taken(run))
    Job.objects.filter(pk=run.job_id).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db
@pytest.mark.parametrize("chunks", [0, 1, 2, 3])
def test_a_repeat_after_a_killed_worker_replaces_what_it_left(
    tale: Story, chunks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = stored(done(tale, method="majority"))
    run = started(tale, method="majority")
    killed_after(run, chunks, monkeypatch)
    assert run.item_estimates.count() == [0, 25, 50, 60][chunks]
    # One of those is wrong, so that a row left standing would be seen.
    ItemEstimate.objects.filter(run=run).update(choice=2, tied=False, payload={"votes": {}})

    job_do(run.job_id, estimate_run)

    assert stored(run) == expected
    assert run.rater_estimates.count() == 5
    run.job.refresh_from_db()
    assert run.job.state == JobState.DONE


@pytest.mark.django_db
def test_a_worker_that_lost_its_job_writes_no_more(
    tale: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was held up while it computed; another took over."""
    run = started(tale, method="majority")
    late = taken(run)

    def held_up(of: EstimateRun, table: Any) -> Any:
        Job.objects.filter(pk=run.job_id).update(lease_until=timezone.now() - timedelta(seconds=1))
        with monkeypatch.context() as patch:
            patch.setattr(estimates, "compute", compute)
            job_do(run.job_id, estimate_run)
        return compute(of, table)

    monkeypatch.setattr(estimates, "compute", held_up)
    with pytest.raises(JobStopped):
        estimate_run(late)

    assert run.item_estimates.count() == 60
    run.job.refresh_from_db()
    assert run.job.state == JobState.DONE


@pytest.mark.django_db
def test_cancelling_stops_it_at_the_next_chunk(
    tale: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(tale, method="majority")
    real = RunningJob.progress

    def progress(self: RunningJob, done: int | None = None, **more: Any) -> None:
        real(self, done, **more)
        if done == 25:
            job_cancel(tale.olga, self.job)

    monkeypatch.setattr(RunningJob, "progress", progress)
    with pytest.raises(JobStopped):
        estimate_run(taken(run))

    assert run.item_estimates.count() == 25
    run.refresh_from_db()
    assert run.n_items == 0


@pytest.mark.django_db
def test_progress_tells_how_many_items_are_stored(
    tale: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int | None] = []
    real = RunningJob.progress

    def progress(self: RunningJob, done: int | None = None, **more: Any) -> None:
        told.append(done)
        real(self, done, **more)

    monkeypatch.setattr(RunningJob, "progress", progress)
    done(tale, method="majority")

    assert [n for n in told if n is not None] == [0, 25, 50, 60]
    assert Job.objects.get().total == 60


@pytest.mark.django_db(transaction=True)
def test_the_lease_is_renewed_while_a_computation_takes_long() -> None:
    """Without it, whatever takes longer than the lease would be begun again and again."""
    tale = story()
    running = taken(started(tale))
    ended = timezone.now() - timedelta(seconds=1)

    with running.kept_alive(timedelta(milliseconds=20)):
        Job.objects.filter(pk=running.job.pk).update(lease_until=ended)
        # What the computation would do meanwhile: wait for the other thread, at most 20 s.
        until = timezone.now() + timedelta(seconds=20)
        while Job.objects.get(pk=running.job.pk).lease_until == ended and timezone.now() < until:
            connection.close()

    lease = Job.objects.get(pk=running.job.pk).lease_until
    assert lease is not None
    assert lease > timezone.now()
    assert job_take(running.job.pk) is None


@pytest.mark.django_db(transaction=True)
def test_a_job_taken_away_stays_so_though_a_thread_renews_its_lease() -> None:
    tale = story()
    running = taken(started(tale))

    def lose() -> None:
        with running.kept_alive(timedelta(milliseconds=1)):
            job_cancel(tale.olga, running.job)

    with pytest.raises(JobStopped):
        lose()
    assert Job.objects.get(pk=running.job.pk).state == JobState.CANCELLED


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_whoever_takes_a_job_over_waits_until_the_chunk_under_way_is_stored(tale: Story) -> None:
    """Else a chunk of the first worker could come after the second has cleared and begun."""
    run = started(tale, method="majority")
    first = taken(run)
    Job.objects.filter(pk=run.job_id).update(lease_until=timezone.now() - timedelta(seconds=1))
    seen: list[int] = []

    def take_over() -> None:
        try:
            second = job_take(run.job_id)
            assert second
            seen.append(run.item_estimates.count())
        finally:
            connection.close()

    thread = threading.Thread(target=take_over)
    with transaction.atomic():
        first.hold()
        ItemEstimate.objects.create(run=run, item_id=100, choice=0)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(20)

    assert seen == [1]
    with pytest.raises(JobStopped), transaction.atomic():
        first.hold()
