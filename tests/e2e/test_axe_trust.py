"""axe-core finds nothing on the filled pages of likely label errors and routing."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from annotate.services.jobs import job_take
from annotate.services.label_errors import label_errors_run, label_errors_start
from annotate.services.routing import (
    costs_suggested,
    routing_refresh_run,
    routing_start,
    routing_trial_run,
    routing_try,
)
from tests.answers import says
from tests.e2e.test_axe import _found
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db(transaction=True)


def ran(job: Any, work: Any) -> None:
    running = job_take(job.pk)
    assert running is not None
    work(running)


@pytest.fixture
def tale() -> Story:
    """Three people who mostly agree, a judge, and items that nobody has looked at."""
    tale = story(labels_per_item=3)
    for n, item in enumerate(tale.items([f"Text {n}" for n in range(14)])[:10]):
        for who in ("w1", "w2", "w3"):
            says(tale, who, item, 1 - n % 2 if (who, n % 5) == ("w3", 4) else n % 2)
        says(tale, "j1", item, n % 2, confidence=0.9)
    ran(label_errors_start(tale.rhea, tale.question), label_errors_run)
    ran(routing_try(tale.rhea, tale.project), routing_trial_run)
    return tale


def test_axe_finds_nothing(page: Page, tale: Story) -> None:
    page.goto("/account/login/")
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    errors, routing = (
        reverse(name, args=[tale.project.pk]) for name in ("likely_errors", "routing")
    )
    found: dict[Any, Any] = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        for address in (errors, routing):
            page.goto(address)
            found |= dict(_found(page, address))
    assert page.get_by_role("button", name="Switch on with this rule").is_visible()
    page.goto(errors)
    page.keyboard.press("1")
    page.get_by_text("because: ").wait_for()

    plan = routing_start(
        tale.olga,
        tale.project,
        rule=(0.95, 1),
        control_percent=10,
        costs=costs_suggested(tale.question),
        expert_right=0.95,
    )
    ran(plan.refresh, routing_refresh_run)
    page.goto(routing)
    found |= dict(_found(page, routing))

    assert page.get_by_text("items are settled").is_visible()
    assert found == {}
