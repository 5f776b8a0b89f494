"""Items cut wherever a rater starts or ends a span: within a segment each rater says one thing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consensus.spans import Spans


class Segments(NamedTuple):
    """Segments of all items in one row, and what each answer says of each segment of its item.

    offsets   (n_items + 1,): first place of each item, places of all items counted through
    starts    (n_segments,): first place of each segment
    lengths   (n_segments,): places of each segment
    items     (n_segments,): item of each segment
    row_segments, row_raters, row_answers  (n_rows,): one row an answer and segment
    mark_rows, mark_tags  (n_marks,): rows that lie in a span, and its tag
    mark_begins  (n_marks,) bool: whether the segment is the first place of that span
    """

    offsets: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    items: NDArray[np.int64]
    row_segments: NDArray[np.int64]
    row_raters: NDArray[np.int64]
    row_answers: NDArray[np.int64]
    mark_rows: NDArray[np.int64]
    mark_tags: NDArray[np.int64]
    mark_begins: NDArray[np.bool_]


def cut(spans: Spans, *, first_places: bool) -> Segments:
    """Cut the items; with `first_places` the first place of a span is a segment of its own."""
    offsets = np.append(0, spans.lengths.cumsum(dtype=np.int64))
    shift = offsets[spans.items[spans.answers]]
    first, last = shift + spans.starts, shift + spans.ends
    cuts = np.unique(np.concatenate([offsets, first, last, *([first + 1] if first_places else [])]))
    starts = cuts[:-1]
    items = np.searchsorted(offsets, starts, side="right") - 1
    from_segment = np.searchsorted(starts, offsets)  # first segment of each item
    sizes = np.diff(from_segment)[spans.items]  # segments that each answer speaks of
    row_answers = np.repeat(np.arange(spans.n_answers), sizes)
    row_starts = np.append(0, sizes.cumsum())[:-1]
    row_segments = within(sizes) + from_segment[spans.items][row_answers]
    low, high = np.searchsorted(cuts, first), np.searchsorted(cuts, last)
    mark_spans = np.repeat(np.arange(len(first)), high - low)
    mark_segments = within(high - low) + low[mark_spans]
    answers = spans.answers[mark_spans]
    mark_rows = row_starts[answers] + mark_segments - from_segment[spans.items[answers]]
    return Segments(
        offsets=offsets,
        starts=starts,
        lengths=np.diff(cuts),
        items=items,
        row_segments=row_segments,
        row_raters=spans.raters[row_answers].astype(np.int64),
        row_answers=row_answers,
        mark_rows=mark_rows,
        mark_tags=spans.tags[mark_spans].astype(np.int64),
        mark_begins=np.asarray(mark_segments == low[mark_spans]),
    )


def within(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, ... for each size in turn."""
    ends = sizes.cumsum()
    return np.asarray(np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - sizes, sizes))
