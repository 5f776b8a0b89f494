"""Aggregating answers that are no classes: sets of options, numbers, spans.

Of each item's estimate the payload holds {"answer": value or None, "seen": mark of the answers that
went in}, and besides:

- multiple: {"posterior": {"0": .7}}, of each option on its own; answer None where an option is tied
- number: {"low", "high", "error"}, the 95 % interval and standard error where they can be had
- span: {"spans": [[start, end, option code, mean posterior]]}
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from annotate.kinds import Said, mark_of
from annotate.kinds.number import number_of
from annotate.models import EstimateRun, QuestionKind, RaterEstimate
from annotate.selectors.value_tables import ValueTable, lengths_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from annotate.services.estimate_rows import Row
    from consensus.estimate import (
        ClassEstimate,
        Estimate,
        MultiLabelEstimate,
        NumberEstimate,
        SpanEstimate,
    )
    from consensus.table import LabelTable

DIGITS = 6


def values_compute(
    run: EstimateRun, table: ValueTable, parameters: dict[str, Any]
) -> tuple[Estimate, list[Row]]:
    """Aggregate as a run asks for. Returns the estimate, and a row an item to store.

    ``parameters`` of a method of classes. The same answers and the same run give the same result.
    """

    def by_classes(labels: LabelTable) -> ClassEstimate:
        from consensus.methods import aggregate

        return aggregate(labels, run.method, seed=run.seed, **parameters)

    kind = table.asked.kind
    if kind == QuestionKind.MULTIPLE:
        chosen = _multiple(table, by_classes)
        return chosen, list(_multiple_rows(table, chosen))
    if kind == QuestionKind.NUMBER:
        numbers = _number(table)
        return numbers, list(_number_rows(table, numbers))
    spans = _span(table, by_classes)
    return spans, list(_span_rows(table, spans))


def raters_of(run: EstimateRun, table: ValueTable, estimate: Estimate) -> list[RaterEstimate]:
    """How able each rater is, and what else is known of them; not stored yet."""
    n_labels: defaultdict[int, int] = defaultdict(int)
    for rater in table.raters:
        n_labels[rater] += 1
    ability, interval = estimate.ability, estimate.ability_interval
    facts = {
        name: values
        for name in ("bias", "spread", "option_ability")
        if (values := getattr(estimate, name, None)) is not None
    }
    return [
        RaterEstimate(
            run=run,
            rater_id=pk,
            ability=_share(ability[k]) if ability is not None else None,
            ability_low=_share(interval[k, 0]) if interval is not None else None,
            ability_high=_share(interval[k, 1]) if interval is not None else None,
            n_labels=n_labels[k],
            payload={name: _plain(values[k]) for name, values in facts.items()},
        )
        for k, pk in enumerate(table.rater_ids)
    ]


def _share(value: float) -> float | None:
    return None if math.isnan(value) else min(1.0, max(0.0, float(value)))


def _plain(values: Any) -> Any:
    """A number or a row of them for JSON, None where nothing is known."""
    if getattr(values, "ndim", 0):
        return [_plain(value) for value in values]
    value = float(values)
    return round(value, DIGITS) if math.isfinite(value) else None


def _seen(table: ValueTable) -> list[str]:
    """The mark of each item's answers."""
    answers: list[list[Said]] = [[] for _ in table.item_ids]
    for item, said in zip(table.items, table.answers, strict=True):
        answers[item].append(said)
    return [mark_of(said) for said in answers]


# --- Several options ----------------------------------------------------------------------------


def _multiple(table: ValueTable, method: Any) -> MultiLabelEstimate:
    import numpy as np

    from consensus.multi_label import multi_label
    from consensus.selections import Selections

    at = {option.code: k for k, option in enumerate(table.asked.options)}

    def row(said: Said) -> list[bool]:
        chosen = {at[code] for code in said.value if code in at}
        return [k in chosen for k in range(len(at))]

    gold: NDArray[np.int32] | None = None
    if table.known:
        gold = np.full((len(table.item_ids), len(at)), -1, dtype=np.int32)
        for k, pk in enumerate(table.item_ids):
            if pk in table.known:
                gold[k] = row(table.known[pk])
    return multi_label(
        Selections(
            np.array(table.items),
            np.array(table.raters),
            np.array([row(said) for said in table.answers], dtype=bool),
            len(table.item_ids),
            len(table.rater_ids),
            judges=table.judges(),
            families=table.families(),
            gold=gold,
        ),
        method=method,
    )


def _multiple_rows(table: ValueTable, found: MultiLabelEstimate) -> Iterator[Row]:
    codes = [option.code for option in table.asked.options]
    for k, (item_id, seen) in enumerate(zip(table.item_ids, _seen(table), strict=True)):
        tied = bool(found.tied[k].any())
        answer = [code for code, is_in in zip(codes, found.chosen[k], strict=True) if is_in]
        posterior = {
            str(code): round(float(share), DIGITS)
            for code, share in zip(codes, found.posterior[k], strict=True)
            if round(float(share), DIGITS)
        }
        # How sure the set is: that of the option about which least is known.
        sure = min(float(max(share, 1 - share)) for share in found.posterior[k])
        yield _row(item_id, answer, sure, {"posterior": posterior}, seen, tied=tied)


# --- Numbers ------------------------------------------------------------------------------------


def _number(table: ValueTable) -> NumberEstimate:
    import numpy as np

    from consensus.numbers import Numbers
    from consensus.robust_mean import robust_mean

    numbers = Numbers(
        np.array(table.items),
        np.array(table.raters),
        np.array([float(said.value) for said in table.answers]),
        len(table.item_ids),
        len(table.rater_ids),
    )
    step = table.asked.settings.get("step")
    return robust_mean(numbers, resolution=float(step) if step else None)


def _number_rows(table: ValueTable, found: NumberEstimate) -> Iterator[Row]:
    for k, (item_id, seen) in enumerate(zip(table.item_ids, _seen(table), strict=True)):
        more = {
            "low": _plain(found.interval[k, 0]),
            "high": _plain(found.interval[k, 1]),
            "error": _plain(found.error[k]),
        }
        answer = number_of(round(float(found.value[k]), DIGITS))
        known = {name: value for name, value in more.items() if value is not None}
        yield _row(item_id, answer, None, known, seen)


# --- Spans --------------------------------------------------------------------------------------


def _span(table: ValueTable, method: Any) -> SpanEstimate:
    import numpy as np

    from consensus.span_votes import combine_spans
    from consensus.spans import Spans

    at = {option.code: k for k, option in enumerate(table.asked.options)}
    rows = np.array(
        [
            (answer, start, end, at[code])
            for answer, said in enumerate(table.answers)
            for start, end, code in said.value
        ],
        dtype=np.int32,
    ).reshape(-1, 4)
    return combine_spans(
        Spans(
            items=np.array(table.items),
            raters=np.array(table.raters),
            answers=rows[:, 0],
            starts=rows[:, 1],
            ends=rows[:, 2],
            tags=rows[:, 3],
            lengths=np.array(lengths_of(table)),
            n_raters=len(table.rater_ids),
            n_tags=len(at),
            judges=table.judges(),
            families=table.families(),
        ),
        method=method,
        overlapping=bool(table.asked.settings.get("overlap")),
        # Characters of a long span are no more evidence than those of a short one.
        unit="segment",
    )


def _span_rows(table: ValueTable, found: SpanEstimate) -> Iterator[Row]:
    codes = [option.code for option in table.asked.options]
    spans: defaultdict[int, list[list[Any]]] = defaultdict(list)
    for item, start, end, tag, score in zip(
        found.items.tolist(),
        found.starts.tolist(),
        found.ends.tolist(),
        found.tags.tolist(),
        found.scores.tolist(),
        strict=True,
    ):
        spans[item].append([start, end, codes[tag], round(score, DIGITS)])
    for k, (item_id, seen) in enumerate(zip(table.item_ids, _seen(table), strict=True)):
        tied = bool(found.tied[found.offsets[k] : found.offsets[k + 1]].any())
        here = sorted(spans[k])
        answer = [span[:3] for span in here]
        sure = min((span[3] for span in here), default=None)
        yield _row(item_id, answer, sure, {"spans": here}, seen, tied=tied)


def _row(
    item_id: int,
    answer: Any,
    sure: float | None,
    more: dict[str, Any],
    seen: str,
    *,
    tied: bool = False,
) -> Row:
    """As estimate_rows stores it. A tie has no answer."""
    payload = {"answer": None if tied else answer, "seen": seen, **more}
    probability = None if tied or sure is None else min(1.0, sure)
    return item_id, None, tied, probability, json.dumps(payload)
