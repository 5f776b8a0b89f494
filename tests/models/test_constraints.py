"""Every named constraint, provoked in the database by ways that go round forms and services.

CHECKS: changes of a good row that a check refuses. UNIQUES: a second row that is one too many, and
for those with a condition one that is let through. A constraint without a case fails a test too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from annotate.models import (
    Assignment,
    Entrusted,
    EstimateRun,
    GivenBack,
    Gold,
    Guideline,
    ImportBatch,
    Invitation,
    Item,
    ItemEstimate,
    ItemSummary,
    Job,
    KeptFigure,
    Label,
    LikelyError,
    Membership,
    Question,
    Rater,
    RaterEstimate,
    RoutedItem,
    RoutingPlan,
    SavedView,
    Slot,
    Submission,
)
from annotate.services.claims import claims_hold
from annotate.services.rulings import gold_promote, ruling_make
from annotate.services.submissions import submission_submit
from judges.models import (
    AuditFinding,
    Batch,
    Call,
    Connection,
    HandOver,
    HandOverItem,
    JudgeReport,
    JudgeVersion,
    ModelPrice,
    Pace,
    PanelMember,
    Prompt,
    ReplacementTest,
    Run,
    RunItem,
    Spending,
    TextVector,
    Watch,
    WatchRound,
)
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

Changes = dict[str, Any]


@dataclass(frozen=True)
class OneTooMany:
    """A copy of ``row`` with ``changes`` breaks a unique constraint over ``columns``.

    ``spare`` names rows whose place the copy takes, so that it breaks this constraint and no other.
    With ``admitted`` besides, the condition does not hold and the copy is let through.
    """

    row: str
    columns: set[str]
    changes: Changes = field(default_factory=dict)
    spare: dict[str, str] = field(default_factory=dict)
    admitted: Changes | None = None


UNKNOWN = "?"
SOME = {"choice": 0, "value": 3}
NOTHING = {"choice": None, "value": None}

CHECKS: dict[str, tuple[str, list[Changes]]] = {
    # People and projects
    "user_theme_known": ("user", [{"theme": UNKNOWN}]),
    "membership_role_known": ("membership", [{"role": UNKNOWN}, {"role": ""}]),
    "invitation_role_known": ("invitation", [{"role": UNKNOWN}]),
    "project_status_known": ("project", [{"status": UNKNOWN}]),
    "project_visibility_known": ("project", [{"visibility": UNKNOWN}]),
    "project_labels_per_item_1_to_100": (
        "project",
        [{"labels_per_item": 0}, {"labels_per_item": 101}],
    ),
    "project_shown_percent_1_to_99": ("project", [{"shown_percent": 0}, {"shown_percent": 100}]),
    "project_gold_every_0_or_2_to_1000": ("project", [{"gold_every": 1}, {"gold_every": 1001}]),
    "project_qualification_in_bounds": (
        "project",
        [{"qualify_items": 101}, {"qualify_percent": 101}],
    ),
    "project_lease_at_least_a_minute": ("project", [{"lease_minutes": 0}]),
    "question_kind_known": ("question", [{"kind": UNKNOWN}]),
    "question_status_known": ("question", [{"status": UNKNOWN}]),
    "option_colour_known": ("option", [{"colour": UNKNOWN}, {"colour": "#ff0000"}]),
    # Items and work
    "item_status_known": ("item", [{"status": UNKNOWN}]),
    "item_draw_is_a_share": ("item", [{"draw": -0.1}, {"draw": 1.1}]),
    "summary_state_known": ("summary", [{"state": UNKNOWN}]),
    "summary_reason_known": ("summary", [{"reason": UNKNOWN}]),
    "slot_state_known": ("slot", [{"state": UNKNOWN}]),
    "assignment_state_known": ("assignment", [{"state": UNKNOWN}]),
    "assignment_strategy_known": ("assignment", [{"strategy": UNKNOWN}]),
    "assignment_without_slot_is_a_check": ("assignment", [{"slot": None}]),
    "assignment_probability_is_a_share": (
        "assignment",
        [{"inclusion_probability": -0.1}, {"inclusion_probability": 1.1}],
    ),
    "slot_chance_is_a_share": ("slot", [{"chance": -0.1}, {"chance": 1.1}]),
    # Raters
    "rater_kind_known": ("rater_imported", [{"kind": UNKNOWN}]),
    "rater_origin_known": ("rater_imported", [{"origin": UNKNOWN}]),
    "rater_admission_known": ("rater", [{"admission": UNKNOWN}]),
    "rater_member_iff_user": (
        "rater",
        [{"user": None}, {"origin": "imported"}],
    ),
    "rater_run_iff_version": (
        "rater_run",
        [{"version_hash": None}, {"origin": "imported"}],
    ),
    "rater_kind_fits_origin": ("rater", [{"kind": "judge"}]),
    # What was handed in
    "submission_status_known": ("submission", [{"status": UNKNOWN}]),
    "submission_skip_reason_known": ("submission", [{"skip_reason": UNKNOWN}]),
    "submission_seconds_not_negative": ("submission", [{"seconds": -1}]),
    "submission_visibility_known": ("submission", [{"visibility": UNKNOWN}]),
    "submission_arm_known": ("submission", [{"arm": UNKNOWN}]),
    "submission_shown_probability_is_a_share": (
        "submission",
        [{"shown_probability": -0.1}, {"shown_probability": 1.1}],
    ),
    "label_status_known": ("label", [{"status": UNKNOWN}]),
    "label_confidence_source_known": ("label", [{"confidence_source": UNKNOWN}]),
    "label_choice_or_value": ("label", [SOME, NOTHING]),
    "label_confidence_is_a_share": ("label", [{"confidence": -0.1}, {"confidence": 1.1}]),
    "ruling_status_known": ("ruling", [{"status": UNKNOWN}]),
    "ruling_reason_known": ("ruling", [{"reason": UNKNOWN}, {"reason": ""}]),
    "ruling_choice_or_value": ("ruling", [SOME, NOTHING]),
    "gold_source_known": ("gold", [{"source": UNKNOWN}]),
    "gold_choice_or_value": ("gold", [SOME, NOTHING]),
    "gold_from_ruling_iff_ruling": ("gold", [{"ruling": None}, {"source": "imported"}]),
    # Imports, jobs, aggregates
    "import_kind_known": ("batch", [{"kind": UNKNOWN}]),
    "import_format_known": ("batch", [{"format": UNKNOWN}]),
    "import_status_known": ("batch", [{"status": UNKNOWN}]),
    "job_state_known": ("job", [{"state": UNKNOWN}]),
    "job_running_has_lease": (
        "job",
        [
            {"state": "running", "lease_token": "", "lease_until": timezone.now()},
            {"state": "running", "lease_token": "mine", "lease_until": None},
        ],
    ),
    "kept_figure_name_known": ("kept_figure", [{"name": UNKNOWN}]),
    "estimate_method_known": ("estimate", [{"method": UNKNOWN}]),
    "estimate_who_counts_known": ("estimate", [{"who_counts": UNKNOWN}]),
    "item_estimate_probability_is_a_share": (
        "item_estimate",
        [{"probability": -0.1}, {"probability": 1.1}],
    ),
    "given_back_with_a_comment": ("given_back", [{"comment": ""}]),
    "likely_error_score_is_a_share": ("likely_error", [{"score": -0.1}, {"score": 1.1}]),
    "rater_estimate_interval_within_shares": (
        "rater_estimate",
        [
            {"ability_low": -0.1, "ability_high": 0.5},
            {"ability_low": 0.5, "ability_high": 1.1},
            {"ability_low": 0.6, "ability_high": 0.5},
            {"ability_low": 0.5},
            {"ability_high": 0.5},
        ],
    ),
    "rater_estimate_ability_is_a_share": (
        "rater_estimate",
        [{"ability": -0.1}, {"ability": 1.1}],
    ),
    # Judges
    "connection_provider_known": ("connection", [{"provider": UNKNOWN}]),
    "connection_key_from_one_place": (
        "connection",
        [{"key_variable": "SOME_KEY", "key_encrypted": "sealed"}],
    ),
    "connection_concurrency_at_least_one": ("connection", [{"concurrency": 0}]),
    "model_price_not_negative": (
        "price",
        [{"input": -1}, {"output": -1}, {"cached_input": -1}],
    ),
    "spending_not_negative": ("spending", [{"spent": -1}, {"reserved": -1}]),
    "pace_at_least_one": ("pace", [{"limit": 0}]),
    "run_purpose_known": ("run", [{"purpose": UNKNOWN}]),
    "run_money_not_negative": ("run", [{"spent": -1}, {"reserved": -1}]),
    "run_item_ending_known": ("run_item", [{"ending": UNKNOWN}]),
    "run_item_label_has_choice": ("run_item", [{"ending": "label", "choice": None}]),
    "run_item_confidence_is_a_share": ("run_item", [{"confidence": -0.1}, {"confidence": 1.1}]),
    "run_item_asked_again_of_those_asked": (
        "run_item",
        [{"asked": 2, "asked_again": 3}, {"asked": 2}, {"asked_again": 0}],
    ),
    "watch_next_only_by_clock": ("watch", [{"next_at": timezone.now()}]),
    "watch_round_seen_by_somebody": ("watch_round", [{"seen_at": timezone.now()}]),
    "replacement_test_epsilon_is_a_share": ("replacement_test", [{"epsilon": 1.1}]),
    "replacement_test_score_known": ("replacement_test", [{"score": UNKNOWN}]),
    "replacement_test_decided_of_labels": ("replacement_test", [{"decided_at": timezone.now()}]),
    "hand_over_state_known": ("hand_over", [{"state": UNKNOWN}]),
    "hand_over_end_reason_known": ("hand_over", [{"end_reason": UNKNOWN}]),
    "hand_over_levels_between_0_and_1": (
        "hand_over",
        [{"alpha": 0.0}, {"alpha": 1.0}, {"delta": 0.0}, {"delta": 1.0}],
    ),
    "hand_over_ended_for_a_reason": (
        "hand_over",
        [{"state": "ended"}, {"ended_at": timezone.now()}, {"end_reason": "withdrawn"}],
    ),
    "hand_over_item_part_known": ("hand_over_item", [{"part": UNKNOWN}]),
    "routing_certainty_is_a_share": ("routing_plan", [{"certainty": 1.1}]),
    "routing_expert_right_is_a_share": ("routing_plan", [{"expert_right": -0.1}]),
    "routing_in_bounds": ("routing_plan", [{"least_people": 0}, {"control_percent": 101}]),
    "routed_next_known": ("routed", [{"next": UNKNOWN}]),
    "routed_certainty_is_a_share": ("routed", [{"certainty": 1.1}]),
    "audit_p_is_a_share": ("finding", [{"p": 1.1}]),
    "audit_p_adjusted_is_a_share": ("finding", [{"p_adjusted": -0.1}]),
    "audit_value_unless_missing": ("finding", [{"value": None}, {"missing": "people"}]),
    "panel_member_not_itself": ("panel_member", [{"version": models.F("panel")}]),
    "call_discussed_by_a_member": ("call", [{"discussed": True}]),
    "call_state_known": ("call", [{"state": UNKNOWN}]),
    "call_closed_iff_outcome": (
        "call",
        [{"state": "closed"}, {"outcome": "failed"}, {"state": "closed", "outcome": UNKNOWN}],
    ),
    "call_claimed_has_lease": (
        "call",
        [
            {"state": "claimed", "lease_token": "", "lease_until": timezone.now()},
            {"state": "claimed", "lease_token": "mine", "lease_until": None},
        ],
    ),
    "call_sent_has_batch": (
        "call_in_batch",
        [{"state": "sent", "lease_token": ""}, {"state": "sent", "batch": None}],
    ),
    "batch_stage_known": ("batch_judge", [{"stage": UNKNOWN, "sent_at": timezone.now()}]),
    "batch_sent_has_remote_id": ("batch_judge", [{"stage": "sent", "sent_at": timezone.now()}]),
    "batch_sent_has_time": (
        "batch_judge",
        [{"stage": "sending"}, {"stage": "sent", "remote_id": "b"}],
    ),
    "batch_closed_iff_time": (
        "batch_judge",
        [{"stage": "closed"}, {"closed_at": timezone.now()}],
    ),
    "call_label_has_choice": ("call", [{"state": "closed", "outcome": "label", "choice": None}]),
    "call_confidence_is_a_share": ("call", [{"confidence": -0.1}, {"confidence": 1.1}]),
}

# Whatever breaks the first also breaks the second, and PostgreSQL names the first by alphabet: to
# show that the one holds on its own, the other is dropped inside the test's transaction.
SHADOWED = {"gold_source_known": "gold_from_ruling_iff_ruling"}

UNIQUES: dict[str, OneTooMany] = {
    # People and projects
    "membership_one_a_person": OneTooMany("membership", {"project_id", "user_id"}),
    "guideline_version_once_a_project": OneTooMany("guideline", {"project_id", "version"}),
    "question_version_once_a_key": OneTooMany(
        "question", {"project_id", "key", "version"}, {"status": "retired"}
    ),
    "question_one_live_version_a_key": OneTooMany(
        "question", {"project_id", "key"}, {"version": 2}, admitted={"status": "retired"}
    ),
    "option_code_once": OneTooMany("option", {"question_id", "code"}, {"key": "other"}),
    "option_key_once": OneTooMany("option", {"question_id", "key"}, {"code": 77}),
    # Items and work
    "item_external_id_once_a_project": OneTooMany(
        "item", {"project_id", "external_id"}, {"status": "withdrawn"}
    ),
    "summary_once_a_question": OneTooMany("summary", {"item_id", "question_id"}),
    "slot_ordinal_once_an_item": OneTooMany("slot", {"item_id", "ordinal"}),
    "entrusted_once_a_question": OneTooMany("entrusted", {"item_id", "question_id"}),
    "assignment_once_a_rater": OneTooMany(
        "assignment", {"item_id", "rater_id"}, spare={"slot": "slot_2"}
    ),
    "assignment_one_open_a_slot": OneTooMany(
        "assignment_open",
        {"slot_id"},
        spare={"rater": "rater_3"},
        admitted={"state": "expired"},
    ),
    # Raters
    "rater_once_a_member": OneTooMany("rater", {"project_id", "user_id"}),
    "rater_once_a_version": OneTooMany("rater_run", {"project_id", "version_hash"}),
    "rater_imported_name_once": OneTooMany("rater_imported", {"project_id", "kind", "name"}),
    # What was handed in
    "submission_client_key_once_a_rater": OneTooMany(
        "submission", {"rater_id", "client_key"}, {"status": "withdrawn"}
    ),
    "submission_one_counted_a_slot": OneTooMany(
        "submission",
        {"slot_id"},
        {"client_key": "other"},
        spare={"rater": "rater_2"},
        admitted={"status": "withdrawn"},
    ),
    "submission_one_counted_a_rater": OneTooMany(
        "submission",
        {"item_id", "rater_id"},
        {"client_key": "other"},
        spare={"slot": "slot_2"},
        admitted={"status": "surplus"},
    ),
    "label_one_live_a_rater": OneTooMany(
        "label",
        {"item_id", "question_id", "rater_id"},
        {"choice": 1},
        admitted={"status": "superseded"},
    ),
    "ruling_one_live_a_question": OneTooMany(
        "ruling", {"item_id", "question_id"}, {"choice": 1}, admitted={"status": "withdrawn"}
    ),
    "gold_once_a_question": OneTooMany("gold", {"item_id", "question_id"}, {"choice": 1}),
    "saved_view_name_once_a_person": OneTooMany("view", {"project_id", "owner_id", "name"}),
    # Aggregates
    "item_estimate_once_a_run": OneTooMany("item_estimate", {"run_id", "item_id"}),
    "rater_estimate_once_a_run": OneTooMany("rater_estimate", {"run_id", "rater_id"}),
    "kept_figure_once_a_job": OneTooMany("kept_figure", {"question_id", "name", "of", "job_id"}),
    # Judges
    "connection_name_once": OneTooMany("connection", {"project_id", "name"}),
    "model_price_once": OneTooMany("price", {"connection_id", "model"}),
    "prompt_hash_once": OneTooMany("prompt", {"project_id", "hash"}),
    "judge_version_hash_once": OneTooMany(
        "version", {"project_id", "hash"}, {"number": 2}, spare={"rater": "rater_run_2"}
    ),
    "judge_version_number_once": OneTooMany(
        "version", {"project_id", "name", "number"}, {"hash": "x"}, spare={"rater": "rater_run_2"}
    ),
    "watch_round_number_once": OneTooMany(
        "watch_round", {"watch_id", "number"}, spare={"run": "run_2"}
    ),
    "judge_report_once": OneTooMany("judge_report", {"question_id", "rater_id"}),
    "hand_over_one_running_a_question": OneTooMany(
        "hand_over", {"question_id"}, admitted={"state": "ready"}
    ),
    "hand_over_item_once": OneTooMany("hand_over_item", {"hand_over_id", "part", "item_id"}),
    "routing_one_on_a_project": OneTooMany(
        "routing_plan", {"project_id"}, admitted={"is_on": False}
    ),
    "routed_once_a_plan": OneTooMany("routed", {"plan_id", "item_id"}),
    "audit_once_a_run": OneTooMany("finding", {"run_id", "audit"}),
    "run_item_once": OneTooMany("run_item", {"run_id", "item_id"}),
    "panel_member_place_once": OneTooMany(
        "panel_member", {"panel_id", "place"}, spare={"version": "version_3"}
    ),
    "panel_member_once": OneTooMany("panel_member", {"panel_id", "version_id"}, {"place": 2}),
    "call_once_a_run": OneTooMany(
        "call", {"run_id", "item_id", "variant", "repeat"}, admitted={"repeat": 1}
    ),
    "call_once_a_member": OneTooMany(
        "call_of_member",
        {"run_id", "item_id", "member_id", "discussed", "variant", "repeat"},
        admitted={"discussed": True},
    ),
    "batch_key_once": OneTooMany("batch_judge", {"key"}),
    "batch_remote_id_once_a_run": OneTooMany(
        "batch_named", {"run_id", "remote_id"}, {"key": "other"}, admitted={"remote_id": ""}
    ),
    "text_vector_once": OneTooMany("vector", {"model", "text_hash"}),
}


def test_every_named_constraint_has_a_case() -> None:
    there: dict[str, type[models.BaseConstraint]] = {
        constraint.name: type(constraint)
        for app in ("annotate", "judges")
        for model in apps.get_app_config(app).get_models()
        for constraint in model._meta.constraints
    }
    assert set(CHECKS) == {n for n, kind in there.items() if kind is models.CheckConstraint}
    assert set(UNIQUES) == {n for n, kind in there.items() if kind is models.UniqueConstraint}


@pytest.mark.parametrize(
    ("name", "changes"),
    [(name, changes) for name, (_row, cases) in CHECKS.items() for changes in cases],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_check_refuses_the_change(rows: dict[str, Any], name: str, changes: Changes) -> None:
    row = rows[CHECKS[name][0]]
    if name in SHADOWED and connection.vendor == "postgresql":
        connection.check_constraints()
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {row._meta.db_table} DROP CONSTRAINT {SHADOWED[name]}")
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        type(row)._base_manager.filter(pk=row.pk).update(**changes)
    assert _name(refused.value) == name


@pytest.mark.parametrize("name", UNIQUES)
def test_unique_refuses_the_second_row(rows: dict[str, Any], name: str) -> None:
    case = UNIQUES[name]
    row = rows[case.row]
    others = {field: rows[spare] for field, spare in case.spare.items()}
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        _copy(row, **others, **case.changes)
    if connection.vendor == "postgresql":
        assert _name(refused.value) == name
    else:
        table = row._meta.db_table
        told = str(refused.value).removeprefix("UNIQUE constraint failed: ")
        assert set(told.split(", ")) == {f"{table}.{column}" for column in case.columns}


@pytest.mark.parametrize("name", [n for n, case in UNIQUES.items() if case.admitted])
def test_a_unique_with_a_condition_lets_history_through(rows: dict[str, Any], name: str) -> None:
    case = UNIQUES[name]
    others = {field: rows[spare] for field, spare in case.spare.items()}
    assert case.admitted is not None
    assert _copy(rows[case.row], **others, **case.changes, **case.admitted).pk


def _name(error: IntegrityError) -> str:
    """The constraint that the database says was broken."""
    if connection.vendor == "postgresql":
        return str(error.__cause__.diag.constraint_name)  # type: ignore[union-attr]
    return str(error).removeprefix("CHECK constraint failed: ")


def _copy(row: models.Model, **changes: Any) -> models.Model:
    kept = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if f.name != "id"}
    copy = type(row)(**kept)
    for name, value in changes.items():
        setattr(copy, name, value)
    copy.save(force_insert=True)
    return copy


# --- One good row of everything -----------------------------------------------------------------


@pytest.fixture(scope="module")
def rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    """Made once, around the transactions of the tests; undone at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield _rows()
        transaction.set_rollback(True)


def _rows() -> dict[str, Any]:
    s = story(labels_per_item=2)
    (item,) = s.items(["Lovely food."])
    rater, rater_2, rater_3 = (s.rater(person) for person in (s.ana, s.ben, s.cem))
    claims_hold(rater)
    submission = submission_submit(rater, item, answers=s.answer(), client_key="k1")
    claims_hold(rater_2)
    ruling = ruling_make(s.rhea, item, s.question, choice=0, reason="rater_error")
    return {
        "user": s.ana,
        "project": s.project,
        "membership": Membership.objects.get(user=s.ana),
        "invitation": Invitation.objects.create(
            project=s.project,
            role="annotator",
            token_hash="h",
            created_by=s.olga,
            expires_at=timezone.now(),
        ),
        "guideline": Guideline.objects.get(),
        "question": Question.objects.get(),
        "option": s.question.options.get(code=0),
        "item": item,
        "summary": ItemSummary.objects.get(),
        "slot": Slot.objects.get(ordinal=0),
        "slot_2": Slot.objects.get(ordinal=1),
        "assignment": Assignment.objects.get(rater=rater),
        "assignment_open": Assignment.objects.get(rater=rater_2),
        "rater": rater,
        "rater_2": rater_2,
        "rater_3": rater_3,
        "rater_imported": Rater.objects.create(
            project=s.project, kind="judge", origin="imported", name="gpt"
        ),
        "submission": Submission.objects.get(pk=submission.pk),
        "label": Label.objects.get(),
        "given_back": GivenBack.objects.create(
            project=s.project,
            submission=submission,
            comment="Look again.",
            by=s.olga,
            created_at=timezone.now(),
        ),
        "entrusted": Entrusted.objects.create(
            project=s.project, question=s.question, item=item, rater=rater
        ),
        "likely_error": LikelyError.objects.create(
            project=s.project,
            question=s.question,
            item=item,
            label=Label.objects.get(),
            score=0.9,
        ),
        "view": SavedView.objects.create(project=s.project, owner=s.olga, name="Mine", query="q=x"),
        "ruling": ruling,
        "gold": Gold.objects.get(pk=gold_promote(s.rhea, ruling).pk),
        "batch": ImportBatch.objects.create(
            project=s.project,
            kind="items",
            format="csv",
            name="items.csv",
            upload="items.csv",
            created_by=s.olga,
        ),
        **_estimate_rows(s, item, rater),
        **_judge_rows(s, item),
    }


def _estimate_rows(s: Story, item: Item, rater: Rater) -> dict[str, Any]:
    job = Job.objects.create(project=s.project, kind="aggregate", task="annotate.aggregate")
    estimate = EstimateRun.objects.create(
        project=s.project, question=s.question, job=job, method="majority", created_by=s.olga
    )
    plan = RoutingPlan.objects.create(
        project=s.project, question=s.question, certainty=0.9, created_by=s.olga
    )
    return {
        "routing_plan": plan,
        "routed": RoutedItem.objects.create(plan=plan, item=item, next="person", certainty=0.5),
        "job": job,
        "estimate": estimate,
        "item_estimate": ItemEstimate.objects.create(run=estimate, item=item, choice=0),
        "rater_estimate": RaterEstimate.objects.create(run=estimate, rater=rater),
        "kept_figure": KeptFigure.objects.create(job=job, question=s.question, name="pairs"),
    }


def _judge_rows(s: Story, item: Item) -> dict[str, Any]:
    raters = [
        Rater.objects.create(
            project=s.project, kind="judge", origin="run", name=name, version_hash=name
        )
        for name in ("one", "two", "three", "four")
    ]
    connection = Connection.objects.create(
        project=s.project, name="Script", provider="scripted", created_by=s.olga
    )
    prompt = Prompt.objects.create(project=s.project, hash="p", created_by=s.olga)
    version, panel, spare = (
        JudgeVersion.objects.create(
            project=s.project,
            hash=rater.name,
            name="Judge",
            number=number,
            question=s.question,
            connection=connection,
            prompt=prompt,
            rater=rater,
            created_by=s.olga,
        )
        for number, rater in ((1, raters[0]), (11, raters[2]), (12, raters[3]))
    )
    run = Run.objects.create(
        project=s.project,
        version=version,
        job=Job.objects.create(project=s.project, kind="judge_run", task="judges.run"),
        created_by=s.olga,
    )
    watch = Watch.objects.create(project=s.project, version=version, set_by=s.olga)
    batch = Batch.objects.create(run=run, key="k", look_at=timezone.now())
    hand_over = HandOver.objects.create(
        project=s.project,
        question=s.question,
        rater=raters[0],
        state="running",
        alpha=0.05,
        delta=0.1,
        audit_share=0.1,
        seed=1,
        planned_by=s.olga,
        planned_at=timezone.now(),
    )
    return {
        "rater_run": raters[0],
        "rater_run_2": raters[1],
        "connection": connection,
        "price": ModelPrice.objects.create(
            connection=connection, model="m", input=1, output=2, created_by=s.olga
        ),
        "prompt": prompt,
        "version": version,
        "run": run,
        "version_3": spare,
        "panel_member": PanelMember.objects.create(panel=panel, version=version, place=0),
        "call": Call.objects.create(run=run, item=item),
        "call_of_member": Call.objects.create(run=run, item=item, member=version),
        "run_item": RunItem.objects.create(run=run, item=item),
        "run_2": Run.objects.create(
            project=s.project,
            version=version,
            job=Job.objects.create(project=s.project, kind="judge_run", task="judges.run"),
            created_by=s.olga,
        ),
        "watch": watch,
        "watch_round": WatchRound.objects.create(watch=watch, number=1, run=run, base=1),
        "finding": AuditFinding.objects.create(run=run, audit="length", n=2, changed=0, value=0.0),
        "judge_report": JudgeReport.objects.create(
            project=s.project,
            question=s.question,
            rater=raters[0],
            job=run.job,
            made_at=timezone.now(),
        ),
        "replacement_test": ReplacementTest.objects.create(
            project=s.project,
            question=s.question,
            rater=raters[0],
            epsilon=0.1,
            score="accuracy",
            seed=1,
            planned_by=s.olga,
            planned_at=timezone.now(),
        ),
        "hand_over": hand_over,
        "hand_over_item": HandOverItem.objects.create(
            hand_over=hand_over, item=item, part="people", confidence=0.5
        ),
        "spending": Spending.objects.get_or_create(project=s.project)[0],
        "pace": Pace.objects.create(connection=connection, limit=1),
        "batch_judge": batch,
        "call_in_batch": Call.objects.create(
            run=run, item=item, repeat=9, batch=batch, lease_token="k"
        ),
        "batch_named": Batch.objects.create(
            run=run, key="k2", remote_id="b", look_at=timezone.now()
        ),
        "vector": TextVector.objects.create(model="m", text_hash="t", vector=b"\0"),
    }
