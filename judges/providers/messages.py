"""What goes into and comes out of Anthropic's Messages API. Pure.

There are three ways to hold a reply to an object with an enum, and which of them a model takes
differs: an output schema (newer models), a forced tool (older ones; models that always think refuse
it), and putting the reply's first character into its mouth (older ones only).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from judges.providers.base import Capabilities, ProviderError, Reply, Request
from judges.providers.completion import answer_schema, count

TOOL = "judgement"
PREFILL = "{"

# Their words for how a reply ended, in those that `judges.prompting.parse` knows.
_ENDINGS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "stop",
    "max_tokens": "length",
}


def message_body(request: Request, model: str, capabilities: Capabilities) -> dict[str, object]:
    """The JSON body for `request`, using no more than what `capabilities` says is honoured."""
    messages = [{"role": "user", "content": request.user}]
    body: dict[str, object] = {
        "model": model,
        "max_tokens": capabilities.reply_limit(request),
        "messages": messages,
    }
    if request.system:
        body["system"] = request.system
    if capabilities.temperature:
        body["temperature"] = min(request.temperature, 1.0)
    if request.want == "letter":
        return body
    schema = answer_schema(request, bounded=False)
    match capabilities.form:
        case "output":
            body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        case "tool":
            body["tools"] = [
                {"name": TOOL, "description": "Record the answer.", "input_schema": schema}
            ]
            body["tool_choice"] = {"type": "tool", "name": TOOL}
        case "prefill":
            messages.append({"role": "assistant", "content": PREFILL})
    return body


def read_message(
    message: Mapping[str, Any], request: Request, seconds: float, capabilities: Capabilities
) -> Reply:
    """The Reply in a decoded message. Raises ProviderError where it holds none."""
    blocks = message.get("content")
    if not isinstance(blocks, list):
        raise ProviderError(
            "server_error", "The endpoint sent a message without content. The call is tried again."
        )
    model = _text(message.get("model"))
    ending = _text(message.get("stop_reason"))
    said = _said(blocks)
    if ending == "refusal":
        raise ProviderError(
            "refused", f"{model[:80] or 'The model'} refuses to answer about this item.", raw=said
        )
    if ending == "model_context_window_exceeded":
        raise ProviderError(
            "too_long",
            f"The item, with guideline and examples, is too long for {model[:80] or 'the model'}."
            " Use fewer examples or a model with a longer context.",
        )
    if request.want != "letter" and capabilities.form == "prefill":
        said = PREFILL + said
    usage = message.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    read = count(usage.get("cache_read_input_tokens"))
    written = count(usage.get("cache_creation_input_tokens"))
    fresh = count(usage.get("input_tokens"))
    return Reply(
        raw=said,
        # Theirs leave out what was read from the cache and written to it.
        tokens_in=None if fresh is None else fresh + (read or 0) + (written or 0),
        tokens_out=count(usage.get("output_tokens")),
        seconds=seconds,
        token_logprobs=None,
        finish_reason=_ENDINGS.get(ending, ending),
        model=model,
        tokens_cached=read,
        tokens_written=written,
    )


def thought(message: Mapping[str, Any]) -> bool:
    """Whether the model thought before it answered."""
    blocks = message.get("content")
    usage = message.get("usage")
    details = usage.get("output_tokens_details") if isinstance(usage, dict) else None
    return any(
        isinstance(block, dict) and _text(block.get("type")).endswith("thinking")
        for block in (blocks if isinstance(blocks, list) else [])
    ) or bool(isinstance(details, dict) and count(details.get("thinking_tokens")))


def _said(blocks: list[Any]) -> str:
    """The answer: the tool's input where it was called once, else the texts. Two calls of it are
    written one after the other, which is no JSON object, and so no answer.
    """
    known = [block for block in blocks if isinstance(block, dict)]
    inputs = [
        json.dumps(block.get("input"), ensure_ascii=False)
        for block in known
        if block.get("type") == "tool_use" and block.get("name") == TOOL
    ]
    if inputs:
        return "\n".join(inputs)
    return "".join(_text(block.get("text")) for block in known if block.get("type") == "text")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
