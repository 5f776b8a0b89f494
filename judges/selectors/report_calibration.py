"""Whether a judge's confidence keeps its word: as it states it, and once it is calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from annotate.models import Label, LabelStatus, Question, Rater
from judges.selectors.blind_table import BlindTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.calibration import Method

# The folds of the map that brings confidence in line; the report of the same labels is the same.
SEED = 20
# Below so many nothing is fitted.
FEWEST = 20
FEWEST_FOR_TWO_NUMBERS = 30
FEWEST_FOR_A_CURVE = 1_000


def calibration_content(
    question: Question, blind: BlindTable, rater: Rater, said: NDArray[np.int64]
) -> dict[str, Any] | None:
    """``stated`` and, from 20 labels on, ``calibrated``: each {bins, error, brier}, where a label
    is right if most people said the same. None where the judge gave no confidence.

    n, source    labels with a confidence, and where those come from
    method       of the map (consensus.calibration), which no label helped to fit that it is shown
                 for
    bins         [{low, high, n, n_right, confidence, accuracy, interval}]
    error        fields of consensus.reliability.CalibrationError; brier of its Brier
    """
    import numpy as np

    from consensus.calibration import best_calibration, out_of_fold

    rows = list(
        Label.objects.filter(
            question=question, rater=rater, status=LabelStatus.LIVE, confidence__isnull=False
        ).values_list("item_id", "confidence", "confidence_source")
    )
    stated = np.full(len(said), np.nan)
    ids = blind.found.item_ids
    if rows and len(ids):
        items = np.array([row[0] for row in rows], dtype=np.int64)
        places = np.minimum(np.searchsorted(ids, items), len(ids) - 1)
        there = ids[places] == items
        stated[places[there]] = np.array([row[1] for row in rows], dtype=np.float64)[there]
    at = blind.decided(said)
    at = at[~np.isnan(stated[at])]
    if not len(at):
        return None
    confidence, right = stated[at], said[at] == blind.most[0][at]
    content: dict[str, Any] = {
        "n": len(at),
        "sources": sorted({row[2] for row in rows if row[2]}),
        "stated": _measured(confidence, right),
        "method": None,
        "calibrated": None,
    }
    if len(at) >= FEWEST:
        method = best_calibration(confidence, right, methods=_methods(len(at)), seed=SEED)
        content["method"] = method
        content["calibrated"] = _measured(
            out_of_fold(confidence, right, method=method, seed=SEED), right
        )
    return content


def _methods(n: int) -> Sequence[Method]:
    """Those that so many labels can bear (docs/statistics/trust.md), the simplest first."""
    if n < FEWEST_FOR_TWO_NUMBERS:
        return ("identity", "temperature")
    if n < FEWEST_FOR_A_CURVE:
        return ("identity", "temperature", "platt")
    return ("identity", "temperature", "platt", "isotonic")


def _measured(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> dict[str, Any]:
    from consensus.reliability import brier, calibration_error, reliability_table

    table = reliability_table(confidence, right)
    return {
        "bins": [
            {
                "low": float(table.low[k]),
                "high": float(table.high[k]),
                "n": int(table.n[k]),
                "n_right": int(table.n_right[k]),
                "confidence": float(table.confidence[k]),
                "accuracy": float(table.accuracy[k]),
                "interval": [float(end) for end in table.interval[k]],
            }
            for k in range(len(table.n))
        ],
        "error": asdict(calibration_error(confidence, right)),
        "brier": asdict(brier(confidence, right)),
    }
