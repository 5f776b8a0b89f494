"""What a classifier can learn from: people's answers, one an item."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from annotate.models import (
    Item,
    ItemStatus,
    Label,
    LabelStatus,
    Question,
    RaterKind,
    Ruling,
    RulingStatus,
)

MIN_LABELS = 10
MIN_A_CLASS = 2
# Fewer than so many examples of an option: what it learns of it is shaky, and the page says so.
WISHED_A_CLASS = 8
# Beyond so many the judge gains little and the fit takes long.
MAX_LABELS = 4_000


@dataclass(frozen=True)
class TrainingSet:
    """(item id, option code) pairs in the order of item ids, and how many there are of each code.

    ``tied`` items were left out because people are split on them, ``capped`` because there were
    more than MAX_LABELS.
    """

    labels: tuple[tuple[int, int], ...]
    counts: dict[int, int]
    tied: int
    capped: int

    @property
    def usable(self) -> dict[int, int]:
        """The options with enough examples to be learnt at all."""
        return {code: n for code, n in self.counts.items() if n >= MIN_A_CLASS}

    @property
    def is_enough(self) -> bool:
        return len(self.labels) >= MIN_LABELS and len(self.usable) >= 2


def training_set(question: Question) -> TrainingSet:
    """People's answers to a question: the ruling where one stands, else the untied majority.

    Labels of judges never count. Options with fewer than MIN_A_CLASS examples are left out: a
    class seen once cannot be held out. Costs two queries over the question's labels.
    """
    answers, tied = people_answers(question)
    counts = Counter(answers.values())
    kept = sorted(pair for pair in answers.items() if counts[pair[1]] >= MIN_A_CLASS)
    capped = len(kept) - MAX_LABELS
    if capped > 0:
        kept = _in_draw_order(question, kept)
    return TrainingSet(
        labels=tuple(kept), counts=dict(sorted(counts.items())), tied=tied, capped=max(0, capped)
    )


def people_answers(question: Question) -> tuple[dict[int, int], int]:
    """Item id -> code of what people answered: the ruling where one stands, else the untied
    majority; and on how many items they are tied. Labels of judges never count. Two queries.
    """
    votes: dict[int, Counter[int]] = defaultdict(Counter)
    rows = Label.objects.filter(
        question=question,
        status=LabelStatus.LIVE,
        choice__isnull=False,
        rater__kind=RaterKind.PERSON,
        item__status=ItemStatus.LIVE,
    ).values_list("item_id", "choice")
    for item_id, choice in rows.iterator(chunk_size=20_000):
        votes[item_id][choice or 0] += 1
    answers: dict[int, int] = {}
    tied = 0
    for item_id, counted in votes.items():
        (first, most), *rest = counted.most_common(2)
        if rest and rest[0][1] == most:
            tied += 1
        else:
            answers[item_id] = first
    rulings = Ruling.objects.filter(
        question=question,
        status=RulingStatus.LIVE,
        choice__isnull=False,
        item__status=ItemStatus.LIVE,
    ).values_list("item_id", "choice")
    for item_id, choice in rulings:
        if item_id in votes and item_id not in answers:
            tied -= 1
        answers[item_id] = choice or 0
    return answers, tied


def _in_draw_order(question: Question, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The first MAX_LABELS in the order of the items' random numbers: a random sample of them."""
    codes = dict(pairs)
    chosen: list[tuple[int, int]] = []
    ids = Item.objects.filter(project_id=question.project_id).order_by("draw", "pk")
    for item_id in ids.values_list("pk", flat=True).iterator():
        if item_id in codes:
            chosen.append((item_id, codes[item_id]))
            if len(chosen) == MAX_LABELS:
                break
    return sorted(chosen)
