"""From what a lead entered to a way of asking and back, and what does not go together: explained
where it was entered, before the settings themselves (prompting/how.py) refuse it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from annotate.models import Item, Option, Question
from judges.exchange import Rule
from judges.prompting.how import MAX_ROTATIONS, Examples, How, Pair, Repeats
from judges.selectors import settings as words
from judges.services.drafts import WITHOUT_REASON

# Ways of asking in which an example could not be answered as the item is.
WITHOUT_EXAMPLES = ("checklist", "reference", "pairwise")


class Wrong(NamedTuple):
    field: str
    message: str


def how_entered(how: How, *, ask_rationale: bool = False) -> dict[str, Any]:
    """A way of asking as the form has it. A query for the names of fixed examples."""
    entered: dict[str, Any] = {
        "ask": how.ask,
        "ask_rationale": ask_rationale,
        "criteria": "\n".join(" ".join(each.split()) for each in how.criteria),
        "reference": how.reference,
        "orders": how.orders,
        "paraphrases": ("\n\n" if any("\n" in each for each in how.paraphrases) else "\n").join(
            how.paraphrases
        ),
        "confidence": how.confidence,
        "persona": how.persona,
        "quoted": how.quoted,
    }
    if how.repeats:
        entered |= {
            "repeats": how.repeats.most,
            "delta": how.repeats.delta,
            "temperature": how.repeats.temperature,
        }
    if how.pair:
        entered |= dict(zip(("pair_first", "pair_second"), how.pair.fields, strict=True))
        sides = ("pair_first_option", "pair_second_option")
        entered |= dict(zip(sides, map(str, how.pair.codes), strict=True))
    if how.examples:
        names = Item.objects.in_bulk(how.examples.items)
        entered |= {
            "examples": how.examples.count,
            "example_choice": how.examples.choice,
            "example_source": how.examples.source,
            "example_seed": how.examples.seed,
            "example_items": "\n".join(
                names[pk].external_id for pk in how.examples.items if pk in names
            ),
        }
    return entered


def rule_entered(rule: Rule | None, options: Sequence[Option]) -> dict[str, Any]:
    """A checklist's rule as the form has it."""
    if rule is None:
        return {}
    names = {option.code: option.name for option in options}
    return {
        "rule": rule.kind,
        "rule_yes": "" if rule.yes is None else str(rule.yes),
        "rule_no": "" if rule.no is None else str(rule.no),
        "rule_least": rule.least,
        "rule_codes": "\n".join(names.get(code, str(code)) for code in rule.codes),
    }


class Unreadable(Exception):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class Entered:
    """What was entered, with the settings of other ways of asking left away."""

    def __init__(self, cleaned: Mapping[str, Any], options: Sequence[Option]) -> None:
        self._cleaned = cleaned
        self._options = options
        self.ask: Any = cleaned.get("ask") or "direct"
        self.orders: Any = cleaned.get("orders") or "given"
        self.confidence: Any = cleaned.get("confidence") or ""
        self.ask_rationale = bool(cleaned.get("ask_rationale"))
        self.n_examples = int(cleaned.get("examples") or 0)
        self.n_repeats = int(cleaned.get("repeats") or 1)
        self.criteria = tuple(lines(cleaned.get("criteria", ""))) if self.checks else ()
        self.rule_kind: Any = cleaned.get("rule") or "all"
        self.paraphrases = tuple(_wordings(cleaned.get("paraphrases", "")))

    @property
    def checks(self) -> bool:
        return bool(self.ask == "checklist")

    def how(self, items: tuple[int, ...]) -> How:
        """Raises ValueError and Unreadable for what does not fit together."""
        get = self._cleaned.get
        return How(
            ask=self.ask,
            persona=(get("persona") or "").replace("\r\n", "\n").strip(),
            criteria=self.criteria,
            rule=self._rule() if self.checks else None,
            reference=get("reference", "") if self.ask == "reference" else "",
            pair=self._pair() if self.ask == "pairwise" else None,
            confidence=self.confidence,
            orders=self.orders,
            repeats=self._repeats(),
            paraphrases=self.paraphrases,
            examples=self._examples(items),
            quoted=bool(get("quoted")),
        )

    def _repeats(self) -> Repeats | None:
        if self.n_repeats < 2:
            return None
        delta, temperature = self._cleaned.get("delta"), self._cleaned.get("temperature")
        return Repeats(
            most=self.n_repeats,
            delta=0.05 if delta is None else delta,
            temperature=1.0 if temperature is None else temperature,
        )

    def _examples(self, items: tuple[int, ...]) -> Examples | None:
        if not self.n_examples:
            return None
        choice: Any = self._cleaned.get("example_choice") or "diverse"
        source: Any = self._cleaned.get("example_source") or "people"
        seed = 0 if choice == "fixed" else self._cleaned.get("example_seed") or 0
        return Examples(source, len(items) if items else self.n_examples, choice, seed, items)

    def _rule(self) -> Rule:
        kind: Any = self.rule_kind
        yes, no = self.code("rule_yes"), self.code("rule_no")
        if kind in {"all", "any", "at_least"}:
            return Rule(kind, yes=yes, no=no, least=self.least if kind == "at_least" else 1)
        codes = tuple(self._named(line) for line in lines(self._cleaned.get("rule_codes", "")))
        return Rule(kind, no=no if kind == "map" else None, codes=codes)

    def _pair(self) -> Pair | None:
        first, second = self.code("pair_first_option"), self.code("pair_second_option")
        if first is None or second is None:
            return None
        return Pair((self._cleaned["pair_first"], self._cleaned["pair_second"]), (first, second))

    def code(self, name: str) -> int | None:
        chosen = self._cleaned.get(name)
        return int(chosen) if chosen else None

    def _named(self, line: str) -> int:
        for option in self._options:
            if line.casefold() in {option.name.casefold(), option.key.casefold()}:
                return option.code
        raise Unreadable("rule_codes", _("There is no option “%(name)s”.") % {"name": line[:80]})

    @property
    def least(self) -> int:
        return int(self._cleaned.get("rule_least") or 1)

    def n_codes(self) -> int:
        return len(lines(self._cleaned.get("rule_codes", "")))

    def empty(self, *names: str) -> list[str]:
        return [name for name in names if not self._cleaned.get(name)]

    def same(self, one: str, other: str) -> bool:
        return bool(self._cleaned.get(one) == self._cleaned.get(other))


def rules() -> dict[str, str]:
    return {
        "all": _("All are answered yes"),
        "any": _("Any is answered yes"),
        "at_least": _("At least so many are answered yes"),
        "count": _("By how many are answered yes"),
        "map": _("By which one is answered yes"),
    }


def combinations(entered: Entered, question: Question) -> Iterator[Wrong]:
    """What does not go together, each where it is mended most easily."""
    way = words.ways()[entered.ask]
    if entered.n_examples and entered.ask in WITHOUT_EXAMPLES:
        yield Wrong(
            "examples",
            _("“%(way)s” shows no examples: they would have one answer, and it asks otherwise. Set "
              "this to 0, or ask directly.") % {"way": way},
        )  # fmt: skip
    if entered.ask_rationale and entered.ask in WITHOUT_REASON:
        yield Wrong(
            "ask_rationale",
            _("“%(way)s” has a reply without a place for a reason. Ask without one, or ask "
              "directly.") % {"way": way},
        )  # fmt: skip
    if entered.ask == "expected_score" and question.kind != "rating":
        yield Wrong("ask", _("An expected score is the mean of a rating; this question is none."))
    n_shown = len(entered.criteria) if entered.checks else question.options.count()
    if entered.orders == "rotations" and n_shown > MAX_ROTATIONS:
        yield Wrong(
            "orders",
            _("With more than %(most)s options, not each of them can be first. Ask in both orders.")
            % {"most": MAX_ROTATIONS},
        )
    yield from _of_checklist(entered)
    yield from _of_fields(entered)
    yield from _of_confidence(entered)


def _of_checklist(entered: Entered) -> Iterator[Wrong]:
    if not entered.checks:
        return
    n = len(entered.criteria)
    if not n:
        yield Wrong("criteria", _("A checklist needs at least one yes/no question."))
        return
    if entered.rule_kind in {"all", "any", "at_least"}:
        for name in entered.empty("rule_yes", "rule_no"):
            yield Wrong(name, _("Choose the option."))
        if not entered.empty("rule_yes", "rule_no") and entered.same("rule_yes", "rule_no"):
            yield Wrong("rule_no", _("Choose another option than for yes."))
        if entered.rule_kind == "at_least" and entered.least > n:
            yield Wrong("rule_least", _("There are only %(n)s questions.") % {"n": n})
        return
    wanted = n + (entered.rule_kind == "count")
    if entered.n_codes() != wanted:
        yield Wrong(
            "rule_codes",
            _("%(wanted)s options are wanted here, one a line; there are %(there)s.")
            % {"wanted": wanted, "there": entered.n_codes()},
        )


def _of_fields(entered: Entered) -> Iterator[Wrong]:
    if entered.ask == "reference" and entered.empty("reference"):
        yield Wrong("reference", _("Choose the field that holds the reference answer."))
    if entered.ask != "pairwise":
        return
    sides = ("pair_first", "pair_second", "pair_first_option", "pair_second_option")
    for name in entered.empty(*sides):
        yield Wrong(name, _("Choose one."))
    for one, other in (sides[:2], sides[2:]):
        if not entered.empty(one, other) and entered.same(one, other):
            yield Wrong(other, _("Choose another one than for the first text."))


def _of_confidence(entered: Entered) -> Iterator[Wrong]:
    needs = {
        "repeats": (entered.n_repeats > 1, _("repeats: ask more than once")),
        "orders": (entered.orders != "given", _("another order of the options")),
        "paraphrases": (bool(entered.paraphrases), _("other wordings of the question")),
    }
    there, what = needs.get(entered.confidence, (True, ""))
    way = words.ways()[entered.ask]
    if not there:
        yield Wrong("confidence", _("This needs %(what)s.") % {"what": what})
    elif entered.confidence == "logprob" and entered.ask in {"checklist", "candidates"}:
        yield Wrong(
            "confidence",
            _("“%(way)s” is not answered by one letter, so there are no probabilities of options.")
            % {"way": way},
        )
    elif entered.confidence == "stated" and entered.ask in {"expected_score", "candidates"}:
        yield Wrong("confidence", _("“%(way)s” states no number.") % {"way": way})


def lines(text: str) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _wordings(text: str) -> list[str]:
    """One a line; divided by empty lines where there are some."""
    text = (text or "").replace("\r\n", "\n").strip()
    if "\n\n" in text:
        return [part.strip() for part in text.split("\n\n") if part.strip()]
    return lines(text)
