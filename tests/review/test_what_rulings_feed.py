"""Rulings feed known answers and the guideline: the note is put where the text speaks of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import Gold, Item, Ruling
from annotate.selectors.guideline_gaps import gaps_since, noted
from annotate.services.projects import guideline_live, guideline_publish
from annotate.services.rulings import ruling_make
from tests.answers import says
from tests.personas import Story, story

pytestmark = pytest.mark.django_db

GUIDELINE = """# How to label

Judge the text only.

## Positive

Praise, even faint.

## Negative

A complaint.

### Irony

Counts as what is meant.

## Not mentioned
Neither."""


@pytest.fixture
def tale() -> Story:
    tale = story()
    (one,) = tale.items(["So *good* I left\nearly."])
    says(tale, "w1", one, 0)
    says(tale, "w2", one, 1)
    return tale


def client_of(tale: Story, who: str) -> Client:
    client = Client()
    client.force_login(getattr(tale, who))
    return client


def gap(tale: Story, choice: int = 1, comment: str = "Irony counts.") -> Ruling:
    return ruling_make(
        tale.rhea,
        Item.objects.get(),
        tale.question,
        choice=choice,
        reason="guideline_gap",
        comment=comment,
    )


def rule(client: Client, tale: Story, **more: Any) -> Any:
    address = reverse(
        "review_rule", args=[tale.project.pk, tale.question.pk, Item.objects.get().pk]
    )
    data = {"choice": 1, "reason": "guideline_gap", **more}
    return client.post(address, data, headers={"HX-Request": "true"})


@pytest.mark.parametrize(
    ("choice", "after", "before"),
    [
        (0, "Praise, even faint.", "\n\n## Negative"),
        (1, "Counts as what is meant.", "\n\n## Not mentioned"),
        (2, "Neither.", ""),
    ],
)
def test_a_note_goes_to_the_end_of_the_section_of_its_answer(
    tale: Story, choice: int, after: str, before: str
) -> None:
    note = noted(GUIDELINE, gap(tale, choice))

    name = ("Positive", "Negative", "Not mentioned")[choice]
    line = f"- “So \\*good\\* I left early.” → {name}: Irony counts."
    assert note.text[note.start : note.end] == line
    assert note.text == GUIDELINE.replace(after, f"{after}\n{line}") + "\n"
    assert note.place == name


def test_without_a_section_a_note_goes_under_the_line_or_to_the_end(tale: Story) -> None:
    ruling = gap(tale, comment="")

    under = noted("- negative: a complaint\n- positive: praise", ruling)
    behind = noted("See *Negative*\nfor that.\n\n**Negative.** A\ncomplaint.\n\nElse.", ruling)
    at_end = noted("Judge the text only.", ruling)
    alone = noted("", ruling)

    assert under.text.splitlines()[1].startswith("- “So")
    assert at_end.text.startswith("Judge the text only.\n\n## Settled in review\n\n- “So")
    assert behind.text.splitlines()[5].startswith("- “So")
    assert (behind.place, behind.text.splitlines()[4]) == ("Negative. A", "complaint.")
    assert (at_end.place, alone.start) == ("", 0)


def test_a_ruling_for_a_gap_leads_to_the_guideline_at_that_place(tale: Story) -> None:
    guideline_publish(tale.olga, tale.project, GUIDELINE)
    client = client_of(tale, "olga")

    page = rule(client, tale, note="Irony counts.").content.decode()
    (address,) = re.findall(r'href="([^"]*guideline/edit[^"]*)"', page)
    editor = client.get(address.replace("&amp;", "&")).content.decode()

    assert "is added under “Negative”" in editor
    assert re.search(r'data-select-from="\d+"', editor)
    assert "→ Negative: Irony counts." in editor
    assert guideline_live(tale.project).text == GUIDELINE  # nothing is live before it is published


def test_a_reviewer_who_may_not_write_leaves_the_gap_to_the_owners(tale: Story) -> None:
    page = rule(client_of(tale, "rhea"), tale).content.decode()

    assert "the owners find it beside the guideline" in page
    shown = client_of(tale, "olga").get(reverse("guideline", args=[tale.project.pk]))
    assert "Gaps that review showed" in shown.content.decode()
    hidden = client_of(tale, "ana").get(reverse("guideline", args=[tale.project.pk]))
    assert "Gaps that review showed" not in hidden.content.decode()


def test_a_new_version_closes_the_gaps_before_it(tale: Story) -> None:
    gap(tale)
    assert len(gaps_since(tale.project, guideline_live(tale.project))) == 1

    guideline_publish(tale.olga, tale.project, GUIDELINE)

    assert len(gaps_since(tale.project, guideline_live(tale.project))) == 0


def test_a_ruling_is_kept_as_a_known_answer_where_that_is_said(tale: Story) -> None:
    client = client_of(tale, "rhea")
    rule(client, tale)
    assert not Gold.objects.exists()

    rule(client, tale, choice=0, standing=Ruling.objects.get().pk, gold="on")

    gold = Gold.objects.get()
    assert (gold.choice, gold.source) == (0, "ruling")
    page = client.get(reverse("item", args=[tale.project.pk, gold.item_id])).content.decode()
    assert "Known answer" in page
