"""A judge version in words: its texts and its settings, and how two versions differ in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.models import Item, Option
from judges.exchange import Rule
from judges.models import JudgeVersion
from judges.prompting.differences import Line, differences
from judges.prompting.how import Examples, Repeats
from judges.prompting.words import DEFAULT_OUTPUT, DEFAULT_SYSTEM
from judges.selectors.asked import how_of, task_of
from judges.selectors.panels import is_panel, members_of, spec_of


@dataclass(frozen=True)
class TextDifference:
    """A text of two versions; ``lines`` is empty where it is the same."""

    name: str
    lines: list[Line]


@dataclass(frozen=True)
class SettingDifference:
    """A setting of two versions, in words."""

    name: str
    first: str
    second: str

    @property
    def changed(self) -> bool:
        return self.first != self.second


def texts_of(version: JudgeVersion) -> dict[str, str]:
    """What a version is told, by name of the part: the built-in words written out."""
    if version.prompt is None:
        return {_("Options"): _options(version)}
    return {
        _("System prompt"): version.prompt.system or DEFAULT_SYSTEM,
        _("Task"): task_of(version),
        _("How to answer"): version.prompt.output or DEFAULT_OUTPUT,
        _("Question"): version.question.text or version.question.name,
        _("Options"): _options(version),
        _("Guideline"): version.guideline.text if version.guideline else "",
    }


def settings_of(version: JudgeVersion) -> dict[str, str]:
    """A version's settings in words, by name. Queries for fixed examples, and for a panel."""
    if version.prompt is None:
        return _of_no_words(version)
    how = how_of(version)
    options = {option.code: option for option in version.question.options.all()}
    own: dict[str, str] = {
        _("Model"): version.model,
        _("Asked at"): f"{version.connection.name} {version.connection.base_url}".strip(),
        _("Way of asking"): ways()[how.ask],
        _("Reason first"): _yes(version.prompt.ask_rationale),
        _("Reply"): forms().get(version.parameters.get("want", ""), ""),
        _("Examples"): _examples(how.examples, version),
        _("Order of options"): orders()[how.orders],
        _("Repeats"): _repeats(how.repeats),
        _("Other wordings"): "\n".join(how.paraphrases) or _("none"),
        _("Confidence"): confidences()[how.confidence],
        _("Who answers"): how.persona or _("nobody in particular"),
        _("Lines of the item quoted"): _yes(how.quoted),
        _("Temperature"): f"{version.parameters.get('temperature', 0):g}",
        _("Seed"): str(version.parameters.get("seed", "–")),
        _("Question version"): str(version.question.version),
        _("Guideline version"): str(version.guideline.version) if version.guideline else "–",
    }
    if how.criteria:
        own[_("Yes/no questions")] = "\n".join(how.criteria)
    if how.rule:
        own[_("Rule")] = _rule(how.rule, options)
    if how.reference:
        own[_("Reference answer")] = how.reference
    if how.pair:
        sides = zip(how.pair.fields, how.pair.codes, strict=True)
        own[_("Pair")] = "\n".join(f"{field}: {_name(options, code)}" for field, code in sides)
    return own


def _of_no_words(version: JudgeVersion) -> dict[str, str]:
    """Of what is asked no words: a classifier, a backend, a panel."""
    own: dict[str, str] = {_("Model"): version.model, _("Asked at"): version.connection.name}
    if version.parameters.get("n_labels"):
        own[_("Learnt from")] = str(version.parameters["n_labels"])
    if is_panel(version):
        spec = spec_of(version)
        own = {
            _("Judges"): "\n".join(str(member) for member in members_of(version)),
            _("Asks until"): stops()[spec.stop],
            _("Votes weigh"): sources()[spec.source],
            _("Discussion"): _yes(bool(spec.readers)),
        }
    return own | {_("Question version"): str(version.question.version)}


def texts_differ(first: JudgeVersion, second: JudgeVersion) -> list[TextDifference]:
    """Each text of both versions, those that differ first."""
    one, other = texts_of(first), texts_of(second)
    names = list(dict.fromkeys([*one, *other]))
    found = [
        TextDifference(name, differences(one.get(name, ""), other.get(name, ""))) for name in names
    ]
    return sorted(found, key=lambda text: not text.lines)


def settings_differ(first: JudgeVersion, second: JudgeVersion) -> list[SettingDifference]:
    """Each setting of both versions, those that differ first."""
    one, other = settings_of(first), settings_of(second)
    names = list(dict.fromkeys([*one, *other]))
    found = [SettingDifference(name, one.get(name, "–"), other.get(name, "–")) for name in names]
    return sorted(found, key=lambda setting: not setting.changed)


def changed_in(first: JudgeVersion, second: JudgeVersion) -> list[str]:
    """The names of the texts and settings in which two versions differ."""
    one, other = texts_of(first), texts_of(second)
    texts = [name for name in dict.fromkeys([*one, *other]) if one.get(name) != other.get(name)]
    settings = [s.name for s in settings_differ(first, second) if s.changed]
    # A guideline that reads as before under a new number changed nothing.
    return list(dict.fromkeys([*texts, *settings]))


def ways() -> dict[str, str]:
    """The ways of asking, in words."""
    return {
        "direct": _("Directly: one of the options"),
        "rationale": _("Directly, with a reason first"),
        "checklist": _("By yes/no questions that a rule joins"),
        "candidates": _("All options that could apply, the best first"),
        "reference": _("Beside a reference answer"),
        "expected_score": _("A rating, as the mean of what it holds likely"),
        "pairwise": _("Two texts against each other, in both orders"),
    }


def orders() -> dict[str, str]:
    return {
        "given": _("As given: one call"),
        "both": _("As given and reversed, averaged: two calls"),
        "rotations": _("Each first once, averaged: a call an option"),
    }


def confidences() -> dict[str, str]:
    return {
        "": _("The best that its calls bring"),
        "logprob": _("Token probabilities"),
        "repeats": _("How often repeats say the same"),
        "orders": _("How often the orders say the same"),
        "paraphrases": _("How often the wordings say the same"),
        "stated": _("The number that it states"),
    }


def forms() -> dict[str, str]:
    """What a reply has to be, by what is wanted of it."""
    return {
        "letter": _("One letter, nothing else"),
        "json": _("A JSON object: answer, confidence"),
        "json_rationale": _("A JSON object: rationale, answer, confidence"),
        "checklist": _("A JSON object: a yes or no to each number, confidence"),
        "candidates": _("A JSON object: a list of answers, the best first"),
    }


def choices() -> dict[str, str]:
    """How examples are chosen, in words."""
    return {
        "diverse": _("unlike each other"),
        "similar": _("most like the item asked"),
        "random": _("drawn at random"),
        "fixed": _("these items"),
    }


def stops() -> dict[str, str]:
    """When a panel asks no further judge, in words."""
    return {
        "settled": _("nothing the others could say would change it"),
        "sure": _("it is sure enough"),
        "all": _("all were asked"),
    }


def sources() -> dict[str, str]:
    """Where the weights of a panel's votes come from, in words."""
    return {
        "equal": _("alike"),
        "people": _("by agreement with people"),
        "qualification": _("by known answers"),
    }


def _options(version: JudgeVersion) -> str:
    return "\n".join(
        f"{option.name} - {option.definition}" if option.definition else option.name
        for option in version.question.options.all()
    )


def _examples(how: Examples | None, version: JudgeVersion) -> str:
    if how is None:
        return _("none")
    said = _("%(n)s, %(choice)s, by %(source)s") % {
        "n": how.count,
        "choice": choices()[how.choice],
        "source": _("rulings") if how.source == "rulings" else _("people and rulings"),
    }
    kept = [item for item, _code in version.parameters.get("examples", [])]
    if how.choice != "fixed":
        among = ngettext("kept: %(n)s item", "kept: %(n)s items", len(kept)) % {"n": len(kept)}
        return f"{said}; {among}"
    names = Item.objects.in_bulk(kept)
    listed = ", ".join(names[pk].external_id for pk in kept if pk in names)
    return f"{said}: {listed}"


def _repeats(how: Repeats | None) -> str:
    if how is None:
        return _("none")
    return _("up to %(most)s at temperature %(temperature)s, until certain but for %(delta)s") % {
        "most": how.most,
        "temperature": f"{how.temperature:g}",
        "delta": f"{how.delta:g}",
    }


def _rule(rule: Rule, options: Mapping[int, Option]) -> str:
    names = partial(_name, options)
    ends = {"yes": names(rule.yes), "no": names(rule.no), "least": rule.least}
    match rule.kind:
        case "all":
            return _("%(yes)s where all are answered yes, else %(no)s") % ends
        case "any":
            return _("%(yes)s where any is answered yes, else %(no)s") % ends
        case "at_least":
            return _("%(yes)s where %(least)s or more are answered yes, else %(no)s") % ends
        case "count":
            listed = ", ".join(f"{n}: {names(code)}" for n, code in enumerate(rule.codes))
            return _("by how many are answered yes: %(listed)s") % {"listed": listed}
    listed = ", ".join(f"{n}: {names(code)}" for n, code in enumerate(rule.codes, 1))
    return _("by which is answered yes: %(listed)s; none: %(no)s") % {**ends, "listed": listed}


def _name(options: Mapping[int, Option], code: int | None) -> str:
    if code is None:
        return _("no label")
    return options[code].name if code in options else str(code)


def _yes(said: bool) -> str:  # noqa: FBT001
    return _("yes") if said else _("no")
