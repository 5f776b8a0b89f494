"""Two projects with one of everything, for the matrix: what belongs to one is not to be had by way
of the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils import timezone

from annotate.models import (
    Item,
    Job,
    JobState,
    Label,
    LikelyError,
    Membership,
    Question,
    Rater,
    RaterKind,
    User,
)
from annotate.selectors.bulk_rulings import RulingPlan
from annotate.selectors.chosen import Chosen
from annotate.selectors.item_filters import Filters
from annotate.services.answers import Answer
from annotate.services.bulk_rulings import bulk_rulings_run, bulk_rulings_start
from annotate.services.claims import claims_hold
from annotate.services.estimates import estimate_start
from annotate.services.exports import export_run, export_start
from annotate.services.invitations import invitation_make
from annotate.services.items import ItemRow, items_take_in
from annotate.services.jobs import job_cancel, job_pause, job_take
from annotate.services.members import member_add
from annotate.services.projects import project_create
from annotate.services.raters import rater_imported
from annotate.services.rulings import ruling_make
from annotate.services.saved_views import view_save
from annotate.services.submissions import submission_submit
from judges.models import HandOver, HandOverState, JudgeVersion
from judges.services.canaries import canary_start
from judges.services.connections import connection_add
from judges.services.judge_reports import reports_run, reports_start
from judges.services.panels import panel_version
from judges.services.replacement_tests import (
    replacement_decide,
    replacement_plan,
    replacement_run,
)
from judges.services.runs import run_start
from judges.services.trials import trial_start
from judges.services.versions import chat_version, classifier_version
from judges.services.watching import watch_round_start, watch_set
from tests.imports.bringing import ITEMS, bring_items, csv_of, import_start, upload
from tests.personas import SENTIMENT, STARS, Story, story

# By the name of a converter in an address, or by (name of the address, name of the converter) where
# an address needs one in another state.
Ids = dict[str | tuple[str, str], Any]


def two_projects() -> tuple[Story, Ids, Ids]:
    """The story, the ids of its project, and those of another one that Olga owns as well."""
    s = story(labels_per_item=2, questions=(SENTIMENT, STARS))
    other = project_create(
        s.olga, name="Another", labels_per_item=2, questions=(SENTIMENT, STARS), guideline="Else."
    )
    for person in (s.ana, s.ben):
        member_add(s.olga, other, person, "annotator")
    there = replace(s, project=other, question=other.questions.get(key="sentiment"))
    return s, furnish(s), furnish(there)


def furnish(s: Story) -> Ids:
    one, *_others = s.items(["Lovely.", "Dull.", "Cold soup."])
    return {
        "project_id": s.project.pk,
        "item_id": one.pk,
        "submission_id": _work_of_ana(s),
        "question_id": s.question.pk,
        "rater_id": s.rater(s.ana).pk,
        "second_rater_id": s.rater(s.ben).pk,
        "ruling_id": ruling_make(s.olga, one, s.question, choice=1, reason="guideline_gap").pk,
        "view_id": view_save(s.olga, s.project, name="Mine", query="q=x").pk,
        "member_id": Membership.objects.get(project=s.project, user=s.ben).pk,
        **_invitation(s),
        **_jobs(s),
        **_imports(s),
        **_judges(s),
        "error_id": _likely_error(s),
        "aggregation_id": estimate_start(s.olga, s.question).pk,
        # What names no row of the project.
        "version": 1,
        "kind": "items",
        "action": "more",
        "verb": "pause",
        "move": "pause",
    }


def _work_of_ana(s: Story) -> int:
    rater = s.rater(s.ana)
    (held,) = claims_hold(rater)
    answer = s.answer(0)
    submission = submission_submit(rater, held.item, answers=answer, client_key="k1")
    claims_hold(rater)
    return submission.pk


def _likely_error(s: Story) -> int:
    """Of an item that came after all the others were ruled on."""
    (taken,) = items_take_in(s.project, [ItemRow("late", {"text": "Late."})])
    item = Item.objects.get(pk=taken.item_id)
    rater = rater_imported(s.project, name="w1", kind=RaterKind.PERSON)
    submission_submit(rater, item, answers=s.answer(0), client_key="w1")
    return LikelyError.objects.create(
        project=s.project,
        question=s.question,
        item=item,
        label=Label.objects.get(rater=rater),
        score=0.9,
        support={"others": 0, "same": 0, "model": 0.1},
    ).pk


def _invitation(s: Story) -> Ids:
    invitation, token = invitation_make(s.olga, s.project, role="viewer", days=7)
    return {"invitation_id": invitation.pk, "token": token}


def _jobs(s: Story) -> Ids:
    exported = export_start(s.olga, s.project, what="items", format="csv")
    running = job_take(exported.pk)
    assert running is not None
    export_run(running)
    waiting = export_start(s.olga, s.project, what="labels", format="csv")
    paused = export_start(s.olga, s.project, what="labels", format="jsonl")
    job_pause(s.olga, paused)
    deletion = Job.objects.create(
        kind="project_delete",
        task="annotate.project_delete",
        state=JobState.FAILED,
        parameters={"project": 2**62, "name": "Gone"},
        created_by=s.olga,
    )
    ruled = bulk_rulings_start(
        s.olga, s.question, Chosen(s.project, Filters()), RulingPlan(0, "rater_error")
    )
    at_work = job_take(ruled.pk)
    assert at_work is not None
    bulk_rulings_run(at_work)
    return {
        "job_id": waiting.pk,
        ("bulk_batch", "job_id"): ruled.pk,
        ("bulk_undo", "job_id"): ruled.pk,
        ("api_rulings_bulk_undo", "job_id"): ruled.pk,
        ("export_file", "job_id"): exported.pk,
        ("api_export_file", "job_id"): exported.pk,
        ("job_resume", "job_id"): paused.pk,
        ("deletion_again", "job_id"): deletion.pk,
    }


def _imports(s: Story) -> Ids:
    taken_in = bring_items(s, csv_of(("n1", "New."), ("", "Without an id.")))
    stopped = import_start(s.olga, upload(s, csv_of(("n2", "More."))), ITEMS)
    assert stopped.job is not None
    job_cancel(s.olga, stopped.job)
    uploaded = upload(s, csv_of(("n3", "Yet more.")))
    return {
        "import_id": uploaded.pk,
        ("import_report", "import_id"): taken_in.pk,
        ("import_refused", "import_id"): taken_in.pk,
        ("import_undo", "import_id"): taken_in.pk,
        ("import_go_on", "import_id"): stopped.pk,
    }


def _judges(s: Story) -> Ids:
    connection = connection_add(
        s.olga, s.project, name="Mine", base_url="http://localhost:9/v1", key="secret"
    )
    version = classifier_version(s.olga, s.question, mode="zero_shot")
    stars = s.project.questions.get(key="stars")
    idle = classifier_version(s.olga, stars, mode="zero_shot")
    run = run_start(s.olga, version, selection={"strategy": "random", "limit": 1})
    used = connection_add(s.olga, s.project, name="Used", base_url="http://localhost:9/v1")
    asked = chat_version(s.olga, s.question, used, model="some-model")
    panel = panel_version(s.olga, s.question, [version, asked])
    _report(s, version)
    checked = chat_version(s.olga, s.question, used, model="checked-model")
    canary_start(s.olga, checked)
    running = _hand_over(s, stars, idle.rater, HandOverState.RUNNING)
    watch_set(s.olga, checked)
    looked_at = chat_version(s.olga, s.question, used, model="watched-model")
    watch_round_start(s.olga, watch_set(s.olga, looked_at))
    return {
        "connection_id": connection.pk,
        "version_id": idle.pk,
        "other_id": version.pk,
        ("judge_report", "rater_id"): version.rater_id,
        **{(name, "rater_id"): version.rater_id for name in HAND_OVER_PAGES},
        "judge_rater": version.rater_id,
        "hand_over_id": _hand_over(s, s.question, version.rater, HandOverState.READY).pk,
        ("hand_over_end", "hand_over_id"): running.pk,
        ("api_hand_over_end", "hand_over_id"): running.pk,
        **{
            (name, "rater_id"): version.rater_id
            for name in ("replacement_tests", "judge_report_file", "api_report", "api_tests")
        },
        **_replacement_tests(s, version),
        "run_id": run.pk,
        ("api_run_trial", "run_id"): trial_start(s.olga, version, n_items=1).pk,
        ("api_run_votes", "run_id"): run_start(s.olga, panel).pk,
        "panel_judges": [version.pk, asked.pk],
        ("api_judge_canaries", "version_id"): checked.pk,
        ("api_judge_audits", "version_id"): checked.pk,
        ("judge_watch_see", "version_id"): looked_at.pk,
        ("api_judge_watch", "version_id"): checked.pk,
        ("api_judge_watch_rounds", "version_id"): checked.pk,
    }


HAND_OVER_PAGES = ("hand_over", "hand_over_ask", "hand_over_more", "corrected")


def _hand_over(s: Story, question: Question, rater: Rater, state: str) -> HandOver:
    """Worked out, and started where it runs."""
    now = timezone.now()
    return HandOver.objects.create(
        project=s.project,
        question=question,
        rater=rater,
        state=state,
        alpha=0.1,
        delta=0.1,
        audit_share=0.1,
        threshold=0.5,
        seed=1,
        planned_by=s.olga,
        planned_at=now,
        started_at=now if state == HandOverState.RUNNING else None,
    )


def _report(s: Story, version: JudgeVersion) -> None:
    """A report on the judge, which has one label."""
    item = s.project.items.order_by("pk")[0]
    answers = {version.question_id: Answer(0)}
    submission_submit(version.rater, item, answers=answers, client_key="judged")
    running = job_take(reports_start(s.olga, s.project).pk)
    assert running is not None
    reports_run(running)


def _replacement_tests(s: Story, version: JudgeVersion) -> Ids:
    """One that is planned, another that is decided on no labels at all."""

    def work(job: Job | None) -> None:
        running = job_take(job.pk) if job else None
        assert running is not None
        replacement_run(running)

    question, rater = version.question, version.rater
    planned, decided = (
        replacement_plan(
            s.olga, question, rater, epsilon=0.1, score="accuracy", n_people=3, per_item=3, gap=0.1
        )
        for _ in range(2)
    )
    for test in (planned, decided):
        work(test.deciding)
    decided.refresh_from_db()
    work(replacement_decide(s.olga, decided).deciding)
    return {"test_id": planned.pk, ("replacement_labels", "test_id"): decided.pk}


def people(s: Story) -> dict[str, User | None]:
    return {
        "owner": s.olga,
        "reviewer": s.rhea,
        "annotator": s.ana,
        "viewer": s.vic,
        "stranger": s.sam,
        "nobody": None,
    }
