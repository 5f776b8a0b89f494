"""A Label Studio ML backend as a judge: a server that gets a task and answers with its labels.

It is asked as Label Studio asks it (`/setup`, `/predict`, `/health`), with a labelling
configuration made from the question, so a backend written for Label Studio needs no change. Its
answer is taken strictly: one choice, or one rating, that the configuration offers, for the control
that was asked for. Anything else is no label.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from judges.providers.addresses import PUBLIC_ONLY, Reach
from judges.providers.base import Labelled, ProviderError, QuestionSpec
from judges.providers.bounded_http import bounded_client
from judges.providers.vendor_clients import Endpoint, checked_address

if TYPE_CHECKING:
    import httpx2

DEFAULT_TIMEOUT = 60.0
MAX_RAW_CHARS = 4_000
# What Label Studio sends in place of a project's number and its time of creation.
PROJECT = "1.1"
_VARIABLE = re.compile(r"\w+", re.ASCII)


class LabelStudioBackend:
    """A LabelProvider at one address. Safe to use from several threads.

    `api_key` is "user:password" where the backend asks for basic authentication, another text where
    it asks for a bearer token, "" where it asks for nothing.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str = "",
        *,
        timeout: float = DEFAULT_TIMEOUT,
        reach: Reach = PUBLIC_ONLY,
    ) -> None:
        self._endpoint = Endpoint(
            address=checked_address(base_url, "http://localhost:9090"),
            model="the backend",
            timeout=timeout,
            usual="it is the part before /predict, as in http://localhost:9090",
            api_key=api_key.strip(),
        )
        self._reach = reach
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None
        self._finalizer: weakref.finalize[..., LabelStudioBackend] | None = None

    def __repr__(self) -> str:
        return f"LabelStudioBackend({self._endpoint.address!r})"

    def health(self) -> str:
        """What it calls its model. Raises ProviderError where it is not up."""
        said = self._object("GET", "/health")
        if str(said.get("status", "")).upper() not in {"UP", "OK"}:
            raise ProviderError(
                "unreachable",
                f"{self._endpoint.address} answers, but does not say that it is up. Look at the"
                " backend.",
            )
        return _name(said.get("model_class"))

    def set_up(self, question: QuestionSpec, fields: Sequence[str]) -> str:
        """The version of its model, once told of the question. Raises ProviderError."""
        body = {
            "project": PROJECT,
            "schema": labelling_config(question, fields),
            "hostname": "",
            "access_token": "",
        }
        try:
            said = self._object("POST", "/setup", body)
        except ProviderError as error:
            # Backends not made with Label Studio's own kit may have nothing to set up.
            if error.kind == "bad_config" and "(404)" in error.message:
                return ""
            raise
        return _name(said.get("model_version"))

    def label(self, question: QuestionSpec, fields: Mapping[str, str]) -> Labelled:
        """The label of one item. Raises ProviderError."""
        started = time.monotonic()
        said = self._object("POST", "/predict", task_body(question, fields))
        return read_prediction(said, question, time.monotonic() - started)

    def close(self) -> None:
        """Give the connections back. Done too when the provider is forgotten."""
        with self._lock:
            if self._finalizer is not None:
                self._finalizer()
            self._client = self._finalizer = None

    def _object(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        import httpx2

        client = self._opened()
        try:
            response = client.request(method, self._endpoint.address + path, json=body)
        except httpx2.TimeoutException as error:
            if isinstance(error, httpx2.ConnectTimeout):
                raise self._endpoint.unreachable() from None
            raise ProviderError(
                "timeout",
                f"{self._endpoint.address} did not answer within {self._endpoint.timeout:g}"
                " seconds. The call is tried again.",
            ) from None
        except httpx2.TransportError as error:
            raise self._endpoint.broken(error) from None
        said = self._endpoint.read(response.content)
        if not 200 <= response.status_code < 300:
            told = response.text if said is None else said
            raise self._endpoint.refused(response.status_code, told, response.headers)
        if not isinstance(said, dict):
            raise ProviderError(
                "bad_config",
                f"{self._endpoint.address} answered, but not as a Label Studio ML backend."
                f" Check the address in the connection: {self._endpoint.usual}.",
            )
        return said

    def _opened(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                self._client = bounded_client(
                    self._endpoint.address,
                    _authorization(self._endpoint.api_key),
                    timeout=self._endpoint.timeout,
                    reach=self._reach,
                )
                self._finalizer = weakref.finalize(self, self._client.close)
            return self._client


def labelling_config(question: QuestionSpec, fields: Sequence[str]) -> str:
    """The question in Label Studio's language: a text a field, and one control named by the
    question's key. Choices have the options' names; scales of 1 to N are a rating.
    """
    shown = [name for name in fields if _VARIABLE.fullmatch(name)]
    texts = [
        f"<Text name={quoteattr(_text_name(name, question))} value={quoteattr('$' + name)}/>"
        for name in shown
    ]
    control = f"name={quoteattr(question.key)}" + (
        f" toName={quoteattr(_text_name(shown[0], question))}" if shown else ""
    )
    if _is_scale(question):
        asked = f'<Rating {control} maxRating="{len(question.options)}"/>'
    else:
        choices = "".join(f"<Choice value={quoteattr(o.name)}/>" for o in question.options)
        asked = f'<Choices {control} choice="single">{choices}</Choices>'
    return f"<View>{''.join(texts)}{asked}</View>"


def task_body(question: QuestionSpec, fields: Mapping[str, str]) -> dict[str, object]:
    """What `/predict` is sent for one item."""
    return {
        "tasks": [{"id": 1, "data": dict(fields)}],
        "project": PROJECT,
        "label_config": labelling_config(question, list(fields)),
        "params": {"context": {}},
    }


def read_prediction(said: Mapping[str, Any], question: QuestionSpec, seconds: float) -> Labelled:
    """The label in a decoded reply of `/predict`, or why there is none."""
    results = said.get("results")
    prediction = results[0] if isinstance(results, list) and len(results) == 1 else None
    if isinstance(prediction, list):  # Several predictions of one task: only one is an answer.
        prediction = prediction[0] if len(prediction) == 1 else None
    version = _name(said.get("model_version"))
    if isinstance(prediction, dict):
        version = _name(prediction.get("model_version")) or version
    code, confidence, reason = _answer(prediction, question)
    return Labelled(
        code=code,
        confidence=confidence,
        raw=json.dumps(prediction, ensure_ascii=False)[:MAX_RAW_CHARS],
        seconds=seconds,
        model=version,
        reason=reason,
    )


def _answer(prediction: object, question: QuestionSpec) -> tuple[int | None, float | None, str]:
    if not isinstance(prediction, dict) or not isinstance(prediction.get("result"), list):
        return None, None, "The backend's reply holds no prediction of the item."
    regions = [region for region in prediction["result"] if isinstance(region, dict)]
    mine = [region for region in regions if region.get("from_name") == question.key]
    if not regions:
        return None, None, "The backend predicts nothing for the item."
    if not mine:
        other = min(str(region.get("from_name")) for region in regions)
        return None, None, f"It answers for {_quoted(other)}, not for {_quoted(question.key)}."
    if len(mine) > 1:
        return None, None, "It answers more than once."
    code, reason = _code(mine[0], question)
    if code is None:
        return None, None, reason
    score = _share(mine[0].get("score"))
    return code, _share(prediction.get("score")) if score is None else score, ""


def _code(region: Mapping[str, Any], question: QuestionSpec) -> tuple[int | None, str]:
    value = region.get("value")
    value = value if isinstance(value, dict) else {}
    if _is_scale(question) and region.get("type") == "rating":
        rating = value.get("rating")
        if isinstance(rating, bool) or not isinstance(rating, int | float):
            return None, "Its rating is no number."
        given = [o.code for n, o in enumerate(question.options, start=1) if n == rating]
        return (given[0], "") if given else (None, f"The rating {rating} is none of the scale.")
    if region.get("type") != "choices":
        return None, f"It answers with {_quoted(str(region.get('type')))}, not with choices."
    choices = value.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], str):
        return None, "It does not answer with exactly one choice."
    known = {option.key: option.code for option in question.options}
    known |= {option.name: option.code for option in question.options}
    if choices[0] not in known:
        offered = ", ".join(option.name for option in question.options)
        return None, f"The choice {_quoted(choices[0])} is none of {offered}."
    return known[choices[0]], ""


def _is_scale(question: QuestionSpec) -> bool:
    """Whether the options are 1, 2 ... N, which is what Label Studio's ratings can say."""
    numbers = [str(n) for n in range(1, len(question.options) + 1)]
    return question.kind == "rating" and numbers in (
        [option.name for option in question.options],
        [option.key for option in question.options],
    )


def _text_name(field: str, question: QuestionSpec) -> str:
    return f"{field}_text" if field == question.key else field


def _authorization(key: str) -> dict[str, str]:
    if not key:
        return {}
    if ":" in key:
        return {"authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}
    return {"authorization": f"Bearer {key}"}


def _share(value: object) -> float | None:
    """A score that is a probability; None for what is none (some backends score otherwise)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


def _name(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""


def _quoted(text: str) -> str:
    shown = ascii(text[:40])[1:-1]
    return f'"{shown}{"..." if len(text) > 40 else ""}"'
