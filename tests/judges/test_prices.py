"""What models cost at a connection: the project's word, the kept list, or nobody knows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotate.errors import BadInput
from annotate.models import Event
from judges.models import Connection, ModelPrice, ProviderName
from judges.providers.prices import FREE, OWN
from judges.services.connections import connection_add, connection_local
from judges.services.prices import price_forget, price_of, price_set, prices_known
from judges.services.versions import chat_version
from tests.api.asking import Api, assert_problem
from tests.judges.judging import scripted_connection
from tests.personas import PASSWORD, Story, story

pytestmark = pytest.mark.django_db


def connected(s: Story, url: str = "https://api.example.org/v1") -> Connection:
    return connection_add(s.olga, s.project, name="Mine", base_url=url)


def costs(connection: Connection, model: str) -> tuple[str, str] | None:
    price = price_of(connection, model)
    return price and (str(price.rates.input), str(price.rates.output))


def test_the_project_s_word_goes_before_the_list_until_it_is_taken_back() -> None:
    s = story()
    connection = connected(s)
    assert costs(connection, "gpt-4o") == ("2.50", "10")
    assert costs(connection, "unheard-of") is None
    for model in ("gpt-4o", "unheard-of"):
        price_set(s.olga, connection, model=model, input=Decimal("0.5"), output=Decimal(3))
        price = price_of(connection, model)
        assert price is not None
        assert (price.source, price.rates.input, price.rates.output) == (OWN, Decimal("0.5"), 3)
    price_set(s.olga, connection, model="gpt-4o", input=Decimal(0), output=Decimal(0))
    free = price_of(connection, "gpt-4o")
    assert free is not None
    assert free.rates.is_free
    assert price_forget(s.olga, connection, model="gpt-4o")
    assert not price_forget(s.olga, connection, model="gpt-4o")
    assert costs(connection, "gpt-4o") == ("2.50", "10")
    verbs = Event.objects.filter(verb__startswith="price.").order_by("pk")
    assert list(verbs.values_list("verb", flat=True)) == ["price.set"] * 3 + ["price.forgotten"]


def test_a_price_is_of_one_connection_only() -> None:
    s = story()
    here = connected(s)
    there = connection_add(s.olga, s.project, name="Other", base_url="https://b.example.org/v1")
    price_set(s.olga, here, model="m", input=Decimal(1), output=Decimal(1))
    assert price_of(there, "m") is None


def test_what_runs_here_costs_nothing_unless_its_name_has_a_price(settings: Any) -> None:
    s = story()
    settings.LOCAL_LLM_URL = "http://127.0.0.1:9/v1"
    here = connected(s, "http://localhost:11434/v1")
    assert price_of(here, "qwen3") == FREE
    # A gateway on this machine that hands on to a vendor is still paid for.
    assert costs(here, "openai/gpt-4o") == ("2.50", "10")
    for provider in (ProviderName.LOCAL_CLASSIFIER, ProviderName.LOCAL_LLM):
        assert price_of(connection_local(s.olga, s.project, provider), "gpt-4o") == FREE
    assert price_of(scripted_connection(s), "gpt-4o") == FREE


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"model": " "}, "model"),
        ({"model": "x" * 201}, "model"),
        ({"input": Decimal(-1)}, "input"),
        ({"output": Decimal("NaN")}, "output"),
        ({"cached_input": Decimal("Infinity")}, "cached_input"),
        ({"output": Decimal(100_001)}, "output"),
    ],
)
def test_what_is_no_price_is_refused(given: dict[str, Any], field: str) -> None:
    s = story()
    asked = {"model": "m", "input": Decimal(1), "output": Decimal(1), **given}
    with pytest.raises(BadInput) as caught:
        price_set(s.olga, connected(s), **asked)
    assert list(caught.value.detail["fields"]) == [field]
    assert not ModelPrice.objects.exists()


def test_every_model_that_is_used_is_shown_with_its_price_or_that_there_is_none() -> None:
    s = story()
    connection = connected(s)
    connection.capabilities = {"gpt-4o-mini": {}}
    connection.save()
    chat_version(s.olga, s.question, connection, model="unheard-of")
    price_set(s.olga, connection, model="mine", input=Decimal("0.10"), output=Decimal(20))
    known = prices_known(connection)
    assert [(cost.model, cost.own, cost.price is None) for cost in known] == [
        ("gpt-4o-mini", False, False),
        ("mine", True, False),
        ("unheard-of", False, True),
    ]
    client = Client()
    assert client.login(username="olga", password=PASSWORD)
    shown = client.get(reverse("connection", args=[s.project.pk, connection.pk])).content.decode()
    assert "no price known" in shown
    assert "developers.openai.com, 2026-03-21" in shown
    assert ">0.15<" in shown
    assert ">0.1<" in shown
    assert ">20<" in shown


def test_an_owner_says_what_a_model_costs_in_the_browser() -> None:
    s = story()
    connection = connected(s)
    client = Client()
    assert client.login(username="olga", password=PASSWORD)
    url = reverse("connection_price", args=[s.project.pk, connection.pk])
    wrong = client.post(url, {"model": "m", "input": "-1", "output": "x"})
    assert wrong.status_code == 422
    assert "Enter a number" in wrong.content.decode()
    too_much = client.post(url, {"model": "m", "input": "1", "output": "100001"})
    assert too_much.status_code == 422
    assert not ModelPrice.objects.exists()
    set_ = client.post(url, {"model": "m", "input": "0.25", "output": "2"}, follow=True)
    assert "your own price" in set_.content.decode()
    assert ModelPrice.objects.get().created_by == s.olga
    gone = client.post(url, {"forget": "m"}, follow=True)
    assert "your own price" not in gone.content.decode()


def test_prices_by_the_api() -> None:
    s = story()
    connection = connected(s)
    path = f"connections/{connection.pk}/prices/"
    owner, lead = Api(s.olga, s.project.pk), Api(s.rhea, s.project.pk)
    assert lead.get(path).json() == []
    made = owner.post(path, {"model": "m", "input": "0.25", "output": "2"})
    assert made.json() == [
        {
            "model": "m",
            "input": "0.250000",
            "output": "2.000000",
            "cached_input": None,
            "origin": "own",
            "dated": "",
        }
    ]
    assert lead.get(path).json() == made.json()
    assert_problem(lead.post(path, {"model": "m", "input": "1", "output": "2"}), 403)
    assert_problem(owner.post(path, {"model": "m", "input": "1", "output": None}), 422)
    assert_problem(owner.post(path, {"model": "m", "input": "-1", "output": "1"}), 422)
    assert owner.post(path, {"model": "m", "input": None, "output": None}).json() == []
    chat_version(s.olga, s.question, connection, model="unheard-of")
    assert lead.get(path).json()[0]["input"] is None
