"""What helps against what an audit found, as a new version of the judge: to be audited in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from django.utils.translation import gettext as _

from annotate.errors import Conflict
from annotate.models import User
from judges.models import JudgeVersion
from judges.prompting.how import How, Repeats
from judges.prompting.words import DEFAULT_SYSTEM
from judges.selectors.asked import how_of, pair_of
from judges.services.versions import chat_version

Kind: TypeAlias = Literal["both_orders", "quoted", "told", "wordings", "repeats"]

# What a judge is told, in the language that Concord's own prompts are in.
TOLD = {
    "length": "How long a text is does not count.",
    "markup": "Headings, bold letters, lists, signs and emoji do not count.",
    "spelling": "Slips of spelling do not count.",
    "score_range": "The options are steps of one scale in their order; the numbers in their names"
    " mean nothing else.",
    "central_tendency": "Use the whole scale, its ends as well, wherever their definitions fit.",
    "self_preference": "Who or what wrote a text does not count.",
}
REPEATS = 5


@dataclass(frozen=True)
class Remedy:
    """How a version would be changed: its way of asking, and its opening words."""

    kind: Kind
    how: How
    system: str


def remedy_of(version: JudgeVersion, audit: str) -> Remedy | None:
    """What can be done about an audit by one click; None where nothing can, or it is done already.

    Costs a query for a question of two texts.
    """
    how, system = how_of(version), version.prompt.system if version.prompt else ""
    if audit == "option_order" and how.orders == "given" and how.ask != "checklist":
        return Remedy("both_orders", replace(how, orders="both"), system)
    if audit == "pair_position" and how.orders == "given":
        return _exchanging(version, how, system)
    if audit in {"authority", "bandwagon", "flattery"} and not how.quoted:
        return Remedy("quoted", replace(how, quoted=True), system)
    if audit in TOLD and TOLD[audit] not in system:
        return Remedy("told", how, f"{system or DEFAULT_SYSTEM}\n{TOLD[audit]}")
    if audit == "paraphrase" and not how.paraphrases and version.question.text:
        wording = f"Please answer this question about it. {version.question.text}"
        return Remedy("wordings", replace(how, paraphrases=(wording,)), system)
    if audit == "repeat" and how.repeats is None:
        return Remedy("repeats", replace(how, repeats=Repeats(REPEATS)), system)
    return None


def remedy_make(actor: User, version: JudgeVersion, audit: str) -> JudgeVersion:
    """The version with the remedy, made where there is none yet. Raises Conflict where there is
    nothing to do, else as chat_version.
    """
    remedy = remedy_of(version, audit)
    if remedy is None or version.prompt is None:
        raise Conflict(_("There is nothing that could be changed by one click here."))
    return chat_version(
        actor,
        version.question,
        version.connection,
        model=version.model,
        system=remedy.system,
        task=version.prompt.task,
        output=version.prompt.output,
        ask_rationale=version.prompt.ask_rationale,
        name=version.name,
        how=remedy.how,
    )


def _exchanging(version: JudgeVersion, how: How, system: str) -> Remedy | None:
    pair = pair_of(version, how)
    if pair is None or how.ask not in {"direct", "pairwise"} or how.examples:
        return None
    return Remedy("both_orders", replace(how, ask="pairwise", pair=pair, orders="both"), system)
