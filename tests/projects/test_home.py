"""The first page: one's projects, and what to do without any."""

from __future__ import annotations

import pytest
from django.test import Client

from annotate.services.claims import claim_item
from annotate.services.projects import project_archive
from annotate.services.submissions import submission_submit
from tests.personas import story, user

pytestmark = pytest.mark.django_db


def page(client: Client) -> str:
    response = client.get("/")
    assert response.status_code == 200
    return response.content.decode()


def test_projects_with_role_and_progress(client: Client) -> None:
    s = story(labels_per_item=2)
    first, *_rest = s.items(["a", "b"])
    rater = s.rater(s.ana)
    claim_item(rater, first)
    submission_submit(rater, first, answers=s.answer(), client_key="k")
    client.force_login(s.ana)
    html = page(client)
    assert "Restaurant reviews" in html
    assert "Annotator" in html
    assert "1 of 4 labels are in." in html
    assert "You labelled one item." in html


def test_projects_of_others_are_not_shown(client: Client) -> None:
    s = story()
    client.force_login(s.sam)
    html = page(client)
    assert "Restaurant reviews" not in html
    assert "ask its owner for a link" in html
    assert "Start a project" not in html


def test_archived_ones_stand_apart(client: Client) -> None:
    s = story()
    project_archive(s.olga, s.project)
    client.force_login(s.olga)
    html = page(client)
    assert html.index("Archived") < html.index("Restaurant reviews")


def test_founder_without_a_project_is_shown_how_to_begin(client: Client) -> None:
    client.force_login(user("fay", founder=True))
    html = page(client)
    assert "Start a project" in html
    assert "Take the sample" in html


def test_number_of_queries_does_not_grow(client: Client, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    from annotate.services.projects import project_create

    fay = user("fay", founder=True)
    for number in range(8):
        project_create(fay, name=f"Project {number}")
    client.force_login(fay)
    with django_assert_max_num_queries(8):
        page(client)
