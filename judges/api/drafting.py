"""From what is sent to a draft of a judge that is a language model."""

from __future__ import annotations

from typing import Any

from annotate.access import Place
from annotate.errors import BadInput
from annotate.models import Question
from annotate.selectors.questions import questions_live
from judges.api.shapes import LOCAL_LLM
from judges.models import ASKED_IN_WORDS, Connection, ProviderName
from judges.prompting.how import How
from judges.selectors.places import connection_of
from judges.services.drafts import Draft


def draft_given(place: Place, wanted: dict[str, Any]) -> Draft:
    """The draft that a VersionIn or PreviewIn describes; how ``local_llm`` or ``connection``.

    Raises BadInput by field, NotFound for a connection of elsewhere.
    """
    connection = _connection(place, wanted)
    model = wanted["model"]
    if connection.provider == ProviderName.LOCAL_LLM:
        # Which one is served is found out when it is made.
        model = next(iter(connection.capabilities), "local")
    return Draft(
        question=question_given(place, wanted["question"]),
        connection=connection,
        model=model,
        system=wanted["system"],
        task=wanted["task"],
        output=wanted["output"],
        ask_rationale=wanted["ask_rationale"],
        how=how_given(wanted["asking"]),
        name=wanted["name"],
    )


def question_given(place: Place, key: str) -> Question:
    """The live question with this key, or BadInput with those there are."""
    live = questions_live(place.project)
    for question in live:
        if question.key == key:
            return question
    keys = ", ".join(question.key for question in live)
    raise BadInput(
        "There is no such question.", fields={"question": [f"Choose one of: {keys or 'none yet'}."]}
    )


def how_given(asking: Any) -> How:
    """A way of asking from plain values. Raises BadInput with the reason."""
    try:
        if not isinstance(asking, dict):
            raise ValueError("How it is asked is an object.")
        return How.from_dict(asking)
    except ValueError as error:
        raise BadInput(str(error), fields={"asking": [str(error)]}) from None


def _connection(place: Place, wanted: dict[str, Any]) -> Connection:
    if wanted["how"] == LOCAL_LLM:
        local = place.project.connections.filter(provider=ProviderName.LOCAL_LLM).first()
        return local or Connection(
            project=place.project, provider=ProviderName.LOCAL_LLM, leaves_machine=False
        )
    if "connection" not in wanted:
        raise BadInput("Say which connection.", fields={"connection": ["Its id."]})
    connection = connection_of(place, wanted["connection"])
    if connection.provider not in ASKED_IN_WORDS:
        raise BadInput(
            "This connection is asked no words.",
            fields={"connection": ["Choose an endpoint that an owner added."]},
        )
    return connection
