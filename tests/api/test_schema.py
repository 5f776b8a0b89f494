"""The schema is what the API does: requests drawn from it by the hundred break nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import strategies as st

from annotate.models import User
from annotate.services.accounts import token_get
from annotate.services.claims import claims_hold
from annotate.services.exports import export_run, export_start
from annotate.services.jobs import job_cancel, job_take
from annotate.services.rulings import ruling_make
from annotate.services.submissions import submission_submit
from config.wsgi import application
from judges.services.runs import run_start
from judges.services.versions import classifier_version
from tests.personas import PASSWORD, Story, story

# Of each operation; both personas together take well under a minute.
EXAMPLES = 8

pytestmark = pytest.mark.django_db


def test_the_schema_is_valid_and_nothing_in_it_was_guessed() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO())


def test_the_schema_is_served_to_everybody() -> None:
    response = Client().get("/api/v1/schema/")
    assert response.status_code == 200
    assert b"openapi: 3.0" in response.content
    assert Client().get("/api/v1/schema/?format=json").json()["info"]["title"] == "Concord API"


@pytest.fixture
def _connection_kept() -> Iterator[None]:
    """A real WSGI server lets go of its connections around a request; the test's stays."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("_connection_kept")
@pytest.mark.parametrize("role", ["owner", "annotator"])
def test_nothing_drawn_from_the_schema_breaks_the_server(role: str) -> None:
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]
    s, real = project_with_everything()
    token = token_get(person_of(s, role))
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", whole)
    tried = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        tried.add(operation.definition.raw["operationId"])

        @hypothesis.settings(
            max_examples=EXAMPLES,
            phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(operation.as_strategy(), st.integers(0, 7), st.data())
        def ask(case: Any, luck: int, data: st.DataObject) -> None:
            # Most requests name what is there: else nearly all would end as a 404.
            if luck:
                case.path_parameters = with_real(case.path_parameters, real, data)
            if luck > 2 and isinstance(case.body, dict):
                case.body = with_real(case.body, real, data)
            cache.clear()
            # Each begins with the same rows, and a failed statement ends with it.
            with transaction.atomic():
                case.call_and_validate(headers={"Authorization": f"Token {token}"}, checks=checks)
                transaction.set_rollback(True)

        ask()
    assert {"token", "labels_submit", "items_take_in", "runs_start", "exports_file"} <= tried


def whole(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The application, whose files are read to their end and closed."""
    reply = application(environ, start_response)
    try:
        return [b"".join(reply)]
    finally:
        reply.close()


def with_real(given: Any, real: dict[str, list[Any]], data: st.DataObject) -> Any:
    """What was drawn, with ids and words of the project where it has such a field."""
    if not isinstance(given, dict):
        return given
    return {
        name: data.draw(st.sampled_from(real[name])) if name in real else value
        for name, value in given.items()
    }


def person_of(s: Story, role: str) -> User:
    return {"owner": s.olga, "annotator": s.ana}[role]


def project_with_everything() -> tuple[Story, dict[str, list[Any]]]:
    """A project in the middle of its work, and the ids and words in it, by field."""
    s = story(labels_per_item=2)
    one, two, three = s.items(["Lovely.", "Dull.", "Cold soup."])
    submissions = []
    for person in (s.olga, s.ana):
        (held,) = claims_hold(s.rater(person))
        submissions.append(
            submission_submit(
                s.rater(person), held.item, answers=s.answer(), client_key="k1", flagged=True
            ).pk
        )
        claims_hold(s.rater(person))
    ruling = ruling_make(s.olga, one, s.question, choice=1, reason="guideline_gap")
    jobs = []
    for kind in ("csv", "jsonl"):
        job = export_start(s.olga, s.project, what="labels", format=kind)
        running = job_take(job.pk)
        assert running is not None
        export_run(running)
        jobs.append(job.pk)
    version = classifier_version(s.olga, s.question, mode="zero_shot")
    run = run_start(s.olga, version, selection={"strategy": "random", "limit": 2})
    job_cancel(s.olga, run.job)
    jobs.append(export_start(s.olga, s.project, what="items", format="csv").pk)
    return s, {
        "project_id": [s.project.pk],
        "item_id": [one.pk],
        "item": [one.pk, two.pk, three.pk],
        "job_id": [*jobs, run.job_id],
        "run_id": [run.pk],
        "ruling_id": [ruling.pk],
        "submission_id": submissions,
        "version": [version.pk],
        "question": ["sentiment"],
        "answer": ["positive", "unknown"],
        "answers": [{"sentiment": "negative"}, {"sentiment": "none"}],
        "client_key": ["k1", "k2"],
        "username": ["olga", "ana"],
        "password": [PASSWORD, "wrong"],
    }


def test_the_guide_lists_every_operation_and_no_other() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([A-Z]+) (\S+)`", guide, re.MULTILINE)
    paths = Client().get("/api/v1/schema/?format=json").json()["paths"]
    served = [
        (method.upper(), path.removeprefix("/api/v1/"))
        for path, methods in paths.items()
        for method in methods
        if path != "/api/v1/schema/"
    ]
    assert sorted(listed) == sorted(served)
