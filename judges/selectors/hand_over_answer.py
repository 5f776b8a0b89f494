"""What a hand-over would be, as plain values that are kept: its answer, curve and estimates."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from annotate.models import Item, Question, QuestionKind
from judges.models import HandOver
from judges.selectors.hand_over_evidence import Evidence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.corrected import Figure, ThreeWays
    from consensus.hand_over import HandOver as Found

# Groups are compared by entries of the metadata with at most so many values, so many entries.
MOST_VALUES = 6
MOST_FIELDS = 4
# Fewer labels of people than this correct nothing.
LEAST_LABELS = 10


def found_of(evidence: Evidence, *, alpha: float, delta: float) -> Found:
    """The hand-over itself (consensus.hand_over)."""
    from consensus.hand_over import hand_over

    known = evidence.known
    return hand_over(
        evidence.confidence[known],
        evidence.loss[known],
        evidence.confidence[evidence.unread],
        alpha=alpha,
        delta=delta,
    )


def answer_of(evidence: Evidence, row: HandOver) -> dict[str, Any]:
    """What the page opens with, and the curve under it. Shares are from 0 to 1."""
    from consensus.risk_curve import risk_curve

    found = found_of(evidence, alpha=row.alpha, delta=row.delta)
    known, unread = evidence.known, evidence.unread
    curve = risk_curve(
        evidence.confidence[known],
        evidence.loss[known],
        evidence.confidence[unread],
        alpha=row.alpha,
        delta=row.delta,
        through=found.threshold,
    )
    audited = audit_size(found.n_chosen, row.audit_share)
    return {
        "reason": found.reason,
        "threshold": found.threshold,
        "n_unread": int(unread.sum()),
        "n_chosen": found.n_chosen,
        "n_audit": audited,
        "labels_saved": (found.n_chosen - audited) * row.question.project.labels_per_item,
        "n_labelled": found.n_labelled,
        "n_errors": found.n_errors,
        "upper_bound": found.upper_bound,
        "more_labels": _more(found.reason, found.more_labels, row, int(unread.sum())),
        "n_known": int(known.sum()),
        "known_errors": int(evidence.loss[known].sum()),
        "confidence_from": evidence.confidence_from,
        "left_out": dict(evidence.left_out),
        "curve": [asdict(point) for point in curve],
    }


def audit_size(n_chosen: int, share: float) -> int:
    """How many of those handed over are drawn to be checked: the share, and never fewer than 20."""
    return min(n_chosen, max(20, math.ceil(share * n_chosen))) if n_chosen else 0


def _more(reason: str, more: int | None, row: HandOver, n_unread: int) -> int | None:
    """How many more blind labels to ask for; None where no number helps."""
    if reason == "no_labels":
        # As many as could do without an error among them, and some more for those there will be.
        more = math.ceil(1.5 * math.log(row.delta) / math.log(1 - row.alpha))
    return None if more is None or not n_unread else min(more, n_unread)


# --- Estimates ----------------------------------------------------------------------------------


def estimates_of(question: Question, evidence: Evidence) -> dict[str, Any]:
    """Shares, for ratings the mean, and differences of groups, three ways (consensus.corrected).

    ``why_not``: "" where this is legal, else why there is none: "no_people", "few". ``rows``:
    {"what": "share" | "mean" | "difference", "option", "by", "groups", and three figures}.
    """
    import numpy as np

    from consensus.corrected import corrected_difference, corrected_mean, corrected_shares
    from consensus.people_targets import people_shares

    said = people_shares(evidence.people)
    there = ~np.isnan(said[:, 0]) if said.size else np.zeros(0, dtype=bool)
    chance, design = inclusion(question, evidence, there)
    # A label that no lot asked for belongs in no estimate.
    said[~there] = np.nan
    n = int(there.sum())
    about = {
        "n_items": len(evidence.item_ids),
        "n_labels": n,
        "design": design,
        "why_not": "no_people" if not n else "few" if n < LEAST_LABELS else "",
        "rows": [],
    }
    if about["why_not"]:
        return about
    rows: list[dict[str, Any]] = []
    options = [(o.code, o.name) for o in question.options.all() if o.code < said.shape[1]]
    shares = corrected_shares(evidence.codes, said, probability=chance)
    rows += [{"what": "share", "option": name, **_ways(shares[code])} for code, name in options]
    bounds, judge, people = (0.0, 1.0), None, None
    if question.kind == QuestionKind.RATING:
        values = np.arange(said.shape[1], dtype=float) + 1
        bounds = (1.0, float(len(values)))
        judge, people = values[evidence.codes], said @ values
        mean = corrected_mean(judge, people, probability=chance, bounds=bounds)
        rows.append({"what": "mean", "option": "", **_ways(mean)})
    for name, first, second, groups in _groups(evidence.item_ids):
        if judge is not None and people is not None:
            found = corrected_difference(judge, people, groups, probability=chance, bounds=bounds)
            rows.append(_difference("", name, first, second, found))
            continue
        for code, option in options:
            found = corrected_difference(
                (evidence.codes == code).astype(float),
                said[:, code],
                groups,
                probability=chance,
                bounds=bounds,
            )
            rows.append(_difference(option, name, first, second, found))
    return about | {"rows": rows}


def inclusion(
    question: Question, evidence: Evidence, there: NDArray[np.bool_]
) -> tuple[NDArray[np.float64] | None, dict[str, Any]]:
    """With which probability each item came to people, and how that is known.

    Those that came in the random order or by lot are a simple random sample of all: each n in N.
    Those drawn to check a hand-over came with the probability of that lot besides; it was drawn
    above one confidence only. None: all alike.
    """
    import numpy as np

    n_all = len(there)
    drawn = there & ~evidence.checked
    base = drawn.sum() / n_all if n_all else 0.0
    design = {"n_random": int(drawn.sum()), "base": float(base), "n_checked": 0, "above": None}
    if not (there & evidence.checked).any() or not base:
        return None, design
    over = HandOver.objects.filter(question=question, started_at__isnull=False).order_by("-pk")
    last = over.first()
    # None: there is no hand-over whose lot the checked items could have come from.
    if (
        last is None
        or last.threshold is None
        or evidence.confidence_from != last.answer["confidence_from"]
    ):
        return None, design
    above = evidence.confidence >= last.threshold
    checked = there & evidence.checked & above
    pool = int((above & ~drawn).sum())
    extra = checked.sum() / pool if pool else 0.0
    there &= drawn | checked
    design |= {"n_checked": int(checked.sum()), "above": last.threshold, "extra": float(extra)}
    chance = np.where(above, base + (1 - base) * extra, base)
    return chance, design


def _groups(item_ids: NDArray[np.int64]) -> list[tuple[str, str, str, NDArray[np.int64]]]:
    """(entry, its most frequent value, the next, 1 and 0 for these and -1 for others)."""
    import numpy as np

    ids = item_ids.tolist()
    metadata: dict[int, dict[str, Any]] = {}
    for start in range(0, len(ids), 5000):
        chunk = Item.objects.filter(pk__in=ids[start : start + 5000])
        metadata.update(chunk.values_list("pk", "metadata"))
    counts: dict[str, Counter[str]] = {}
    for entries in metadata.values():
        for name, value in entries.items():
            counts.setdefault(name, Counter())[str(value)] += 1
    found: list[tuple[str, str, str, NDArray[np.int64]]] = []
    for name, values in counts.items():
        if not 2 <= len(values) <= MOST_VALUES or len(found) == MOST_FIELDS:
            continue
        (first, _n), (second, _m) = values.most_common(2)
        codes = {first: 1, second: 0}
        groups = [codes.get(str(metadata.get(pk, {}).get(name, "")), -1) for pk in ids]
        found.append((name, first, second, np.array(groups)))
    return found


def _difference(option: str, by: str, first: str, second: str, found: ThreeWays) -> dict[str, Any]:
    return {
        "what": "difference",
        "option": option,
        "by": by,
        "groups": [first, second],
        **_ways(found),
    }


def _ways(found: ThreeWays) -> dict[str, Any]:
    def figure(one: Figure) -> dict[str, float | None]:
        return {"value": one.value, "low": one.low, "high": one.high}

    return {
        "people": figure(found.people),
        "judge": figure(found.judge),
        "corrected": figure(found.corrected),
        "saved": found.saved,
        "n_labels": found.n_labels,
    }
