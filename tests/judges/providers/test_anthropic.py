"""The client of Anthropic's Messages API, against a real server that behaves and misbehaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest

from judges.exchange import OptionSpec, Request
from judges.prompting.parse import parse
from judges.providers.addresses import LOOPBACK, Reach
from judges.providers.anthropic_api import AnthropicMessages
from judges.providers.base import MIN_THINKING_TOKENS, Capabilities, ErrorKind, ProviderError
from judges.providers.bounded_http import MAX_REPLY_BYTES
from tests.judges.providers.endpoint import Answer, Body, Endpoint, Routes, Script

KEY = "sk-ant/api03-0123456789abcdef"
OPTIONS = tuple(OptionSpec(n, "ABC"[n], f"k{n}", f"Name {n}", "") for n in range(3))
NEW = Capabilities(schema=True, form="output", temperature=False, thinks=True)
OLD = Capabilities(schema=True, form="tool")
OLDEST = Capabilities(json_object=True, form="prefill")

Start: TypeAlias = Callable[..., Endpoint]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:

        def make(script: Script, routes: Routes | None = None) -> Endpoint:
            return stack.enter_context(Endpoint(script, routes).running())

        yield make


def request(**more: Any) -> Request:
    return Request(**{"system": "S", "user": "U", "options": OPTIONS, "want": "json", **more})


def provider(endpoint: Endpoint, capabilities: Capabilities | None = OLD) -> AnthropicMessages:
    return AnthropicMessages(
        endpoint.url,
        "claude",
        KEY,
        timeout=5.0,
        capabilities=capabilities,
        reach=Reach(networks=LOOPBACK),
    )


def text(said: str) -> Body:
    return {"type": "text", "text": said}


def used(**said: Any) -> Body:
    return {"type": "tool_use", "id": "t1", "name": "judgement", "input": said}


def message(*blocks: Body, stop: str = "end_turn", **more: Any) -> Answer:
    usage = {"input_tokens": 10, "output_tokens": 3, **more.pop("usage", {})}
    return Answer(
        {
            "id": "m1",
            "type": "message",
            "role": "assistant",
            "model": "claude-2026",
            "content": list(blocks),
            "stop_reason": stop,
            "usage": usage,
            **more,
        }
    )


def refusal(status: int, kind: str, said: str, **headers: str) -> Answer:
    return Answer({"type": "error", "error": {"type": kind, "message": said}}, status, headers)


# --- Asking -----------------------------------------------------------------------------------


def test_a_reply_carries_the_text_and_all_the_tokens_that_cost(start: Start) -> None:
    usage = {"cache_read_input_tokens": 100, "cache_creation_input_tokens": 7}
    endpoint = start(lambda _: message(text("B"), usage=usage))

    reply = provider(endpoint).ask(request(want="letter", temperature=0.5))

    assert (reply.raw, reply.model, reply.finish_reason) == ("B", "claude-2026", "stop")
    assert (reply.tokens_in, reply.tokens_cached, reply.tokens_written) == (117, 100, 7)
    assert (reply.tokens_out, reply.token_logprobs) == (3, None)
    (asked,) = endpoint.asked
    assert asked.path == "/v1/messages"
    assert asked.body == {
        "model": "claude",
        "max_tokens": 8,
        "system": "S",
        "messages": [{"role": "user", "content": "U"}],
        "temperature": 0.5,
    }


def test_an_output_schema_holds_the_reply_and_leaves_room_to_think(start: Start) -> None:
    thinking = {"type": "thinking", "thinking": '{"answer": "A"}', "signature": "s"}
    endpoint = start(lambda _: message(thinking, text('{"answer": "C", "confidence": 80}')))

    reply = provider(endpoint, NEW).ask(request())

    assert parse(reply, OPTIONS, "json").code == 2
    body = endpoint.asked[0].body
    schema = body["output_config"]["format"]["schema"]
    assert schema["properties"]["answer"]["enum"] == ["A", "B", "C"]
    assert schema["additionalProperties"] is False
    assert body["max_tokens"] == MIN_THINKING_TOKENS
    assert "temperature" not in body
    assert "tools" not in body


def test_a_forced_tool_s_input_is_the_reply(start: Start) -> None:
    endpoint = start(lambda _: message(text("I'd say:"), used(answer="B", confidence=60)))

    reply = provider(endpoint, OLD).ask(request())

    assert parse(reply, OPTIONS, "json").code == 1
    body = endpoint.asked[0].body
    assert body["tool_choice"] == {"type": "tool", "name": "judgement"}
    assert body["tools"][0]["input_schema"]["required"] == ["answer", "confidence"]


def test_two_calls_of_the_tool_are_no_answer(start: Start) -> None:
    endpoint = start(lambda _: message(used(answer="B"), used(answer="A")))
    reply = provider(endpoint, OLD).ask(request())
    with pytest.raises(Exception, match="not one JSON object"):
        parse(reply, OPTIONS, "json")


def test_a_beginning_put_into_its_mouth_belongs_to_the_reply(start: Start) -> None:
    endpoint = start(lambda _: message(text('"answer": "A"}')))

    reply = provider(endpoint, OLDEST).ask(request())

    assert reply.raw == '{"answer": "A"}'
    assert endpoint.asked[0].body["messages"][-1] == {"role": "assistant", "content": "{"}


def test_a_reply_that_was_cut_off_says_so(start: Start) -> None:
    endpoint = start(lambda _: message(text('{"answer": "A"'), stop="max_tokens"))
    reply = provider(endpoint, NEW).ask(request())
    with pytest.raises(Exception, match="cut off"):
        parse(reply, OPTIONS, "json")


def test_only_the_key_given_is_sent_and_nothing_of_this_machine(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-somebody-else")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://somebody-else.example")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Tenant: somebody-else")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    endpoint = start(lambda _: message(text("A")))

    provider(endpoint).ask(request())
    AnthropicMessages(endpoint.url, "claude", capabilities=OLD, reach=Reach(networks=LOOPBACK)).ask(
        request()
    )

    with_key, without = endpoint.asked
    assert with_key.headers["x-api-key"] == KEY
    assert "x-api-key" not in without.headers
    for asked in endpoint.asked:
        assert "somebody-else" not in str(asked.headers)
        assert "authorization" not in asked.headers
        assert asked.headers["anthropic-version"] == "2023-06-01"
        assert not [name for name in asked.headers if name.startswith("x-stainless")]


# --- Errors -----------------------------------------------------------------------------------

CASES: list[tuple[Answer, ErrorKind]] = [
    (refusal(401, "authentication_error", f"invalid x-api-key: {KEY}"), "key_refused"),
    (refusal(403, "permission_error", "Your key may not use this."), "key_refused"),
    (refusal(402, "billing_error", "Check your payment details."), "billing"),
    (refusal(400, "invalid_request_error", "Your credit balance is too low"), "billing"),
    (refusal(400, "invalid_request_error", "You have reached your API usage limits."), "billing"),
    (refusal(404, "not_found_error", "model: claude"), "model_gone"),
    (Answer(b"<html>Not Found</html>", 404), "bad_config"),
    (refusal(400, "invalid_request_error", "max_tokens: must be above 0"), "bad_config"),
    (refusal(400, "invalid_request_error", "prompt is too long: 9 tokens > 8"), "too_long"),
    (refusal(413, "request_too_large", "Request exceeds the maximum size"), "too_long"),
    (refusal(429, "rate_limit_error", "Slow down"), "rate_limited"),
    (refusal(529, "overloaded_error", "Overloaded"), "rate_limited"),
    (refusal(500, "api_error", "Internal server error"), "server_error"),
    (refusal(504, "timeout_error", "Request timed out"), "timeout"),
    (message(text("I won't."), stop="refusal"), "refused"),
    (message(text("{"), stop="model_context_window_exceeded"), "too_long"),
    (Answer({"type": "message", "content": None}), "server_error"),
    (Answer({"type": "error", "error": {"type": "api_error", "message": "Oops"}}), "server_error"),
    (Answer({"hello": "world"}), "bad_config"),
    (Answer(b"<html>Welcome!</html>"), "bad_config"),
    (Answer(b"", 301, {"Location": "https://elsewhere.example"}), "bad_config"),
    (Answer(b" " * (MAX_REPLY_BYTES + 1)), "server_error"),
]


@pytest.mark.parametrize(("answer", "kind"), CASES)
def test_each_refusal_is_one_kind_of_error(start: Start, answer: Answer, kind: ErrorKind) -> None:
    endpoint = start(lambda _: answer)
    with pytest.raises(ProviderError) as caught:
        provider(endpoint, NEW).ask(request())
    assert caught.value.kind == kind
    assert KEY not in caught.value.message
    assert len(endpoint.asked) == 1, "The client tried again by itself."


@pytest.mark.parametrize("status", [429, 529])
def test_how_long_to_wait_is_handed_on(start: Start, status: int) -> None:
    answer = refusal(status, "rate_limit_error", "Slow down", **{"retry-after": "11"})
    with pytest.raises(ProviderError) as caught:
        provider(start(lambda _: answer)).ask(request())
    assert caught.value.retry_after == 11.0


def test_a_refusal_keeps_what_the_model_wrote(start: Start) -> None:
    endpoint = start(lambda _: message(text("I won't judge that."), stop="refusal"))
    with pytest.raises(ProviderError, match="claude-2026 refuses") as caught:
        provider(endpoint).ask(request())
    assert (caught.value.raw, caught.value.concerns) == ("I won't judge that.", "item")


# --- Probing ----------------------------------------------------------------------------------


def model(*takes: str, temperature: bool = True, batches: bool = True) -> tuple[Script, Routes]:
    """A model that takes these ways to hold it to a form."""

    def script(body: Body) -> Answer:
        def no(said: str) -> Answer:
            return refusal(400, "invalid_request_error", said)

        if "temperature" in body and not temperature:
            return no("temperature is not supported by this model")
        if "output_config" in body:
            return message(text('{"answer": "A"}')) if "output" in takes else no("output_config")
        if "tool_choice" in body:
            return message(used(answer="A")) if "tool" in takes else no("tool_choice: forced")
        if body["messages"][-1]["role"] == "assistant":
            said = message(text('"answer": "A"}'))
            return said if "prefill" in takes else no("This model no longer supports prefill.")
        return message(text("A"))

    listed = Answer({"data": [], "has_more": False})
    return script, {("GET", "/v1/messages/batches"): lambda _: listed} if batches else {}


@pytest.mark.parametrize(
    ("takes", "expected"),
    [
        (["output", "tool"], Capabilities(schema=True, form="output")),
        (["tool", "prefill"], Capabilities(schema=True, form="tool")),
        (["prefill"], Capabilities(json_object=True, form="prefill")),
        ([], Capabilities()),
    ],
)
def test_the_strongest_way_that_is_taken_is_found(
    start: Start, takes: list[str], expected: Capabilities
) -> None:
    assert provider(start(*model(*takes, batches=False)), None).probe() == expected


def test_a_model_that_thinks_takes_no_temperature_and_has_a_batch_lane(start: Start) -> None:
    found = provider(start(*model("output", temperature=False)), None).probe()
    assert found == Capabilities(
        schema=True, form="output", temperature=False, thinks=True, batch=True
    )
    assert Capabilities.from_dict(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize(
    "answer",
    [
        refusal(429, "rate_limit_error", "Slow down"),
        refusal(500, "api_error", "Oops"),
        refusal(401, "authentication_error", "No"),
    ],
)
@pytest.mark.parametrize("field", ["output_config", "tool_choice", "model"])
def test_a_failure_is_not_taken_for_a_weakness(start: Start, answer: Answer, field: str) -> None:
    script, routes = model("prefill")
    endpoint = start(lambda body: answer if field in body else script(body), routes)
    with pytest.raises(ProviderError):
        provider(endpoint, None).probe()


def test_the_first_question_finds_out_once(start: Start) -> None:
    endpoint = start(*model("tool"))
    unprobed = provider(endpoint, None)
    unprobed.ask(request())
    tried = len(endpoint.asked)
    unprobed.ask(request())
    assert len(endpoint.asked) == tried + 1
