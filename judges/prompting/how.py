"""How a judge is asked: the settings of a judge version beside its words. Pure.

Kept in `JudgeVersion.parameters["how"]`, and so part of the version's hash. Absent, a judge is
asked directly, in one call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from judges.exchange import Rule, RuleKind

Ask: TypeAlias = Literal[
    "direct", "rationale", "checklist", "reference", "expected_score", "candidates", "pairwise"
]
# "" takes what the calls bring: log-probabilities, else agreement between calls, else the number
# that the model stated.
Confidence: TypeAlias = Literal["", "logprob", "repeats", "orders", "paraphrases", "stated"]
Orders: TypeAlias = Literal["given", "both", "rotations"]
Choice: TypeAlias = Literal["fixed", "random", "similar", "diverse"]
Source: TypeAlias = Literal["people", "rulings"]

MAX_PERSONA = 1_000
MAX_WORDING = 2_000
MAX_CRITERIA = 20
MAX_PARAPHRASES = 8
MAX_EXAMPLES = 64
MAX_REPEATS = 50
# Beyond so many options, each of them first once costs more than it tells.
MAX_ROTATIONS = 12


@dataclass(frozen=True, slots=True)
class Repeats:
    """The same call up to `most` times, at a `temperature` above 0, until the leading answer is
    certain to be the judge's usual one but for a probability of `delta` (0 asks all of them).
    """

    most: int
    delta: float = 0.05
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class Examples:
    """`count` answered items shown before the one that is asked.

    Answers of people's untied majority and of rulings ("people"), or of rulings alone ("rulings").
    fixed: those of `items` (ids), in that order; random: drawn by `seed`; diverse: far from each
    other; similar: nearest to the item asked, chosen anew for each.
    """

    source: Source
    count: int
    choice: Choice
    seed: int = 0
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """The two fields that are compared, and the options by which the one or the other wins."""

    fields: tuple[str, str]
    codes: tuple[int, int]


@dataclass(frozen=True, slots=True)
class How:
    """The ways of asking, each at its default when left out.

    `persona` is who answers, in the lead's words. `criteria` and `rule` belong to a checklist,
    `reference` (a field of the item) to asking with a reference answer, `pair` to pairwise.
    `paraphrases` are other wordings of the question, asked beside its own. `quoted` marks each line
    of the item as quoted: verdicts planted in it then move a judge less.
    """

    ask: Ask = "direct"
    persona: str = ""
    criteria: tuple[str, ...] = ()
    rule: Rule | None = None
    reference: str = ""
    pair: Pair | None = None
    confidence: Confidence = ""
    orders: Orders = "given"
    repeats: Repeats | None = None
    paraphrases: tuple[str, ...] = ()
    examples: Examples | None = None
    quoted: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence for what does not fit together."""
        _check(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any] | None) -> How:
        """Read what `as_dict` wrote; None or {} is asking directly. Nothing unknown is ignored.

        Raises ValueError with a sentence that says what does not fit.
        """
        given = dict(_mapping(stored or {}, "How to ask"))
        _known(given, {field.name for field in fields(cls)}, "How to ask")
        parts: dict[str, Any] = {
            name: given[name] for name in ("ask", "confidence", "orders") if name in given
        }
        if "quoted" in given:
            if not isinstance(given["quoted"], bool):
                raise ValueError("quoted must be true or false.")
            parts["quoted"] = given["quoted"]
        for name in ("persona", "reference"):
            if name in given:
                parts[name] = _text(given[name], name)
        for name in ("criteria", "paraphrases"):
            if name in given:
                parts[name] = tuple(_text(each, name) for each in _list(given[name], name))
        if given.get("rule") is not None:
            parts["rule"] = _rule(_mapping(given["rule"], "The rule"))
        if given.get("pair") is not None:
            parts["pair"] = _pair(_mapping(given["pair"], "The pair"))
        if given.get("repeats") is not None:
            parts["repeats"] = _repeats(_mapping(given["repeats"], "Repeats"))
        if given.get("examples") is not None:
            parts["examples"] = _examples(_mapping(given["examples"], "Examples"))
        return cls(**parts)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without what is at its default: {} is asking directly."""
        default = How()
        changed = {
            name: value
            for name, value in asdict(self).items()
            if getattr(self, name) != getattr(default, name)
        }
        plain: dict[str, Any] = _plain(changed)
        return plain

    @property
    def is_single(self) -> bool:
        """Whether an item takes one call."""
        return self.orders == "given" and self.repeats is None and not self.paraphrases

    @property
    def repeats_itself(self) -> bool:
        """Whether the same call is made more than once, so that a stored answer is no answer."""
        return self.repeats is not None

    @property
    def shuffled(self) -> int | None:
        """How many things the orders put in order, where it is not the options."""
        if self.ask == "checklist":
            return len(self.criteria)
        return 2 if self.ask == "pairwise" else None


def _check(how: How) -> None:
    _one_of(how.ask, Ask, "way of asking")
    _one_of(how.confidence, Confidence, "source of confidence")
    _one_of(how.orders, Orders, "policy of orders")
    if len(how.persona) > MAX_PERSONA:
        raise ValueError(f"A persona has at most {MAX_PERSONA} characters.")
    if (how.ask == "checklist") != bool(how.criteria) or bool(how.criteria) != bool(how.rule):
        raise ValueError("A checklist needs its yes/no questions and the rule that joins them.")
    if (how.ask == "reference") != bool(how.reference):
        raise ValueError("Asking with a reference answer needs the field that holds it.")
    if (how.ask == "pairwise") != (how.pair is not None):
        raise ValueError("Asking pairwise needs the two fields and their options.")
    for wordings, most, what in (
        (how.criteria, MAX_CRITERIA, "yes/no questions"),
        (how.paraphrases, MAX_PARAPHRASES, "wordings"),
    ):
        if len(wordings) > most:
            raise ValueError(f"There are at most {most} {what}.")
        if any(not wording.strip() or len(wording) > MAX_WORDING for wording in wordings):
            raise ValueError(f"Each of the {what} has 1 to {MAX_WORDING} characters.")
        if len(set(wordings)) < len(wordings):
            raise ValueError(f"Two of the {what} are the same.")
    if how.rule:
        _check_rule(how.rule, len(how.criteria))
    if how.pair and (
        how.pair.fields[0] == how.pair.fields[1] or how.pair.codes[0] == how.pair.codes[1]
    ):
        raise ValueError("A pair is two fields and two options.")
    if how.repeats:
        _check_repeats(how.repeats)
    if how.examples:
        if how.ask in {"checklist", "reference", "pairwise"}:
            raise ValueError(f"There are no examples for asking by {how.ask}.")
        _check_examples(how.examples)
    _check_confidence(how)


def _check_rule(rule: Rule, n: int) -> None:
    _one_of(rule.kind, RuleKind, "rule")
    if rule.kind in {"all", "any", "at_least"}:
        if rule.yes is None or rule.no is None or rule.yes == rule.no:
            raise ValueError("The rule needs one option for yes and another for no.")
        if not 1 <= rule.least <= n:
            raise ValueError("The least number of yeses is between 1 and all questions.")
    elif len(rule.codes) != n + (rule.kind == "count"):
        raise ValueError(f"The rule needs {n + (rule.kind == 'count')} options.")


def _check_repeats(repeats: Repeats) -> None:
    if not 2 <= repeats.most <= MAX_REPEATS:
        raise ValueError(f"An item is asked 2 to {MAX_REPEATS} times when repeated.")
    if not 0 <= repeats.delta < 0.5:
        raise ValueError("The risk of stopping too early is 0 or more and below 0.5.")
    if not 0 < repeats.temperature <= 2:
        raise ValueError("Repeats need a temperature above 0, at most 2.")


def _check_examples(examples: Examples) -> None:
    _one_of(examples.source, Source, "source of examples")
    _one_of(examples.choice, Choice, "choice of examples")
    if not 1 <= examples.count <= MAX_EXAMPLES:
        raise ValueError(f"There are 1 to {MAX_EXAMPLES} examples.")
    if examples.choice == "fixed":
        if len(examples.items) != examples.count or len(set(examples.items)) != examples.count:
            raise ValueError("Fixed examples are named by their items, each once.")
    elif examples.items:
        raise ValueError("Only fixed examples are named by their items.")


def _check_confidence(how: How) -> None:
    there = {
        "repeats": how.repeats is not None,
        "orders": how.orders != "given",
        "paraphrases": bool(how.paraphrases),
    }
    if not there.get(how.confidence, True):
        raise ValueError(f"Confidence from {how.confidence} needs {how.confidence}.")
    if how.confidence == "logprob" and how.ask in {"checklist", "candidates"}:
        raise ValueError(f"Asking by {how.ask} gives no log-probabilities of options.")
    if how.confidence == "stated" and how.ask in {"expected_score", "candidates"}:
        raise ValueError(f"Asking by {how.ask} states no confidence.")


def _rule(given: Mapping[str, Any]) -> Rule:
    _known(given, {"kind", "yes", "no", "least", "codes"}, "The rule")
    return Rule(
        kind=given.get("kind", ""),
        yes=None if given.get("yes") is None else _whole(given["yes"], "yes"),
        no=None if given.get("no") is None else _whole(given["no"], "no"),
        least=_whole(given.get("least", 1), "least"),
        codes=tuple(_whole(code, "codes") for code in _list(given.get("codes", []), "codes")),
    )


def _pair(given: Mapping[str, Any]) -> Pair:
    _known(given, {"fields", "codes"}, "The pair")
    names = [_text(name, "fields") for name in _list(given.get("fields"), "fields")]
    codes = [_whole(code, "codes") for code in _list(given.get("codes"), "codes")]
    if len(names) != 2 or len(codes) != 2:
        raise ValueError("A pair is two fields and two options.")
    return Pair((names[0], names[1]), (codes[0], codes[1]))


def _repeats(given: Mapping[str, Any]) -> Repeats:
    _known(given, {"most", "delta", "temperature"}, "Repeats")
    return Repeats(
        most=_whole(given.get("most"), "most"),
        delta=_number(given.get("delta", 0.05), "delta"),
        temperature=_number(given.get("temperature", 1.0), "temperature"),
    )


def _examples(given: Mapping[str, Any]) -> Examples:
    _known(given, {"source", "count", "choice", "seed", "items"}, "Examples")
    return Examples(
        source=given.get("source", "people"),
        count=_whole(given.get("count"), "count"),
        choice=given.get("choice", ""),
        seed=_whole(given.get("seed", 0), "seed"),
        items=tuple(_whole(item, "items") for item in _list(given.get("items", []), "items")),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _one_of(value: object, kind: Any, what: str) -> None:
    if value not in get_args(kind):
        raise ValueError(f"There is no {what} called {str(value)[:40]!r}.")


def _known(given: Mapping[str, Any], names: set[str], what: str) -> None:
    if unknown := sorted(str(name) for name in set(given) - names):
        raise ValueError(f"{what} has no setting called {unknown[0][:40]!r}.")


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} must be an object.")
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{what} must be a list.")
    return list(value)


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{what} must be a text.")
    return value.strip()


def _whole(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{what} must be a whole number.")
    return value


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{what} must be a number.")
    return float(value)
