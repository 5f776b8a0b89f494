"""Panels of language models on published labels: what stopping saves, and what weights bring.

    REFERENCE_DATA=path/to/data python -m bench.panels [--quick]

The models' labels are replayed through what runs of panels go by (judges/prompting/panel.py), in
the order of their prices. Right is what most people said (ties left out), for llmjudge its gold.
Exits 1 unless stopping when settled gives exactly the labels of asking everybody with fewer
answers, and weights from 100 items are no worse than equal ones. A tie is no label, and counts as
not right. Discussions need models that answer, so they are not measured here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.published import clipped, dataset
from consensus.rater_weights import vote_weights, votes_trust
from consensus.table import LabelTable
from judges.prompting.panel import EQUAL, Ballot, replay

Codes = NDArray[np.int64]

# By what a call cost when the labels were made, the cheapest first.
SIX = ("mistral-v03", "llama-31", "gemini_flash", "gpt-4o-mini", "gemini_pro", "gpt-4o")
SETS: dict[str, tuple[str, ...]] = {
    "alttest_cebab_aspects": SIX,
    "alttest_cebab_stars": SIX,
    "alttest_framing": SIX,
    "alttest_wax": SIX,
    "llmjudge": (
        "RMITIR-llama38b",
        "h2oloo-zeroshot1",
        "RMITIR-llama70B",
        "willia-umbrela1",
        "Olz-gpt4o",
        "TREMA-4prompts",
        "NISTRetrieval-instruct0",
    ),
}
KNOWN = 100
SURE = 0.9


@dataclass(frozen=True)
class Panel:
    """Votes (n_items, n_judges), what is right (n_items,), and how many options there are."""

    votes: Codes
    right: Codes
    n_options: int

    def of(self, n: int) -> Panel:
        return Panel(self.votes[:, :n], self.right, self.n_options)

    def items(self, kept: Codes) -> Panel:
        return Panel(self.votes[kept], self.right[kept], self.n_options)

    def ballot(self, **how: object) -> Ballot:
        equal = (EQUAL,) * self.votes.shape[1]
        return Ballot(**{"weights": equal, "n_options": self.n_options, **how})  # type: ignore[arg-type]

    def replayed(self, ballot: Ballot) -> tuple[Codes, Codes]:
        """How many judges each item took, and its label, -1 for none."""
        rows, place = np.unique(self.votes, axis=0, return_inverse=True)
        found = [replay(ballot, [int(code) for code in row]) for row in rows]
        asked = np.array([n for n, _verdict in found])
        codes = np.array([-1 if v.code is None else v.code for _n, v in found])
        return asked[place.ravel()], codes[place.ravel()]

    def learnt(self) -> dict[str, object]:
        """Weights, and how far they may be believed, as a panel learns them."""
        found = vote_weights(self.votes == self.right[:, None], n_classes=self.n_options)
        trust = votes_trust(self.votes, self.right, found, n_classes=self.n_options)
        weights = tuple(round(EQUAL * float(weight)) for weight in found)
        return {"weights": weights, "trust": round(EQUAL * trust), "learnt": True}


def read(name: str) -> Panel:
    data = dataset(name, "llm", clipped) if name == "llmjudge" else dataset(name)
    judges = [data.raters.index(judge) for judge in SETS[name]]
    votes = np.full((data.table.n_items, len(judges)), -1)
    for place, judge in enumerate(judges):
        own = data.table.raters == judge
        votes[data.table.items[own], place] = data.table.codes[own]
    right = data.gold if name == "llmjudge" else majority_of_people(data.table)
    kept = (right >= 0) & (votes >= 0).all(axis=1)
    return Panel(votes[kept], right[kept], data.table.n_classes)


def majority_of_people(table: LabelTable) -> Codes:
    """-1 where people are tied or nobody answered."""
    assert table.judges is not None
    counts = table.of_raters(~table.judges).counts()
    most = counts.max(axis=1, keepdims=True)
    clear = (most[:, 0] > 0) & ((counts == most).sum(axis=1) == 1)
    return np.where(clear, counts.argmax(axis=1), -1)


def stopping(name: str, panel: Panel) -> list[str]:
    """Stopping when settled against asking everybody, for panels of the cheapest 3, 5 and all."""
    wrong = []
    for n in (3, 5, panel.votes.shape[1]):
        part = panel.of(n)
        asked, labels = part.replayed(part.ballot())
        _all, wanted = part.replayed(part.ballot(stop="all"))
        saved = 1 - asked.mean() / n
        over = ", ".join(f"{(asked == k).mean():.0%} after {k}" for k in np.unique(asked))
        right = (labels == part.right).mean()
        print(
            f"  {n} judges: {(labels == wanted).mean():.1%} of labels the same (goal 100 %), "
            f"{saved:.1%} of answers saved (goal > 0); {over}; right {right:.3f}, "
            f"no label {(labels < 0).mean():.1%}"
        )
        if (labels != wanted).any() or saved <= 0:
            wrong.append(f"{name}: stopping of {n} judges")
    single = (panel.votes == panel.right[:, None]).mean(axis=0)
    best = int(single.argmax())
    print(f"  best single judge, known afterwards: {SETS[name][best]}, right {single[best]:.3f}")
    return wrong


def weighing(name: str, panel: Panel, draws: int) -> list[str]:
    """Weights from 100 items drawn, the rest judged; means over the draws."""
    rng = np.random.default_rng(1)
    seen: dict[str, list[float]] = {}

    def keep(**figures: float) -> None:
        for figure, value in figures.items():
            seen.setdefault(figure, []).append(float(value))

    for _draw in range(draws):
        order = rng.permutation(len(panel.right))
        known, rest = panel.items(order[:KNOWN]), panel.items(order[KNOWN:])
        learnt = known.learnt()
        _n, equal = rest.replayed(rest.ballot())
        asked, weighed = rest.replayed(rest.ballot(**learnt))
        best = int((known.votes == known.right[:, None]).mean(axis=0).argmax())
        keep(
            equal=(equal == rest.right).mean(),
            weighed=(weighed == rest.right).mean(),
            asked=asked.mean(),
            single=(rest.votes[:, best] == rest.right).mean(),
            trust=int(str(learnt["trust"])) / EQUAL,
        )
        for which, ballot in (
            ("sure", rest.ballot(**learnt, stop="sure", sure=SURE)),
            ("naive", rest.ballot(**{**learnt, "trust": EQUAL}, stop="sure", sure=SURE)),
        ):
            n, labels = rest.replayed(ballot)
            early = n < asked
            keep(**{f"{which}_asked": n.mean(), f"{which}_right": (labels == rest.right).mean()})
            keep(**{f"{which}_early": early.mean()})
            if early.any():
                keep(**{f"{which}_early_right": (labels == rest.right)[early].mean()})
    mean = {figure: float(np.mean(values)) for figure, values in seen.items()}
    better = np.mean(np.array(seen["weighed"]) > np.array(seen["equal"]))
    print(
        f"  all judges, weights from {KNOWN} items: right {mean['weighed']:.3f}, equal weights "
        f"{mean['equal']:.3f} (goal: no less; better in {better:.0%} of {draws} draws), single "
        f"judge best on those {KNOWN} {mean['single']:.3f}; {mean['asked']:.2f} judges an item"
    )
    for which, said in (
        ("sure", f"believed {mean['trust']:.2f} times"),
        ("naive", "taken as independent"),
    ):
        shown = {name: mean.get(f"{which}_{name}") for name in ("asked", "right", "early")}
        early = mean.get(f"{which}_early_right")
        print(
            f"  stopping when {SURE:.0%} sure, votes {said}: {shown['asked']:.2f} judges an item, "
            f"right {shown['right']:.3f}; stopped early {shown['early']:.0%}"
            + (f", right of those {early:.3f}" if early is not None else "")
        )
    return [] if mean["weighed"] >= mean["equal"] else [f"{name}: weights"]


def main() -> int:
    quick = "--quick" in sys.argv
    wrong: list[str] = []
    for name in SETS:
        panel = read(name)
        print(f"{name}: {len(panel.right):,} items, {panel.n_options} options")
        wrong += stopping(name, panel)
        wrong += weighing(name, panel, draws=8 if quick else 60)
    print("Short of the goal: " + "; ".join(wrong) if wrong else "Every goal is met.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
