"""Finding label errors: VariErr NLI, 878 pairs of an item and a class, 129 of them errors.

L. Weber-Genzel, S. Peng, M.-C. de Marneffe and B. Plank, "VariErr NLI", ACL 2024; average precision
and what the first 100 hold, in per cent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.published import folder, rows
from bench.reference.figures import Figure, to_digits
from bench.reference.varierr_published import (
    PAIR_SINCE,
    ROUNDED_DOWN,
    ROUNDED_UP,
    VOTES_SINCE,
)
from consensus.table import LabelTable

ABSTENTION = "idk"
# Where the published figures come from other input or from the order of rows among equals
# (`varierr_published`), ours with ties shared stands beside them without a goal.
SHARED = "ties shared"
ROUNDING = "with the rounding errors of the published scores"
EARLIER = "with the pairs and votes of the published prediction"
# The scores have four decimals: this orders those that are equal, and moves none past another.
_BELOW_A_DECIMAL = 1e-6


class Pairs(NamedTuple):
    """Pairs of an item and a class that somebody gave it, some of them errors."""

    table: LabelTable  # a row for each label of a person; an abstention is none
    items: NDArray[np.int64]  # of each pair
    codes: NDArray[np.int64]
    first: NDArray[np.int64]  # a row of the table for each pair: all rows of a pair score the same
    is_error: NDArray[np.bool_]
    judges: dict[str, NDArray[np.float64]]  # by model, (n_items, n_classes): that it is valid
    crowd: NDArray[np.float64] | None  # (n_items, n_classes): shares of a crowd's votes
    validity: NDArray[np.float64] | None  # of each pair: peers' votes that a reason for it is valid
    names: list[str]  # of each pair: the item's num_id and the first letter of the class


def has_pairs(name: str) -> bool:
    """Whether the gold of a set is of pairs, `item|label`, and says which labels are errors."""
    path = folder() / f"{name}.gold.csv"
    return path.exists() and any("|" in row["item_id"] for row in rows(path.name))


def read_pairs(name: str) -> Pairs:
    labels = [row for row in rows(f"{name}.labels.csv") if row["label"] != ABSTENTION]
    names = {
        key: sorted({row[key] for row in labels}) for key in ("item_id", "annotator_id", "label")
    }
    places = {key: {value: at for at, value in enumerate(found)} for key, found in names.items()}
    table = LabelTable.from_codes(
        *([places[key][row[key]] for row in labels] for key in names),
        n_classes=len(names["label"]),
    )
    shape = (len(names["item_id"]), len(names["label"]))
    gold = {tuple(r["item_id"].rsplit("|", 1)): r["gold"] == "1" for r in rows(f"{name}.gold.csv")}
    cells = [(places["item_id"][item], places["label"][label]) for item, label in gold]
    rows_of = dict(
        zip(
            zip(table.items.tolist(), table.codes.tolist(), strict=True),
            range(table.n_labels),
            strict=True,
        )
    )
    items, codes = np.array(cells).T
    numbers = _numbers(name)
    votes = _peers_votes(name, places, shape)
    return Pairs(
        table=table,
        items=items,
        codes=codes,
        first=np.array([rows_of[cell] for cell in cells]),
        is_error=np.array(list(gold.values())),
        judges=_judges(name, places, shape),
        crowd=_crowd(name, places, shape),
        validity=None if votes is None else votes[items, codes],
        names=[numbers.get(item, item) + label[0] for item, label in gold],
    )


def _numbers(name: str) -> dict[str, str]:
    """The num_id of each item, where the set has such."""
    if not (folder() / f"{name}.items.csv").exists():
        return {}
    return {row["item_id"]: row.get("num_id") or "" for row in rows(f"{name}.items.csv")}


def _judges(
    name: str, places: dict[str, dict[str, int]], shape: tuple[int, int]
) -> dict[str, NDArray[np.float64]]:
    found: dict[str, NDArray[np.float64]] = {}
    if (folder() / f"{name}.llm_scores.csv").exists():
        for row in rows(f"{name}.llm_scores.csv"):
            said = found.setdefault(row["model"], np.full(shape, np.nan))
            cell = places["item_id"][row["item_id"]], places["label"][row["label"]]
            said[cell] = float(row["validity_probability"])
    return found


def _crowd(
    name: str, places: dict[str, dict[str, int]], shape: tuple[int, int]
) -> NDArray[np.float64] | None:
    """Votes of ChaosNLI: columns chaos_e, chaos_n, chaos_c, the first letters of the classes."""
    found = np.full(shape, np.nan)
    for row in rows(f"{name}.items.csv") if (folder() / f"{name}.items.csv").exists() else ():
        for label, code in places["label"].items():
            if (votes := row.get(f"chaos_{label[0]}")) is not None:
                found[places["item_id"][row["item_id"]], code] = int(votes)
    if np.isnan(found).all():
        return None
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def _peers_votes(
    name: str, places: dict[str, dict[str, int]], shape: tuple[int, int]
) -> NDArray[np.float64] | None:
    if not (folder() / f"{name}.explanations.csv").exists():
        return None
    found = np.zeros(shape)
    for row in rows(f"{name}.explanations.csv"):
        cell = places["item_id"][row["item_id"]], places["label"][row["label"]]
        for vote in row["validity_votes"].split():
            voter, valid = vote.split(":")
            if voter != row["annotator_id"]:
                found[cell] += int(valid)
    return found


def label_errors_found(*, quick: bool) -> Iterator[Figure]:
    from consensus.label_errors import label_errors, label_share

    name = "varierr_nli"
    data = read_pairs(name)
    cells = data.items, data.codes
    share = label_share(data.table)
    before = np.array([pair != PAIR_SINCE for pair in data.names])
    for words, model, published in (
        ("GPT-4", "gpt-4-1106-preview", (31.8, 46.0, 35.7)),
        ("GPT-3.5", "gpt-3.5-turbo", (17.6, 21.0, 16.3)),
    ):
        support = data.judges[model][cells]
        yield from _as_published(data, words, _with_rounding(data, model, support), published)
        for what, ours in zip(_MEASURES, _measured(data, support), strict=True):
            yield Figure(name, f"{words}, {what}, {SHARED}", ours)
    assert data.crowd is not None
    assert data.validity is not None
    found = _measured(data, data.crowd[cells], before)
    for what, ours, printed in zip(_MEASURES, found, (32.5, 35.0, 27.3), strict=True):
        yield Figure(name, f"crowd, {what}", ours, printed, to_digits(1), note=EARLIER)
    counts = data.table.counts()[cells].astype(float)
    single = to_digits(1)
    yield Figure(name, "label count, AP", _measured(data, counts)[0], 40.8, single)
    votes = data.validity - [VOTES_SINCE.get(pair, 0) for pair in data.names]
    peers = _measured(data, votes, before)[0]
    yield Figure(name, "peers' validity, AP, as published", peers, 46.5, single, note=EARLIER)
    yield Figure(name, "peers' validity, AP, on all the data", _measured(data, data.validity)[0])
    yield Figure(name, "label share, AP", _measured(data, share[cells])[0], 43.0, single)
    gpt4 = [data.judges["gpt-4-1106-preview"]]
    own = share[data.table.items, data.table.codes]
    joined = label_errors(data.table, judges=gpt4, peers=own).score[data.first]
    ap, precision, _ = _measured(data, 1 - joined)
    yield Figure(name, "share + GPT-4, AP", ap, 43.1, single)
    yield Figure(name, "share + GPT-4, P@100", precision, 54, 0.5)
    joined = label_errors(data.table, judges=gpt4, peers=own, crowd=data.crowd).score[data.first]
    yield Figure(name, "share + GPT-4 + crowd, AP", _measured(data, 1 - joined)[0], 46.9, single)


_MEASURES = ("AP", "P@100", "R@100")


def _measured(
    data: Pairs, support: NDArray[np.float64], kept: NDArray[np.bool_] | slice = slice(None)
) -> tuple[float, float, float]:
    from consensus.label_errors import ranking_quality

    found = ranking_quality(1 - support[kept], data.is_error[kept])
    assert found.average_precision is not None
    assert found.precision_at is not None
    assert found.recall_at is not None
    return 100 * found.average_precision, 100 * found.precision_at, 100 * found.recall_at


def _with_rounding(data: Pairs, model: str, support: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores with the rounding errors of the published means, which break ties."""
    up, down = set(ROUNDED_UP[model].split()), set(ROUNDED_DOWN[model].split())
    signs = np.array([(pair in up) - (pair in down) for pair in data.names])
    return np.asarray(support + _BELOW_A_DECIMAL * signs)


def _as_published(
    data: Pairs, words: str, support: NDArray[np.float64], published: tuple[float, float, float]
) -> Iterator[Figure]:
    """Average precision as ever; the first 100 with the later of equal rows first."""
    average = _measured(data, support)[0]
    read = {number: at for at, number in enumerate(_numbers("varierr_nli").values())}
    order = sorted(
        range(len(data.names)),
        key=lambda at: (read[data.names[at][:-1]], "enc".index(data.names[at][-1])),
    )
    first = np.array(order)[np.argsort(-support[order], kind="stable")[::-1][:100]]
    hits = float(data.is_error[first].sum())
    found = (average, hits, 100 * hits / data.is_error.sum())
    for what, ours, printed in zip(_MEASURES, found, published, strict=True):
        what = f"{words}, {what}, as published"
        yield Figure("varierr_nli", what, ours, printed, to_digits(1), note=ROUNDING)


def report(name: str) -> None:
    """What each source finds on a set of pairs, for which nothing is published."""
    from consensus.label_errors import label_errors, label_share

    data = read_pairs(name)
    cells = data.items, data.codes
    share = label_share(data.table)
    sources = {"label count": data.table.counts()[cells].astype(float), "label share": share[cells]}
    sources |= {model: said[cells] for model, said in data.judges.items()}
    if data.crowd is not None:
        sources["crowd"] = data.crowd[cells]
    if data.validity is not None:
        sources["peers' validity"] = data.validity
    rule = label_errors(data.table, judges=list(data.judges.values()), crowd=data.crowd)
    sources["others' labels, judges, crowd"] = 1 - rule.score[data.first]
    print(f"Label errors: {data.is_error.sum()} of {len(data.is_error)} pairs, in per cent")
    for words, support in sources.items():
        measured = "  ".join(
            f"{what} {ours:5.1f}"
            for what, ours in zip(_MEASURES, _measured(data, support), strict=True)
        )
        print(f"  {words:34} {measured}")
