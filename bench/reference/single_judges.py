"""LLM judges of search relevance, each on its own: kappa and alpha against gold (llmjudge).

Published by the organisers of LLMJudge (LLM4Eval 2024) to four decimals; three labels outside 0 to
3 are clipped.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.published import clipped, dataset
from bench.reference.figures import Figure, to_digits

PUBLISHED = {
    "willia-umbrela1": (0.2863, 0.4918),
    "h2oloo-zeroshot1": (0.2817, 0.4812),
    "h2oloo-fewself": (0.2774, 0.4958),
    "RMITIR-llama70B": (0.2654, 0.4873),
    "Olz-gpt4o": (0.2625, 0.5020),
    "NISTRetrieval-instruct0": (0.1877, 0.3819),
    "TREMA-rubric0": (0.0779, 0.1036),
    "TREMA-nuggets": (0.0604, 0.1691),
}


def single_judges(*, quick: bool) -> Iterator[Figure]:
    from consensus.kappa import cohen_kappa
    from consensus.krippendorff import krippendorff_alpha
    from consensus.table import LabelTable

    data = dataset("llmjudge", "llm", clipped)
    kappas, accuracies = {}, {}
    for at, judge in enumerate(data.raters):
        mine = data.table.raters == at
        items, codes = data.table.items[mine], data.table.codes[mine]
        gold = data.gold[items]
        kappa = cohen_kappa(codes, gold, 4)
        assert kappa is not None
        kappas[judge], accuracies[judge] = kappa, float((codes == gold).mean())
        if judge in PUBLISHED:
            both = LabelTable.from_codes(
                np.concatenate([items, items]),
                np.repeat([0, 1], len(items)),
                np.concatenate([codes, gold]),
                n_classes=4,
            )
            alpha = krippendorff_alpha(both, level="ordinal")
            assert alpha is not None
            for what, ours, published in zip(
                ("kappa", "ordinal alpha"), (kappa, alpha), PUBLISHED[judge], strict=True
            ):
                yield Figure("llmjudge", f"{judge}, {what}", ours, published, to_digits(4))
    best = max(kappas, key=lambda name: kappas[name])
    yield Figure("llmjudge", "best single kappa of 33", kappas[best], 0.2863, to_digits(4))
    yield Figure("llmjudge", "accuracy of that judge", accuracies[best], 0.534, to_digits(3))
    yield Figure("llmjudge", "best single accuracy", max(accuracies.values()), 0.540, to_digits(3))
    mine = data.table.raters == data.raters.index(best)
    items, codes = data.table.items[mine], data.table.codes[mine]
    rng = np.random.default_rng(1)
    draws = []
    for _ in range(1000):
        drawn = rng.integers(0, len(items), len(items))
        draws.append(cohen_kappa(codes[drawn], data.gold[items[drawn]], 4))
    error = float(np.std(np.array(draws, dtype=float)))
    yield Figure("llmjudge", "bootstrap standard deviation", error, 0.0105, 0.001)
