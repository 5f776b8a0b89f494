"""Two raters side by side: their confusion and their agreement, in words and cells."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from annotate.access import Place
from annotate.models import Option, Question, QuestionKind, Rater
from annotate.views.confusion_shown import Cell, confusion_rows
from annotate.views.needs_shown import items_address


def pair_shown(
    place: Place, question: Question, a: Rater, b: Rater, pairs: dict[str, Any] | None
) -> dict[str, Any] | None:
    """What two raters said of the items that both labelled. None where it is not worked out yet.

    ``pairs``: of a beside others, as selectors.rater_figures.pairs_of.
    """
    import numpy as np

    if pairs is None:
        return None
    options = list(question.options.all())
    counts = np.array(pairs.get(str(b.pk), []), dtype=np.int64)
    n = int(counts.sum())
    query = {"question": question.pk, "a": a.pk, "b": b.pk}
    if not n:
        return {"n": 0}

    def cell(own: Option, other: Option) -> Cell:
        mine = _row(counts, own.code)
        count = int(mine[other.code]) if other.code < len(mine) else 0
        says = {"a_says": own.code, "b_says": other.code}
        return Cell(count, items_address(place.project, **query, **says))

    same = int(np.trace(counts))
    return {
        "n": n,
        "same": same,
        "differ": n - same,
        "rows": confusion_rows(options, cell),
        "options": options,
        "totals": [
            int(counts[:, option.code].sum()) if option.code < len(counts) else 0
            for option in options
        ],
        "both_url": items_address(place.project, **query, both=1),
        "differ_url": items_address(place.project, **query),
        **_figures(question, counts),
        "most_apart": _most_apart(options, counts),
    }


def _row(counts: Any, code: int) -> Any:
    import numpy as np

    return counts[code] if code < len(counts) else np.zeros(len(counts), dtype=np.int64)


def _figures(question: Question, counts: Any) -> dict[str, Any]:
    """Plain agreement and kappa with their intervals, and what kappa means."""
    import numpy as np

    from consensus.intervals import proportion_interval
    from consensus.kappa import cohen_kappa_interval
    from consensus.meanings import agreement_key

    n, same = int(counts.sum()), int(np.trace(counts))
    low, high = proportion_interval(same, n)
    of_a, of_b = np.nonzero(counts)
    times = counts[of_a, of_b]
    rating = question.kind == QuestionKind.RATING
    kappa = cohen_kappa_interval(
        np.repeat(of_a, times),
        np.repeat(of_b, times),
        len(counts),
        weights="quadratic" if rating else "none",
    )
    meanings = {
        "one_class": _("Kappa is not defined: both named one and the same option everywhere."),
        "chance": _("No more than chance would have it."),
        "low": _("Low: too little to take one for the other."),
        "tentative": _("Fair: good enough for tentative conclusions, not more."),
        "reliable": _("High: either says much the same."),
    }
    return {
        "share": {"value": same / n, "low": low, "high": high},
        "kappa": {
            "value": kappa.value,
            "low": kappa.low,
            "high": kappa.high,
            "name": _("kappa, quadratic weights") if rating else _("kappa"),
            "meaning": meanings.get(agreement_key(kappa), ""),
        },
    }


def _most_apart(options: list[Any], counts: Any) -> dict[str, Any] | None:
    """The commonest way in which the two differ."""
    import numpy as np

    apart = counts.copy()
    np.fill_diagonal(apart, 0)
    if not apart.any():
        return None
    own, other = np.unravel_index(int(apart.argmax()), apart.shape)
    names = {option.code: option.name for option in options}
    return {
        "own": names.get(int(own), str(own)),
        "other": names.get(int(other), str(other)),
        "n": int(apart[own, other]),
    }
