"""Figures of single raters and of pairs of them, of a question whose answers are choices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from annotate.models import Label, LabelStatus, Question, Rater, RaterKind
from annotate.selectors.agreement import majorities
from annotate.selectors.machine_signs import JUDGES, likenesses
from annotate.selectors.periods import Period, periods_between
from annotate.selectors.rater_rows import MATRIX, TABLE

if TYPE_CHECKING:
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray

    from annotate.selectors.tables import QuestionTable

# Of the items behind a number so many are kept, the earliest.
BEHIND = 500
# A profile looks at so many periods of a rater's work.
PERIODS = 16


def raters_most(found: QuestionTable, most: int) -> list[int]:
    """Places in the table of the raters with the most labels, those first."""
    import numpy as np

    n_labels = np.bincount(found.table.raters, minlength=found.table.n_raters)
    return [int(k) for k in np.argsort(-n_labels, kind="stable")[:most] if n_labels[k]]


def pairs_of(found: QuestionTable, places: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Of each of these raters (by id), what it and each other one said of the items of both.

    ``{other id: [[n, ...], ...]}``: in row c and column d, the items to which the rater gave option
    code c and the other one d. Others with whom it shares no item are left out.
    """
    import numpy as np

    from consensus.pair_counts import pair_counts
    from consensus.table import LabelTable

    table = found.table
    place: NDArray[np.int64] = np.full(table.n_raters, -1)
    place[list(places)] = np.arange(len(places))
    rows = place[table.raters] >= 0
    counts = pair_counts(
        LabelTable.from_codes(
            table.items[rows],
            place[table.raters[rows]],
            table.codes[rows],
            n_classes=table.n_classes,
            n_items=table.n_items,
            n_raters=len(places),
        )
    )
    ids = [int(found.rater_ids[k]) for k in places]
    return {
        a: {str(b): counts[i, j].tolist() for j, b in enumerate(ids) if counts[i, j].any()}
        for i, a in enumerate(ids)
    }


@dataclass(frozen=True)
class People:
    """How many people gave each item each option, and by rater id what the judges with the most
    labels said of it (-1: nothing): made once for the profiles of all raters."""

    found: QuestionTable
    counts: NDArray[np.int32]
    judges: dict[int, NDArray[np.int64]]

    @classmethod
    def of(cls, found: QuestionTable) -> People:
        import numpy as np

        table = found.table
        person = np.array(
            [found.raters[int(pk)].kind == RaterKind.PERSON for pk in found.rater_ids], dtype=bool
        )
        by_person = person[table.raters] if table.n_labels else np.zeros(0, dtype=bool)
        counts = np.zeros((table.n_items, table.n_classes), dtype=np.int32)
        np.add.at(counts, (table.items[by_person], table.codes[by_person]), 1)
        return cls(found, counts, dict(_judges(found)))


def _judges(found: QuestionTable) -> Iterator[tuple[int, NDArray[np.int64]]]:
    import numpy as np

    table = found.table
    places = [
        k
        for k in raters_most(found, table.n_raters)
        if found.raters[int(found.rater_ids[k])].kind == RaterKind.JUDGE
    ]
    for k in places[:JUDGES]:
        said = np.full(table.n_items, -1, dtype=np.int64)
        rows = table.raters == k
        said[table.items[rows]] = table.codes[rows]
        yield int(found.rater_ids[k]), said


def profile_of(question: Question, people: People, rater: Rater) -> dict[str, Any]:
    """What a rater said, beside the other people, and how that went over time.

    n_labels, said            labels, and of each option code
    n_beside, leaning         items that other people labelled too; for each option code the share
                              among the rater's labels of these, among the others', and the
                              difference with its interval
    agree, shared, low, high  as agreement.RaterAgreement
    against                   [own code, code of most others, items, ids of the first of them]
    over_time                 [{since, until, n, agree, shared, low, high, seconds}]
    likeness                  of a person, to judges: machine_signs.likenesses
    """
    import numpy as np

    from consensus.leanings import leaning

    table, k = people.found.table, _place(people.found, rater)
    rows = np.flatnonzero(table.raters == k) if k is not None else np.zeros(0, dtype=np.int64)
    items, codes = table.items[rows], table.codes[rows].astype(np.int64)
    others = people.counts[items].astype(np.int64)
    if rater.kind == RaterKind.PERSON:
        others[np.arange(len(codes)), codes] -= 1
    most, decided = majorities(others)
    right = decided & (most == codes)
    lean = leaning(codes, others)
    ids = people.found.item_ids[items]
    return {
        "n_labels": len(rows),
        "said": np.bincount(codes, minlength=table.n_classes).tolist(),
        "n_beside": lean.n,
        "leaning": [
            [float(value) for value in values]
            for values in zip(lean.own, lean.others, lean.more, lean.low, lean.high, strict=True)
        ]
        if lean.n
        else [],
        **_share(int(right.sum()), int(decided.sum())),
        "against": list(_against(codes, most, decided, ids, table.n_classes)),
        "over_time": _over_time(question, rater, ids, decided, right),
        "likeness": likenesses(
            question,
            rater,
            ids=ids,
            own=codes,
            others=others,
            judges={pk: said[items] for pk, said in people.judges.items()},
        )
        if rater.kind == RaterKind.PERSON
        else [],
    }


def _place(found: QuestionTable, rater: Rater) -> int | None:
    import numpy as np

    k = int(np.searchsorted(found.rater_ids, rater.pk))
    there = k < len(found.rater_ids) and int(found.rater_ids[k]) == rater.pk
    return k if there else None


def _share(agree: int, shared: int) -> dict[str, Any]:
    from consensus.intervals import proportion_interval

    low, high = proportion_interval(agree, shared) if shared else (None, None)
    share = agree / shared if shared else None
    return {"agree": agree, "shared": shared, "share": share, "low": low, "high": high}


def _against(
    codes: NDArray[np.int64],
    most: NDArray[np.int64],
    decided: NDArray[np.bool_],
    ids: NDArray[np.int64],
    n_classes: int,
) -> Iterator[list[Any]]:
    for own in range(n_classes):
        for other in range(n_classes):
            there = decided & (codes == own) & (most == other)
            if there.any():
                behind = ids[there][:BEHIND].tolist() if own != other else []
                yield [own, other, int(there.sum()), behind]


def _over_time(
    question: Question,
    rater: Rater,
    ids: NDArray[np.int64],
    decided: NDArray[np.bool_],
    right: NDArray[np.bool_],
) -> list[dict[str, Any]]:
    """The rater's labels by periods of equal length, as they were given."""
    verdicts = dict(
        zip(ids.tolist(), zip(decided.tolist(), right.tolist(), strict=True), strict=True)
    )
    rows = [
        (item_id, timezone.localtime(created_at).date(), seconds)
        for item_id, created_at, seconds in Label.objects.filter(
            rater=rater, question=question, status=LabelStatus.LIVE
        ).values_list("item_id", "created_at", "submission__seconds")
    ]
    if not rows:
        return []
    days = [day for _item, day, _seconds in rows]
    periods = periods_between(min(days), max(days), most=PERIODS)
    told = []
    for period in periods:
        mine = [row for row in rows if row[1] in period]
        if mine:
            told.append(_period(period, mine, verdicts))
    return told


def _period(
    period: Period,
    rows: list[tuple[int, date, float | None]],
    verdicts: dict[int, tuple[bool, bool]],
) -> dict[str, Any]:
    seen = [verdicts[item] for item, _day, _seconds in rows if item in verdicts]
    seconds = [value for _item, _day, value in rows if value is not None]
    return {
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "n": len(rows),
        **_share(sum(right for _decided, right in seen), sum(decided for decided, _right in seen)),
        "seconds": float(median(seconds)) if seconds else None,
    }


def profile_now(question: Question, rater: Rater) -> dict[str, Any]:
    """profile_of from the labels as they are now."""
    from annotate.selectors.tables import question_table

    return profile_of(question, People.of(question_table(question)), rater)


def pair_now(question: Question, a: Rater, b: Rater) -> dict[str, Any]:
    """pairs_of for these two, as they are now: of ``a`` beside ``b``."""
    from annotate.selectors.tables import question_table

    found = question_table(question)
    places = [_place(found, rater) for rater in (a, b)]
    there = [k for k in places if k is not None]
    return pairs_of(found, there)[a.pk] if len(there) == len(places) else {}


def kept_rows(question: Question, found: QuestionTable) -> Iterator[tuple[str, int, Any]]:
    """All that is kept for pages of raters, of pairs, and of where people differ: name of the
    figure, rater's id (0: none), content.

    Pairs of the raters of the matrix, profiles of those of the table.
    """
    from annotate.models import FigureName
    from annotate.selectors.differing import differing_of

    yield FigureName.MAP, 0, differing_of(question, found)
    for pk, content in pairs_of(found, raters_most(found, MATRIX)).items():
        yield FigureName.PAIRS, pk, content
    people = People.of(found)
    for k in raters_most(found, TABLE):
        rater = found.raters[int(found.rater_ids[k])]
        yield FigureName.PROFILE, rater.pk, profile_of(question, people, rater)
