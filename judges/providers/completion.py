"""What goes into and comes out of a chat completion: body, schema, grammar, and the answer's
token. Pure.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from judges.providers.base import Capabilities, OptionSpec, ProviderError, Reply, Request

# The answer's letter in a JSON reply. In a string, a quote would be escaped, so a rationale
# cannot fake this.
_ANSWER = re.compile(r'"answer"\s*:\s*"')
_LETTER = re.compile(r"[A-Z0-9]")


def request_body(request: Request, model: str, capabilities: Capabilities) -> dict[str, object]:
    """The JSON body for `request`, using no more than what `capabilities` says is honoured."""
    body: dict[str, object] = {
        "model": model,
        "messages": [
            {"role": "system", "content": request.system},
            {"role": "user", "content": request.user},
        ],
        capabilities.max_tokens_field: capabilities.reply_limit(request),
    }
    if capabilities.temperature:
        body["temperature"] = request.temperature
    if capabilities.seed and request.seed is not None:
        body["seed"] = request.seed
    if capabilities.logprobs and request.top_logprobs > 0:
        body |= {"logprobs": True, "top_logprobs": min(request.top_logprobs, 20)}
    if request.want == "letter":
        if capabilities.grammar:
            body["grammar"] = letter_grammar(request.options)
    elif capabilities.schema:
        body["response_format"] = response_format(request, bounded=capabilities.grammar)
    elif capabilities.json_object:
        body["response_format"] = {"type": "json_object"}
    return body


def letter_grammar(options: Sequence[OptionSpec]) -> str:
    """A GBNF grammar that allows one of the letters and nothing else, so an answer is one token."""
    return "root ::= " + " | ".join(f'"{option.letter}"' for option in options)


def response_format(request: Request, *, bounded: bool) -> dict[str, object]:
    """The `response_format` that holds a reply to `answer_schema`."""
    schema = answer_schema(request, bounded=bounded)
    return {
        "type": "json_schema",
        "json_schema": {"name": "judgement", "strict": True, "schema": schema},
    }


def answer_schema(request: Request, *, bounded: bool) -> dict[str, object]:
    """The JSON schema of the object that `judges.prompting.parse` reads.

    The rationale comes first: a reason written after the answer only defends it. `bounded` also
    limits its length, where the server turns the schema into a grammar; hosted endpoints reject
    that keyword, and those on the number of a list's entries.
    """
    letter = {"type": "string", "enum": [option.letter for option in request.options]}
    properties: dict[str, object] = {}
    if request.want == "json_rationale":
        properties["rationale"] = {"type": "string"} | ({"maxLength": 600} if bounded else {})
    if request.want == "candidates":
        most = {"minItems": 1, "maxItems": len(request.options)} if bounded else {}
        properties["answers"] = {"type": "array", "items": letter} | most
    elif request.want == "checklist":
        for number in range(1, len(request.checks) + 1):
            properties[str(number)] = {"type": "string", "enum": ["yes", "no"]}
    else:
        properties["answer"] = letter
    if request.want != "candidates":
        properties["confidence"] = {"type": "integer", "enum": list(range(0, 101, 5))}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_completion(completion: Mapping[str, Any], request: Request, seconds: float) -> Reply:
    """The Reply in a decoded chat completion. Raises ProviderError where it holds none."""
    choices = completion.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return _read_choice(choice, completion, request, seconds)


def read_completions(
    completion: Mapping[str, Any], request: Request, seconds: float, n: int
) -> list[Reply]:
    """The `n` Replies of a completion asked for that many choices. Tokens and charge are shared
    out, so that their sums are those of the call. Raises ProviderError where fewer came.
    """
    if n == 1:
        return [read_completion(completion, request, seconds)]
    choices = completion.get("choices")
    choices = choices if isinstance(choices, list) else []
    if len(choices) != n:
        raise ProviderError(
            "bad_config",
            f"{request_name(completion)} was asked for {n} answers in one call and gave"
            f" {len(choices)}. Test the connection again, then resume.",
        )
    replies = [_read_choice(choice, completion, request, seconds) for choice in choices]
    whole = replies[0]
    return [
        dataclasses.replace(
            reply,
            tokens_in=_share(whole.tokens_in, i, n),
            tokens_out=_share(whole.tokens_out, i, n),
            tokens_cached=_share(whole.tokens_cached, i, n),
            tokens_written=_share(whole.tokens_written, i, n),
            charged=None if whole.charged is None else whole.charged if i == 0 else Decimal(0),
        )
        for i, reply in enumerate(replies)
    ]


def _share(whole: int | None, place: int, n: int) -> int | None:
    """Of a whole number shared out among n, the part of one; the parts sum to it."""
    return None if whole is None else whole // n + (place < whole % n)


def _read_choice(
    choice: object, completion: Mapping[str, Any], request: Request, seconds: float
) -> Reply:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise ProviderError(
            "server_error",
            "The endpoint sent a completion without a message. The call is tried again.",
        )
    raw = content_of(message)
    finish_reason = _text(choice.get("finish_reason"))
    refusal = _text(message.get("refusal"))
    if finish_reason == "content_filter" or (refusal and not raw):
        raise ProviderError(
            "refused",
            f"{request_name(completion)} refuses to answer about this item.",
            raw=refusal or raw,
        )
    usage = completion.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    return Reply(
        raw=raw,
        tokens_in=count(usage.get("prompt_tokens")),
        tokens_out=count(usage.get("completion_tokens")),
        seconds=seconds,
        token_logprobs=_answer_alternatives(choice, raw, request),
        finish_reason=finish_reason,
        model=_text(completion.get("model")),
        tokens_cached=count(details.get("cached_tokens")),
        tokens_written=count(details.get("cache_write_tokens")),
        charged=_charged(usage),
    )


def content_of(message: Mapping[str, Any]) -> str:
    """The text of a message: a string, or the parts that some endpoints send instead; "" where
    there is none.
    """
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(part for part in parts if isinstance(part, str))
    return _text(content)


def request_name(completion: Mapping[str, Any]) -> str:
    """The model's name in a sentence."""
    return _text(completion.get("model"))[:80] or "The model"


def _answer_alternatives(
    choice: Mapping[str, Any], raw: str, request: Request
) -> tuple[tuple[str, float], ...] | None:
    """The alternatives at the token that carries the answer, most probable first; None where
    unsaid.
    """
    logprobs = choice.get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list):
        return None
    place = _answer_place(raw, request)
    if place is None:
        return None
    offset = len(raw[:place].encode("utf-8", "replace"))
    end = 0
    for entry in tokens:
        if not isinstance(entry, dict):
            return None
        end += _size(entry)
        if end > offset:
            return _alternatives(entry)
    return None


def _answer_place(raw: str, request: Request) -> int | None:
    if request.want == "letter":
        found = _LETTER.search(raw)
        return found.start() if found else None
    answers = list(_ANSWER.finditer(raw))
    # Two of them: the strict parser refuses such a reply, so there is nothing to be sure of.
    return answers[0].end() if len(answers) == 1 and answers[0].end() < len(raw) else None


def _size(entry: Mapping[str, Any]) -> int:
    # Half a character has no text of its own; its bytes are told apart.
    if isinstance(entry.get("bytes"), list):
        return len(entry["bytes"])
    return len(_text(entry.get("token")).encode("utf-8", "replace"))


def _alternatives(entry: Mapping[str, Any]) -> tuple[tuple[str, float], ...] | None:
    listed = entry.get("top_logprobs")
    found: dict[str, float] = {}
    for alternative in [entry, *(listed if isinstance(listed, list) else [])]:
        if not isinstance(alternative, dict):
            return None
        token, logprob = alternative.get("token"), alternative.get("logprob")
        if not isinstance(token, str) or not isinstance(logprob, int | float):
            return None
        if math.isnan(logprob) or logprob > 0.01:
            return None
        # Servers list the chosen token among the alternatives or beside them; it counts once.
        found.setdefault(token, float(logprob))
    return tuple(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def count(value: object) -> int | None:
    """A number of tokens as an endpoint gives it; None for what is none."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31:
        return value
    return None


def _charged(usage: Mapping[str, Any]) -> Decimal | None:
    """What the call cost in US dollars, where the endpoint says so, as OpenRouter does: with a key
    of one's own at the model's provider, their fee and what the provider charges beside it.
    """
    fee = _dollars(usage.get("cost"))
    details = usage.get("cost_details")
    if fee is None or not usage.get("is_byok") or not isinstance(details, dict):
        return fee
    return fee + (_dollars(details.get("upstream_inference_cost")) or Decimal(0))


def _dollars(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1000:
        return None
    return Decimal(str(value))
