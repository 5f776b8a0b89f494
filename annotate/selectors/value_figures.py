"""Figures for the overview of a question whose answers are no classes, as figures.py for choices.

Agreement is measured as the kind admits: each option of a multiple choice for itself, numbers by
Krippendorff's alpha at the interval level, orders by alpha of the options' places, spans by the F1
of what was marked alike. Of texts there is no such figure, and none is made up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING, Any

from annotate.kinds import Asked, Said, kind_of
from annotate.models import Question, QuestionKind, RaterKind, WhoCounts
from annotate.selectors.rater_rows import MATRIX, TABLE, pace_of, rater_named
from annotate.selectors.value_tables import ValueTable, value_table

if TYPE_CHECKING:
    from consensus.agreement import Agreement


def value_figures(question: Question) -> dict[str, Any]:
    """As figures.figures_of, with ``options`` (agreement of people on each option of a multiple
    choice, by its code) and ``facts`` (plain facts of people and judges, by kind of question)."""
    found = value_table(question)
    ruled = value_table(question, rulings=True)
    people, judges = found.of(WhoCounts.PEOPLE), found.of(WhoCounts.JUDGES)
    tables = {WhoCounts.PEOPLE: people, WhoCounts.JUDGES: judges, WhoCounts.ALL: found}
    return {
        "n_labels": found.n_labels,
        "n_items": len(found.item_ids),
        "agreement": asdict(agreement_of(people)),
        "judges_agreement": asdict(agreement_of(judges)),
        "options": {
            str(code): asdict(agreement) for code, agreement in options_agreement(people).items()
        },
        "origins": _by_origin(found),
        "people": _by_option(people),
        "judges": _by_option(judges),
        "facts": {
            "people": facts_of(people.asked, people.answers),
            "judges": facts_of(judges.asked, judges.answers),
        },
        "n_raters": len(found.rater_ids),
        "raters": _raters(found),
        "matrix": _matrix(found),
        "fingerprints": {
            key: table.fingerprint
            for who, table in tables.items()
            for key, table in ((str(who), table), (f"{who} rulings", ruled.of(who)))
        },
    }


# --- Agreement ----------------------------------------------------------------------------------


def agreement_of(table: ValueTable) -> Agreement:
    """All raters of the table, by the measure of the kind."""
    kind = table.asked.kind
    if kind == QuestionKind.MULTIPLE:
        return _mean_of_options(options_agreement(table))
    if kind == QuestionKind.NUMBER:
        return _numbers(table)
    if kind == QuestionKind.RANKING:
        return _places(table)
    if kind == QuestionKind.SPAN:
        return _spans(table)
    return _none(table)


def _undefined(table: ValueTable, **more: Any) -> Agreement:
    from consensus.agreement import Agreement

    sizes = Counter(table.items)
    shared = [n for n in sizes.values() if n > 1]
    return Agreement(
        **{
            "measure": "krippendorff_alpha",
            "value": None,
            "low": None,
            "high": None,
            "n_items": len(shared),
            "n": sum(shared),
            "reason": "no_pairs",
            **more,
        }
    )


def _none(table: ValueTable) -> Agreement:
    return _undefined(table, level="none")


def options_agreement(table: ValueTable) -> dict[int, Agreement]:
    """Krippendorff's alpha of each option of a multiple choice: chosen or not."""
    import numpy as np

    from consensus.krippendorff import krippendorff_interval
    from consensus.table import LabelTable

    if table.asked.kind != QuestionKind.MULTIPLE or not table.n_labels:
        return {}
    found = {}
    for option in table.asked.options:
        chosen = np.array([option.code in said.value for said in table.answers], dtype=np.int32)
        found[option.code] = krippendorff_interval(
            LabelTable.from_codes(
                table.items,
                table.raters,
                chosen,
                n_classes=2,
                n_items=len(table.item_ids),
                n_raters=len(table.rater_ids),
            )
        )
    return found


def _mean_of_options(found: dict[int, Agreement]) -> Agreement:
    """The mean over the options on which anybody could have disagreed; its interval is not known,
    since the options are of the same items."""
    from consensus.agreement import Agreement

    values = [each.value for each in found.values() if each.value is not None]
    first = next(iter(found.values()), None)
    n = first.n if first else 0
    return Agreement(
        measure="krippendorff_alpha",
        value=sum(values) / len(values) if values else None,
        low=None,
        high=None,
        n_items=first.n_items if first else 0,
        n=n,
        n_undefined=len(found) - len(values),
        level="options",
        reason=None if values else "one_class" if n else "no_pairs",
    )


def _numbers(table: ValueTable) -> Agreement:
    import numpy as np

    from consensus.number_agreement import number_agreement
    from consensus.numbers import Numbers

    return number_agreement(
        Numbers(
            np.array(table.items, dtype=np.int64),
            np.array(table.raters, dtype=np.int64),
            np.array([float(said.value) for said in table.answers]),
            len(table.item_ids),
            len(table.rater_ids),
        )
    )


def _places(table: ValueTable) -> Agreement:
    """Alpha at the ordinal level of the places that each option of each item was given."""
    import numpy as np

    from consensus.krippendorff import krippendorff_alpha
    from consensus.table import LabelTable

    if not table.n_labels:
        return _undefined(table, level="places")
    at = {option.code: k for k, option in enumerate(table.asked.options)}
    rows = [
        (item * len(at) + at[code], rater, place)
        for item, rater, said in zip(table.items, table.raters, table.answers, strict=True)
        for place, code in enumerate(said.value)
    ]
    items, raters, places = np.array(rows).T
    value = krippendorff_alpha(
        LabelTable.from_codes(
            items,
            raters,
            places,
            n_classes=len(at),
            n_items=len(table.item_ids) * len(at),
            n_raters=len(table.rater_ids),
        ),
        level="ordinal",
    )
    # No interval: the places within an item hang together.
    reason = None if value is not None else "no_pairs"
    return _undefined(table, value=value, level="places", reason=reason)


def _spans(table: ValueTable) -> Agreement:
    """F1 of the spans marked alike, over all pairs of raters. With an interval where there are
    two raters: pairs that share a rater hang together."""
    from consensus.span_agreement import Marks, span_f1_interval

    by_item: defaultdict[int, list[tuple[int, Said]]] = defaultdict(list)
    for item, rater, said in zip(table.items, table.raters, table.answers, strict=True):
        by_item[item].append((rater, said))
    rows: tuple[list[list[int]], list[list[int]]] = ([], [])
    met = n_pairs = 0
    for answers in by_item.values():
        met += len(answers) > 1
        for pair in combinations(sorted(answers, key=lambda answer: answer[0]), 2):
            for side, (_rater, said) in zip(rows, pair, strict=True):
                side += [[n_pairs, *span] for span in said.value]
            n_pairs += 1
    if not n_pairs:
        return _undefined(table, measure="span_f1", level="exact")
    one, other = (Marks.from_rows(side) for side in rows)
    found = span_f1_interval(one, other)
    two = len(table.rater_ids) == 2
    return _undefined(
        table,
        measure="span_f1",
        value=found.value,
        low=found.low if two else None,
        high=found.high if two else None,
        n_items=met,
        level="exact",
        reason=found.reason,
    )


# --- Plain facts --------------------------------------------------------------------------------


def _by_option(table: ValueTable) -> dict[str, int]:
    """How many answers choose each option, where that is what an answer does."""
    kind = kind_of(table.asked)
    counts = Counter(code for said in table.answers for code in kind.named(said))
    return {str(code): n for code, n in sorted(counts.items())}


def facts_of(asked: Asked, answers: Sequence[Said]) -> dict[str, Any]:
    """Plain facts of answers: how many, and what their kind can tell without a model."""
    if not answers:
        return {}
    facts: dict[str, Any] = {"n": len(answers)}
    kind = asked.kind
    if kind == QuestionKind.NUMBER:
        values = [said.value for said in answers]
        facts |= {"low": min(values), "median": median(values), "high": max(values)}
    elif kind == QuestionKind.RANKING:
        places: defaultdict[int, list[int]] = defaultdict(list)
        for said in answers:
            for place, code in enumerate(said.value, 1):
                places[code].append(place)
        facts["places"] = {str(code): sum(p) / len(p) for code, p in places.items()}
    elif kind == QuestionKind.SPAN:
        marked = Counter(code for said in answers for _start, _end, code in said.value)
        facts |= {
            "spans": {str(code): n for code, n in marked.items()},
            "nothing": sum(not said.value for said in answers),
        }
    elif kind == QuestionKind.TEXT:
        facts["different"] = len({said.value for said in answers})
    elif kind == QuestionKind.MULTIPLE:
        facts["none"] = sum(not said.value for said in answers)
    return facts


def _by_origin(table: ValueTable) -> dict[str, int]:
    raters = (table.by_id[table.rater_ids[rater]] for rater in table.raters)
    return dict(Counter(f"{rater.kind} {rater.origin}" for rater in raters))


# --- Raters -------------------------------------------------------------------------------------


def _alike(table: ValueTable, one: Said, other: Said) -> bool:
    """Whether two answers are as good as the same: numbers may lie a little apart."""
    kind = kind_of(table.asked)
    return kind.distance(table.asked, one, other) <= kind.split_from


def _by_item(table: ValueTable) -> Iterator[list[tuple[int, Said]]]:
    answers: defaultdict[int, list[tuple[int, Said]]] = defaultdict(list)
    for item, rater, said in zip(table.items, table.raters, table.answers, strict=True):
        answers[item].append((rater, said))
    yield from answers.values()


def _raters(table: ValueTable) -> list[dict[str, Any]]:
    """Each rater beside what the other people settle on. Nobody counts for themselves."""
    from consensus.intervals import proportion_interval

    kind = kind_of(table.asked)
    judges = table.judges()
    n_labels, agree, shared = Counter(table.raters), Counter[int](), Counter[int]()
    for answers in _by_item(table):
        for rater, said in answers:
            others = [other for who, other in answers if who != rater and not judges[who]]
            settled = kind.settle(table.asked, others).said if others else None
            if settled is not None:
                shared[rater] += 1
                agree[rater] += _alike(table, said, settled)
    rows = []
    pace = pace_of([table.by_id[pk] for pk in table.rater_ids])
    for k, pk in enumerate(table.rater_ids):
        n = shared[k]
        low, high = proportion_interval(agree[k], n) if n else (None, None)
        rows.append(
            {
                **rater_named(table.by_id[pk]),
                "n_labels": n_labels[k],
                "agree": agree[k],
                "shared": n,
                "share": agree[k] / n if n else None,
                "low": low,
                "high": high,
                "seconds": pace.get(pk),
            }
        )
    rows = sorted(rows, key=lambda row: -row["n_labels"])[:TABLE]
    return sorted(rows, key=lambda r: (r["kind"] != RaterKind.PERSON, r["name"], r["pk"]))


def _matrix(table: ValueTable) -> dict[str, Any]:
    """Share of the items that both answered on which two raters agree; people first."""
    most = [k for k, _n in Counter(table.raters).most_common(MATRIX)]
    raters = {k: table.by_id[table.rater_ids[k]] for k in most}
    order = sorted(most, key=lambda k: (raters[k].kind != RaterKind.PERSON, raters[k].name, k))
    both, same = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for answers in _by_item(table):
        shown = [(rater, said) for rater, said in answers if rater in raters]
        for (a, one), (b, other) in combinations(shown, 2):
            pair = (min(a, b), max(a, b))
            both[pair] += 1
            same[pair] += _alike(table, one, other)

    def cell(a: int, b: int) -> list[float] | None:
        pair = (min(a, b), max(a, b))
        return [same[pair] / both[pair], both[pair]] if a != b and both[pair] else None

    return {
        "raters": [rater_named(raters[k]) for k in order],
        "cells": [[cell(a, b) for b in order] for a in order],
    }
