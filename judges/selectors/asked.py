"""What a language model is asked, shown on one item of the project."""

from __future__ import annotations

from annotate.models import Item, ItemStatus
from judges.exchange import Request
from judges.models import JudgeVersion, ProviderName
from judges.prompting.build import build
from judges.prompting.how import How
from judges.prompting.plan import CallKey, option_order
from judges.selectors.specs import question_spec

FIRST = CallKey()


def how_of(version: JudgeVersion) -> How:
    """How a version asks; one that does not say asks directly, in one call."""
    return How.from_dict(version.parameters.get("how") or {})


def asked_of(version: JudgeVersion, item: Item, key: CallKey = FIRST) -> Request:
    """The request that a language-model judge gets about an item, in one of its calls."""
    parameters = version.parameters
    question = question_spec(version.question, item.fields)
    seed = parameters.get("seed")
    return build(
        question,
        item.fields,
        version.guideline.text if version.guideline else "",
        system=(version.prompt.system or None) if version.prompt else None,
        want=parameters.get("want", "letter"),
        temperature=parameters.get("temperature", 0.0),
        seed=None if seed is None else seed + key.repeat,
        order=option_order(how_of(version), key.variant, len(question.options)),
    )


def asked_sample(version: JudgeVersion) -> Request | None:
    """What it is asked about the first item in draw order; None for what is asked no words."""
    if version.connection.provider in {ProviderName.LOCAL_CLASSIFIER, ProviderName.LABEL_STUDIO}:
        return None
    item = (
        Item.objects.filter(project=version.project, status=ItemStatus.LIVE)
        .order_by("draw", "pk")
        .first()
    )
    return asked_of(version, item) if item else None
