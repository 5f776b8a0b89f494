"""Signs in somebody's latest answers that a machine may have given them. Hints, not verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from annotate.models import (
    STANDING,
    Arm,
    Label,
    LabelStatus,
    Question,
    QuestionKind,
    Rater,
    Submission,
)
from annotate.selectors.rater_rows import PACE_OVER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consensus.pace import Evenness

# A person is compared with the judges that have the most labels, over so many items at most.
JUDGES = 3
MOST_ITEMS = 2000
# A word takes so many characters at least: text without spaces is not one long word.
WORD = 10


@dataclass(frozen=True)
class Signs:
    """Over the latest answers: ``timed`` of them have a time, ``fast`` took less than reading
    needs; ``texts`` hold text, and into ``pasted`` of these some was pasted from elsewhere.
    """

    timed: int
    fast: int
    even: Evenness
    texts: int
    pasted: int


def signs_of(rater: Rater) -> Signs:
    """The signs in a rater's latest answers. Two queries."""
    from consensus.pace import evenness, faster_than_reading

    latest = list(
        Submission.objects.filter(rater=rater, status__in=STANDING)
        .order_by("-created_at")
        .values_list("pk", "seconds", "pasted", "comment", "item__fields")[:PACE_OVER]
    )
    with_text = set(
        Label.objects.filter(
            submission__in=[pk for pk, *_rest in latest], question__kind=QuestionKind.TEXT
        ).values_list("submission_id", flat=True)
    )
    timed = [(seconds, _words(fields)) for _pk, seconds, _n, _c, fields in latest if seconds]
    texts = [n for pk, _s, n, comment, _f in latest if comment or pk in with_text or n]
    return Signs(
        timed=len(timed),
        fast=faster_than_reading([s for s, _n in timed], [n for _s, n in timed]),
        even=evenness([s for s, _n in timed], seed=rater.pk),
        texts=len(texts),
        pasted=sum(n > 0 for n in texts),
    )


def _words(fields: Any) -> int:
    texts = [text for text in fields.values() if isinstance(text, str)]
    return sum(max(len(text.split()), len(text) // WORD) for text in texts)


def likenesses(
    question: Question,
    rater: Rater,
    *,
    ids: NDArray[np.int64],
    own: NDArray[np.int64],
    others: NDArray[np.int64],
    judges: dict[int, NDArray[np.int64]],
) -> list[dict[str, Any]]:
    """How like each judge a person is, beyond what other people foretell: consensus.likeness.

    ``ids`` are the items that the person labelled, ``own`` what they said, ``others`` how many
    other people gave each option, ``judges`` by id what each judge said (-1: nothing). Answers
    given with a suggestion in sight are left out. The intervals hold for all judges together
    (Bonferroni). One query.
    """
    import numpy as np

    from consensus.likeness import likeness

    helped = Label.objects.filter(
        rater=rater,
        question=question,
        status=LabelStatus.LIVE,
        submission__arm__in=(Arm.SHOWN, Arm.REVEALED),
    ).values_list("item_id", flat=True)
    alone = ~np.isin(ids, list(helped))
    told = []
    for pk, said in judges.items():
        there = np.flatnonzero(alone & (said >= 0))
        there = there[:: max(1, -(-len(there) // MOST_ITEMS))]
        found = likeness(
            own[there],
            said[there],
            others[there],
            confidence=1 - 0.05 / len(judges),
            seed=rater.pk,
        )
        told.append(
            {
                "judge": pk,
                "n": found.n,
                "agree": found.agree,
                "foretold": found.foretold,
                "excess": found.excess,
                "low": found.low,
                "high": found.high,
            }
        )
    return told
