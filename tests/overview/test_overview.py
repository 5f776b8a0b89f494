"""The overview: what needs somebody, progress, agreement and the figures of each rater."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotate.models import Item, Job, JobState, Label, Submission
from annotate.selectors import figures as figures_module
from annotate.selectors.figures import figures_of
from annotate.selectors.overview import jobs_stopped, progress_of
from annotate.selectors.tables import question_table
from annotate.services.claims import claim_item
from annotate.services.figures import figures_run, figures_start
from annotate.services.jobs import job_create, job_take
from annotate.services.projects import project_create
from annotate.services.submissions import submission_skip
from annotate.tasks import job_do
from annotate.views import matrix_shown, overview_shown
from consensus.krippendorff import krippendorff_interval
from consensus.table import LabelTable
from tests.answers import says
from tests.personas import SENTIMENT, STARS, Story, story

pytestmark = pytest.mark.django_db


def page_of(tale: Story, who: str = "olga") -> str:
    client = Client()
    client.force_login(getattr(tale, who))
    answer = client.get(reverse("overview", args=[tale.project.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def tale() -> Story:
    """Four items: two agreed on, one split, one where the judge differs."""
    tale = story(labels_per_item=2)
    one, two, split, differs = tale.items(["a", "b", "c", "d"])
    for item, first, second, judge in ((one, 0, 0, 0), (two, 1, 1, 1), (split, 0, 2, 0)):
        says(tale, "ana", item, first)
        says(tale, "ben", item, second)
        says(tale, "j1", item, judge)
    says(tale, "w1", differs, 0)
    says(tale, "j1", differs, 1)
    return tale


def test_what_needs_a_lead_comes_first_with_a_number_and_a_link(tale: Story) -> None:
    page = page_of(tale)

    text = words(page)
    assert "1 item on which people are split. Settle them" in text
    assert "1 item on which the judges say otherwise than people. Settle them" in text
    assert "reason=people_split" in page
    assert text.index("What needs you") < text.index("Progress") < text.index("Sentiment")


@pytest.mark.parametrize(
    ("who", "status"),
    [("olga", 200), ("rhea", 200), ("vic", 200), ("ana", 403), ("sam", 404)],
)
def test_who_may_see_results_sees_them(tale: Story, who: str, status: int) -> None:
    client = Client()
    client.force_login(getattr(tale, who))

    assert client.get(reverse("overview", args=[tale.project.pk])).status_code == status


def test_a_viewer_is_led_only_where_they_may_go(tale: Story) -> None:
    page = page_of(tale, "vic")

    assert reverse("review", args=[tale.project.pk]) not in page
    assert f"{reverse('items', args=[tale.project.pk])}?question=" in page
    assert 'method="post"' not in page.split("<main")[1].split("</main>")[0]


def test_alpha_over_people_is_that_of_consensus(tale: Story) -> None:
    table = LabelTable.from_codes(
        [0, 0, 1, 1, 2, 2, 3], [0, 1, 0, 1, 0, 1, 2], [0, 0, 1, 1, 0, 2, 0], n_classes=3
    )
    expected = krippendorff_interval(table, level="nominal")

    found = figures_of(tale.question)["agreement"]

    assert found["value"] == pytest.approx(expected.value)
    assert (found["n_items"], found["n"]) == (3, 6)
    assert f"{expected.value:.2f}"[1:] in words(page_of(tale))


def test_a_rating_is_measured_as_ordered() -> None:
    tale = story(questions=(STARS,))
    for item, (a, b) in zip(tale.items(["a", "b", "c"]), [(0, 1), (4, 4), (2, 3)], strict=True):
        says(tale, "w1", item, a)
        says(tale, "w2", item, b)

    assert figures_of(tale.question)["agreement"]["level"] == "ordinal"


def test_undefined_agreement_is_said_to_be_undefined() -> None:
    tale = story()
    (item,) = tale.items(["a"])
    says(tale, "w1", item, 0)
    assert "Not defined yet: no item has labels of two people." in words(page_of(tale))

    says(tale, "w2", item, 0)

    assert "Not defined: all labels name one option" in words(page_of(tale))


def test_each_rater_stands_beside_the_other_people(tale: Story) -> None:
    rows = {row["name"]: row for row in figures_of(tale.question)["raters"]}

    # Ana and Ben are measured by each other: alike on two of three items.
    assert (rows["Ana"]["agree"], rows["Ana"]["shared"]) == (2, 3)
    # The split item has no majority, so the judge is measured on three, and differs on one.
    assert (rows["j1"]["agree"], rows["j1"]["shared"]) == (2, 3)
    # Nobody else has labelled the last item.
    assert rows["w1"]["share"] is None
    assert rows["Ana"]["low"] < 2 / 3 < rows["Ana"]["high"]


def test_the_matrix_compares_each_two_and_leads_to_where_they_differ(tale: Story) -> None:
    matrix = figures_of(tale.question)["matrix"]

    names = [rater["name"] for rater in matrix["raters"]]
    assert names == ["Ana", "Ben", "w1", "j1"]
    assert matrix["cells"][0][1] == [pytest.approx(2 / 3), 3]
    assert matrix["cells"][0][3] == [1.0, 3]
    assert matrix["cells"][0][2] is None
    a, b = (rater["pk"] for rater in matrix["raters"][:2])
    assert f"question={tale.question.pk}&amp;a={a}&amp;b={b}" in page_of(tale)


def test_the_matrix_is_cut_at_its_bound_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    tale = story()
    for item in tale.items(["a", "b"]):
        for n in range(5):
            says(tale, f"w{n}", item, n % 2)
    monkeypatch.setattr(figures_module, "MATRIX", 3)
    monkeypatch.setattr(matrix_shown, "MATRIX", 3)

    assert len(figures_of(tale.question)["matrix"]["cells"]) == 3
    assert "The 3 raters with the most labels; 2 are left out." in words(page_of(tale))


def test_people_of_a_table_are_those_that_a_query_finds(tale: Story) -> None:
    """So that an aggregation is told to be outdated when, and only when, its labels changed."""
    whole = question_table(tale.question)
    for who in ("people", "judges", "all"):
        part, asked = whole.of(who), question_table(tale.question, who)
        assert part.fingerprint == asked.fingerprint
        assert part.table.n_items == asked.table.n_items
        assert part.rater_ids.tolist() == asked.rater_ids.tolist()


def test_progress_counts_places_and_says_what_does_not_fill_them(tale: Story) -> None:
    text = words(page_of(tale))

    assert "6 of 8 labels of people" in text
    assert "3 of 4 items have all their labels" in text
    assert "1 label of a person came with a file; 4 labels of judges came with files" in text
    assert "No forecast yet" in text


def test_the_forecast_rests_on_the_last_days_and_says_so() -> None:
    tale = story(labels_per_item=1)
    items = tale.items([str(n) for n in range(40)])
    now = timezone.now()
    for n, item in enumerate(items[:20]):
        says(tale, ("ana", "ben")[n % 2], item, 0)
    # Twelve in the last four days; eight are too long ago to count.
    for n, submission in enumerate(Submission.objects.order_by("pk")):
        days = 30 if n >= 12 else 3.5 * n / 12
        submission.created_at = now - timedelta(days=days)
        submission.save(update_fields=["created_at"])

    forecast = progress_of(tale.project, now).forecast

    assert (forecast.labels, forecast.people, forecast.over_days) == (12, 2, 4)
    assert forecast.per_day == pytest.approx(3)
    assert forecast.days == 7  # 20 left at 3 a day
    text = words(page_of(tale))
    assert "About 7 days to go" in text
    assert "the 12 labels that 2 people gave in the last 4 days" in text
    # Three, four, three and two a day; of the 20 left, Poisson counts of three leave much open.
    assert (forecast.low, forecast.high) == (4, 15)
    assert "it takes 4 to 15 days in four of five cases" in text


def test_the_forecast_of_a_first_day_is_said_as_people_say_it() -> None:
    tale = story(labels_per_item=1)
    for item in tale.items([str(n) for n in range(30)])[:12]:
        says(tale, "ana", item, 0)

    assert "the 12 labels that 1 person gave in the last day" in words(page_of(tale))


def test_what_they_said_over_time_leads_to_the_items_of_each_number(tale: Story) -> None:
    long_ago = timezone.now() - timedelta(days=3)
    Label.objects.filter(item__external_id__in=["i1", "i2"]).update(created_at=long_ago)

    first, last = figures_of(tale.question)["over_time"]

    assert (first["person"], first["judge"]) == ({"0": 2, "1": 2}, {"0": 1, "1": 1})
    assert (last["person"], last["judge"]) == ({"0": 2, "2": 1}, {"0": 1, "1": 1})
    page = page_of(tale)
    assert "What they said over time" in words(page)
    assert "the share of Negative went from 50 % in the first period to 0 % in the last" in words(
        page
    )
    url = next(
        url
        for url in re.findall(r'href="([^"]+)"', page)
        if f"who=person&amp;since={last['since']}" in url and "answer=2" in url
    )
    client = Client()
    client.force_login(tale.vic)
    listed = client.get(url.replace("&amp;", "&")).content.decode()
    assert re.findall(r'class="items__more" dir="auto">([^<· ]+)', listed) == ["i3"]


def test_a_finished_project_has_no_days_to_go() -> None:
    tale = story(labels_per_item=1)
    for item in tale.items([str(n) for n in range(12)]):
        says(tale, "ana", item, 0)

    assert "All labels that were wanted of people are there." in words(page_of(tale))


def test_flags_surplus_refused_lines_and_stopped_jobs_are_told(tale: Story) -> None:
    from annotate.models import ImportBatch

    item = Item.objects.get(external_id="i4")
    cem = tale.rater(tale.cem)
    claim_item(cem, item)
    submission_skip(cem, item, client_key="k", flagged=True)
    first = Submission.objects.filter(rater=tale.rater(tale.ana)).order_by("pk").first()
    assert first
    Submission.objects.filter(pk=first.pk).update(status="surplus")
    ImportBatch.objects.create(
        project=tale.project,
        kind="items",
        format="csv",
        status="committed",
        name="tea.csv",
        upload="x",
        counts={"refused": 3},
        created_by=tale.olga,
    )
    job = job_create(tale.olga, project=tale.project, kind="export", task="annotate.export")
    running = job_take(job.pk)
    assert running
    running.fail("The disk is full.")

    text = words(page_of(tale))

    assert "1 item flagged and not ruled on." in text
    assert "1 answer came too late and is kept, not counted." in text
    assert "3 lines of tea.csv were refused. See why" in text
    assert "Export failed: The disk is full." in text


def test_a_failure_made_good_is_forgotten_and_a_pause_is_not(tale: Story) -> None:
    def job(state: str, kind: str = "export") -> Job:
        made = job_create(tale.olga, project=tale.project, kind=kind, task="t")
        Job.objects.filter(pk=made.pk).update(state=state, finished_at=timezone.now())
        return made

    job("failed")
    paused = job("paused")
    job("done")
    other = job("failed", "aggregate")

    assert [found.pk for found in jobs_stopped(tale.project)] == [other.pk, paused.pk]


def test_an_empty_project_says_what_to_do_first() -> None:
    tale = story()
    bare = project_create(tale.olga, name="Bare")
    client = Client()
    client.force_login(tale.olga)

    text = words(client.get(reverse("overview", args=[bare.pk])).content.decode())

    assert "0 questions: nothing is asked of the items yet. Add a question" in text
    assert "0 items: there is nothing to label yet. Bring in data" in text
    assert "No labels yet." in words(page_of(tale))


def test_names_of_raters_and_questions_are_shown_as_text() -> None:
    tale = story()
    tale.question.name = "<b>bold</b>"
    tale.question.save(update_fields=["name"])
    (item,) = tale.items(["a"])
    says(tale, "w<script>alert(1)</script>", item, 0)

    page = page_of(tale)

    assert "<script>alert" not in page
    assert "&lt;b&gt;bold" in page


def test_many_labels_are_worked_out_by_a_job_and_shown_with_their_time(
    tale: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview_shown, "AT_ONCE", 3)
    monkeypatch.setattr(
        overview_shown, "figures_of", lambda question: pytest.fail("computed in the request")
    )
    before = words(page_of(tale))
    assert "There are 11 labels: too many" in before
    assert "Compute the figures" in before
    assert "Compute the figures" not in words(page_of(tale, "vic"))

    client = Client()
    client.force_login(tale.rhea)
    started = client.post(reverse("figures", args=[tale.project.pk]))
    assert started.status_code == 302
    assert "At work" in words(page_of(tale))
    job = Job.objects.get(kind="figures")
    job_do(job.pk, figures_run)
    says(tale, "w2", Item.objects.get(external_id="i4"), 0)

    after = words(page_of(tale))
    assert "The figures below are of" in after
    assert "Since then the number of labels has changed by 1." in after
    assert "Agreement of people" in after
    job.refresh_from_db()
    assert job.result["questions"][str(tale.question.pk)]["n_labels"] == 11

    # Figures that an older job kept have other fields, and are shown still.
    kept = job.result["questions"][str(tale.question.pk)]
    old = {name: kept["agreement"][name] for name in ("value", "low", "high", "n_items", "level")}
    kept["agreement"] = {**old, "n_pairable": 6, "n_undefined": 0}
    job.save(update_fields=["result"])
    assert words(page_of(tale)) == after


def test_figures_are_computed_once_at_a_time_and_not_for_viewers(tale: Story) -> None:
    first = figures_start(tale.olga, tale.project)
    assert figures_start(tale.rhea, tale.project) == first
    client = Client()
    for who, status in (("vic", 403), ("ana", 403), ("sam", 404)):
        client.force_login(getattr(tale, who))
        assert client.post(reverse("figures", args=[tale.project.pk])).status_code == status
    assert Job.objects.filter(kind="figures", state=JobState.QUEUED).count() == 1


def test_queries_do_not_grow_with_raters_or_items(django_assert_max_num_queries: Any) -> None:
    tale = story(questions=(SENTIMENT,))
    items = tale.items([str(n) for n in range(12)])
    for item in items:
        for n in range(8):
            says(tale, f"w{n}", item, n % 3)
    client = Client()
    client.force_login(tale.olga)

    with django_assert_max_num_queries(30):
        client.get(reverse("overview", args=[tale.project.pk]))
