"""In which language a person reads Concord, and how it writes numbers and days there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.contrib.humanize.templatetags.humanize import intcomma
from django.test import Client
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import deactivate, override
from django.utils.translation import gettext as _

from annotate.models import Job
from annotate.services.jobs import RunningJob, job_create
from annotate.tasks import job_do
from annotate.written import decimal, fraction
from tests.personas import story, user

pytestmark = pytest.mark.django_db
LOG_IN = "/account/login/"


@pytest.fixture(autouse=True)
def nobody_else_hears_it() -> Iterator[None]:
    """A request leaves its language in the thread; the next one sets its own, other tests none."""
    yield
    deactivate()


def language_of(client: Client, address: str, asked: str = "") -> str:
    headers = {"Accept-Language": asked} if asked else {}
    html = client.get(address, headers=headers).content.decode()
    return html.partition('<html lang="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("zh-CN,zh;q=0.9", "zh-hans"),
        ("fr-FR,fr;q=0.9", "en"),
        ("no such thing;;q", "en"),
    ],
)
def test_visitors_are_spoken_to_as_their_browser_asks(
    client: Client, asked: str, spoken: str
) -> None:
    assert language_of(client, LOG_IN, asked) == spoken


def test_ones_choice_comes_before_the_browsers_and_is_kept_for_the_log_in(client: Client) -> None:
    ana = user("ana")
    client.force_login(ana)
    assert language_of(client, "/", "zh-CN") == "zh-hans"

    sent = {"name": "Ana", "theme": "auto", "language": "de"}
    html = client.post("/account/", sent, follow=True).content.decode()

    assert 'lang="de"' in html
    assert "Gespeichert." in html
    assert language_of(client, "/", "zh-CN") == "de"
    client.post(reverse("logout"))
    assert language_of(client, LOG_IN, "zh-CN") == "de"

    client.force_login(ana)
    client.post("/account/", {**sent, "language": ""})
    assert language_of(client, "/", "zh-CN") == "zh-hans"


def test_a_language_that_is_not_there_is_refused_and_never_breaks_a_page(client: Client) -> None:
    ana = user("ana")
    client.force_login(ana)
    sent = {"name": "Ana", "theme": "auto", "language": "tlh"}
    assert client.post("/account/", sent).status_code == 422
    type(ana).objects.update(language="tlh")  # once there, then taken out of the settings
    assert language_of(client, "/") == "en"


def test_a_job_says_what_it_says_in_the_language_of_who_asked_for_it() -> None:
    s = story()

    def work(running: RunningJob) -> None:
        running.finish(message=_("Paused."))

    with override("de"):
        job = job_create(s.olga, project=s.project, kind="export", task="annotate.export")
    job_do(job.pk, work)
    plain = job_create(s.olga, project=s.project, kind="export", task="annotate.export")
    with override("zh-hans"):
        job_do(plain.pk, work)

    assert Job.objects.get(pk=job.pk).message == "Angehalten."
    assert Job.objects.get(pk=plain.pk).message == "Paused."


@pytest.mark.parametrize(
    ("language", "count", "small", "day"),
    [
        ("en", "12,345", "2.5 .74 −.08 >.99 1", "7 March 2026, 9 Mar 2026"),
        ("de", "12.345", "2,5 0,74 −0,08 >0,99 1", "7. März 2026, 9. Mär 2026"),
        ("zh-hans", "12,345", "2.5 0.74 −0.08 >0.99 1", "2026年3月7日, 2026年3月9日"),
    ],
)
def test_numbers_and_days_are_written_as_the_language_does(
    language: str, count: str, small: str, day: str
) -> None:
    first, second = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (7, 9))
    with override(language):
        assert intcomma(12345) == count
        numbers = [decimal(2.5, 1), *(fraction(x) for x in (0.74, -0.08, 0.996, 1.0))]
        assert " ".join(numbers) == small
        days = date_format(first, "DATE_FORMAT"), date_format(second, "SHORT_DATE_FORMAT")
        assert ", ".join(days) == day
