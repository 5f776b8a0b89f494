"""Published winning rates and advantages on the pages of the app, from files of others brought in
by the import (folder REFERENCE_DATA).

N. Calderon, R. Reichart and R. Dror, ACL 2025: by six language models, to the printed digits.
"""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import Project, User
from annotate.services.jobs import job_cancel, job_take
from annotate.written import fraction
from judges.services.judge_reports import reports_run, reports_start
from judges.services.replacement_tests import (
    replacement_decide,
    replacement_plan,
    replacement_run,
)
from tests.imports.test_reference import bring, path

pytestmark = [pytest.mark.reference, pytest.mark.django_db]

MODELS = ("gpt-4o", "gemini_pro", "gemini_flash", "gpt-4o-mini", "llama-31", "mistral-v03")
# Name of the set, whether it has a file of items, epsilon, closeness; winning rates and advantages.
PUBLISHED = [
    (
        "alttest_cebab_aspects",
        True,
        0.1,
        "accuracy",
        (0.90, 0.90, 0.70, 0.50, 0.60, 0.10),
        (0.93, 0.94, 0.91, 0.90, 0.89, 0.81),
    ),
    (
        "alttest_wax",
        True,
        0.1,
        "accuracy",
        (0.50, 0.50, 0.38, 0.00, 0.00, 0.00),
        (0.73, 0.74, 0.69, 0.59, 0.57, 0.50),
    ),
    (
        "alttest_framing",
        False,
        0.15,
        "accuracy",
        (1.0, 1.0, 1.0, 1.0, 0.50, 0.25),
        (0.92, 0.91, 0.83, 0.87, 0.80, 0.80),
    ),
    (
        "alttest_cebab_stars",
        True,
        0.1,
        "neg_rmse",
        (0.90, 0.80, 0.60, 0.90, 0.60, 0.50),
        (0.90, 0.87, 0.82, 0.89, 0.85, 0.83),
    ),
]


@pytest.mark.parametrize(
    ("name", "has_items", "epsilon", "score", "rates", "advantages"),
    PUBLISHED,
    ids=[row[0] for row in PUBLISHED],
)
def test_the_report_shows_the_published_figures(
    client: Client,
    name: str,
    has_items: bool,
    epsilon: float,
    score: str,
    rates: tuple[float, ...],
    advantages: tuple[float, ...],
) -> None:
    files = ["--labels", path(f"{name}.labels.csv")]
    if has_items:
        files += ["--items", path(f"{name}.items.csv")]
    bring(*files, "--question-key=judgement")
    project, olga = Project.objects.get(), User.objects.get(username="olga")
    question = project.questions.get()
    client.force_login(olga)
    _do(reports_start(olga, project).pk, reports_run)
    for model, rate, advantage in zip(MODELS, rates, advantages, strict=True):
        judge = project.raters.get(name=model)
        test = replacement_plan(
            olga,
            question,
            judge,
            epsilon=epsilon,
            score=score,
            n_people=3,
            per_item=3,
            gap=0.1,
            seed=1,
        )
        assert test.deciding
        job_cancel(olga, test.deciding)  # what a sample would show is not asked here
        _do(replacement_decide(olga, test).deciding_id, replacement_run)

        html = client.get(
            reverse("judge_report", args=[project.pk, question.pk, judge.pk])
        ).content.decode()

        shown = dict(_figures(html))
        assert shown["Winning rate"][0] == fraction(rate), model
        assert shown["Advantage"][0] == fraction(advantage), model
        for figure in ("Winning rate", "Advantage"):
            assert " to " in shown[figure][1], (model, figure)
        assert html.count('class="curve__line"') == 1


def _figures(html: str) -> list[tuple[str, tuple[str, str]]]:
    """(title, (value, the words of its interval)) of each figure of a page."""
    found = []
    for block in re.findall(r'<div class="figure">(.*?)</svg>', html, flags=re.S):
        words = " ".join(re.sub(r"<[^>]+>", " ", block).split())
        title = re.search(r'figure__label">([^<]+)<', block)
        value = re.search(r'interval__value">\s*([^<\s]+)\s*<', block)
        if title and value:
            found.append((title[1].strip(), (value[1].replace("&gt;", ">"), words)))
    return found


def _do(job_id: int | None, work: object) -> None:
    running = job_take(job_id or 0)
    assert running is not None
    assert callable(work)
    work(running)
