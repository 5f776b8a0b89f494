"""What a measure of agreement says, in a plain sentence. The same words for the same values."""

from __future__ import annotations

from consensus.agreement import Agreement

# Measures that take chance out and are read by Krippendorff's bands.
_BEYOND_CHANCE = {
    "cohen_kappa": "Cohen's kappa",
    "fleiss_kappa": "Fleiss' kappa",
    "krippendorff_alpha": "Krippendorff's alpha",
    "gwet_ac": "Gwet's AC",
}

_UNDEFINED = {
    "no_pairs": "Agreement is not defined yet: no item has labels of two raters.",
    "few_items": "Agreement is not defined yet: there are too few items.",
    "no_case": "Agreement is not defined: nothing of this kind was named.",
    "one_class": (
        "Agreement is not defined: all labels name one class, so nobody could have disagreed."
    ),
}

_BANDS = {
    "chance": "Raters agree no more than chance would have it: the labels say nothing yet.",
    "low": "Agreement is low: the guideline or the items leave too much open to rely on labels.",
    "tentative": "Agreement is fair: good enough for tentative conclusions, not more.",
    "reliable": "Agreement is high: the labels can be relied on.",
}


def percent(share: float, digits: int = 0) -> str:
    """A share as the pages write it: "57 %"."""
    return f"{100 * share:.{digits}f} %"


def agreement_key(agreement: Agreement) -> str:
    """Which of these a value is, for words of one's own.

    Undefined: its reason (no_pairs, few_items, no_case, one_class). Beyond chance: chance, low,
    tentative, reliable; the limits .667 and .800 are Krippendorff's, customs and not laws. Any
    other measure: measured.
    """
    if agreement.value is None:
        return agreement.reason or "no_pairs"
    if agreement.measure not in _BEYOND_CHANCE:
        return "measured"
    return _band(agreement.value)


def agreement_sentence(agreement: Agreement) -> str:
    """What the value means here, in plain English."""
    key = agreement_key(agreement)
    if agreement.value is None:
        return _UNDEFINED[key]
    sentences = [_literal(agreement, agreement.value)]
    if key in _BANDS:
        sentences.append(_BANDS[key])
    if agreement.low is None or agreement.high is None:
        sentences.append(
            "One item is too few for an interval."
            if agreement.n_items == 1
            else "There are too few items for an interval."
        )
        return " ".join(sentences)
    sentences.append(
        f"On other items of the kind, {_number(agreement.low)} to {_number(agreement.high)} would "
        f"be no surprise ({_percent(agreement.confidence)} interval)."
    )
    if key in _BANDS and _band(agreement.low) != key:
        sentences.append("The interval reaches into a lower band: label more items to be sure.")
    return " ".join(sentences)


def _literal(agreement: Agreement, value: float) -> str:
    """The value put into words."""
    number = _number(value)
    measure = agreement.measure
    if measure in _BEYOND_CHANCE:
        name = _BEYOND_CHANCE[measure]
        return (
            f"{name} is {number}: raters differ {_percent(1 - value)} as much as they would by "
            f"chance, on {_count(agreement.n_items, 'item')}."
        )
    if measure in ("percent_agreement", "f1_micro"):
        pairs = _count(agreement.n, "pair of labels", "pairs of labels")
        return f"{_percent(value)} of {pairs} name one class; chance alone would make some agree."
    if measure == "f1":
        both = round(agreement.n * value / (2 - value))
        return (
            f"F1 is {number}: of {_count(agreement.n, 'item')} to which either gave the class, "
            f"both gave it to {both:,}."
        )
    if measure == "f1_macro":
        return f"F1 is {number} in the mean over classes, in which rare classes count as frequent."
    if measure in ("precision", "recall"):
        one, other = ("first", "second") if measure == "precision" else ("second", "first")
        return (
            f"Of {_count(agreement.n, 'item')} to which the {one} gave the class, the {other} gave "
            f"it to {_percent(value)}."
        )
    if measure == "span_f1":
        return (
            f"F1 is {number}: {_percent(value)} of what the two marked {_MATCHES[agreement.level]}."
        )
    if measure == "rank_biased_overlap":
        return (
            f"Rank-biased overlap is {number}: from the top down, {_percent(value)} of what one "
            "sees in two rankings is in both, in the mean."
        )
    if measure == "kendall_tau_b":
        return (
            f"Kendall's tau-b is {number}: of pairs of items that both raters order, about "
            f"{_percent((1 + value) / 2)} are ordered alike."
        )
    if measure == "spearman":
        return f"Spearman's correlation is {number}: {_direction(value, 'order the items')}."
    return f"Pearson's correlation is {number}: {_direction(value, 'place the items on a line')}."


_MATCHES = {
    "exact": "has a counterpart of the same class with the same ends",
    "overlap": "has a counterpart of the same class that it shares a place with",
    "positions": "was marked by both with the same class",
}


def _direction(value: float, deed: str) -> str:
    if abs(value) < 0.1:
        return f"the two raters {deed} as if they had nothing to do with each other"
    how = (
        "nearly alike" if value >= 0.9 else "somewhat alike" if value > 0 else "the other way round"
    )
    return f"the two raters {deed} {how} (1 is alike, 0 unrelated)"


def _band(value: float) -> str:
    if value >= 0.8:
        return "reliable"
    if value >= 0.667:
        return "tentative"
    return "low" if value > 0 else "chance"


def _number(value: float) -> str:
    return f"{value:.2f}"


def _percent(share: float) -> str:
    """A whole per cent; what is not all, or not nothing, is not rounded to it."""
    if 0 < share < 0.005:
        return "less than 1 %"
    if 0.995 <= share < 1:
        return "more than 99 %"
    return f"{100 * share:.0f} %"


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
