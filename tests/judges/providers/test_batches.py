"""The batch lanes, against a real server that keeps files and batches, and loses some."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from judges.exchange import OptionSpec, Reply, Request
from judges.providers.addresses import LOOPBACK, PUBLIC_ONLY, Reach
from judges.providers.base import Capabilities, ProviderError
from judges.providers.batches import (
    MAX_REQUESTS,
    AnthropicBatches,
    BatchState,
    Found,
    OpenAIBatches,
)
from tests.judges.providers.endpoint import Answer, Asked, Endpoint, Routes, completion, refusal

KEY = "sk-batch-0123456789abcdef"
HERE = Reach(networks=LOOPBACK)
OPTIONS = tuple(OptionSpec(n, "AB"[n], f"k{n}", f"Name {n}", "") for n in range(2))
TAKES = Capabilities(schema=True)
TOOL = Capabilities(schema=True, form="tool")

Serve: TypeAlias = Callable[[Routes], Endpoint]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda routes: stack.enter_context(
            Endpoint(lambda _: Answer(b"Not Found", 404), routes).running()
        )


def request(user: str = "U", **more: Any) -> Request:
    return Request(**{"system": "S", "user": user, "options": OPTIONS, "want": "json", **more})


PAIR = {"c1": request("One"), "c2": request("Two")}
SENT_AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def openai(endpoint: Endpoint, reach: Reach = HERE) -> OpenAIBatches:
    return OpenAIBatches(endpoint.url, "tiny", KEY, capabilities=TAKES, timeout=5.0, reach=reach)


def anthropic(endpoint: Endpoint) -> AnthropicBatches:
    return AnthropicBatches(endpoint.url, "claude", KEY, capabilities=TOOL, timeout=5.0, reach=HERE)


def lines(*found: Any) -> Answer:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in found)
    return Answer(text.encode(), headers={"Content-Type": "application/jsonl"})


def chat(name: str, body: Any, status: int = 200) -> dict[str, Any]:
    return {"custom_id": name, "response": {"status_code": status, "body": body}, "error": None}


# --- OpenAI -------------------------------------------------------------------------------------


def test_requests_go_as_a_file_of_lines_and_a_batch_over_it(serve: Serve) -> None:
    endpoint = serve(
        {
            ("POST", "/v1/files"): lambda _: Answer({"id": "file-1", "object": "file"}),
            ("POST", "/v1/batches"): lambda _: Answer({"id": "batch_1", "status": "validating"}),
        }
    )

    lane = openai(endpoint)
    assert lane.submit({"c1": request("One"), "c2": request("Two\nlines é")}, "c") == "batch_1"
    lane.close()

    upload, made = endpoint.asked
    assert upload.headers["content-type"].startswith("multipart/form-data")
    assert b'name="purpose"' in upload.raw
    sent = re.findall(rb'^\{"custom_id.*$', upload.raw, re.MULTILINE)
    first, second = (json.loads(line) for line in sent)
    assert (first["custom_id"], first["method"], first["url"]) == (
        "c1",
        "POST",
        "/v1/chat/completions",
    )
    assert first["body"]["model"] == "tiny"
    assert first["body"]["response_format"]["type"] == "json_schema"
    assert second["body"]["messages"][1]["content"] == "Two\nlines é"
    assert made.body == {
        "input_file_id": "file-1",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {"concord": "c"},
    }
    assert {asked.headers["authorization"] for asked in endpoint.asked} == {f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("status", "progress"),
    [
        ("validating", "working"),
        ("in_progress", "working"),
        ("finalizing", "working"),
        ("cancelling", "working"),
        ("completed", "ended"),
        ("expired", "ended"),
        ("cancelled", "ended"),
        ("failed", "failed"),
        ("something new", "working"),
    ],
)
def test_how_far_a_batch_is(serve: Serve, status: str, progress: str) -> None:
    counts = {"total": 5, "completed": 3, "failed": 1}
    errors = {"data": [{"code": "x", "message": f"Line 7 is too long. {KEY}"}]}
    answer = Answer({"id": "b", "status": status, "request_counts": counts, "errors": errors})
    endpoint = serve({("GET", "/v1/batches/b"): lambda _: answer})
    found = openai(endpoint).poll("b")
    assert found == BatchState(progress, 3, 1, 5, "Line 7 is too long. [key]")  # type: ignore[arg-type]


def test_each_line_brings_a_reply_or_an_error(serve: Serve) -> None:
    good = completion('{"answer": "A"}').body
    assert isinstance(good, dict)
    good["model"] = f"tiny {KEY}"
    refused = completion(None, finish_reason="content_filter").body
    too_long = refusal(400, "maximum context length is 8 tokens").body
    output = lines(
        chat("ok", good),
        chat("ok", refused),
        chat("stranger", good),
        "not json",
        "[1]",
        "",
        chat("filtered", refused),
        chat("empty", {}),
    )
    errors = lines(
        chat("long", too_long, 400),
        {"custom_id": "late", "response": None, "error": {"code": "batch_expired"}},
        {"custom_id": "odd", "response": None, "error": None},
    )
    state = {"id": "b", "status": "expired", "output_file_id": "out", "error_file_id": "err"}
    endpoint = serve(
        {
            ("GET", "/v1/batches/b"): lambda _: Answer(state),
            ("GET", "/v1/files/out/content"): lambda _: output,
            ("GET", "/v1/files/err/content"): lambda _: errors,
        }
    )
    names = ["ok", "filtered", "empty", "long", "late", "odd", "missing"]

    found = list(openai(endpoint).collect("b", {name: request() for name in names}))

    by_name = dict(found)
    assert len(found) == len(by_name)
    reply = by_name.pop("ok")
    assert isinstance(reply, Reply)
    assert (reply.raw, reply.tokens_in, reply.model) == ('{"answer": "A"}', 12, "tiny [key]")
    assert {name: error.kind for name, error in by_name.items()} == {  # type: ignore[union-attr]
        "filtered": "refused",
        "empty": "server_error",
        "long": "too_long",
        "late": "server_error",
        "odd": "server_error",
    }
    late = by_name["late"]
    assert isinstance(late, ProviderError)
    assert late.concerns == "passing"
    assert not late.may_have_cost  # what was not answered is not charged


def test_a_file_id_that_would_lead_elsewhere_is_not_followed(serve: Serve) -> None:
    state = {"id": "b", "status": "completed", "output_file_id": "../../internal?x="}
    endpoint = serve({("GET", "/v1/batches/b"): lambda _: Answer(state)})
    with pytest.raises(ProviderError, match="no id"):
        list(openai(endpoint).collect("b", {"c": request()}))
    assert len(endpoint.asked) == 1


def test_a_lane_that_refuses_is_an_error_of_its_kind_and_asked_once(serve: Serve) -> None:
    limited = refusal(429, f"Slow down, {KEY}", headers={"Retry-After": "9"})
    endpoint = serve({("POST", "/v1/files"): lambda _: limited})
    with pytest.raises(ProviderError) as caught:
        openai(endpoint).submit({"c": request()}, "c")
    assert (caught.value.kind, caught.value.retry_after) == ("rate_limited", 9.0)
    assert caught.value.answered  # of a file that did not arrive there is no batch
    assert KEY not in caught.value.message
    assert len(endpoint.asked) == 1


def test_a_batch_is_cancelled_by_its_id(serve: Serve) -> None:
    endpoint = serve({("POST", "/v1/batches/b/cancel"): lambda _: Answer({"id": "b"})})
    openai(endpoint).cancel("b")
    assert endpoint.asked[0].path == "/v1/batches/b/cancel"


def test_a_batch_that_the_endpoint_does_not_know_is_gone(serve: Serve) -> None:
    endpoint = serve({})
    for lane in (openai(endpoint), anthropic(endpoint)):
        assert lane.poll("b").progress == "gone"


def test_a_batch_that_is_too_much_at_once_says_so(serve: Serve) -> None:
    errors = {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit."}]}
    answer = Answer({"id": "b", "status": "failed", "errors": errors})
    endpoint = serve({("GET", "/v1/batches/b"): lambda _: answer})
    found = openai(endpoint).poll("b")
    assert (found.progress, found.too_many, found.message) == (
        "failed",
        True,
        "Enqueued token limit.",
    )


def test_openai_s_batch_is_found_by_its_mark_on_any_page(serve: Serve) -> None:
    def batch(n: int, mark: str | None, minutes: int) -> dict[str, Any]:
        at = int((SENT_AT + timedelta(minutes=minutes)).timestamp())
        kept = None if mark is None else {"concord": mark}
        return {"id": f"b{n}", "created_at": at, "metadata": kept}

    pages = {
        "": Answer({"data": [batch(1, None, 9), batch(2, "other", 8)], "has_more": True}),
        "b2": Answer({"data": [batch(3, "mine", 1), batch(4, "more", 0)], "has_more": True}),
        "b4": Answer({"data": [batch(5, "old", -600)], "has_more": True}),
    }

    def listed(asked: Asked) -> Answer:
        return pages[asked.path.partition("after=")[2]]

    endpoint = serve({("GET", "/v1/batches"): listed})
    lane = openai(endpoint)
    assert lane.find("mine", since=SENT_AT, n=2) == Found("b3")
    # Nobody looks through what was made long before.
    assert lane.find("nobody's", since=SENT_AT, n=2) == Found("", sure=True)
    assert [asked.path.partition("after=")[2] for asked in endpoint.asked] == [
        *["", "b2"],
        *["", "b2", "b4"],
    ]


def test_anthropic_s_batch_is_found_by_the_ids_in_its_results(serve: Serve) -> None:
    def batch(name: str, status: str, n: int, minutes: int = 1) -> dict[str, Any]:
        return {
            "id": name,
            "processing_status": status,
            "created_at": (SENT_AT + timedelta(minutes=minutes)).isoformat(),
            "request_counts": {"processing" if status == "in_progress" else "succeeded": n},
        }

    theirs = batch("theirs", "ended", 2)
    larger = batch("larger", "ended", 3)
    older = batch("older", "ended", 2, minutes=-600)
    mine, running = batch("mine", "ended", 2), batch("mine", "in_progress", 2)
    there: list[dict[str, Any]] = []

    def results(name: str) -> Callable[[Asked], Answer]:
        return lambda _: lines({"custom_id": f"{name}-1"})

    at = "/v1/messages/batches"
    endpoint = serve(
        {
            ("GET", at): lambda _: Answer({"data": there, "has_more": False}),
            ("GET", f"{at}/theirs/results"): results("theirs"),
            ("GET", f"{at}/mine/results"): results("mine"),
        }
    )
    lane = anthropic(endpoint)
    for there_is, found in (
        ([theirs, larger, older], Found("", sure=True)),
        ([theirs, running], Found("", sure=False)),
        ([theirs, mine], Found("mine")),
    ):
        there[:] = there_is
        assert lane.find("mine", since=SENT_AT, n=2) == found


def test_what_an_endpoint_keeps_of_a_batch_is_deleted(serve: Serve) -> None:
    state = {"id": "b", "status": "completed", "input_file_id": "in", "output_file_id": "out"}
    gone: list[str] = []
    endpoint = serve({("GET", "/v1/batches/b"): lambda _: Answer(state)})
    for path in ("/v1/files/in", "/v1/files/out", "/v1/messages/batches/b"):
        endpoint.routes["DELETE", path] = lambda asked: gone.append(asked.path) or Answer({})  # type: ignore[func-returns-value]
    openai(endpoint).discard("b")
    anthropic(endpoint).discard("b")
    assert gone == ["/v1/files/in", "/v1/files/out", "/v1/messages/batches/b"]


@pytest.mark.parametrize("make", [openai, anthropic])
def test_a_request_weighs_no_less_than_what_is_sent_of_it(serve: Serve, make: Any) -> None:
    created = Answer({"id": "b1"})
    endpoint = serve(
        {
            ("POST", "/v1/files"): lambda _: Answer({"id": "file-1"}),
            ("POST", "/v1/batches"): lambda _: created,
            ("POST", "/v1/messages/batches"): lambda _: created,
        }
    )
    lane = make(endpoint)
    asked = {f"mark-{n}": request("Grüße, 世界 🙂 " * 300) for n in range(50)}
    lane.submit(asked, "mark")
    # What is sent around them all is not theirs: of OpenAI's file the parts of a form.
    assert len(endpoint.asked[0].raw) <= sum(lane.weight(each) for each in asked.values()) + 1_000


def test_a_lane_inside_the_network_is_as_closed_as_a_chat(serve: Serve) -> None:
    endpoint = serve({})
    with pytest.raises(ProviderError, match="private network"):
        openai(endpoint, PUBLIC_ONLY).submit({"c": request()}, "c")
    assert endpoint.asked == []


# --- Anthropic ----------------------------------------------------------------------------------


def test_anthropic_takes_all_requests_in_one_body(serve: Serve) -> None:
    made = Answer({"id": "msgbatch_1", "type": "message_batch", "processing_status": "in_progress"})
    endpoint = serve({("POST", "/v1/messages/batches"): lambda _: made})

    assert anthropic(endpoint).submit(PAIR, "c") == "msgbatch_1"

    (asked,) = endpoint.asked
    first, second = asked.body["requests"]
    assert (first["custom_id"], second["custom_id"]) == ("c1", "c2")
    assert first["params"]["model"] == "claude"
    assert first["params"]["tool_choice"]["name"] == "judgement"
    assert second["params"]["messages"] == [{"role": "user", "content": "Two"}]
    assert asked.headers["x-api-key"] == KEY


@pytest.mark.parametrize(
    ("status", "progress"),
    [("in_progress", "working"), ("canceling", "working"), ("ended", "ended")],
)
def test_how_far_anthropic_s_batch_is(serve: Serve, status: str, progress: str) -> None:
    counts = {"processing": 4, "succeeded": 3, "errored": 1, "canceled": 1, "expired": 1}
    answer = Answer({"id": "b", "processing_status": status, "request_counts": counts})
    endpoint = serve({("GET", "/v1/messages/batches/b"): lambda _: answer})
    assert anthropic(endpoint).poll("b") == BatchState(progress, 3, 3, 10)  # type: ignore[arg-type]


def test_each_result_brings_a_reply_or_an_error(serve: Serve) -> None:
    def result(name: str, **said: Any) -> dict[str, Any]:
        return {"custom_id": name, "result": said}

    def errored(name: str, kind: str, said: str) -> dict[str, Any]:
        error = {"type": "error", "error": {"type": kind, "message": said}}
        return result(name, type="errored", error=error)

    answer = {"answer": "B", "confidence": 50}
    message = {
        "model": "claude-2026",
        "content": [{"type": "tool_use", "name": "judgement", "input": answer}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 9, "output_tokens": 4},
    }
    found = lines(
        result("ok", type="succeeded", message=message),
        result("refused", type="succeeded", message=message | {"stop_reason": "refusal"}),
        errored("bad", "invalid_request_error", "prompt is too long"),
        errored("busy", "overloaded_error", "Overloaded"),
        result("late", type="expired"),
        result("stopped", type="canceled"),
        result("odd", type="something"),
        {"custom_id": "none"},
    )
    endpoint = serve({("GET", "/v1/messages/batches/b/results"): lambda _: found})
    names = ["ok", "refused", "bad", "busy", "late", "stopped", "odd", "none", "missing"]

    by_name = dict(anthropic(endpoint).collect("b", {name: request() for name in names}))

    reply = by_name.pop("ok")
    assert isinstance(reply, Reply)
    assert (json.loads(reply.raw), reply.tokens_in, reply.tokens_out) == (answer, 9, 4)
    assert {name: error.kind for name, error in by_name.items()} == {  # type: ignore[union-attr]
        "refused": "refused",
        "bad": "too_long",
        "busy": "rate_limited",
        "late": "server_error",
        "stopped": "server_error",
        "odd": "server_error",
        "none": "server_error",
    }


def test_anthropic_s_results_are_not_fetched_from_where_the_reply_says(serve: Serve) -> None:
    """The key goes to the address it was entered for."""
    asked_elsewhere: list[Asked] = []
    elsewhere = serve({("GET", "/x"): lambda asked: asked_elsewhere.append(asked) or lines()})  # type: ignore[func-returns-value]
    state = {"id": "b", "processing_status": "ended", "results_url": f"{elsewhere.url[:-3]}/x"}
    endpoint = serve(
        {
            ("GET", "/v1/messages/batches/b"): lambda _: Answer(state),
            ("GET", "/v1/messages/batches/b/results"): lambda _: lines(),
        }
    )
    lane = anthropic(endpoint)
    assert lane.poll("b").progress == "ended"
    assert list(lane.collect("b", {"c": request()})) == []
    assert asked_elsewhere == []


# --- Both ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [openai, anthropic])
def test_what_is_no_batch_is_not_handed_in(serve: Serve, make: Any) -> None:
    endpoint = serve({})
    lane = make(endpoint)
    for wrong in (
        {},
        {"a/b": request()},
        {"": request()},
        {"x" * 65: request()},
        {str(n): request() for n in range(MAX_REQUESTS + 1)},
        {str(n): request("x" * 1_000_000) for n in range(91)},
    ):
        with pytest.raises(ValueError, match=r"A batch holds|An id has"):
            lane.submit(wrong, "c")
    for verb in (lane.poll, lane.cancel):
        with pytest.raises(ValueError, match="An id has"):
            verb("../files")
    assert endpoint.asked == []
    assert KEY not in repr(lane)
