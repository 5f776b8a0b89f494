"""A Label Studio ML backend as a judge: asked as Label Studio asks, and taken at its word only."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeAlias
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges.exchange import OptionSpec, QuestionSpec
from judges.providers.addresses import LOOPBACK, PUBLIC_ONLY, Reach
from judges.providers.base import ErrorKind, LabelProvider, ProviderError
from judges.providers.label_studio import (
    LabelStudioBackend,
    labelling_config,
    read_prediction,
    task_body,
)
from tests.judges.providers.endpoint import Answer, Asked, Endpoint, Routes

KEY = "ada:open-sesame-0123"
HERE = Reach(networks=LOOPBACK)

Serve: TypeAlias = Callable[..., Endpoint]


def question(kind: Any = "single", *options: tuple[str, str]) -> QuestionSpec:
    named = options or (("positive", "Positive"), ("negative", "Not so <good>"))
    return QuestionSpec(
        key="mood",
        text="How?",
        kind=kind,
        options=tuple(OptionSpec(7 + n, "", key, name, "") for n, (key, name) in enumerate(named)),
    )


MOOD = question()
STARS = question("rating", *((str(n), f"{n} stars") for n in range(1, 6)))


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def make(routes: Routes) -> Endpoint:
            return stack.enter_context(Endpoint(lambda _: Answer(b"", 404), routes).running())

        yield make


def at(endpoint: Endpoint, key: str = "", reach: Reach = HERE) -> LabelStudioBackend:
    return LabelStudioBackend(endpoint.url.removesuffix("/v1"), key, timeout=5.0, reach=reach)


def chosen(*choices: str, name: str = "mood", **more: Any) -> dict[str, Any]:
    return {
        "from_name": name,
        "to_name": "text",
        "type": "choices",
        "value": {"choices": list(choices)},
        **more,
    }


def predicted(*regions: Any, **more: Any) -> dict[str, Any]:
    return {"results": [{"result": list(regions), **more}], "model_version": "v7"}


# --- What is sent -------------------------------------------------------------------------------


def test_an_item_is_sent_as_a_task_with_a_configuration_made_from_the_question(
    serve: Serve,
) -> None:
    endpoint = serve(
        {("POST", "/predict"): lambda _: Answer(predicted(chosen("Positive"), score=0.9))}
    )
    backend = at(endpoint, KEY)
    assert isinstance(backend, LabelProvider)

    said = backend.label(MOOD, {"text": 'A "b" <c>', "mood": "x", "odd name": "y"})

    assert (said.code, said.confidence, said.model, said.reason) == (7, 0.9, "v7", "")
    assert said.seconds > 0
    assert json.loads(said.raw)["score"] == 0.9
    (asked,) = endpoint.asked
    assert asked.path == "/predict"
    assert asked.body["tasks"] == [
        {"id": 1, "data": {"text": 'A "b" <c>', "mood": "x", "odd name": "y"}}
    ]
    view = ElementTree.fromstring(asked.body["label_config"])  # noqa: S314 (made here)
    assert [(text.get("name"), text.get("value")) for text in view.iter("Text")] == [
        ("text", "$text"),
        ("mood_text", "$mood"),
    ]
    (control,) = view.iter("Choices")
    assert control.attrib == {"name": "mood", "toName": "text", "choice": "single"}
    assert [choice.get("value") for choice in control] == ["Positive", "Not so <good>"]
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(KEY.encode()).decode()


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4), st.lists(st.text(), max_size=3))
def test_whatever_options_are_called_the_configuration_is_sound(
    names: list[str], fields: list[str]
) -> None:
    texts = ["".join(c for c in name if c.isprintable()) or "x" for name in names]
    made = question("single", *((f"k{n}", text) for n, text in enumerate(texts)))
    view = ElementTree.fromstring(labelling_config(made, fields))  # noqa: S314 (made here)
    assert [choice.get("value") for choice in view.iter("Choice")] == texts


def test_a_scale_of_one_to_n_is_a_rating_and_another_is_choices() -> None:
    view = ElementTree.fromstring(labelling_config(STARS, ["text"]))  # noqa: S314
    (control,) = view.iter("Rating")
    assert control.get("maxRating") == "5"
    other = question("rating", ("low", "Low"), ("high", "High"))
    assert "<Choices" in labelling_config(other, ["text"])
    assert "<Choices" in labelling_config(question("single", ("1", "1"), ("2", "2")), ["text"])


# --- What comes back ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "code", "confidence"),
    [
        (predicted(chosen("Positive")), 7, None),
        (predicted(chosen("negative")), 8, None),
        (predicted(chosen("Not so <good>"), score=0.25), 8, 0.25),
        (predicted(chosen("Positive", score=0.75), score=0.25), 7, 0.75),
        (predicted(chosen("Positive", score=0), score=0.25), 7, 0.0),
        # No probability: the label stands, how sure it is stays unknown.
        (predicted(chosen("Positive"), score=17.5), 7, None),
        (predicted(chosen("Positive"), score=-0.1), 7, None),
        (predicted(chosen("Positive"), score="0.9"), 7, None),
        (predicted(chosen("Positive"), score=True), 7, None),
        (predicted(chosen("Positive"), score=float("nan")), 7, None),
        ({"results": [[{"result": [chosen("Positive")], "score": 1}]]}, 7, 1.0),
        # Another control's answer beside ours is not ours.
        (predicted(chosen("negative", name="other"), chosen("positive")), 7, None),
    ],
)
def test_one_choice_that_is_offered_is_a_label(
    said: dict[str, Any], code: int, confidence: float | None
) -> None:
    found = read_prediction(said, MOOD, 0.1)
    assert (found.code, found.confidence, found.reason) == (code, confidence, "")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (predicted(chosen("positive ")), "is none of"),
        (predicted(chosen("POSITIVE")), "is none of"),
        (predicted(chosen("Great")), 'The choice "Great" is none of Positive, Not so <good>'),
        (predicted(chosen("Positive", "negative")), "exactly one choice"),
        (predicted(chosen()), "exactly one choice"),
        (predicted(chosen("Positive"), chosen("Positive")), "more than once"),
        (predicted(chosen("Positive", name="sentiment")), 'for "sentiment", not for "mood"'),
        (predicted(chosen("Positive", type="labels")), 'with "labels", not with choices'),
        (predicted({"from_name": "mood", "type": "choices"}), "exactly one choice"),
        (predicted({"from_name": "mood", "type": "choices", "value": {"choices": "Positive"}}),
         "exactly one choice"),
        (predicted({"from_name": "mood", "type": "choices", "value": {"choices": [1]}}),
         "exactly one choice"),
        (predicted(), "predicts nothing"),
        (predicted("Positive"), "predicts nothing"),
        ({"results": []}, "no prediction"),
        ({"results": [None]}, "no prediction"),
        ({"results": [{"result": None}]}, "no prediction"),
        ({"results": [{}, {}]}, "no prediction"),
        ({"results": [[{"result": [chosen("Positive")]}] * 2]}, "no prediction"),
        ({"results": "Positive"}, "no prediction"),
        ({}, "no prediction"),
    ],
)  # fmt: skip
def test_anything_else_is_no_label_and_says_why(said: dict[str, Any], reason: str) -> None:
    found = read_prediction(said, MOOD, 0.1)
    assert found.code is None
    assert reason in found.reason


@pytest.mark.parametrize(
    ("rating", "code"),
    [(1, 7), (5, 11), (4.0, 10), (0, None), (6, None), (2.5, None), ("3", None), (True, None)],
)
def test_a_rating_is_a_step_of_the_scale(rating: Any, code: int | None) -> None:
    region = {"from_name": "mood", "type": "rating", "value": {"rating": rating}}
    assert read_prediction(predicted(region), STARS, 0.1).code == code


def test_a_scale_may_be_answered_by_a_choice_too() -> None:
    assert read_prediction(predicted(chosen("3")), STARS, 0.1).code == 9
    assert read_prediction(predicted(chosen("3 stars")), STARS, 0.1).code == 9


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["results", "result", "from_name", "type", "value", "choices", "score"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["results", "model_version"]), JSON, max_size=2))
def test_no_reply_breaks_the_reader(said: dict[str, Any]) -> None:
    found = read_prediction(said, MOOD, 0.1)
    assert found.code is None
    assert found.reason


# --- Health, set-up, errors ---------------------------------------------------------------------


def test_a_backend_is_told_of_the_question_and_names_its_version(serve: Serve) -> None:
    endpoint = serve(
        {
            ("GET", "/health"): lambda _: Answer({"status": "UP", "model_class": "Mood"}),
            ("POST", "/setup"): lambda _: Answer({"model_version": "v7"}),
        }
    )
    assert at(endpoint).health() == "Mood"
    assert at(endpoint).set_up(MOOD, ["text"]) == "v7"
    assert "<Choices" in endpoint.asked[1].body["schema"]
    assert "authorization" not in endpoint.asked[1].headers


def test_a_backend_with_nothing_to_set_up_names_no_version(serve: Serve) -> None:
    assert at(serve({})).set_up(MOOD, ["text"]) == ""


def test_a_backend_that_is_not_up_says_so(serve: Serve) -> None:
    endpoint = serve({("GET", "/health"): lambda _: Answer({"status": "DOWN"})})
    with pytest.raises(ProviderError, match="does not say that it is up"):
        at(endpoint).health()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(b"Unauthorized", 401), "key_refused"),
        (Answer(b"<html>Not Found</html>", 404), "bad_config"),
        (Answer(b"slow down", 429, {"Retry-After": "3"}), "rate_limited"),
        (Answer(b"Traceback ...", 500), "server_error"),
        (Answer(b"Bad gateway", 502), "server_error"),
        (Answer(b"too large", 413), "too_long"),
        (Answer(b"", 302, {"Location": "http://169.254.169.254/"}), "bad_config"),
        (Answer(b"<html>Welcome!</html>"), "bad_config"),
        (Answer(b"[1]"), "bad_config"),
    ],
)
def test_each_refusal_is_one_kind_of_error(serve: Serve, answer: Answer, kind: ErrorKind) -> None:
    endpoint = serve({("POST", "/predict"): lambda _: answer})
    with pytest.raises(ProviderError) as caught:
        at(endpoint).label(MOOD, {"text": "x"})
    assert caught.value.kind == kind
    assert len(endpoint.asked) == 1


def test_a_password_that_a_backend_echoes_comes_back_without_it(serve: Serve) -> None:
    def echo(asked: Asked) -> Answer:
        return Answer(f"Not for {asked.headers['authorization']} ({KEY})".encode(), 500)

    endpoint = serve(
        {
            ("POST", "/predict"): echo,
            ("POST", "/setup"): lambda _: Answer({"model_version": f"v {KEY}"}),
        }
    )
    with pytest.raises(ProviderError) as caught:
        at(endpoint, KEY).label(MOOD, {"text": "x"})
    assert "sesame" not in caught.value.message
    assert base64.b64encode(KEY.encode()).decode().rstrip("=") not in caught.value.message
    assert at(endpoint, KEY).set_up(MOOD, []) == "v [key]"
    assert KEY not in repr(at(endpoint, KEY))


def test_a_backend_inside_the_network_is_as_closed_as_a_chat(serve: Serve) -> None:
    endpoint = serve({})
    with pytest.raises(ProviderError, match="private network"):
        at(endpoint, reach=PUBLIC_ONLY).label(MOOD, {"text": "x"})
    assert endpoint.asked == []


def test_a_backend_that_does_not_run_or_hangs(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        slow = LabelStudioBackend(address, timeout=0.2, reach=HERE)
        with pytest.raises(ProviderError, match="did not answer within") as caught:
            slow.label(MOOD, {})
        assert caught.value.kind == "timeout"
        slow.close()
    with pytest.raises(ProviderError, match="cannot be reached"):
        LabelStudioBackend(address, timeout=1.0, reach=HERE).health()


def test_the_same_item_is_asked_in_the_same_words() -> None:
    assert task_body(MOOD, {"a": "1", "b": "2"}) == task_body(MOOD, {"a": "1", "b": "2"})
    assert task_body(MOOD, {"a": "1"}) != task_body(STARS, {"a": "1"})
