"""Writing a prompt in the browser: what is filled in, shown, refused, kept and tried."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import RaterKind
from annotate.services.claims import claims_hold
from annotate.services.items import ItemRow, items_take_in
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from judges.models import Connection, JudgeVersion, Run
from judges.prompting.how import Examples, How, Repeats
from judges.prompting.length import about_tokens
from judges.prompting.plan import CallKey
from judges.prompting.words import DEFAULT_OUTPUT, DEFAULT_SYSTEM, default_task
from judges.selectors.asked import asked_of, how_of
from judges.services.connections import capabilities_keep, connection_add
from judges.services.drafts import Draft
from judges.services.previews import Preview, preview
from judges.services.prices import price_set
from judges.services.versions import chat_version
from tests.judges.judging import answering, by_words, work
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db
HTMX = {"headers": {"HX-Request": "true"}}


def login(s: Story, person: str = "rhea") -> Client:
    client = Client()
    assert client.login(username=getattr(s, person).username, password=PASSWORD)
    return client


def endpoint(s: Story) -> Connection:
    return connection_add(s.olga, s.project, name="Here", base_url="http://localhost:9/v1")


def entered(s: Story, connection: Connection, **more: Any) -> dict[str, Any]:
    return {
        "question": s.question.pk,
        "by": f"connection-{connection.pk}",
        "model": "m",
        "system": DEFAULT_SYSTEM,
        "task": default_task("direct"),
        "output": DEFAULT_OUTPUT,
        "ask": "direct",
        "n_items": 10,
        **more,
    }


def address(s: Story, name: str = "prompt") -> str:
    return reverse(name, args=[s.project.pk])


def textarea(page: str, name: str) -> str:
    found = re.search(rf'<textarea[^>]*name="{name}"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    assert found
    return html.unescape(found[1]).strip()


def test_a_new_prompt_begins_with_concords_own_words_and_what_would_be_sent() -> None:
    s = story()
    s.items(["Lovely <b>soup</b>."])
    connection = endpoint(s)
    capabilities_keep(connection, "tested-1", {"logprobs": True})
    url = f"{address(s)}?by=connection-{connection.pk}"
    page = login(s).get(url).content.decode()
    assert textarea(page, "task") == default_task("direct")
    assert textarea(page, "system") == DEFAULT_SYSTEM
    assert 'value="tested-1"' in page  # a model that was tested is suggested
    assert "A. Positive - Praise." in page
    assert "&lt;item&gt;\nLovely &lt;b&gt;soup&lt;/b&gt;.\n&lt;/item&gt;" in page
    assert "about item 1 of 1" in page
    assert "{{guideline}}" in page


def test_a_language_model_chosen_leads_to_its_prompt() -> None:
    s = story()
    connection = endpoint(s)
    reply = login(s).post(
        reverse("judge_new", args=[s.project.pk]),
        {"question": s.question.pk, "how": f"connection-{connection.pk}"},
    )
    assert reply["Location"] == (
        f"{address(s)}?question={s.question.pk}&by=connection-{connection.pk}"
    )
    assert not JudgeVersion.objects.exists()


def test_without_a_language_model_one_is_to_be_connected_first() -> None:
    s = story()
    reply = login(s).get(address(s), follow=True)
    assert "Connect a language model first" in reply.content.decode()


def test_what_is_shown_is_what_is_asked() -> None:
    """To the byte: the preview of a draft and the request that its version puts."""
    s = story()
    (item,) = s.items(["The soup was cold."])
    connection = endpoint(s)
    words = {"task": "{{item.text}}\n\n{{options}}\n\n{{question}}", "system": "Be {{letters}}."}
    how = How(orders="both", paraphrases=("Is it {text}?",), persona="A cook.")
    shown = preview(
        Draft(s.question, connection, "m", how=how, **words), variant="order:1+paraphrase:1"
    )
    version = chat_version(s.olga, s.question, connection, model="m", how=how, **words)
    assert shown.problems == {}
    assert shown.request == asked_of(version, item, CallKey("order:1+paraphrase:1"))
    assert (shown.calls_least, shown.calls_most) == (4, 4)
    assert [call.words for call in shown.calls][:2] == ["as given", "reversed"]
    assert not Run.objects.exists()


def test_the_preview_steps_through_the_items_those_with_answers_first() -> None:
    s = story()
    s.items([f"Soup {n}." for n in range(4)])
    connection = endpoint(s)
    known = s.project.items.order_by("draw")[2]
    person = rater_imported(s.project, name="p1", kind=RaterKind.PERSON)
    submission_submit(person, known, answers=s.answer(0), client_key="a")
    client = login(s)

    def at(place: int, **more: Any) -> str:
        sent = entered(s, connection, place=place, **more)
        return str(client.post(address(s, "prompt_preview"), sent, **HTMX).content.decode())

    first = at(1)
    assert "<h1" not in first
    assert known.fields["text"] in first
    assert "about item 1 of 4" in first
    assert "about item 2 of 4" in at(1, place_to=2)
    assert "about item 4 of 4" in at(99)
    seen = {re.search(r"Soup \d", at(n))[0] for n in range(1, 5)}  # type: ignore[index]
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"task": "a\nb {{item.txet}} {{options}}"}, "Line 2: {{item.txet}}"),
        ({"task": "{{options}}"}, "The item is shown nowhere"),
        ({"model": ""}, "Name the model"),
        ({"ask": "checklist"}, "at least one yes/no question"),
        ({"examples": "40"}, "There are 0 items answered by people"),
        ({"ask": "reference", "reference": "gone"}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_stands_in_the_preview_and_at_the_field(
    wrong: dict[str, Any], said: str
) -> None:
    s = story()
    s.items(["Lovely soup."])
    sent = entered(s, endpoint(s), **wrong)
    client = login(s)
    shown = client.post(address(s, "prompt_preview"), sent, **HTMX)
    assert shown.status_code == 200
    assert said in html.unescape(shown.content.decode())
    refused = client.post(address(s), {**sent, "step": "make"})
    assert refused.status_code == 422
    assert said in html.unescape(refused.content.decode())
    if "task" in wrong:
        assert textarea(refused.content.decode(), "task") == wrong["task"]
    assert not JudgeVersion.objects.exists()


def test_the_built_in_task_follows_the_way_of_asking_and_one_s_own_stays() -> None:
    s = story()
    s.items(["Lovely soup."])
    connection = endpoint(s)
    client = login(s)
    checks = {"ask": "checklist", "criteria": "Is it?", "rule_yes": "0", "rule_no": "1"}

    def shown(**more: Any) -> str:
        sent = entered(s, connection, **checks, **more)
        return str(client.post(address(s, "prompt_preview"), sent, **HTMX).content.decode())

    swapped = shown()
    assert textarea(swapped, "task") == default_task("checklist")
    assert "1. Is it?" in swapped
    assert 'name="task"' not in shown(task="Mine: {{item}}\n\n{{checks}}")


def test_a_forecast_of_tokens_and_money() -> None:
    s = story()
    s.items(["Lovely soup."])
    connection = endpoint(s)
    free = preview(Draft(s.question, connection, "m"))
    assert free.is_free
    price_set(s.olga, connection, model="m", input=Decimal(100_000), output=Decimal(0))
    one = preview(Draft(s.question, connection, "m"))
    assert one.request
    assert one.price == one.tokens_in / Decimal(10)  # ten cents a token
    assert one.tokens_in >= about_tokens(one.request.system) + about_tokens(one.request.user)
    two = preview(Draft(s.question, connection, "m", how=How(orders="both")))
    assert two.price == 2 * one.price  # type: ignore[operator]
    many = preview(Draft(s.question, connection, "m", how=How(repeats=Repeats(9))))
    assert (many.calls_least, many.calls_most) == (6, 9)
    page = login(s).post(address(s, "prompt_preview"), entered(s, connection), **HTMX)
    assert "A hundred items: about $" in page.content.decode()


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("abcd", 1), ("abcde", 2), ("日本語", 3), ("a" * 400, 100)],
)
def test_about_how_long_a_text_is(text: str, tokens: int) -> None:
    assert about_tokens(text) == tokens


def test_examples_are_shown_and_said_where_others_may_come() -> None:
    s = story()
    s.items([f"Soup {n}." for n in range(12)])
    rater, n = s.rater(s.ana), 0
    while held := claims_hold(rater):
        for one in held:
            submission_submit(rater, one.item, answers=s.answer(n % 2), client_key=f"{one.pk}")
            n += 1
    connection = endpoint(s)

    def with_examples(*chosen: Any) -> Preview:
        how = How(examples=Examples("people", *chosen))
        return preview(Draft(s.question, connection, "m", how=how))

    drawn = with_examples(3, "random")
    assert drawn.request
    assert drawn.request.user.count("Reply: ") == 3
    assert drawn.item
    assert drawn.request.user.count(drawn.item.fields["text"]) == 1  # never shown itself
    assert not with_examples(3, "similar").examples_settled
    fixed = with_examples(1, "fixed", 0, (10**9,))
    assert "has no answer that could be an example" in fixed.problems["examples"]


def test_kept_tried_edited_and_tried_again() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    connection = endpoint(s)
    client = login(s)
    tried = client.post(address(s), entered(s, connection, step="try", n_items=2))
    first = JudgeVersion.objects.get()
    run = Run.objects.get()
    assert tried["Location"] == f"{address(s)}?from={first.pk}&trial={run.pk}#run-live"
    with answering(by_words):
        work(run)
    page = client.get(tried["Location"]).content.decode()
    assert "Trial of m v1" in page
    assert "This is m v1 as it stands." in page
    assert "Run on all 2 items" in page
    edited = entered(s, connection, system="Be kind.", orders="both", **{"from": first.pk})
    changed = client.post(address(s, "prompt_preview"), edited, **HTMX).content.decode()
    assert "Changed since m v1" in changed
    client.post(address(s), {**edited, "step": "try"})
    second = JudgeVersion.objects.latest("pk")
    assert str(second) == "m v2"
    assert how_of(second) == How(orders="both")
    assert second.prompt is not None
    assert second.prompt.system == "Be kind."
    client.post(address(s), {**entered(s, connection), "step": "make"})
    assert JudgeVersion.objects.count() == 2  # the same make-up is the version there is


def test_a_version_is_forked_with_all_that_it_has() -> None:
    s = story()
    s.items(["Lovely soup."])
    how = How(repeats=Repeats(7, 0.0, 0.5), persona="A cook.", quoted=True)
    version = chat_version(
        s.olga,
        s.question,
        endpoint(s),
        model="m",
        system="Be kind.",
        task="{{item}}\n\n{{options}}",
        name="Kind judge",
        how=how,
    )
    client = login(s)
    page = client.get(f"{address(s)}?from={version.pk}").content.decode()
    assert "This is Kind judge v1 as it stands." in page
    assert textarea(page, "task") == "{{item}}\n\n{{options}}"
    assert page.count('<details class="more" open>') == 2
    assert 'value="Kind judge"' in page
    sent = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page)
        if name not in {"csrfmiddlewaretoken", "ask_rationale", "quoted"}
    }
    sent |= {name: textarea(page, name) for name in ("system", "task", "output", "persona")}
    sent |= {"by": f"connection-{version.connection_id}", "ask": "direct", "quoted": "on"}
    client.post(address(s), {**sent, "step": "make"})
    assert JudgeVersion.objects.get() == version


def test_a_judge_s_page_leads_to_its_prompt_trial_and_versions() -> None:
    s = story()
    s.items(["Lovely soup."])
    version = chat_version(s.olga, s.question, endpoint(s), model="m")
    page = login(s).get(reverse("judge", args=[s.project.pk, version.pk])).content.decode()
    assert f"{address(s)}?from={version.pk}" in page
    assert reverse("judge_try", args=[s.project.pk, version.pk]) in page
    assert reverse("judge_versions", args=[s.project.pk, version.pk]) in page
    assert "All its settings" in page


def test_versions_that_were_only_tried_are_folded_away() -> None:
    s = story()
    s.items(["Lovely soup."])
    client = login(s)
    sent = entered(s, endpoint(s), step="try")
    client.post(address(s), sent)
    with answering(by_words):
        work(Run.objects.get())
    page = client.get(reverse("judges", args=[s.project.pk])).content.decode()
    assert "1 version that was only tried" in page


def test_texts_of_items_and_fields_are_shown_as_text() -> None:
    s = story()
    nasty = '"><script>alert(1)</script>'
    items_take_in(s.project, [ItemRow("n", {nasty: nasty, "text": nasty})])
    page = login(s).get(f"{address(s)}?by=connection-{endpoint(s).pk}").content.decode()
    assert "<script>alert" not in page
    assert "{{item.&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;}}" in page
