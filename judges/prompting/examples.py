"""Which answered items are shown as examples: fixed, random, far from each other, or most similar.

Pure: ids, codes and vectors in, ids out. In which order the pool is given changes nothing.

An item never serves as an example for itself, nor does a near copy of it: it would be told its
answer. So more are chosen than are shown (`SPARE`), and each item is shown the first that may be.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from judges.prompting.how import Examples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = Mapping[int, NDArray[np.float32]]

# Texts this alike (cosine of their vectors) are copies of each other.
NEAR_COPY = 0.95
# Chosen beyond those shown, to stand in for those that an item must not be shown.
SPARE = 8


def chosen(how: Examples, pool: Collection[int], vectors: Vectors | None = None) -> list[int]:
    """The items kept with a judge version, in the order shown, out of `pool` (ids of answered
    items): `how.count` and SPARE more where there are as many.

    Of "similar" it is the whole pool, by id. "diverse" needs `vectors` (length 1) of all.

    Raises ValueError for fixed items that are not in the pool, and for vectors missing.
    """
    ids = sorted(set(pool))
    if how.choice == "similar":
        return ids
    if how.choice == "fixed":
        if missing := [item for item in how.items if item not in set(ids)]:
            raise ValueError(f"Item {missing[0]} has no answer that could be an example.")
        return list(how.items)
    most = min(len(ids), how.count + SPARE)
    if how.choice == "random":
        return random.Random(how.seed).sample(ids, most)
    if vectors is None or any(item not in vectors for item in ids):
        raise ValueError("Diverse examples need the vectors of all that may be chosen.")
    return _spread(ids, vectors, most)


def shown(
    how: Examples,
    kept: Sequence[int],
    item: int | None,
    vector: NDArray[np.float32],
    vectors: Vectors,
) -> list[int]:
    """Those of `kept` that are shown with an item of this id and vector, in the order shown: never
    the item itself nor a near copy.

    The most similar are shown with the nearest last, next to the item. Others keep their order, so
    that a prompt cache holds over items.
    """
    near = {each: float(vectors[each] @ vector) for each in kept if each in vectors}
    free = [each for each in near if each != item and near[each] < NEAR_COPY]
    if how.choice != "similar":
        return free[: how.count]
    # Rounded, so that a last digit of a product decides nothing.
    nearest = sorted(free, key=lambda each: (-round(near[each], 6), each))
    return nearest[: how.count][::-1]


def _spread(ids: Sequence[int], vectors: Vectors, most: int) -> list[int]:
    """First the item nearest the mean of all, then each time the one farthest from those chosen
    (greedy k-centre; Gonzalez 1985). Ties go to the lower id.
    """
    import numpy as np

    if not most:
        return []
    matrix = np.stack([vectors[item] for item in ids]).astype(np.float64)
    place = int(np.argmax(np.round(matrix @ matrix.mean(axis=0), 6)))
    found = [place]
    nearest = matrix @ matrix[place]
    while len(found) < most:
        nearest[found] = np.inf
        place = int(np.argmin(np.round(nearest, 6)))
        found.append(place)
        nearest = np.maximum(nearest, matrix @ matrix[place])
    return [ids[place] for place in found]
