"""What a language model is asked, shown on one item of the project."""

from __future__ import annotations

from collections.abc import Sequence

from annotate.models import Item, ItemStatus, QuestionKind
from annotate.selectors.questions import text_filled
from judges.exchange import Request
from judges.models import JudgeVersion, ProviderName
from judges.prompting.ask import request_of
from judges.prompting.audits.asked import Asked, Setting
from judges.prompting.audits.catalogue import audit_of, varied
from judges.prompting.build import Example, letter_options
from judges.prompting.canaries import canary_of, planted
from judges.prompting.how import How, Pair
from judges.prompting.opinions import Opinion
from judges.prompting.plan import CallKey
from judges.prompting.words import first_task
from judges.selectors.examples import example_pool
from judges.selectors.specs import question_spec

FIRST = CallKey()
ASKED_NO_WORDS = (ProviderName.LOCAL_CLASSIFIER, ProviderName.LABEL_STUDIO, ProviderName.PANEL)


def how_of(version: JudgeVersion) -> How:
    """How the version asks. Raises ValueError for what no version of ours would keep."""
    return How.from_dict(version.parameters.get("how"))


def pair_of(version: JudgeVersion, how: How) -> Pair | None:
    """The two texts that the judge compares, with their options; None where it compares none."""
    question = version.question
    if how.pair is not None or question.kind != QuestionKind.PAIRWISE:
        return how.pair
    codes = {option.key: option.code for option in question.options.all()}
    settings = question.settings
    return Pair((settings["field_a"], settings["field_b"]), (codes["a"], codes["b"]))


def setting_of(version: JudgeVersion) -> Setting:
    """What of a version decides which audits fit. Costs a query for the options."""
    how = how_of(version)
    return Setting(question_spec(version.question, {}), how, pair_of(version, how))


def asked_of(
    version: JudgeVersion,
    item: Item,
    key: CallKey = FIRST,
    examples: Sequence[Example] = (),
    opinions: Sequence[Opinion] = (),
) -> Request:
    """The request that a language-model judge gets about an item in one of its calls. `examples`
    are those of its pool for this item, `opinions` what the others of its panel said of it.
    """
    parameters = version.parameters
    how = how_of(version)
    prompt = version.prompt
    fields = item.fields
    if canary := canary_of(key.variant):
        kind, code = canary
        shown = letter_options(question_spec(version.question, fields).options)
        option = next(option for option in shown if option.code == code)
        fields, key = planted(fields, option, kind), FIRST
    question = question_spec(version.question, fields)
    if audit_of(key.variant):
        plain = Asked(how, FIRST, question, fields, pair_of(version, how))
        asked = varied(plain, key.variant)
        how, key, question, fields = asked.how, asked.key, asked.question, dict(asked.fields)
    return request_of(
        how,
        key,
        question,
        fields,
        version.guideline.text if version.guideline else "",
        wordings=[text_filled(wording, fields) for wording in how.paraphrases],
        system=(prompt.system or None) if prompt else None,
        task=task_of(version),
        output=prompt.output if prompt else "",
        examples=examples,
        want=parameters.get("want", "letter"),
        temperature=parameters.get("temperature", 0.0),
        seed=parameters.get("seed"),
        opinions=opinions,
    )


def task_of(version: JudgeVersion) -> str:
    """The task of a version, written out; "" without a prompt."""
    prompt = version.prompt
    return (prompt.task or first_task(how_of(version).ask)) if prompt else ""


def asked_sample(version: JudgeVersion) -> Request | None:
    """What it is asked about the first item in draw order; None for what is asked no words."""
    if version.connection.provider in ASKED_NO_WORDS:
        return None
    item = (
        Item.objects.filter(project=version.project, status=ItemStatus.LIVE)
        .order_by("draw", "pk")
        .first()
    )
    if item is None:
        return None
    pool = example_pool(version)
    return asked_of(version, item, examples=pool.first(item) if pool else ())
