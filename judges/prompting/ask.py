"""From a way of asking and the name of a call to its request. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from judges.exchange import QuestionSpec, Request, Want
from judges.prompting.build import Example, build
from judges.prompting.how import How, Pair
from judges.prompting.opinions import Opinion
from judges.prompting.plan import CallKey, orders_of, variant_parts


def request_of(
    how: How,
    key: CallKey,
    question: QuestionSpec,
    fields: Mapping[str, str],
    guideline: str = "",
    *,
    wordings: Sequence[str] | None = None,
    system: str | None = None,
    task: str = "",
    output: str = "",
    examples: Sequence[Example] = (),
    want: Want = "letter",
    temperature: float = 0.0,
    seed: int | None = None,
    opinions: Sequence[Opinion] = (),
) -> Request:
    """The request of the call `key` about the item with `fields`.

    `wordings` are `how.paraphrases` with their placeholders filled. `want` is the form of a direct
    answer; `how` may need another one. Repeats have seeds of their own, counted from `seed`.

    `opinions` are what the other judges of a panel said of the item, in a discussion.

    Pairwise, order 1 shows the two texts exchanged, and what stands for one option stands for the
    other.

    Raises ValueError for a key that `how` does not ask, and as `build`.
    """
    order, wording = variant_parts(key.variant)
    shown = len(question.options) if how.shuffled is None else how.shuffled
    orders = orders_of(how, shown)
    said = how.paraphrases if wordings is None else tuple(wordings)
    if order >= len(orders) or wording > len(said):
        raise ValueError(f"The call {key.variant!r} is none of this judge's.")
    if wording:
        question = replace(question, text=said[wording - 1])
    places: tuple[int, ...] | None = orders[order] if order else None
    reference = None
    if how.ask == "reference":
        reference = fields.get(how.reference, "")
        fields = {name: text for name, text in fields.items() if name != how.reference}
    if how.pair is not None:
        places = None
        if order:
            question, fields = exchanged(how.pair, question, fields)
    return build(
        question,
        fields,
        guideline,
        system=system,
        task=task,
        output=output,
        examples=examples,
        want=want_of(how, want),
        order=places,
        temperature=how.repeats.temperature if how.repeats else temperature,
        seed=None if seed is None else seed + key.repeat,
        top_logprobs=0 if how.confidence == "stated" else 20,
        persona=how.persona,
        criteria=how.criteria,
        rule=how.rule,
        reference=reference,
        quoted=how.quoted,
        opinions=opinions,
    )


def want_of(how: How, direct: Want) -> Want:
    """The form of the reply: `direct` unless `how` needs another."""
    match how.ask:
        case "checklist":
            return "checklist"
        case "candidates":
            return "candidates"
        case "rationale":
            return "json_rationale"
        case "expected_score":
            return "letter"
    return "json" if how.confidence == "stated" and direct == "letter" else direct


def exchanged(
    pair: Pair, question: QuestionSpec, fields: Mapping[str, str]
) -> tuple[QuestionSpec, dict[str, str]]:
    """The two texts under each other's name, and their options with each other's code: who says
    that the one shown first is better, means the other.

    Raises ValueError where the pair's options are none of the question's.
    """
    swapped = dict(zip(pair.codes, reversed(pair.codes), strict=True))
    if not set(pair.codes) <= {option.code for option in question.options}:
        raise ValueError("The options of the pair are none of the question's.")
    options = tuple(
        replace(option, code=swapped.get(option.code, option.code)) for option in question.options
    )
    first, second = pair.fields
    texts = dict(fields)
    texts[first], texts[second] = fields.get(second, ""), fields.get(first, "")
    return replace(question, options=options), texts
