"""The one answer that the labels of an item come to, as review and the page of an item show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext as _

from annotate.kinds import CHOICES, Asked, OptionAsked, said_of
from annotate.models import EstimateRun, Item, ItemEstimate, Label, RaterKind, WhoCounts
from annotate.selectors.answers import Answers, best_of
from annotate.selectors.entrusted import left_of
from annotate.views.answer_words import SETTLED_WORDS, answer_chip, settled_words
from annotate.views.bidi import isolated
from annotate.views.value_facts import interval_words
from annotate.written import within

# A smaller probability than this is not drawn.
LEAST_SHOWN = 0.005


def aggregate_shown(
    item: Item, run: EstimateRun | None, labels: list[Label], asked: Asked
) -> dict[str, Any]:
    """The newest aggregation where it saw the votes there are now, else people's majority."""
    estimate = run.item_estimates.filter(item=item).first() if run else None
    if asked.kind not in CHOICES:
        return _settled(item, run, estimate, labels, asked)
    options = asked.by_code
    # Where every label weighed nothing, there is no posterior and no answer.
    if run and estimate and estimate.payload["posterior"]:
        counted = _votes(labels, run.who_counts)
        if estimate.payload["votes"] == {str(code): n for code, n in counted.items()}:
            posterior = {int(c): p for c, p in estimate.payload["posterior"].items()}
            how = f"{run.get_method_display()}, {within(run.get_who_counts_display())}"
            found = _winner(posterior, estimate.choice, options, how, _("probability"))
            return found | {"posterior": _posterior(posterior, options)}
    votes = _votes(labels, WhoCounts.PEOPLE)
    if not votes:
        return _left(item, labels, options)
    top = _top(votes)
    shares = {code: n / votes.total() for code, n in votes.items()}
    first = top[0] if len(top) == 1 else None
    return _winner(shares, first, options, _("majority of people"), _("share"))


def _left(item: Item, labels: list[Label], options: Mapping[int, OptionAsked]) -> dict[str, Any]:
    """The answer of the rater to whom the item is entrusted, where no people answered."""
    if not labels:
        return {}
    left = left_of([item.pk]).get((item.pk, labels[0].question_id))
    if left is None or left.said.choice is None:
        return {}
    how = _("entrusted to %(rater)s, unread") % {"rater": isolated(left.rater.name)}
    sure = left.confidence if left.confidence is not None else 1.0
    return _winner({left.said.choice: sure}, left.said.choice, options, how, _("confidence"))


def _posterior(
    posterior: dict[int, float], options: Mapping[int, OptionAsked]
) -> list[dict[str, Any]]:
    """Every option that is not as good as ruled out, for components/shares.html; none where one
    option has it all."""
    shares = [
        {"name": option.name, "colour": option.colour, "percent": 100 * posterior[code]}
        for code, option in options.items()
        if posterior.get(code, 0) >= LEAST_SHOWN
    ]
    return shares if len(shares) > 1 else []


def _settled(
    item: Item,
    run: EstimateRun | None,
    estimate: ItemEstimate | None,
    labels: list[Label],
    asked: Asked,
) -> dict[str, Any]:
    """The same of a kind whose labels hold values."""
    answers = Answers(
        [said_of(v) for v in labels if v.rater.kind == RaterKind.PERSON],
        [said_of(v) for v in labels if v.rater.kind == RaterKind.JUDGE],
    )
    best = best_of(asked, answers, ruled=None, run=run, estimate=estimate)
    if best.said is None:
        return {"no_aggregate": settled_words(best.source)} if best.source else {}
    how = str(SETTLED_WORDS.get(best.source, ""))
    if best.source == "aggregate" and run is not None:
        how = f"{run.get_method_display()}, {within(run.get_who_counts_display())}"
    chip = answer_chip(asked, best.said, item) or {}
    interval = interval_words(asked, best.payload or {})
    return {
        "aggregate": {
            **chip,
            "probability": best.share,
            "measure": _("probability") if best.source == "aggregate" else _("share"),
            "method": f"{interval} {how}".strip(),
        }
    }


def _winner(
    weights: dict[int, float],
    choice: int | None,
    options: Mapping[int, OptionAsked],
    method: str,
    measure: str,
) -> dict[str, Any]:
    if choice is None:
        names = [isolated(options[code].name) for code in _top(weights) if code in options]
        return {"tied": names, "tied_method": method}
    option = options.get(choice)
    if option is None:
        return {}
    return {
        "aggregate": {
            "name": option.name,
            "colour": option.colour,
            "probability": weights[choice],
            "measure": measure,
            "method": method,
        }
    }


def _votes(labels: Collection[Label], who: str) -> Counter[int]:
    kinds = {WhoCounts.PEOPLE: {RaterKind.PERSON}, WhoCounts.JUDGES: {RaterKind.JUDGE}}.get(
        WhoCounts(who), set(RaterKind)
    )
    return Counter(
        label.choice
        for label in labels
        if label.choice is not None and RaterKind(label.rater.kind) in kinds
    )


def _top(weights: dict[int, Any] | Counter[int]) -> list[int]:
    # Posteriors are stored in millionths: those of a tie may differ by one.
    least = max(weights.values()) - 1.5e-6
    return [code for code, weight in weights.items() if weight >= least]
