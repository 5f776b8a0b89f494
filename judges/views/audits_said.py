"""What audits are and found, in words."""

from __future__ import annotations

from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from annotate.views.bidi import isolated
from annotate.written import decimal
from judges.models import AuditFinding, JudgeVersion
from judges.prompting.audits.catalogue import AUDITS
from judges.selectors.audits import is_found
from judges.services.audit_remedies import Remedy

# Name, and what is done.
WORDS = {
    "option_order": (
        gettext_lazy("Option order"),
        gettext_lazy("The options are shown in the reverse order."),
    ),
    "pair_position": (
        gettext_lazy("Position of the two texts"),
        gettext_lazy("The two texts are exchanged."),
    ),
    "option_names": (
        gettext_lazy("Option names"),
        gettext_lazy("The options get neutral names; their definitions stay."),
    ),
    "length": (
        gettext_lazy("Length (verbosity bias)"),
        gettext_lazy("The text is said twice."),
    ),
    "markup": (
        gettext_lazy("Markup and emoji (beauty bias)"),
        gettext_lazy("The text gets a heading, bold letters and neutral signs."),
    ),
    "spelling": (
        gettext_lazy("Spelling"),
        gettext_lazy("Some words of the text get a slip of the pen."),
    ),
    "authority": (
        gettext_lazy("Authority"),
        gettext_lazy("A made-up expert review names an option drawn at random."),
    ),
    "bandwagon": (
        gettext_lazy("Bandwagon"),
        gettext_lazy("“90 % chose” an option drawn at random."),
    ),
    "flattery": (
        gettext_lazy("Flattery (sycophancy)"),
        gettext_lazy("Praise of the judge goes with an option drawn at random."),
    ),
    "score_range": (
        gettext_lazy("Score range"),
        gettext_lazy("The steps of the scale get other numbers."),
    ),
    "central_tendency": (
        gettext_lazy("Central tendency"),
        gettext_lazy("How far from the middle it answers, beside people on the same items."),
    ),
    "repeat": (
        gettext_lazy("Repeat stability"),
        gettext_lazy("Exactly the same is asked again."),
    ),
    "paraphrase": (
        gettext_lazy("Paraphrase stability"),
        gettext_lazy("The question is put in other words."),
    ),
    "history": (
        gettext_lazy("Stability over time"),
        gettext_lazy("Its answers to the same request in earlier runs are looked up."),
    ),
    "self_preference": (
        gettext_lazy("Self-preference (model family)"),
        gettext_lazy("Texts by models of its own family beside others, both beside people."),
    ),
}
UNFIT = {
    "no_pair": gettext_lazy("Only where two texts are compared."),
    "is_pair": gettext_lazy("Not where two texts are compared: see their position."),
    "no_rating": gettext_lazy("Only for a rating: other options have no order."),
    "few_steps": gettext_lazy("Only for a scale of three steps or more."),
    "no_definitions": gettext_lazy(
        "Needs a definition of each option: without names there would be nothing else to go by."
    ),
    "options_not_shown": gettext_lazy("A checklist shows no options."),
    "both_orders": gettext_lazy(
        "It asks in several orders already, and its labels are the mean over them."
    ),
    "one_option": gettext_lazy("Needs two options or more."),
}
MISSING = {
    "answers": gettext_lazy("Too few items were answered both ways."),
    "people": gettext_lazy("Needs people’s labels of these items: two items or more."),
    "origin": gettext_lazy(
        "Needs to know which model wrote a text: a metadata field “model”, “generator”, "
        "“source_model” or “written_by”, with five labelled items or more by the judge’s own "
        "family and five by others."
    ),
    "earlier": gettext_lazy("It was never asked exactly the same before."),
}
REMEDIES = {
    "both_orders": gettext_lazy("Make a version that asks in both orders"),
    "quoted": gettext_lazy("Make a version that marks items as quoted"),
    "told": gettext_lazy("Make a version that is told so"),
    "wordings": gettext_lazy("Make a version that asks in both wordings"),
    "repeats": gettext_lazy("Make a version that asks up to five times"),
}


def audit_name(key: str) -> str:
    return str(WORDS[key][0]) if key in WORDS else key


def audit_shown(key: str, unfit: str) -> dict[str, Any]:
    """An audit to choose: {key, name, text, source, unfit, asks}."""
    name, text = WORDS[key]
    return {
        "key": key,
        "name": name,
        "text": text,
        "source": AUDITS[key].source,
        "unfit": UNFIT.get(unfit, ""),
        "asks": AUDITS[key].vary is not None,
    }


def remedy_shown(remedy: Remedy | None) -> str:
    return str(REMEDIES[remedy.kind]) if remedy is not None else ""


def verdict_said(finding: AuditFinding) -> str:
    """One sentence: what the audit says, or what is missing."""
    if finding.value is None:
        return str(MISSING.get(finding.missing, MISSING["answers"]))
    if finding.p is None:
        return _("Asked the same again, it answered %(changed)s of %(n)s items otherwise.") % {
            "changed": intcomma(finding.changed),
            "n": intcomma(finding.n),
        }
    if is_found(finding):
        return _("It is moved: %(effect)s") % {"effect": effect_said(finding)}
    return _("No pull was found among %(n)s items; one of up to %(most)s is not ruled out.") % {
        "n": intcomma(finding.n),
        "most": percent(max(abs(finding.low or 0.0), abs(finding.high or 0.0))),
    }


def effect_said(finding: AuditFinding) -> str:
    """The effect in words, as the end of a sentence."""
    value = finding.value or 0.0
    names = {"by": percent(abs(value))}
    measure = AUDITS[finding.audit].measure
    rating = finding.run.version.question.kind == "rating"
    if measure == "named":
        words = (
            _("%(by)s more of its answers are the option named.")
            if value > 0
            else _("%(by)s fewer of its answers are the option named.")
        )
    elif measure == "place":
        words = (
            _("answers lean to what is shown first, by %(by)s.")
            if value > 0
            else _("answers lean to what is shown last, by %(by)s.")
        )
    elif measure == "extra":
        words = _("%(by)s more items change than when the same is asked again.")
        if value < 0:
            words = _("%(by)s fewer items change than when the same is asked again.")
    elif measure == "people":
        words = (
            _("it stays nearer to the middle than people, by %(by)s of the scale.")
            if value < 0
            else _("it goes further from the middle than people, by %(by)s of the scale.")
        )
    elif measure == "kin":
        words = (
            _("texts of its own family get %(by)s of the scale more than from people.")
            if value > 0
            else _("texts of its own family get %(by)s of the scale less than from people.")
        )
    else:
        return _treated(finding, value, names, rating=rating)
    return words % names


def _treated(finding: AuditFinding, value: float, names: dict[str, str], *, rating: bool) -> str:
    if finding.option is not None:
        option = next(
            (o for o in finding.run.version.question.options.all() if o.code == finding.option),
            None,
        )
        words = (
            _("“%(option)s” is answered more often, by %(by)s of the items.")
            if value > 0
            else _("“%(option)s” is answered less often, by %(by)s of the items.")
        )
        return words % {**names, "option": isolated(option.name) if option else finding.option}
    if rating:
        words = (
            _("answers go up by %(by)s of the scale.")
            if value > 0
            else _("answers go down by %(by)s of the scale.")
        )
    else:
        words = (
            _("the text that was changed wins more often, by %(by)s.")
            if value > 0
            else _("the text that was changed wins less often, by %(by)s.")
        )
    return words % names


def percent(share: float) -> str:
    return _("%(n)s %%") % {"n": decimal(100 * share, 1 if share < 0.0995 else 0)}


def signed(share: float) -> str:
    sign = "+" if share > 0 else "−" if share < 0 else ""
    return f"{sign}{percent(abs(share))}"


def interval_said(finding: AuditFinding) -> str:
    """The interval of an effect, with its signs."""
    if finding.low is None or finding.high is None:
        return ""
    if finding.p is None:
        return _("%(low)s to %(high)s") % {
            "low": percent(finding.low),
            "high": percent(finding.high),
        }
    return _("%(low)s to %(high)s") % {"low": signed(finding.low), "high": signed(finding.high)}


def outcome_said(version: JudgeVersion, findings: list[AuditFinding]) -> str:
    """The run of audits in one sentence."""
    tested = [finding for finding in findings if finding.p is not None]
    found = [audit_name(finding.audit) for finding in tested if is_found(finding)]
    if not tested:
        return _("No audit could be measured. See what each is missing.")
    if not found:
        return ngettext(
            "The %(n)s audit that could be measured found no pull. That does not rule out small "
            "ones: mind the interval.",
            "None of the %(n)s audits that could be measured found a pull. That does not rule out "
            "small ones: mind the intervals.",
            len(tested),
        ) % {"n": len(tested)}
    return _("%(judge)s is moved by what should not matter: %(found)s.") % {
        "judge": isolated(str(version)),
        "found": ", ".join(found),
    }
