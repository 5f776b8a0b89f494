"""Where a judge fails: by length of text, by answer, by short fields and metadata, by cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from annotate.models import Item, Question
from judges.providers.local_classifier import facet_fields
from judges.selectors.blind_table import BlindTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Lengths are cut into so many equal parts of the items.
PARTS = 4
# A slice of fewer items says nothing; of a name with more values, or longer ones, no slices.
FEWEST = 5
MOST_VALUES = 12
LONGEST = 60


@dataclass(frozen=True)
class ItemFacts:
    """What is known of each item of a table, by its place: characters of all fields, short values
    by where they are ("field" or "metadata") and name, and which cluster of similar texts it is in
    (-1 for none) with the words that tell a cluster.
    """

    length: NDArray[np.int64]
    values: Mapping[tuple[str, str], list[str]]
    cluster: NDArray[np.int64] | None = None
    cluster_words: list[str] = field(default_factory=list)


def item_facts(blind: BlindTable) -> ItemFacts:
    """Read the items of a table, a few thousand at a time."""
    import numpy as np

    ids = blind.found.item_ids
    length = np.zeros(len(ids), dtype=np.int64)
    fields: list[Mapping[str, str]] = []
    metadata: list[Mapping[str, Any]] = []
    for start in range(0, len(ids), 2000):
        found = Item.objects.in_bulk(ids[start : start + 2000].tolist())
        for k, pk in enumerate(ids[start : start + 2000].tolist(), start):
            length[k] = sum(len(str(value)) for value in found[pk].fields.values())
            fields.append({name: str(value) for name, value in found[pk].fields.items()})
            metadata.append(found[pk].metadata)
    values = {
        ("field", name): [each.get(name, "") for each in fields] for name in facet_fields(fields)
    }
    names: Counter[str] = Counter(name for each in metadata for name in each)
    for name in names:
        told = [_told(each.get(name)) for each in metadata]
        different = {each for each in told if each}
        if 2 <= len(different) <= MOST_VALUES and max(map(len, different)) <= LONGEST:
            values[("metadata", name)] = told
    return ItemFacts(length, values)


def _told(value: Any) -> str:
    """A value of metadata in the words by which the list of items finds it; "" for others."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def slices_content(
    question: Question, blind: BlindTable, said: NDArray[np.int64], facts: ItemFacts
) -> list[dict[str, Any]]:
    """Slices of the items on which people are not tied, the worst first: {by, name, value, ...}.

    by     "length" (value "from–to" in characters), "label" (an option's code: what most people
           said), "field", "metadata" (name and value), "cluster" (value: its words)
    n, n_right, share, difference, p, stands_out   as consensus.slices.Slice
    """
    from consensus.slices import slices_compared

    at = blind.decided(said)
    right = said[at] == blind.most[0][at]
    named, masks = [], []
    for name, mask in _slices(question, blind, facts, at):
        if FEWEST <= int(mask.sum()) < len(at):
            named.append(name)
            masks.append(mask)
    found = [
        {**name, **asdict(each)}
        for name, each in zip(named, slices_compared(right, masks), strict=True)
    ]
    return sorted(found, key=lambda one: one["difference"]["value"])


def _slices(
    question: Question, blind: BlindTable, facts: ItemFacts, at: NDArray[np.int64]
) -> Iterator[tuple[dict[str, Any], NDArray[np.bool_]]]:
    import numpy as np

    if not len(at):
        return
    length = facts.length[at]
    ends = np.unique(np.quantile(length, np.arange(1, PARTS) / PARTS, method="inverted_cdf"))
    parts = np.searchsorted(ends, length)
    for part in np.unique(parts):
        inside = parts == part
        value = f"{length[inside].min()}–{length[inside].max()}"
        yield {"by": "length", "name": "", "value": value}, inside
    most = blind.most[0][at]
    for option in question.options.all():
        yield {"by": "label", "name": "", "value": str(option.code)}, most == option.code
    for (by, name), values in facts.values.items():
        told = np.array([values[k] for k in at], dtype=object)
        for value in sorted(set(told.tolist()) - {""}):
            yield {"by": by, "name": name, "value": value}, told == value
    if facts.cluster is not None:
        cluster = facts.cluster[at]
        for number, words in enumerate(facts.cluster_words):
            yield {"by": "cluster", "name": str(number), "value": words}, cluster == number
