"""Spans from many raters: each place is voted on, and what is probable becomes spans again."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from consensus.estimate import ClassEstimate, SpanEstimate
from consensus.ibcc import ibcc
from consensus.multi_label import Aggregate, summed_traces
from consensus.segments import Segments, cut, within
from consensus.spans import Spans
from consensus.table import LabelTable
from consensus.votes import TIE_WIDTH


def combine_spans(
    spans: Spans,
    *,
    method: Aggregate = ibcc,
    overlapping: bool = False,
    adjacent: bool = False,
    unit: Literal["place", "segment"] = "place",
) -> SpanEstimate:
    """Each place as an item whose classes are "nothing" and the tags, combined by `method`.

    Neighbouring places for which the same tag is most probable make a span. With `overlapping` a
    place may carry several tags: each tag is a question of its own, and is given where its
    probability is above one half. With `adjacent` the first place of a span is a class of its own
    (B, as in BIO; the rest is I), so that a span may follow directly on another of the same tag;
    else the two become one. With `unit` "segment" a stretch within which no rater starts or ends
    anything counts once, however long: right for characters, where a long span is no more evidence
    on a rater than a short one.

    Raises ValueError where, without `overlapping`, an answer gives two tags to one place.
    """
    if unit not in ("place", "segment"):
        raise ValueError(f'unit must be "place" or "segment", not {unit!r}')
    segments = cut(spans, first_places=adjacent)
    if not overlapping:
        _check_one_tag(segments)
    tag_sets = (
        [np.array([t]) for t in range(spans.n_tags)] if overlapping else [np.arange(spans.n_tags)]
    )
    found = [_combined(spans, segments, tags, method, unit, adjacent=adjacent) for tags in tag_sets]
    whole = [posterior for _, posterior in found]
    present = np.concatenate(
        [p[:, 1 : 1 + len(t)] for p, t in zip(whole, tag_sets, strict=True)], 1
    )
    begins = np.zeros_like(present)
    if adjacent:
        begins = np.concatenate(
            [p[:, 1 + len(t) :] for p, t in zip(whole, tag_sets, strict=True)], 1
        )
        present = present + begins
    marked, tied = _marked(present, overlapping=overlapping)
    answered = np.zeros(spans.n_items, dtype=np.bool_)
    answered[spans.items] = True
    ability = _expected_f1(spans, segments, present)
    posterior = np.where(answered[segments.items][:, None], present, np.nan)
    estimates = [estimate for estimate, _ in found]
    items, starts, ends, tags, scores = _decoded(segments, present, marked, begins > present / 2)
    return SpanEstimate(
        method=f"{estimates[0].method} per {unit}",
        ability=ability,
        iterations=max(e.iterations for e in estimates),
        converged=all(e.converged for e in estimates),
        log_likelihood=summed_traces([e.log_likelihood for e in estimates]),
        offsets=segments.offsets,
        posterior=np.repeat(posterior, segments.lengths, axis=0),
        tied=np.repeat(tied, segments.lengths),
        items=items,
        starts=starts,
        ends=ends,
        tags=tags,
        scores=scores,
        labelled=answered,
    )


def _check_one_tag(segments: Segments) -> None:
    tag_of_row = np.full(len(segments.row_segments), -1)
    tag_of_row[segments.mark_rows] = segments.mark_tags
    if (tag_of_row[segments.mark_rows] != segments.mark_tags).any():
        raise ValueError("an answer gives two tags to one place: say overlapping=True")


def _combined(
    spans: Spans,
    segments: Segments,
    tags: NDArray[np.int64],
    method: Aggregate,
    unit: str,
    *,
    adjacent: bool,
) -> tuple[ClassEstimate, NDArray[np.float64]]:
    """Estimate for these tags, and posterior of each segment: nothing, the tags, first places."""
    mine = np.isin(segments.mark_tags, tags)
    rows, begins = segments.mark_rows[mine], segments.mark_begins[mine]
    inside = 1 + np.searchsorted(tags, segments.mark_tags[mine])
    codes = np.zeros(len(segments.row_segments), dtype=np.int64)
    codes[rows] = inside
    if adjacent:
        codes[rows[begins]] = inside[begins] + len(tags)
    units, raters = segments.row_segments, segments.row_raters
    n_units, first = len(segments.starts), np.arange(len(segments.starts))
    if unit == "place":
        sizes = segments.lengths[units]
        units = np.repeat(segments.starts[units], sizes) + within(sizes)
        raters, codes = np.repeat(raters, sizes), np.repeat(codes, sizes)
        n_units, first = int(segments.offsets[-1]), segments.starts
    estimate = method(
        LabelTable.from_codes(
            units,
            raters,
            codes,
            n_classes=1 + len(tags) * (1 + adjacent),
            n_items=n_units,
            n_raters=spans.n_raters,
            judges=spans.judges,
            families=spans.families,
        )
    )
    return estimate, estimate.posterior[first]


def _marked(
    present: NDArray[np.float64], *, overlapping: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tags each segment gets, (n_segments, n_tags), and which segments are tied."""
    if overlapping:
        marked = present > 0.5 + TIE_WIDTH
        return marked, np.asarray((np.abs(present - 0.5) <= TIE_WIDTH).any(axis=1))
    nothing = np.where(present.any(axis=1), 1.0 - present.sum(axis=1), 1.0)
    everything = np.concatenate([nothing[:, None], present], axis=1)
    leads = everything >= everything.max(axis=1, keepdims=True) - TIE_WIDTH
    tied = leads.sum(axis=1) > 1
    return leads[:, 1:] & ~tied[:, None], np.asarray(tied)


def _decoded(
    segments: Segments,
    present: NDArray[np.float64],
    marked: NDArray[np.bool_],
    opens: NDArray[np.bool_],
) -> tuple[
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.float64],
]:
    """Runs of marked segments: item, start, end, tag and mean posterior, in this order."""
    n_segments, n_tags = marked.shape
    follows = np.zeros((n_segments, n_tags), dtype=np.bool_)
    same_item = segments.items[1:] == segments.items[:-1]
    follows[1:] = marked[1:] & marked[:-1] & same_item[:, None] & ~opens[1:]
    which, tags = np.nonzero((marked & ~follows).T)[::-1]
    # A run ends before the next segment that does not follow.
    stops = np.concatenate([follows[1:], np.zeros((1, n_tags), dtype=np.bool_)])[:n_segments]
    last = np.nonzero((marked & ~stops).T)[1]
    sums = np.zeros((n_segments + 1, n_tags))
    np.cumsum(present * segments.lengths[:, None], axis=0, out=sums[1:])
    starts = segments.starts[which]
    ends = segments.starts[last] + segments.lengths[last]
    scores = (sums[last + 1, tags] - sums[which, tags]) / np.maximum(ends - starts, 1)
    items = segments.items[which]
    order = np.lexsort([tags, starts])
    shift = segments.offsets[items]
    return (
        items[order],
        (starts - shift)[order],
        (ends - shift)[order],
        tags[order],
        np.clip(scores, 0.0, 1.0)[order],
    )


def _expected_f1(
    spans: Spans, segments: Segments, present: NDArray[np.float64]
) -> NDArray[np.float64]:
    """2 x expected hits / (places marked + places expected), over the items that a rater answered.

    NaN where nothing was marked and nothing is expected.
    """
    pairs = np.unique(segments.mark_rows * spans.n_tags + segments.mark_tags)
    rows, tags = np.divmod(pairs, spans.n_tags)
    where, who = segments.row_segments[rows], segments.row_raters[rows]
    size = segments.lengths[where].astype(np.float64)
    hits = np.bincount(who, size * present[where, tags], spans.n_raters)
    marked = np.bincount(who, size, spans.n_raters)
    wanted = (present.sum(axis=1) * segments.lengths)[segments.row_segments]
    total = marked + np.bincount(segments.row_raters, wanted, spans.n_raters)
    result = np.full(spans.n_raters, np.nan)
    np.divide(2 * hits, total, out=result, where=total > 0)
    return result
