"""Panels of scripted judges: each is known to the script by its opening instruction."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from judges.models import Connection, JudgeVersion
from judges.providers.base import Request
from judges.providers.scripted import Answer
from judges.services.panels import panel_version
from judges.services.versions import chat_version
from tests.judges.judging import scripted_connection
from tests.personas import Story

Mind = Callable[[str, Request], Answer]
LETTERS = {"positive": "A", "negative": "B", "unknown": "C"}


def member(
    s: Story, name: str, connection: Connection | None = None, *, reasons: bool = False
) -> JudgeVersion:
    """A judge that the script knows by this name."""
    return chat_version(
        s.olga,
        s.question,
        connection or s.project.connections.filter(name="Script").first() or scripted_connection(s),
        model=f"model-{name}",
        system=f"You are {name}.",
        ask_rationale=reasons,
        name=name,
    )


def panel(
    s: Story, names: Sequence[str], *, reasons: bool = False, **settings: object
) -> JudgeVersion:
    judges = [member(s, name, reasons=reasons) for name in names]
    return panel_version(s.olga, s.question, judges, **settings)


def who(request: Request) -> str:
    found = re.match(r"You are (\w+)\.", request.system)
    assert found
    return found[1]


def text_of(request: Request) -> str:
    """The item's text, as it stands in its fence."""
    found = re.findall(r"<(item\d*)>\n(.*?)\n</\1>", request.user, re.DOTALL)
    return str(found[0][1])


def minds(by_name: Mapping[str, Mapping[str, str]]) -> Callable[[Request], Answer]:
    """Each judge says of each text what is written: an option's key, or a reply as it is. Under
    "talk:TEXT" stands what it says once it has heard the others.
    """

    def answer(request: Request) -> Answer:
        said = by_name[who(request)]
        text = text_of(request)
        heard = "Others have labelled" in request.user
        key = said.get(f"talk:{text}", said[text]) if heard else said[text]
        if key not in LETTERS:
            return key
        letter = next(o.letter for o in request.options if o.key == key)
        if request.want != "json_rationale":
            return letter
        reason = f"{key} because of {text}"
        return json.dumps({"rationale": reason, "answer": letter, "confidence": 80})

    return answer
