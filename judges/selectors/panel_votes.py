"""What judges have said of items they all answered, beside what is known: what weights are learnt
from, and what tells how many judges an item will take.

Answers that judges gave as members of panels are not among it: the later ones were asked only where
the earlier ones were not of one mind, so the items are the hard ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from annotate.models import (
    Gold,
    Item,
    ItemStatus,
    Label,
    LabelStatus,
    Question,
    RaterKind,
    Ruling,
    RulingStatus,
)
from judges.models import Call, CallState, JudgeVersion, Outcome, Purpose, RunItem
from judges.selectors.panels import takes_one_call
from judges.selectors.training import people_answers

# More known answers change a weight by less than its error.
MOST_KNOWN = 4_000
# So many items tell how many judges one takes; looked for among so many in the order of the draw.
MOST_COMMON = 1_000
MOST_SOUGHT = 10_000
_CHUNK = 500


@dataclass(frozen=True)
class KnownVotes:
    """Items with a known answer that all of some judges answered, in the order of their ids.

    codes  the known answers; votes: of each item what each judge said, in the judges' order
    as_of  when the newest of the known answers is from
    known  how many items have a known answer at all
    """

    items: tuple[int, ...]
    codes: tuple[int, ...]
    votes: tuple[tuple[int, ...], ...]
    as_of: datetime | None
    known: int


def known_votes(
    question: Question, judges: Sequence[JudgeVersion], answers: Mapping[int, int], source: str
) -> KnownVotes:
    """The judges' votes on the items with known ``answers`` (item id -> code), at most MOST_KNOWN
    of them in the order of the draw.
    """
    found: dict[int, tuple[int, ...]] = {}
    for item_ids in _chunks(_drawn(question, answers)):
        found |= _complete(question, judges, item_ids)
        if len(found) >= MOST_KNOWN:
            break
    items = sorted(list(found)[:MOST_KNOWN])
    return KnownVotes(
        items=tuple(items),
        codes=tuple(answers[item_id] for item_id in items),
        votes=tuple(found[item_id] for item_id in items),
        as_of=_newest(question, items, source),
        known=len(answers),
    )


def answers_known(
    question: Question, source: str, only: Collection[str] | None = None
) -> dict[int, int]:
    """Item id -> code: of people's answers ("people"), or of gold ("qualification"), of which
    ``only`` names a part by external ids.
    """
    if source == "people":
        return people_answers(question)[0]
    gold = Gold.objects.filter(
        question=question, choice__isnull=False, item__status=ItemStatus.LIVE
    )
    if only is not None:
        gold = gold.filter(item__external_id__in=only)
    return {item_id: code or 0 for item_id, code in gold.values_list("item_id", "choice")}


def common_votes(question: Question, judges: Sequence[JudgeVersion]) -> list[tuple[int, ...]]:
    """What these judges said of items that all of them answered, MOST_COMMON at most, the first in
    the order of the draw.
    """
    found: list[tuple[int, ...]] = []
    drawn = (
        Item.objects.filter(project_id=question.project_id, status=ItemStatus.LIVE)
        .order_by("draw", "pk")
        .values_list("pk", flat=True)[:MOST_SOUGHT]
    )
    for item_ids in _chunks(list(drawn)):
        found += _complete(question, judges, item_ids).values()
        if len(found) >= MOST_COMMON:
            break
    return found[:MOST_COMMON]


def _drawn(question: Question, answers: Mapping[int, int]) -> list[int]:
    if len(answers) <= MOST_KNOWN:
        return sorted(answers)
    ids = Item.objects.filter(project_id=question.project_id).order_by("draw", "pk")
    return [pk for pk in ids.values_list("pk", flat=True).iterator() if pk in answers]


def _chunks(item_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(item_ids), _CHUNK):
        yield item_ids[start : start + _CHUNK]


def _complete(
    question: Question, judges: Sequence[JudgeVersion], item_ids: Sequence[int]
) -> dict[int, tuple[int, ...]]:
    """Of these items those that all judges answered, with the answers, in the order given."""
    by_judge = [_answers(question, judge, item_ids) for judge in judges]
    return {
        item_id: tuple(answers[item_id] for answers in by_judge)
        for item_id in item_ids
        if all(item_id in answers for answers in by_judge)
    }


def _answers(question: Question, judge: JudgeVersion, item_ids: Sequence[int]) -> dict[int, int]:
    """Item id -> code: the judge's live label, else what it said in its last audit."""
    audits = {"run__version": judge, "run__purpose": Purpose.AUDIT, "item__in": item_ids}
    audited = (
        Call.objects.filter(state=CallState.CLOSED, outcome=Outcome.LABEL, **audits)
        if takes_one_call(judge)
        else RunItem.objects.filter(ending=Outcome.LABEL, **audits)
    )
    said = [*audited.order_by("pk").values_list("item_id", "choice")]
    labels = Label.objects.filter(
        question=question,
        rater=judge.rater_id,
        status=LabelStatus.LIVE,
        choice__isnull=False,
        item__in=item_ids,
    )
    said += labels.values_list("item_id", "choice")
    return {item_id: code for item_id, code in said if code is not None}


def _newest(question: Question, item_ids: Sequence[int], source: str) -> datetime | None:
    newest = []
    for chunk in _chunks(item_ids):
        about = {"question": question, "item__in": chunk}
        if source == "people":
            labels = Label.objects.filter(
                status=LabelStatus.LIVE, rater__kind=RaterKind.PERSON, **about
            )
            rulings = Ruling.objects.filter(status=RulingStatus.LIVE, **about)
            newest += [labels.aggregate(at=Max("created_at"))["at"]]
            newest += [rulings.aggregate(at=Max("created_at"))["at"]]
        else:
            newest += [Gold.objects.filter(**about).aggregate(at=Max("created_at"))["at"]]
    return max((at for at in newest if at is not None), default=None)
