"""The client of OpenAI-compatible endpoints, against a real server that behaves and misbehaves."""

from __future__ import annotations

import dataclasses
import datetime
import email.utils
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import TypeAlias

import pytest

from judges.exchange import OptionSpec, Request
from judges.providers.addresses import LOOPBACK, Reach
from judges.providers.base import Capabilities, ErrorKind, ProviderError
from judges.providers.bounded_http import MAX_REPLY_BYTES
from judges.providers.openai_compatible import OpenAICompatible
from tests.judges.providers.endpoint import (
    Answer,
    Body,
    Endpoint,
    Routes,
    Script,
    completion,
    refusal,
    token,
)

KEY = "top secret/0123456789abcdef"
OPTIONS = tuple(OptionSpec(n, "ABC"[n], f"k{n}", f"Name {n}", "") for n in range(3))
HERE = Reach(networks=LOOPBACK)
ALL = Capabilities(schema=True, logprobs=True, seed=True, grammar=True)

Start: TypeAlias = Callable[..., Endpoint]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:

        def make(script: Script, routes: Routes | None = None) -> Endpoint:
            return stack.enter_context(Endpoint(script, routes).running())

        yield make


def request(**more: object) -> Request:
    known = {"system": "S", "user": "U", "options": OPTIONS, "want": "letter", **more}
    return Request(**known)  # type: ignore[arg-type]


def provider(
    endpoint: Endpoint, capabilities: Capabilities | None = ALL, timeout: float = 5.0
) -> OpenAICompatible:
    return OpenAICompatible(
        endpoint.url, "tiny", KEY, timeout=timeout, capabilities=capabilities, reach=HERE
    )


def failure(endpoint: Endpoint, timeout: float = 5.0) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider(endpoint, timeout=timeout).ask(request())
    assert KEY not in caught.value.message
    assert caught.value.message.endswith((".", "!")) or "The endpoint says:" in caught.value.message
    return caught.value


# --- Asking -----------------------------------------------------------------------------------


def test_a_reply_carries_text_tokens_and_the_alternatives_at_the_answer(start: Start) -> None:
    listed = [token("(", -0.1, ("A", -3.0)), token("B", -0.2, ("A", -2.0)), token(")", 0.0)]
    endpoint = start(lambda _: completion("(B)", logprobs={"content": listed}))

    reply = provider(endpoint).ask(request(seed=3, temperature=0.5))

    assert (reply.raw, reply.model, reply.finish_reason) == ("(B)", "tiny-2026", "stop")
    assert (reply.tokens_in, reply.tokens_out) == (12, 1)
    assert reply.seconds > 0
    assert reply.token_logprobs == (("B", -0.2), ("A", -2.0))
    (asked,) = endpoint.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.body == {
        "model": "tiny",
        "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}],
        "max_tokens": 8,
        "temperature": 0.5,
        "seed": 3,
        "logprobs": True,
        "top_logprobs": 20,
        "grammar": 'root ::= "A" | "B" | "C"',
    }


def test_in_an_object_the_alternatives_are_those_of_its_letter(start: Start) -> None:
    pieces = ['{"rationale": "caf', "\u00e9 says \\", '"answer\\": \\"A', '\\"", "ans', 'wer": "']
    raw = '{"rationale": "caf\u00e9 says \\"answer\\": \\"A\\"", "answer": "C"}'
    listed = [token(piece, -0.5, ("A", -0.6)) for piece in pieces]
    listed += [token("C", -0.1, ("B", -2.5)), token('"}', 0.0)]
    assert "".join(entry["token"] for entry in listed) == raw
    endpoint = start(lambda _: completion(raw, logprobs={"content": listed}))

    reply = provider(endpoint).ask(request(want="json_rationale"))

    assert reply.token_logprobs == (("C", -0.1), ("B", -2.5))
    form = endpoint.asked[0].body["response_format"]["json_schema"]["schema"]
    assert list(form["properties"]) == ["rationale", "answer", "confidence"]
    assert form["properties"]["answer"]["enum"] == ["A", "B", "C"]
    assert "grammar" not in endpoint.asked[0].body


def test_nothing_is_sent_that_the_endpoint_does_not_honour(start: Start) -> None:
    endpoint = start(lambda _: completion("A"))
    weak = Capabilities(temperature=False, max_tokens_field="max_completion_tokens")

    reply = provider(endpoint, weak).ask(request(seed=3, want="json"))

    assert reply.token_logprobs is None
    assert set(endpoint.asked[0].body) == {"model", "messages", "max_completion_tokens"}
    # Room to think: such models count their thoughts as part of the reply.
    assert endpoint.asked[0].body["max_completion_tokens"] == 2048


def test_only_the_key_given_is_sent_and_nothing_of_this_machine(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-of-somebody-else")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody-else")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-somebody-else")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Tenant: somebody-else")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    endpoint = start(lambda _: completion("A"))

    provider(endpoint).ask(request())
    OpenAICompatible(endpoint.url, "tiny", "", capabilities=ALL, reach=HERE).ask(request())

    with_key, without = endpoint.asked
    assert with_key.headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in without.headers
    for asked in endpoint.asked:
        assert "somebody-else" not in str(asked.headers)
        assert not [name for name in asked.headers if name.startswith("x-")]
        assert asked.headers["user-agent"] == "concord"


# --- Errors -----------------------------------------------------------------------------------

CASES: list[tuple[Answer, ErrorKind]] = [
    (refusal(401, f"Incorrect API key provided: {KEY}"), "key_refused"),
    (refusal(403, "Forbidden"), "key_refused"),
    (refusal(400, "API key not valid. Please pass a valid API key."), "key_refused"),
    (refusal(402, "Payment required"), "billing"),
    (refusal(429, "You exceeded your current quota", code="insufficient_quota"), "billing"),
    (refusal(400, "Your credit balance is too low"), "billing"),
    (refusal(404, "The model `tiny` does not exist", code="model_not_found"), "model_gone"),
    (refusal(400, "model tiny not found"), "model_gone"),
    (refusal(410, "Gone"), "model_gone"),
    (Answer(b"<html>Not Found</html>", 404, {"Content-Type": "text/html"}), "bad_config"),
    (refusal(405, "Method Not Allowed"), "bad_config"),
    (refusal(400, "temperature must be at most 2"), "bad_config"),
    (Answer(b"[1, 2]", 422), "bad_config"),
    (Answer(b"", 301, {"Location": "https://elsewhere.example/v1"}), "bad_config"),
    (refusal(429, "Slow down"), "rate_limited"),
    (refusal(408, "Request timeout"), "timeout"),
    (refusal(504, "Gateway timeout"), "timeout"),
    (refusal(500, "Internal error"), "server_error"),
    (refusal(503, "Loading model"), "server_error"),
    (refusal(529, "Overloaded"), "rate_limited"),
    (Answer(b"\xff\xfe", 502, {"Content-Type": "text/html"}), "server_error"),
    (refusal(400, "This model's maximum context length is 8192 tokens"), "too_long"),
    (refusal(400, "request exceeds", type="exceed_context_size_error"), "too_long"),
    (refusal(413, "Payload too large"), "too_long"),
    (refusal(400, "Filtered by our content policy", code="content_filter"), "refused"),
    (completion(None, finish_reason="content_filter"), "refused"),
    (completion(None, message={"content": None, "refusal": "I cannot."}), "refused"),
    (Answer({"error": {"message": "Upstream is busy", "code": 429}}), "rate_limited"),
    (Answer({"error": "something"}), "server_error"),
    (Answer({"choices": []}), "server_error"),
    (Answer({"choices": [None]}), "server_error"),
    (Answer({"hello": "world"}), "bad_config"),
    (Answer(b"<html>Welcome!</html>"), "bad_config"),
    (Answer(b"[" * 100_000), "bad_config"),
    (Answer(b"{}", 200, {"Content-Encoding": "gzip"}), "server_error"),
    (Answer(gzip.compress(b" " * 50_000_000), 200, {"Content-Encoding": "gzip"}), "server_error"),
    (Answer(b" " * (MAX_REPLY_BYTES + 1)), "server_error"),
    (Answer(b" " * (MAX_REPLY_BYTES + 1), 401), "server_error"),
]


@pytest.mark.parametrize(("answer", "kind"), CASES)
def test_each_refusal_is_one_kind_of_error(start: Start, answer: Answer, kind: ErrorKind) -> None:
    endpoint = start(lambda _: answer)
    assert failure(endpoint).kind == kind
    assert len(endpoint.asked) == 1, "The client tried again by itself."


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"Retry-After": "99999999"}, 86_400.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_handed_on(
    start: Start, headers: dict[str, str], seconds: float | None
) -> None:
    endpoint = start(lambda _: refusal(429, "Slow down", headers=headers))
    assert failure(endpoint).retry_after == seconds


def test_a_date_to_wait_for_is_understood(start: Start) -> None:
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    headers = {"Retry-After": email.utils.format_datetime(then, usegmt=True)}
    endpoint = start(lambda _: refusal(503, "Busy", headers=headers))
    wait = failure(endpoint).retry_after
    assert wait is not None
    assert 60 < wait <= 90


def test_what_the_endpoint_says_is_handed_on_without_the_key(start: Start) -> None:
    said = f"No such key: {KEY}\x1b[31m\n\u202etry sk-proj-abcdefghijklmnop " + "x" * 500
    message = failure(start(lambda _: refusal(401, said))).message
    assert "No such key: [key]" in message
    assert "top secret" not in message
    assert "sk-" not in message
    assert message.isprintable()
    assert len(message) < 500


def test_a_refusal_keeps_what_the_model_wrote(start: Start) -> None:
    answer = completion(None, message={"content": None, "refusal": "I cannot judge that."})
    error = failure(start(lambda _: answer))
    assert (error.raw, error.concerns) == ("I cannot judge that.", "item")


def test_a_server_that_does_not_run_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    gone = OpenAICompatible(
        f"http://127.0.0.1:{port}/v1", "tiny", KEY, capabilities=ALL, reach=HERE
    )
    with pytest.raises(ProviderError, match="cannot be reached") as caught:
        gone.ask(request())
    assert (caught.value.kind, caught.value.concerns) == ("unreachable", "judge")


def test_a_server_that_never_answers_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        patient = OpenAICompatible(
            f"http://127.0.0.1:{port}/v1", "tiny", KEY, timeout=0.2, capabilities=ALL, reach=HERE
        )
        with pytest.raises(ProviderError, match=r"within 0\.2 seconds") as caught:
            patient.ask(request())
    assert (caught.value.kind, caught.value.concerns) == ("timeout", "passing")


def test_a_server_that_answers_drop_by_drop_times_out() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
    done = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(head)
            # Each drop comes well within the time allowed for one wait.
            while not done.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        port = server.getsockname()[1]
        slow = OpenAICompatible(
            f"http://127.0.0.1:{port}/v1", "tiny", KEY, timeout=0.3, capabilities=ALL, reach=HERE
        )
        try:
            with pytest.raises(ProviderError) as caught:
                slow.ask(request())
        finally:
            done.set()
            thread.join()
            slow.close()
    assert caught.value.kind == "timeout"


def test_a_connection_that_breaks_off_passes() -> None:
    def hang_up(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hang_up, args=(server,))
        thread.start()
        port = server.getsockname()[1]
        broken = OpenAICompatible(
            f"http://127.0.0.1:{port}/v1", "t", KEY, capabilities=ALL, reach=HERE
        )
        with pytest.raises(ProviderError) as caught:
            broken.ask(request())
        thread.join()
    assert (caught.value.kind, caught.value.concerns) == ("server_error", "passing")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.example.org/v1",
        "ftp://api.example.org",
        "http://",
        "https://me:pass@api.example.org/v1",
        "https://api.example.org/v1?key=1",
    ],
)
def test_an_address_that_cannot_be_one_is_refused(address: str) -> None:
    with pytest.raises(ProviderError) as caught:
        OpenAICompatible(address, "tiny", KEY)
    assert caught.value.kind == "bad_config"


# --- Probing ----------------------------------------------------------------------------------


def strong(body: Body) -> Answer:
    """An endpoint that honours everything, as llama.cpp's server does."""
    if "grammar" in body:
        return completion("A")
    form = body.get("response_format", {}).get("type")
    if form == "json_schema":
        return completion('{"answer": "B", "confidence": 50}')
    if form == "json_object":
        return completion('{"greeting": "hello"}')
    content = "Hello there." if "hello" in body["messages"][0]["content"] else "A"
    if body.get("logprobs"):
        return completion(content, logprobs={"content": [token("A", -0.1, ("B", -2.0))]})
    return completion(content)


def without(*fields: str, says: str = "Unsupported parameter: {}") -> Script:
    """`strong`, but requests with one of `fields` get a 400."""

    def script(body: Body) -> Answer:
        for name in fields:
            kind = body.get("response_format", {}).get("type")
            if name in body or name == kind:
                return refusal(400, says.format(name))
        return strong(body)

    return script


def test_a_strong_endpoint_is_found_to_honour_all(start: Start) -> None:
    assert provider(start(strong), None).probe() == ALL


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (["grammar"], Capabilities(schema=True, logprobs=True, seed=True)),
        (["seed", "grammar"], Capabilities(schema=True, logprobs=True)),
        (["logprobs", "grammar"], Capabilities(schema=True, seed=True)),
        (["json_schema"], Capabilities(logprobs=True, seed=True, grammar=True, json_object=True)),
        (["json_schema", "json_object", "grammar", "logprobs", "seed"], Capabilities()),
    ],
)
def test_what_is_rejected_is_done_without(
    start: Start, missing: list[str], expected: Capabilities
) -> None:
    assert provider(start(without(*missing)), None).probe() == expected


def test_what_is_accepted_but_ignored_is_done_without(start: Start) -> None:
    endpoint = start(lambda _: completion("Hello there."))
    assert provider(endpoint, None).probe() == Capabilities(seed=True)


def test_other_names_of_the_limit_and_a_fixed_temperature_are_found(start: Start) -> None:
    def reasoning(body: Body) -> Answer:
        if "max_tokens" in body:
            return refusal(
                400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            )
        if "temperature" in body:
            return refusal(400, "Unsupported value: 'temperature' only supports the default.")
        return without("grammar")(body)

    found = provider(start(reasoning), None).probe()
    assert (found.max_tokens_field, found.temperature) == ("max_completion_tokens", False)
    assert (found.schema, found.logprobs, found.grammar) == (True, True, False)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(401, "No"), "key_refused"),
        (refusal(404, "no such model"), "model_gone"),
        (refusal(400, "Bad request"), "bad_config"),
        (refusal(429, "Slow down"), "rate_limited"),
        (refusal(500, "Oops"), "server_error"),
    ],
)
def test_a_failure_is_not_taken_for_a_weakness(
    start: Start, answer: Answer, kind: ErrorKind
) -> None:
    """Neither at the first call nor, as here, at the one with the schema."""
    schemas_fail = start(lambda body: answer if "response_format" in body else strong(body))
    everything_fails = start(lambda _: answer)

    with pytest.raises(ProviderError) as caught:
        provider(everything_fails, None).probe()
    assert caught.value.kind == kind
    if kind != "bad_config":
        with pytest.raises(ProviderError) as caught:
            provider(schemas_fail, None).probe()
        assert caught.value.kind == kind


def test_the_first_question_finds_out_once(start: Start) -> None:
    endpoint = start(strong)
    unprobed = provider(endpoint, None)
    unprobed.ask(request())
    tried = len(endpoint.asked)
    unprobed.ask(request())
    assert len(endpoint.asked) == tried + 1
    assert "grammar" in endpoint.asked[-1].body


def several(body: Body) -> Answer:
    """As many choices as were asked for."""
    answer = completion("A")
    assert isinstance(answer.body, dict)
    answer.body["choices"] *= body.get("n", 1)
    answer.body["usage"]["completion_tokens"] = 4
    return answer


def test_several_choices_in_one_call_are_found_and_shared_out(start: Start) -> None:
    endpoint = start(several)
    found = provider(endpoint, None).probe()
    assert found.n
    asked = len(endpoint.asked)

    replies = provider(endpoint, found).ask_many(request(), 3)

    assert [reply.raw for reply in replies] == ["A", "A", "A"]
    assert len(endpoint.asked) == asked + 1
    assert endpoint.asked[-1].body["n"] == 3
    # The prompt was read once: together they cost what the call did.
    assert sum(reply.tokens_in or 0 for reply in replies) == 12
    assert [reply.tokens_out for reply in replies] == [2, 1, 1]


@pytest.mark.parametrize("script", [strong, without("n")])
def test_one_choice_where_two_were_asked_for_is_one_a_call(start: Start, script: Script) -> None:
    endpoint = start(script)
    found = provider(endpoint, None).probe()
    assert not found.n
    with pytest.raises(ProviderError, match="one answer a call") as caught:
        provider(endpoint, found).ask_many(request(), 2)
    assert caught.value.kind == "bad_config"


def test_fewer_choices_than_asked_for_are_no_replies(start: Start) -> None:
    with pytest.raises(ProviderError, match="asked for 2 answers") as caught:
        provider(start(strong), dataclasses.replace(ALL, n=True)).ask_many(request(), 2)
    assert caught.value.concerns == "judge"


@pytest.mark.parametrize(
    ("answer", "offered"),
    [
        (Answer({"object": "list", "data": []}), True),
        (Answer({"hello": "world"}), False),
        (Answer(b"<html>"), False),
        (refusal(404, "Not found"), False),
        (refusal(403, "Your key may not list batches"), False),
        (refusal(501, "Not implemented"), False),
    ],
)
def test_a_batch_lane_is_found_where_it_is_offered(
    start: Start, answer: Answer, offered: bool
) -> None:
    endpoint = start(strong, {("GET", "/v1/batches"): lambda _: answer})
    assert provider(endpoint, None).probe().batch is offered


def test_a_batch_lane_that_fails_is_not_taken_for_none(start: Start) -> None:
    endpoint = start(strong, {("GET", "/v1/batches"): lambda _: refusal(500, "Oops")})
    with pytest.raises(ProviderError) as caught:
        provider(endpoint, None).probe()
    assert caught.value.kind == "server_error"


def test_a_route_that_is_gone_is_not_taken_for_a_weakness(start: Start) -> None:
    endpoint = start(without("seed"))
    gone = start(lambda body: Answer(b"Gone", 404) if "seed" in body else strong(body))
    assert not provider(endpoint, None).probe().seed
    with pytest.raises(ProviderError):
        provider(gone, None).probe()


def test_what_the_call_cost_is_taken_where_the_endpoint_says_so(start: Start) -> None:
    answer = completion("A")
    assert isinstance(answer.body, dict)
    usage = {
        "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 2},
        "cost": 0.000125,
    }
    answer.body["usage"] |= usage
    reply = provider(start(lambda _: answer)).ask(request())
    assert (reply.tokens_in, reply.tokens_cached, reply.tokens_written) == (12, 8, 2)
    assert reply.charged == Decimal("0.000125")
    answer.body["usage"] |= {"is_byok": True, "cost_details": {"upstream_inference_cost": 0.0025}}
    assert provider(start(lambda _: answer)).ask(request()).charged == Decimal("0.002625")
    answer.body["usage"] = {"cost": "free", "prompt_tokens": -1, "completion_tokens": 1e9}
    reply = provider(start(lambda _: answer)).ask(request())
    assert (reply.charged, reply.tokens_in, reply.tokens_out) == (None, None, None)


@pytest.mark.parametrize("echo", [KEY, KEY.replace("/", "\\/"), KEY.encode().hex()])
def test_a_key_that_an_endpoint_echoes_comes_back_without_it(start: Start, echo: str) -> None:
    said = {"choices": [{"message": {"content": f"A {KEY} B"}}], "model": f"m {KEY}"}
    body = json.dumps(said).replace(KEY.replace('"', '\\"'), echo).encode()
    if echo == KEY.encode().hex():
        # Each letter escaped: JSON's own way to hide it.
        hidden = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
        body = json.dumps(said).replace(KEY, hidden).encode()
    reply = provider(start(lambda _: Answer(body))).ask(request())
    assert (reply.raw, reply.model) == ("A [key] B", "m [key]")


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"schema": "yes", "logprobs": 1, "max_tokens_field": "other", "unknown": True},
    ],
)
def test_capabilities_of_another_version_are_read(stored: dict[str, object]) -> None:
    assert Capabilities.from_dict(stored) == Capabilities()


def test_capabilities_survive_being_stored() -> None:
    found = Capabilities(schema=True, seed=True, max_tokens_field="max_completion_tokens")
    assert Capabilities.from_dict(json.loads(json.dumps(found.as_dict()))) == found
