"""axe-core finds nothing on the pages of a project, in light and in dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from annotate.models import Item
from annotate.services.jobs import job_take
from judges.models import JudgeVersion, ReplacementTest
from judges.services.audits import audits_start
from judges.services.judge_reports import reports_run, reports_start
from judges.services.replacement_tests import (
    replacement_decide,
    replacement_plan,
    replacement_run,
)
from judges.services.watching import watch_round_start, watch_set
from tests.answers import says
from tests.judges.judging import answering, scripted_version, work
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db(transaction=True)

# axe-core 4.10.3 of the npm registry, unchanged; its licence (MPL 2.0) stands beside it.
AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
# WCAG 2.2 up to AA, and what axe holds good practice.
RULES = {
    # It would look for imported style sheets beside the page, not beside the sheet.
    "preload": False,
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
}


@pytest.fixture
def tale() -> Story:
    """Two people and a judge who agree on some items and differ on others; some left to label."""
    tale = story(labels_per_item=3)
    for n, item in enumerate(tale.items([f"Text {n}" for n in range(8)])[:5]):
        says(tale, "ana", item, n % 3)
        says(tale, "w1", item, 0)
        says(tale, "j1", item, 1, confidence=0.55, rationale="A reason.")
    _trusted(tale)
    return tale


def audited_judge(tale: Story) -> JudgeVersion:
    """A judge whose audits found something, and which is watched."""
    version = scripted_version(tale)
    with answering(lambda _request: "A"):
        work(audits_start(tale.olga, version, ["option_order", "repeat"], n_items=8))
        for _round in range(3):
            work(watch_round_start(tale.olga, watch_set(tale.olga, version, n_items=8)))
    return version


def _trusted(tale: Story) -> None:
    """A report on the judge, a replacement test that is planned and one that is decided."""
    running = job_take(reports_start(tale.olga, tale.project).pk)
    assert running is not None
    reports_run(running)
    judge = tale.project.raters.get(name="j1")
    for decides in (False, True):
        plan = {"epsilon": 0.1, "score": "accuracy", "n_people": 3, "per_item": 3, "gap": 0.1}
        test = replacement_plan(tale.olga, tale.question, judge, **plan)
        jobs = [test.deciding]
        for job in jobs:
            running = job_take(job.pk) if job else None
            assert running is not None
            replacement_run(running)
            if decides and len(jobs) == 1:
                test.refresh_from_db()
                jobs.append(replacement_decide(tale.olga, test).deciding)


def addresses(tale: Story) -> list[str]:
    project, item = tale.project.pk, Item.objects.order_by("pk").first()
    assert item is not None
    ana = tale.rater(tale.ana).pk
    audited = audited_judge(tale).pk
    judge = tale.project.raters.get(name="j1").pk
    at = [
        *(("home",), ("account",), ("project_new",), ("password_change",)),
        *((name, project) for name in PROJECT_PAGES),
        ("item", project, item.pk),
        ("hand_over", project, tale.question.pk, judge),
        ("corrected", project, tale.question.pk, judge),
        ("rater", project, ana),
        ("rater_pair", project, ana, judge),
        ("judge_watch", project, audited),
        ("judge_audits", project, audited),
        ("import_new", project, "items"),
        ("question_edit", project, tale.question.pk),
        ("project_delete", project),
        ("judge_report", project, tale.question.pk, judge),
        ("replacement_tests", project, tale.question.pk, judge),
        *(("replacement_test", project, test.pk) for test in ReplacementTest.objects.all()),
    ]
    return [reverse(name, args=args) for name, *args in at]


PROJECT_PAGES = (
    *("overview", "label", "review", "items", "raters", "differing", "data", "people"),
    *("guideline", "guideline_edit", "question_new", "judges", "judge_new", "prompt"),
    *("settings", "people_work", "trust", "likely_errors", "routing"),
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, tale: Story, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto("/account/login/")
    found = dict(_found(page, "/account/login/"))
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url(lambda url: "login" not in url)

    for address in addresses(tale):
        page.goto(address)
        found |= _found(page, address)

    assert not found, "\n".join(
        f"{address}: {words}" for address, told in found.items() for words in told
    )


def _found(page: Page, address: str) -> dict[str, list[str]]:
    """What is wrong with the page: the rule, and the first places."""
    # Evaluated by the browser's tools, which the content policy does not bind.
    page.evaluate(AXE)
    wrong = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    words = [
        f"{rule['id']}: {rule['help']}: "
        + " | ".join(f"{node['target']} {node['html'][:120]}" for node in rule["nodes"][:3])
        for rule in wrong
    ]
    return {address: words} if words else {}
