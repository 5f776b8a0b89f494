"""The scripted provider does as its script says."""

from __future__ import annotations

import threading

import pytest

from judges.exchange import OptionSpec, Request
from judges.providers.base import CONCERNS, ChatProvider, ProviderError
from judges.providers.scripted import ScriptedProvider, scripted_reply

REQUEST = Request("S", "U", (OptionSpec(0, "A", "a", "A", ""),), "letter")


def test_it_answers_in_turn_and_raises_what_it_is_told_to() -> None:
    known = scripted_reply("B", logprobs={"A": -2.0, "B": -0.1})
    provider = ScriptedProvider(["A", ProviderError("rate_limited", "Slow down.", 2.0), known])
    assert isinstance(provider, ChatProvider)
    assert provider.ask(REQUEST).raw == "A"
    with pytest.raises(ProviderError) as caught:
        provider.ask(REQUEST)
    assert (caught.value.concerns, caught.value.retry_after) == ("passing", 2.0)
    assert provider.ask(REQUEST).token_logprobs == (("B", -0.1), ("A", -2.0))
    with pytest.raises(ProviderError, match="no more answers"):
        provider.ask(REQUEST)
    assert provider.asked == [REQUEST] * 4


def test_it_answers_by_what_is_asked() -> None:
    provider = ScriptedProvider(lambda request: request.user * 2)
    assert provider.ask(REQUEST).raw == "UU"


def test_it_waits_for_its_gate() -> None:
    gate = threading.Event()
    provider = ScriptedProvider(["A"], gate=gate)
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(provider.ask(REQUEST).raw))
    thread.start()
    assert answers == []
    gate.set()
    thread.join()
    assert answers == ["A"]
    with pytest.raises(ProviderError) as caught:
        ScriptedProvider(["A"], gate=threading.Event(), patience=0.01).ask(REQUEST)
    assert caught.value.kind == "timeout"


def test_every_kind_of_error_concerns_somebody() -> None:
    for kind, concern in CONCERNS.items():
        assert ProviderError(kind, "Something.").concerns == concern
