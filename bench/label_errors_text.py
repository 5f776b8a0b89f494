"""Label errors found from texts and labels alone, by a model that learns from the other items.

    REFERENCE_DATA=path/to/data python -m bench.label_errors_text [--quick]

cebab_aspects: 1,008 reviews with an aspect each. One to four people's labels of each are kept; then
one in twenty or ten of the labels that most people gave is exchanged for another class, at random.
How well those are found, as average precision in per cent: by the people of the item, by the model
(out of fold, near copies held out together), and by both as the app joins them.
"""

from __future__ import annotations

import argparse
import os

import django
import numpy as np

from bench.published import dataset, rows
from consensus.ibcc import ibcc
from consensus.label_errors import label_errors, peer_posterior, peer_share, ranking_quality
from consensus.table import LabelTable

NAME = "alttest_cebab_aspects"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one draw, one person and three")
    quick = parser.parse_args().quick
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from judges.providers import local_classifier

    data = dataset(NAME, "human")
    texts = {row["item_id"]: row for row in rows(f"{NAME}.items.csv")}
    fields = [{name: texts[item][name] for name in ("text", "aspect")} for item in data.items]
    facets = local_classifier.facet_fields(fields)
    rendered = [local_classifier.render(of, facets) for of in fields]
    vectors = local_classifier.embed([one.text for one in rendered])
    print("people  wrong   peers' share  their posterior  model   share + model  posterior + model")
    for people in (1, 3) if quick else (1, 2, 3, 4):
        for rate in (0.05, 0.1):
            found = [
                _one(data.table, vectors, [one.facets for one in rendered], people, rate, seed)
                for seed in range(1 if quick else 5)
            ]
            cells = "  ".join(f"{100 * value:14.1f}" for value in np.mean(found, axis=0))
            print(f"{people:6}  {rate:5.2f} {cells}")


def _one(
    table: LabelTable,
    vectors: np.ndarray,
    facets: list[tuple[str, ...]],
    people: int,
    rate: float,
    seed: int,
) -> list[float]:
    from judges.services.learning import Lessons

    rng = np.random.default_rng(seed)
    order = rng.permutation(table.n_labels)
    place = np.argsort(table.items[order], kind="stable")
    sizes = np.bincount(table.items, minlength=table.n_items)
    nth = np.arange(table.n_labels) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = np.sort(order[place[nth < people]])
    items, codes = table.items[kept], table.codes[kept].copy()
    right = codes == table.counts().argmax(axis=1)[items]
    wrong = right & (rng.random(len(kept)) < rate)
    codes[wrong] = (codes[wrong] + rng.integers(1, table.n_classes, wrong.sum())) % table.n_classes
    given = LabelTable.from_codes(
        items,
        table.raters[kept],
        codes,
        n_classes=table.n_classes,
        n_items=table.n_items,
        n_raters=table.n_raters,
    )
    learnt = Lessons(vectors=vectors, codes=given.counts().argmax(axis=1).tolist(), facets=facets)
    told = learnt.held_out(folds=5, seed=0, near_copy=0.9)
    model = np.full((table.n_items, table.n_classes), np.nan)
    model[:, list(told.codes)] = told.probabilities

    def quality(score: np.ndarray) -> float:
        found = ranking_quality(score[right], wrong[right]).average_precision
        return float("nan") if found is None else found

    alone = 1 - model[given.items, given.codes]
    if people == 1:
        nan = float("nan")
        return [nan, nan, quality(alone), nan, nan]
    posterior = peer_posterior(given, ibcc(given))
    return [
        quality(1 - peer_share(given)),
        quality(1 - posterior),
        quality(alone),
        quality(label_errors(given, model=model).score),
        quality(label_errors(given, peers=posterior, model=model).score),
    ]


if __name__ == "__main__":
    main()
