"""What a hand-over may rest on: a judge's labels, and people's that were blind and drawn at random.

A label of a member counts where its submission says that no judge was shown, and its assignment
that the item came in the random order or by lot. Imported labels say neither: they count only where
a lead states that they were given so.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from annotate.models import (
    Arm,
    ItemStatus,
    Label,
    LabelStatus,
    Question,
    Rater,
    RaterKind,
    RaterOrigin,
    Ruling,
    RulingStatus,
    Strategy,
)
from judges.models import HandOverItem, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.table import LabelTable

AT_RANDOM = (Strategy.RANDOM, Strategy.LOT)
# How sure the judge is of a label, from where: its own confidence; the share of the other judges
# that say the same; or nothing, so that all its labels are alike.
OWN, OTHERS, NOTHING = "own", "others", "nothing"


@dataclass(frozen=True, eq=False)
class Evidence:
    """One row an item that the judge has labelled, by ascending id.

    codes, confidence, judge_labels   what it said, how sure, and the label's id
    people          people's labels that count, with these places
    loss            1 wrong, 0 right, NaN where people are tied, too few, or none counts
    unread          nobody labelled or ruled on it
    checked         drawn once to check a hand-over: counts for estimates, not to choose a threshold
    people_labels   ids of the labels that count, by place
    confidence_from OWN, OTHERS or NOTHING
    left_out        why labels of people do not count: "helped", "chosen", "imported"; and items:
                    "tied", "few"
    """

    item_ids: NDArray[np.int64]
    codes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    judge_labels: NDArray[np.int64]
    people: LabelTable
    loss: NDArray[np.float64]
    unread: NDArray[np.bool_]
    checked: NDArray[np.bool_]
    people_labels: dict[int, list[int]]
    confidence_from: str
    left_out: Counter[str]

    @property
    def known(self) -> NDArray[np.bool_]:
        """The items that choose the threshold."""
        import numpy as np

        return ~np.isnan(self.loss) & ~self.checked

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that the threshold depends on."""
        import numpy as np

        digest = hashlib.sha256()
        for column in (self.item_ids, self.codes, self.confidence, self.unread):
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update(np.where(self.known, self.loss, -1.0).tobytes())
        return digest.hexdigest()

    @property
    def unread_fingerprint(self) -> str:
        return hashlib.sha256(self.item_ids[self.unread].tobytes()).hexdigest()

    def used(self) -> list[list[object]]:
        """[item, judge's label, confidence, loss, [people's labels]] of each that chose."""
        import numpy as np

        return [
            [
                int(self.item_ids[k]),
                int(self.judge_labels[k]),
                float(self.confidence[k]),
                float(self.loss[k]),
                self.people_labels[int(k)],
            ]
            for k in np.flatnonzero(self.known)
        ]


def evidence_of(question: Question, rater: Rater, *, imported: bool) -> Evidence:
    """Read it. Four queries over the labels of the question; for a job, not for a page."""
    import numpy as np

    from consensus.people_targets import judge_losses
    from consensus.table import LabelTable

    said = list(
        _live(question, RaterKind.JUDGE)
        .filter(rater=rater)
        .order_by("item_id")
        .values_list("item_id", "choice", "confidence", "pk")
    )
    place = {item: k for k, (item, *_rest) in enumerate(said)}
    codes = np.array([choice for _item, choice, *_rest in said], dtype=np.int64)
    confidence, source = _confidence(question, rater, said, place)
    n_classes = max((option.code for option in question.options.all()), default=0) + 1
    counted: list[tuple[int, int, int]] = []
    labels: dict[int, list[int]] = defaultdict(list)
    from_file: set[int] = set()
    read: set[int] = set()
    left_out: Counter[str] = Counter()
    raters: dict[int, int] = {}
    rows = _live(question, RaterKind.PERSON).values_list(
        "item_id",
        "rater_id",
        "choice",
        "pk",
        "rater__origin",
        "submission__arm",
        "submission__assignment__strategy",
    )
    for item, who, choice, pk, origin, arm, strategy in rows.iterator(chunk_size=20_000):
        k = place.get(item)
        if k is None:
            continue
        read.add(k)
        why = _why_not(origin, arm, strategy, imported=imported)
        if why:
            left_out[why] += 1
            continue
        if origin == RaterOrigin.IMPORTED:
            from_file.add(k)
        counted.append((k, raters.setdefault(who, len(raters)), choice or 0))
        labels[k].append(pk)
    columns = np.array(counted, dtype=np.int64).reshape(-1, 3).T
    people = LabelTable.from_codes(
        *columns,
        n_classes=max(n_classes, int(codes.max(initial=0)) + 1),
        n_items=len(said),
        n_raters=len(raters),
    )
    loss = judge_losses(codes, people)
    wanted = question.project.labels_per_item
    few = [k for k, those in labels.items() if k not in from_file and len(those) < wanted]
    left_out["few"] = len(few)
    loss[few] = np.nan
    left_out["tied"] = int(np.isnan(loss[[k for k in labels if k not in set(few)]]).sum())
    ruled = Ruling.objects.filter(question=question, status=RulingStatus.LIVE)
    read |= {place[item] for item in ruled.values_list("item_id", flat=True) if item in place}
    unread = np.ones(len(said), dtype=np.bool_)
    unread[sorted(read)] = False
    drawn = HandOverItem.objects.filter(hand_over__question=question, part=Part.AUDIT).values_list(
        "item_id", flat=True
    )
    checked = np.zeros(len(said), dtype=np.bool_)
    checked[[place[item] for item in drawn if item in place]] = True
    return Evidence(
        item_ids=np.array([item for item, *_rest in said], dtype=np.int64),
        codes=codes,
        confidence=confidence,
        judge_labels=np.array([row[3] for row in said], dtype=np.int64),
        people=people,
        loss=loss,
        unread=unread,
        checked=checked,
        people_labels={k: sorted(those) for k, those in labels.items()},
        confidence_from=source,
        left_out=+left_out,
    )


def _live(question: Question, kind: str):  # type: ignore[no-untyped-def]
    return Label.objects.filter(
        question=question,
        status=LabelStatus.LIVE,
        choice__isnull=False,
        rater__kind=kind,
        item__status=ItemStatus.LIVE,
    )


def _why_not(origin: str, arm: str, strategy: str | None, *, imported: bool) -> str:
    """Why a label of a person does not count; "" where it does."""
    if origin == RaterOrigin.IMPORTED:
        return "" if imported else "imported"
    if arm != Arm.BLIND:
        return "helped"
    return "" if strategy in AT_RANDOM else "chosen"


def _confidence(
    question: Question,
    rater: Rater,
    said: list[tuple[int, int | None, float | None, int]],
    place: dict[int, int],
) -> tuple[NDArray[np.float64], str]:
    """How sure the judge is of each label; one without a confidence gets the lowest, 0."""
    import numpy as np

    own = [sure for _item, _choice, sure, _pk in said]
    if any(sure is not None for sure in own):
        return np.array([0.0 if sure is None else sure for sure in own]), OWN
    same, all_ = np.zeros(len(said)), np.zeros(len(said))
    choices = [choice for _item, choice, _sure, _pk in said]
    others = _live(question, RaterKind.JUDGE).exclude(rater=rater)
    for item, choice in others.values_list("item_id", "choice").iterator(chunk_size=20_000):
        k = place.get(item)
        if k is not None:
            all_[k] += 1
            same[k] += choice == choices[k]
    if not all_.any():
        return np.zeros(len(said)), NOTHING
    return np.divide(same, all_, out=np.zeros(len(said)), where=all_ > 0), OTHERS
