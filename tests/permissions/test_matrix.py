"""Who may do what: every address of the resolver, screens and API, by method and role.

A cell is the status of the reply. "login" is a redirect to the log-in page. 404 is what strangers
get: to them the project is not there. 302 and 204 are done. 422 and 409 came past the door: the
form was empty (`sent` fills some in), or there was nothing to do.

"archived" is what a role that may gets in an archived project; who may not gets the same as ever.
An address without a row fails a test, and so does a method that it takes without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from annotate.models import Membership, ProjectStatus
from tests.permissions.furnished import Ids, people, two_projects
from tests.personas import Story

pytestmark = pytest.mark.django_db

ROLES = ("owner", "reviewer", "annotator", "viewer", "stranger", "nobody")

TABLE = """
address              method  owner  reviewer  annotator  viewer  stranger  nobody  archived

# One's own account
home                 GET     200    200       200        200     200       login   -
theme                POST    302    302       302        302     302       302     -
account              GET     200    200       200        200     200       login   -
account              POST    302    302       302        302     302       login   -
account_keys         POST    302    302       302        302     302       login   -
token_new            POST    200    200       200        200     200       login   -
token_end            POST    302    302       302        302     302       login   -
login                GET     302    302       302        302     302       200     -
login                POST    302    302       302        302     302       200     -
logout               POST    302    302       302        302     302       login   -
password_change      GET     200    200       200        200     200       login   -
password_change      POST    200    200       200        200     200       login   -
password_change      PUT     200    200       200        200     200       login   -
password_change_done GET     200    200       200        200     200       login   -
join                 GET     200    200       200        200     200       200     409
join                 POST    302    302       302        302     302       422     409

# Starting a project: accounts that may (here Olga's)
project_new          GET     200    403       403        403     403       login   -
project_new          POST    422    403       403        403     403       login   -
project_sample       POST    302    403       403        403     403       login   -
deletion_again       POST    302    409       409        409     409       login   -

# Every member
project              GET     302    302       302        302     404       login   302
guideline            GET     200    200       200        200     404       login   200
guideline_version    GET     200    200       200        200     404       login   200

# Labelling: one's own work
label                GET     200    200       200        403     404       login   200
label_ahead          POST    200    200       200        403     404       login   403
label_submit         POST    422    422       422        403     404       login   403
label_reveal         POST    422    422       422        403     404       login   403
label_skip           POST    422    422       422        403     404       login   403
label_undo           POST    409    409       302        403     404       login   403
own_work             GET     200    200       200        403     404       login   403
label_leave          POST    204    204       204        403     404       login   403

# Seeing results
overview             GET     200    200       403        200     404       login   200
raters               GET     200    200       403        200     404       login   200
differing            GET     200    200       403        200     404       login   200
rater                GET     200    200       403        200     404       login   200
rater_pair           GET     200    200       403        200     404       login   200
help_price           GET     200    200       403        200     404       login   200
items                GET     200    200       403        200     404       login   200
view_keep            POST    302    302       403        302     404       login   302
view_remove          POST    302    403       403        403     404       login   302
item                 GET     200    200       403        200     404       login   200

# Reviewing: everybody's labels, rulings, aggregation, judges
review               GET     200    200       403        403     404       login   200
review_rule          POST    302    302       403        403     404       login   403
ruling_withdraw      POST    302    302       403        403     404       login   403
people_work          GET     200    200       403        403     404       login   200
gold_make            POST    302    302       403        403     404       login   403
give_back            POST    302    302       403        403     404       login   403
label_errors         POST    302    302       403        403     404       login   403
likely_errors        GET     200    200       403        403     404       login   200
likely_error_rule    POST    302    302       403        403     404       login   403
routing              GET     200    200       403        403     404       login   200
routing_trial        POST    422    422       403        403     404       login   403
routing_on           POST    422    422       403        403     404       login   403
routing_renew        POST    409    409       403        403     404       login   403
routing_off          POST    409    409       403        403     404       login   403
bulk                 GET     200    200       403        403     404       login   403
bulk_rule            GET     422    422       403        403     404       login   403
bulk_rule_start      POST    302    302       403        403     404       login   403
bulk_do              POST    302    302       403        403     404       login   403
bulk_batch           GET     200    200       403        403     404       login   200
bulk_undo            POST    302    302       403        403     404       login   403
figures              POST    302    302       403        403     404       login   403
aggregate            POST    302    302       403        403     404       login   403
judges               GET     200    200       403        403     404       login   200
judge_new            GET     200    200       403        403     404       login   403
judge_new            POST    302    302       403        403     404       login   403
panel_new            GET     200    200       403        403     404       login   403
panel_new            POST    302    302       403        403     404       login   403
judge                GET     200    200       403        403     404       login   200
judge_try            POST    302    302       403        403     404       login   403
judge_canaries       POST    302    302       403        403     404       login   403
judge_audits         GET     200    200       403        403     404       login   200
judge_audits         POST    422    422       403        403     404       login   403
judge_watch          GET     200    200       403        403     404       login   200
judge_watch          POST    302    302       403        403     404       login   403
judge_watch_see      POST    302    302       403        403     404       login   403
judge_audit_remedy   POST    302    302       403        403     404       login   403
judge_versions       GET     200    200       403        403     404       login   200
judge_diff           GET     200    200       403        403     404       login   200
prompt               GET     200    200       403        403     404       login   403
prompt               POST    302    302       403        403     404       login   403
prompt_preview       POST    200    200       403        403     404       login   403
trust                GET     200    200       403        403     404       login   200
replacement_tests    GET     200    200       403        403     404       login   200
replacement_tests    POST    422    422       403        403     404       login   403
replacement_test     GET     200    200       403        403     404       login   200
replacement_draw     POST    422    422       403        403     404       login   403
replacement_settle   POST    302    302       403        403     404       login   403
replacement_labels   GET     200    200       403        403     404       login   200
judge_report_file    GET     200    200       403        403     404       login   200
reports_start        POST    302    302       403        403     404       login   403
judge_report         GET     200    200       403        403     404       login   200
hand_over            GET     200    200       403        403     404       login   200
hand_over_ask        POST    302    302       403        403     404       login   403
hand_over_more       POST    302    302       403        403     404       login   403
hand_over_begin      POST    302    302       403        403     404       login   403
hand_over_end        POST    302    302       403        403     404       login   403
corrected            GET     200    200       403        403     404       login   200
judge_run            POST    302    302       403        403     404       login   403
run                  GET     200    200       403        403     404       login   200
run_steer            POST    302    302       403        403     404       login   403
run_cap              POST    302    302       403        403     404       login   403
run_retry            POST    302    302       403        403     404       login   403
connections          GET     200    200       403        403     404       login   200

# Data in and out; long work. What only reads is what an archive is for
data                 GET     200    200       403        403     404       login   200
import_new           GET     200    200       403        403     404       login   403
import_new           POST    422    422       403        403     404       login   403
import_map           GET     200    200       403        403     404       login   403
import_map           POST    302    302       403        403     404       login   403
import_read          POST    302    302       403        403     404       login   403
import_report        GET     200    200       403        403     404       login   200
import_refused       GET     200    200       403        403     404       login   200
import_undo          GET     200    200       403        403     404       login   403
import_undo          POST    302    302       403        403     404       login   403
import_go_on         POST    302    302       403        403     404       login   403
import_drop          GET     200    200       403        403     404       login   403
import_drop          POST    302    302       403        403     404       login   403
exports              GET     302    302       403        403     404       login   302
export_start         POST    302    302       403        403     404       login   302
export_file          GET     200    200       403        403     404       login   200
job                  GET     200    200       403        403     404       login   200
job_pause            POST    302    302       403        403     404       login   302
job_cancel           POST    302    302       403        403     404       login   302
job_resume           POST    302    302       403        403     404       login   403

# Managing: owners
people               GET     200    403       403        403     404       login   200
member_admit         POST    302    403       403        403     404       login   302
items_give           POST    302    403       403        403     404       login   403
member_role          POST    302    403       403        403     404       login   302
member_out           GET     200    403       403        403     404       login   200
member_out           POST    302    403       403        403     404       login   302
invitation_new       POST    200    403       403        403     404       login   403
invitation_end       POST    302    403       403        403     404       login   302
settings             GET     200    403       403        403     404       login   200
settings             POST    302    403       403        403     404       login   403
project_archive      POST    302    403       403        403     404       login   302
project_reopen       POST    302    403       403        403     404       login   302
project_delete       GET     200    403       403        403     404       login   200
project_delete       POST    302    403       403        403     404       login   302
question_new         GET     200    403       403        403     404       login   403
question_new         POST    422    403       403        403     404       login   403
question_edit        GET     200    403       403        403     404       login   200
question_edit        POST    422    403       403        403     404       login   403
question_stop        POST    302    403       403        403     404       login   403
guideline_edit       GET     200    403       403        403     404       login   403
guideline_edit       POST    302    403       403        403     404       login   403
spending_cap         POST    302    403       403        403     404       login   403
connection_new       GET     200    403       403        403     404       login   403
connection_new       POST    302    403       403        403     404       login   403
connection           GET     200    403       403        403     404       login   200
connection           POST    302    403       403        403     404       login   403
connection_try       POST    302    403       403        403     404       login   403
connection_probe     GET     200    403       403        403     404       login   200
connection_price     POST    302    403       403        403     404       login   403
connection_drop      GET     200    403       403        403     404       login   403
connection_drop      POST    302    403       403        403     404       login   403

# API: the same rights; nobody is told to bring a token
api_schema           GET     200    200       200        200     200       200     -
api_token            POST    422    422       422        422     422       422     -
api_projects         GET     200    200       200        200     200       401     -
api_projects         POST    422    403       403        403     403       401     -
api_project          GET     200    200       200        200     404       401     200
api_questions        GET     200    200       200        200     404       401     200
api_items            GET     200    200       403        200     404       401     200
api_items            POST    200    200       403        403     404       401     403
api_item             GET     200    200       403        200     404       401     200
api_next             POST    200    200       200        403     404       401     403
api_next             DELETE  200    200       200        403     404       401     403
api_labels           GET     200    200       403        403     404       401     200
api_labels           POST    422    422       422        403     404       401     403
api_skips            POST    422    422       422        403     404       401     403
api_withdraw         POST    404    404       200        403     404       401     403
api_rulings          GET     200    200       403        403     404       401     200
api_rulings          POST    200    200       403        403     404       401     403
api_ruling_withdraw  POST    200    200       403        403     404       401     403
api_rulings_bulk     POST    202    202       403        403     404       401     403
api_rulings_bulk_preview POST 200   200       403        403     404       401     200
api_rulings_bulk_undo POST   202    202       403        403     404       401     403
api_give_back        POST    200    200       403        403     404       401     403
api_qualification    GET     200    200       403        403     404       401     200
api_admit            POST    200    403       403        403     404       401     200
api_views            GET     200    200       403        200     404       401     200
api_views            POST    200    200       403        200     404       401     200
api_view             DELETE  204    403       403        403     404       401     204
api_connections      GET     200    200       403        403     404       401     200
api_prices           GET     200    200       403        403     404       401     200
api_prices           POST    200    403       403        403     404       401     403
api_judges           GET     200    200       403        403     404       401     200
api_judges           POST    200    200       403        403     404       401     403
api_judge_preview    POST    200    200       403        403     404       401     403
api_judge_try        POST    202    202       403        403     404       401     403
api_reports          GET     200    200       403        403     404       401     200
api_reports          POST    202    202       403        403     404       401     403
api_report           GET     200    200       403        403     404       401     200
api_tests            GET     200    200       403        403     404       401     200
api_tests            POST    422    422       403        403     404       401     403
api_test             GET     200    200       403        403     404       401     200
api_test_draw        POST    422    422       403        403     404       401     403
api_test_decide      POST    202    202       403        403     404       401     403
api_judge_canaries   GET     200    200       403        403     404       401     200
api_judge_audits     GET     200    200       403        403     404       401     200
api_judge_audits     POST    202    202       403        403     404       401     403
api_judge_watch      GET     200    200       403        403     404       401     200
api_judge_watch      POST    200    200       403        403     404       401     403
api_judge_watch_rounds POST  202    202       403        403     404       401     403
api_judge_compare    GET     200    200       403        403     404       401     200
api_judge_diff       GET     200    200       403        403     404       401     200
api_run_trial        GET     200    200       403        403     404       401     200
api_hand_overs       GET     200    200       403        403     404       401     200
api_hand_overs       POST    202    202       403        403     404       401     403
api_hand_over        GET     200    200       403        403     404       401     200
api_hand_over_start  POST    202    202       403        403     404       401     403
api_hand_over_end    POST    202    202       403        403     404       401     403
api_panels           POST    200    200       403        403     404       401     403
api_panel_draft      POST    200    200       403        403     404       401     200
api_run_votes        GET     200    200       403        403     404       401     200
api_runs             GET     200    200       403        403     404       401     200
api_runs             POST    202    202       403        403     404       401     403
api_run              GET     200    200       403        403     404       401     200
api_run_cap          POST    200    200       403        403     404       401     403
api_run_retry        POST    409    409       403        403     404       401     403
api_spending         GET     200    200       403        403     404       401     200
api_spending         POST    200    403       403        403     404       401     403
api_estimate         GET     200    200       403        403     404       401     200
api_help_price       GET     200    200       403        200     404       401     200
api_routing          GET     200    200       403        403     404       401     200
api_routing          POST    422    422       403        403     404       401     403
api_routing          DELETE  409    409       403        403     404       401     403
api_routing_trial    POST    422    422       403        403     404       401     403
api_routing_learn    POST    409    409       403        403     404       401     403
api_label_errors     GET     200    200       403        403     404       401     200
api_label_errors     POST    202    202       403        403     404       401     403
api_aggregations     GET     200    200       403        403     404       401     200
api_aggregations     POST    202    202       403        403     404       401     403
api_aggregation_raters GET   200    200       403        403     404       401     200
api_exports          POST    202    202       403        403     404       401     202
api_export_file      GET     200    200       403        403     404       401     200
api_job              GET     200    200       403        403     404       401     200
api_job_move         POST    200    200       403        403     404       401     200
api_nowhere          GET     404    404       404        404     404       404     -
api_nowhere          POST    404    404       404        404     404       404     -
api_nowhere          PUT     404    404       404        404     404       404     -
api_nowhere          PATCH   404    404       404        404     404       404     -
api_nowhere          DELETE  404    404       404        404     404       404     -
"""

# Converters of addresses that name a row of the project, and those that name none.
ROWS_OF_PROJECT = {
    "aggregation_id",
    "connection_id",
    "error_id",
    "import_id",
    "invitation_id",
    "item_id",
    "job_id",
    "member_id",
    "question_id",
    "rater_id",
    "second_rater_id",
    "test_id",
    "ruling_id",
    "run_id",
    "submission_id",
    "version_id",
    "hand_over_id",
    "view_id",
    "other_id",
}
WORDS = {"action", "kind", "move", "token", "verb", "version"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Only there while developing (DEBUG).
NOT_SERVED = {"styleguide"}


class Row(NamedTuple):
    name: str
    method: str
    statuses: dict[str, str]
    archived: str

    def __str__(self) -> str:
        return f"{self.name}-{self.method}"


def _read(table: str) -> list[Row]:
    lines = [line.split() for line in table.splitlines() if line and not line.startswith("#")]
    head, *rows = lines
    assert head == ["address", "method", *ROLES, "archived"]
    return [
        Row(name, method, dict(zip(ROLES, cells, strict=True)), archived)
        for name, method, *cells, archived in rows
    ]


MATRIX = _read(TABLE)


def sent(row: Row, ids: Ids) -> dict[str, Any]:
    """What is sent along, where an empty form would not show that it can be done."""
    connection = {"base_url": "http://localhost:9/v1", "concurrency": 1, "timeout_seconds": 60}
    option = {"item": ids["item_id"], "question": "sentiment", "answer": "positive"}
    settings = {
        "name": "Renamed",
        "labels_per_item": 2,
        "visibility": "blind",
        "lease_minutes": 30,
    }
    prompt = {
        "question": ids["question_id"],
        "by": f"connection-{ids['connection_id']}",
        "model": "some-model",
        "step": "make",
    }
    forms: dict[str, dict[str, Any]] = {
        "account": {"name": "Somebody", "theme": "dark"},
        "aggregate": {
            "method": "weighted_majority",
            "who": "people",
            "rulings": "on",
            "judge_weight": "0.5",
        },
        "view_keep": {"name": "Split", "query": "disagreement=split"},
        "give_back": {"comment": "Look at the second sentence."},
        "bulk_do": {"value": "1"},
        "bulk_rule_start": {"says": "1", "because": "rater_error"},
        "connection": {"name": "Renamed", **connection},
        "connection_new": {"name": "New", **connection},
        "connection_price": {"model": "some-model", "input": "1", "output": "2.5"},
        "connection_try": {"model": "some-model"},
        "export_start": {"what": "items", "format": "csv", "who": "people"},
        "guideline_edit": {"text": "Look twice."},
        "import_new": {"format": "csv"},
        "import_map": {"use_0": "item", "use_1": "shown", "place_1": "1"},
        "import_read": {"format": "csv", "encoding": "utf-8", "delimiter": ","},
        "invitation_new": {"role": "viewer", "days": 7},
        "judge_watch_see": {"round": "1"},
        "api_judge_audits": {"audits": ["length"], "items": 2},
        "judge_new": {"question": ids["question_id"], "how": "zero_shot"},
        "judge_run": {"limit": 1},
        "judge_try": {"n_items": 2, "seed": 1},
        "prompt": prompt,
        "prompt_preview": {**prompt, "place": 2, "variant": "plain"},
        "panel_new": {"members": ids["panel_judges"], "stop": "settled", "weights": "equal"},
        "items_give": {
            "member": Membership.objects.get(pk=ids["member_id"]).user_id,
            "items": 1,
        },
        "member_role": {"role": "viewer"},
        "member_admit": {"admission": "let_in"},
        "project_delete": {"confirm_name": "Restaurant reviews"},
        "review_rule": {"choice": 0, "reason": "rater_error", "standing": ids["ruling_id"]},
        "settings": settings,
        "likely_error_rule": {"answer": "1"},
        "routing_on": {"rule": "0.95:1"},
        "api_routing": {"certainty": 0.95},
        "api_aggregations": {"question": "sentiment"},
        "api_label_errors": {"question": "sentiment"},
        "api_exports": {"what": "items", "format": "csv"},
        "api_items": {"items": [{"external_id": "x", "fields": {"text": "New."}}]},
        "api_judges": {"question": "sentiment"},
        "api_judge_preview": {
            "question": "sentiment",
            "connection": ids["connection_id"],
            "model": "some-model",
        },
        "hand_over_ask": {"alpha": "5", "delta": "5", "audit_share": "10"},
        "hand_over_more": {"n": "5"},
        "api_hand_overs": {"question": "sentiment", "rater": ids["judge_rater"]},
        "api_panels": {"question": "sentiment", "judges": ids["panel_judges"]},
        "api_panel_draft": {"question": "sentiment", "judges": ids["panel_judges"]},
        "api_prices": {"model": "some-model", "input": "1", "output": "2.5"},
        "api_run_cap": {"cap": "2.5"},
        "api_spending": {"cap": None},
        "api_rulings_bulk": {
            "question": "sentiment",
            "answer": "positive",
            "reason": "rater_error",
        },
        "api_rulings_bulk_preview": {
            "question": "sentiment",
            "answer": "positive",
            "reason": "rater_error",
        },
        "api_give_back": {"comment": "Look at the second sentence."},
        "api_admit": {"admission": "let_in"},
        "api_views": {"name": "Split", "query": "disagreement=split"},
        "api_rulings": {**option, "reason": "judge_error"},
        "api_runs": {"version": ids["version_id"], "limit": 1},
    }
    return forms.get(row.name, {}) if row.method == "POST" else {}


# --- The resolver and the table tell of the same addresses --------------------------------------


def _named(resolver: URLResolver) -> Iterator[tuple[str | None, set[str]]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name, set(pattern.pattern.converters)
        else:
            yield from _named(pattern)


ADDRESSES = {name: converters for name, converters in _named(get_resolver()) if name}


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert None not in [name for name, _converters in _named(get_resolver())]
    assert set(ADDRESSES) - NOT_SERVED == {row.name for row in MATRIX}
    assert len({(row.name, row.method) for row in MATRIX}) == len(MATRIX)


def test_every_converter_of_an_address_is_known() -> None:
    used = set().union(*ADDRESSES.values()) - {"project_id"}
    assert used == ROWS_OF_PROJECT | WORDS


# --- The matrix ---------------------------------------------------------------------------------


class World(NamedTuple):
    story: Story
    ids: Ids
    others: Ids
    sessions: dict[str, str]
    media: Path

    def ask(
        self,
        role: str,
        row: Row,
        *,
        method: str = "",
        data: dict[str, Any] | None = None,
        **instead: Any,
    ) -> str:
        """The status that a role gets, as the table writes it. Whatever was done is undone."""
        address = self.address(row.name, **instead)
        more: dict[str, Any] = {"data": sent(row, self.ids) if data is None else data}
        if row.name.startswith("api_") and row.method != "GET":
            more["content_type"] = "application/json"
        cache.clear()
        client = Client()
        if role in self.sessions:
            client.cookies["sessionid"] = self.sessions[role]
        ask = getattr(client, (method or row.method).lower())
        with override_settings(MEDIA_ROOT=self.media), transaction.atomic():
            response = ask(address, **more)
            if response.streaming:
                assert b"".join(response.streaming_content)
            transaction.set_rollback(True)
        if response.status_code == 302 and "?next=" in response["Location"]:
            return "login"
        return str(response.status_code)

    def address(self, name: str, **instead: Any) -> str:
        kwargs = {
            converter: self.ids.get((name, converter), self.ids[converter])
            for converter in ADDRESSES[name]
        }
        return reverse(name, kwargs=kwargs | instead)


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Made once, around the transactions of the tests; undone at the end."""
    media = tmp_path_factory.mktemp("files")
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(MEDIA_ROOT=media):
            s, ids, others = two_projects()
        sessions = {}
        for role, person in people(s).items():
            if person is not None:
                client = Client()
                client.force_login(person)
                sessions[role] = client.cookies["sessionid"].value
        yield World(s, ids, others, sessions, media)
        transaction.set_rollback(True)


def _came_in(status: str) -> bool:
    return status not in {"401", "403", "404", "login"}


def _is_member(role: str, status: str) -> bool:
    """Past the door of the project, where only the thing itself is not there for them."""
    return status == "404" and role != "stranger"


@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_who_may(world: World, row: Row) -> None:
    assert {role: world.ask(role, row) for role in ROLES} == row.statuses


@pytest.mark.parametrize("row", [row for row in MATRIX if row.archived != "-"], ids=str)
def test_who_may_in_an_archived_project(world: World, row: Row) -> None:
    s = world.story
    type(s.project).objects.filter(pk=s.project.pk).update(status=ProjectStatus.ARCHIVED)
    wanted = {
        role: row.archived if _came_in(status) or _is_member(role, status) else status
        for role, status in row.statuses.items()
    }
    assert {role: world.ask(role, row) for role in ROLES} == wanted


@pytest.mark.parametrize("name", sorted(set(ADDRESSES) - NOT_SERVED))
def test_an_address_takes_no_method_without_a_row(world: World, name: str) -> None:
    rows = {row.method: row for row in MATRIX if row.name == name}
    one = next(iter(rows.values()))
    others = {
        method: world.ask("owner", one, method=method, data={})
        for method in METHODS
        if method not in rows
    }
    assert set(others.values()) <= {"405"}, others


# --- What belongs to another project ------------------------------------------------------------


FOREIGN = [
    (row, converter)
    for row in MATRIX
    for converter in sorted(ADDRESSES[row.name] & ROWS_OF_PROJECT)
    if "project_id" in ADDRESSES[row.name]
]


@pytest.mark.parametrize(("row", "converter"), FOREIGN, ids=str)
def test_what_is_another_project_s_is_not_to_be_had_by_one_s_own(
    world: World, row: Row, converter: str
) -> None:
    # Olga owns both and Ana works in both: it is the address that must say which is meant.
    role = next(role for role, status in row.statuses.items() if _came_in(status))
    theirs = world.others.get((row.name, converter), world.others[converter])
    assert world.ask(role, row, **{converter: theirs}) == "404"


@pytest.mark.parametrize(("row", "converter"), FOREIGN, ids=str)
def test_a_number_beyond_what_the_database_counts_is_not_there(
    world: World, row: Row, converter: str
) -> None:
    role = next(role for role, status in row.statuses.items() if _came_in(status))
    assert world.ask(role, row, **{converter: 2**63}) == "404"


@pytest.mark.parametrize(
    "row", [row for row in MATRIX if "project_id" in ADDRESSES[row.name]], ids=str
)
def test_a_project_beyond_what_the_database_counts_is_not_there(world: World, row: Row) -> None:
    assert world.ask("owner", row, project_id=2**63) == "404"


def _named_in_form(ids: Ids) -> list[tuple[str, str, dict[str, Any], str]]:
    """(address, method, what is sent, status) of forms that name a row of another project."""
    item = {"item": ids["item_id"], "client_key": "new"}
    panel = {"stop": "settled", "weights": "equal"}

    def judges(ids: Ids, name: str = "judges") -> dict[str, Any]:
        return {name: ids.get("panel_judges")}

    return [
        ("api_labels", "POST", {**item, "answers": {"sentiment": "positive"}}, "404"),
        ("api_skips", "POST", item, "404"),
        (
            "api_rulings",
            "POST",
            {"item": item["item"], "question": "stars", "answer": "1", "reason": "judge_error"},
            "404",
        ),
        ("api_runs", "POST", {"version": ids["version_id"]}, "404"),
        (
            "api_judges",
            "POST",
            {"question": "stars", "how": "connection", "connection": ids["connection_id"]},
            "404",
        ),
        ("api_panels", "POST", {"question": "sentiment", **judges(ids)}, "404"),
        ("review", "GET", {"item": ids["item_id"]}, "404"),
        ("panel_new", "POST", {**judges(ids, "members"), **panel}, "422"),
        ("judge_new", "POST", {"question": ids["question_id"], "how": "zero_shot"}, "422"),
        (
            "prompt",
            "POST",
            {"by": f"connection-{ids['connection_id']}", "model": "m", "step": "make"},
            "422",
        ),
        ("prompt", "GET", {"from": ids["version_id"]}, "404"),
        (
            "api_judge_preview",
            "POST",
            {"question": "stars", "connection": ids["connection_id"], "model": "m"},
            "404",
        ),
    ]


@pytest.mark.parametrize("n", range(len(_named_in_form(dict.fromkeys(ROWS_OF_PROJECT, 0)))))
def test_what_is_another_project_s_is_not_to_be_named_in_a_form(world: World, n: int) -> None:
    name, method, data, status = _named_in_form(world.others)[n]
    row = next(row for row in MATRIX if (row.name, row.method) == (name, method))
    assert world.ask("owner", row, data=data) == status
    own = _named_in_form(world.ids)[n][2]
    assert world.ask("owner", row, data=own) != status
