"""Benches put rows in past the services: what they put in must be what pages read."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from annotate.models import Item, ItemEstimate, Label
from bench.pages_filled import filled


@pytest.mark.django_db(transaction=True)
def test_a_project_filled_for_a_bench_can_be_opened_and_its_counts_are_right(capsys):
    question = filled(60)
    project = question.project
    assert Item.objects.filter(project=project).count() == 60
    assert Label.objects.filter(question=question, status="live").count() == 60 * 5
    assert ItemEstimate.objects.filter(run__question=question).count() == 60
    client = Client()
    client.force_login(project.memberships.get(role="owner").user)
    for name in ("overview", "items", "review", "raters"):
        assert client.get(reverse(name, args=[project.pk])).status_code == 200

    call_command("check_summaries", project=project.pk)
    assert "All counts are what the labels say." in capsys.readouterr().out
