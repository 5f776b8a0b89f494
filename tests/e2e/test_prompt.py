"""A newcomer's way to a judge: connect an endpoint, write a prompt, try it on ten items, run it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from threading import Thread

import pytest
from playwright.sync_api import Page, Route, expect

from annotate.models import Label, RaterKind
from bench.faulty_endpoint import Endpoint
from judges.models import JudgeVersion, Purpose, Run
from tests.answers import says
from tests.judges.judging import work
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """It answers A to anything."""
    server = Endpoint()
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def tale() -> Story:
    tale = story()
    for n, item in enumerate(tale.items([f"Soup number {n}." for n in range(12)])):
        if n < 10:
            says(tale, "w1", item, 0 if n < 8 else 1)
    return tale


def log_in(page: Page) -> None:
    page.goto("/account/login/")
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.wait_for_url(lambda url: "login" not in url)


def connect(page: Page, endpoint: Endpoint) -> None:
    page.get_by_role("link", name="Make a judge").click()
    page.get_by_role("link", name="add a connection").click()
    page.get_by_label("Another OpenAI-compatible endpoint").check()
    page.get_by_role("textbox", name="Address").fill(endpoint.url)
    page.get_by_role("button", name="Add the connection").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("127.0.0.1")


def test_a_newcomer_connects_writes_tries_and_runs(
    page: Page, tale: Story, endpoint: Endpoint
) -> None:
    log_in(page)
    page.goto(f"/projects/{tale.project.pk}/judges/")
    connect(page, endpoint)

    page.get_by_role("link", name="Judges", exact=True).first.click()
    page.get_by_role("link", name="Make a judge").click()
    page.get_by_label("127.0.0.1").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#prompt-status")).to_contain_text("Name the model")
    page.get_by_label("Model").fill("bench")
    expect(page.locator("#prompt-status")).not_to_contain_text("Name the model")

    task = page.get_by_label("Task", exact=True)
    task.fill("{{options}}\n\n{{itme}}\n\n{{question}}")
    expect(page.locator("#preview")).to_contain_text("Did you mean {{item}}?")
    task.fill("{{options}}\n\n")
    page.keyboard.press("Control+End")
    page.get_by_role("button", name="Insert {{item}}").click()
    expect(task).to_have_value("{{options}}\n\n{{item}}")
    expect(task).to_be_focused()
    expect(page.locator("#preview mark")).to_contain_text("Soup number")
    page.get_by_role("button", name="Next item").click()
    expect(page.locator("#preview")).to_contain_text("about item 2 of 12")
    expect(page.get_by_role("button", name="Next item")).to_be_focused()

    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#run-live")).to_contain_text("Trial of bench v1")
    run = Run.objects.get()
    assert (run.purpose, run.job.total) == (Purpose.TRIAL, 10)
    work(run)
    expect(page.locator("#run-live")).to_contain_text("8 of 10 items on which people are not tied")
    assert not Label.objects.filter(rater__kind=RaterKind.JUDGE).exists()

    page.get_by_role("button", name="Run on all 12 items").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run")
    labelling = Run.objects.latest("pk")
    work(labelling)
    expect(page.locator("#run-live")).to_contain_text("Done")
    assert Label.objects.filter(rater__kind=RaterKind.JUDGE).count() == 12


def test_what_was_entered_before_all_scripts_were_there_is_previewed(
    page: Page, tale: Story, endpoint: Endpoint
) -> None:
    log_in(page)
    page.goto(f"/projects/{tale.project.pk}/judges/")
    connect(page, endpoint)
    held: list[Route] = []
    page.route(re.compile(r"htmx[^/]*\.js"), lambda route: held.append(route))
    page.goto(f"/projects/{tale.project.pk}/judges/prompt/", wait_until="commit")
    page.get_by_label("Model").fill("bench")
    expect(page.locator("#prompt-status")).to_contain_text("Name the model")
    for route in held:
        route.continue_()
    expect(page.locator("#prompt-status")).not_to_contain_text("Name the model")


def test_what_was_written_is_not_left_by_accident_and_can_be_undone(
    page: Page, tale: Story, endpoint: Endpoint
) -> None:
    log_in(page)
    page.goto(f"/projects/{tale.project.pk}/judges/")
    connect(page, endpoint)
    page.goto(f"/projects/{tale.project.pk}/judges/prompt/")
    system = page.get_by_label("System prompt", exact=True)
    system.press("Control+End")
    system.press_sequentially(" Be kind.")
    page.get_by_role("button", name="Insert {{letters}}").first.click()
    expect(system).to_have_value(
        "You label items. Choose the option that fits the item best. Be kind.{{letters}}"
    )
    page.keyboard.press("Control+z")
    expect(system).to_have_value(
        "You label items. Choose the option that fits the item best. Be kind."
    )
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="Overview").click()
    expect(system).to_be_visible()
    assert asked == ["beforeunload"]
    assert not JudgeVersion.objects.exists()


def test_the_task_follows_the_way_of_asking_until_it_is_one_s_own(
    page: Page, tale: Story, endpoint: Endpoint
) -> None:
    log_in(page)
    page.goto(f"/projects/{tale.project.pk}/judges/")
    connect(page, endpoint)
    page.goto(f"/projects/{tale.project.pk}/judges/prompt/")
    task = page.get_by_label("Task", exact=True)
    page.get_by_label("Way of asking").select_option("checklist")
    expect(page.get_by_label("Yes/no questions")).to_be_visible()
    expect(task).to_have_value(re.compile("{{checks}}"))
    task.fill("Mine. {{item}} {{checks}}")
    page.get_by_label("Way of asking").select_option("direct")
    expect(page.locator("#preview")).to_contain_text("The options are shown nowhere")
    expect(task).to_have_value("Mine. {{item}} {{checks}}")
    expect(page.get_by_label("Yes/no questions")).to_be_hidden()
