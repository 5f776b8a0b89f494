"""Raters against each other as a table of cells, each of which leads to the items behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from annotate.access import Place
from annotate.kinds import CHOICES
from annotate.models import Question
from annotate.selectors.rater_rows import MATRIX
from annotate.views.needs_shown import items_address

# From which share of agreement on a cell of the matrix is tinted deeper.
DEPTHS = (0.5, 0.65, 0.8, 0.9)


def matrix_shown(
    place: Place, question: Question, figures: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Rows of cells {share, low, high, n, depth, other, url, both_url, pair_url}; None where there
    are not two raters. ``low`` and ``high`` only where agreement on an item is yes or no."""
    raters = figures["matrix"]["raters"]
    if len(raters) < 2:
        return None
    rows = []
    for number, (rater, cells) in enumerate(
        zip(raters, figures["matrix"]["cells"], strict=True), 1
    ):
        shown: list[dict[str, Any]] = []
        for other, cell in zip(raters, cells, strict=True):
            if cell is None:
                shown.append({"same": other is rater})
            else:
                shown.append(_cell(place, question, rater, other, *cell))
        rows.append(
            {
                "number": number,
                "rater": {**rater, "url": rater_url(place, question, rater["pk"])},
                "cells": shown,
            }
        )
    return {"rows": rows, "left_out": max(0, figures["n_raters"] - MATRIX), "most": MATRIX}


def rater_url(place: Place, question: Question, pk: int) -> str:
    """The profile of a rater, which there is of choices."""
    if question.kind not in CHOICES:
        return ""
    return f"{reverse('rater', args=[place.project.pk, pk])}?question={question.pk}"


def _cell(
    place: Place,
    question: Question,
    rater: Mapping[str, Any],
    other: Mapping[str, Any],
    share: float,
    n: int,
) -> dict[str, Any]:
    from consensus.intervals import proportion_interval

    pair = {"question": question.pk, "a": rater["pk"], "b": other["pk"]}
    choices = question.kind in CHOICES
    low, high = proportion_interval(round(share * n), n) if choices else (None, None)
    address = reverse("rater_pair", args=[place.project.pk, rater["pk"], other["pk"]])
    return {
        "share": share,
        "low": low,
        "high": high,
        "n": n,
        "depth": sum(share >= step for step in DEPTHS),
        "other": other["name"],
        "url": items_address(place.project, **pair),
        "both_url": items_address(place.project, **pair, both=1),
        "pair_url": f"{address}?question={question.pk}" if choices else "",
    }
