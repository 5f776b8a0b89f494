"""A judge that is a language model, before it is made: checked, and put together as a version that
is not kept. Previews show it, ``chat_version`` keeps it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import Question
from annotate.services.projects import guideline_live
from judges.exchange import Want
from judges.models import Connection, JudgeVersion, Prompt
from judges.prompting.ask import want_of
from judges.prompting.build import MAX_OPTIONS
from judges.prompting.how import How
from judges.selectors.specs import kind_check
from judges.services.examples import how_check
from judges.services.prompts import words_settled, words_wrong

# Ways of asking whose reply has no place for a reason.
WITHOUT_REASON = ("checklist", "candidates", "expected_score")


@dataclass(frozen=True)
class Draft:
    """What makes a language model a judge. ``system``, ``task`` and ``output`` are its words, ""
    for Concord's own (settled, the task is written out); ``how`` None asks directly; ``name`` "" is
    the model's.
    """

    question: Question
    connection: Connection
    model: str
    system: str = ""
    task: str = ""
    output: str = ""
    ask_rationale: bool = False
    how: How | None = None
    name: str = ""

    def settled(self) -> Draft:
        """The same with everything said in the one way in which it is kept."""
        how = self.how or How()
        ask_rationale = self.ask_rationale or how.ask == "rationale"
        if how.ask == "rationale":
            how = dataclasses.replace(how, ask="direct")
        model = self.model.strip()
        words = words_settled(how.ask, system=self.system, task=self.task, output=self.output)
        return dataclasses.replace(
            self,
            model=model,
            how=how,
            ask_rationale=ask_rationale,
            name=self.name.strip() or model,
            system=words["system"],
            task=words["task"],
            output=words["output"],
        )

    @property
    def words(self) -> dict[str, str]:
        return {"system": self.system, "task": self.task, "output": self.output}


def draft_problems(draft: Draft) -> dict[str, str]:
    """Why a settled draft cannot be a judge, in sentences by field; {} where it can."""
    try:
        kind_check(draft.question)
    except BadInput as error:
        return dict(error.detail["fields"])
    how = draft.how or How()
    wrong: dict[str, str] = {}
    if not draft.model or len(draft.model) > 200:
        wrong["model"] = _("Name the model, in 200 characters at most.")
    if draft.question.options.count() > MAX_OPTIONS:
        wrong["question"] = _("A language model can be asked with at most %(most)s options.") % {
            "most": MAX_OPTIONS
        }
    if draft.ask_rationale and how.ask in WITHOUT_REASON:
        wrong["ask_rationale"] = _(
            "This way of asking has no place for a reason. Ask without one, or ask directly."
        )
    wrong |= words_wrong(draft.question, how, draft.words)
    try:
        how_check(draft.question, how)
    except BadInput as error:
        wrong |= error.detail["fields"]
    return wrong


def draft_check(draft: Draft) -> None:
    """Raise BadInput, by field, for a settled draft that cannot be a judge."""
    if wrong := draft_problems(draft):
        raise BadInput(" ".join(wrong.values()), fields=wrong)


def draft_version(draft: Draft) -> JudgeVersion:
    """The version that a settled draft would be, not kept, without rater, number and examples."""
    return JudgeVersion(
        project=draft.question.project,
        name=draft.name[:100],
        question=draft.question,
        connection=draft.connection,
        model=draft.model,
        prompt=Prompt(
            project=draft.question.project, ask_rationale=draft.ask_rationale, **draft.words
        ),
        guideline=guideline_live(draft.question.project),
        parameters=draft_parameters(draft),
    )


def draft_parameters(draft: Draft) -> dict[str, Any]:
    """As a version keeps them, but for its examples."""
    how = draft.how or How()
    want = _want(draft.connection, draft.model, ask_rationale=draft.ask_rationale)
    parameters: dict[str, Any] = {"want": want_of(how, want), "temperature": 0, "seed": 1}
    if how != How():
        parameters["how"] = how.as_dict()
    return parameters


def _want(connection: Connection, model: str, *, ask_rationale: bool) -> Want:
    """In which form the answer is asked for. A bare letter is quickest and most honest about how
    sure it is where the endpoint gives log-probabilities; else the model may state a number.
    """
    if ask_rationale:
        return "json_rationale"
    known = connection.capabilities.get(model)
    if known and not known.get("logprobs") and (known.get("schema") or known.get("json_object")):
        return "json"
    return "letter"
