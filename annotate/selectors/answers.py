"""The answer that an item has to a question now, and where it comes from: of every kind.

A ruling stands above all; else the newest aggregate counts where it saw the answers that there are
now; else people's answers settle it by plain counting. A tie stays a tie.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotate.kinds import Asked, Said, kind_of, mark_of
from annotate.models import (
    EstimateRun,
    ItemEstimate,
    Label,
    LabelStatus,
    Question,
    QuestionKind,
    RaterKind,
    WhoCounts,
)


@dataclass
class Answers:
    """The live answers to one question of one item, people's and judges' apart."""

    people: list[Said] = field(default_factory=list)
    judges: list[Said] = field(default_factory=list)

    def of(self, who: str) -> list[Said]:
        if who == WhoCounts.PEOPLE:
            return self.people
        return self.judges if who == WhoCounts.JUDGES else [*self.people, *self.judges]


@dataclass(frozen=True)
class Best:
    """``source``: ruling, aggregate, a word of kinds.Settled.how, or "" where nobody answered.

    ``share``: probability or share of the answers behind it, where there is one.
    """

    said: Said | None = None
    source: str = ""
    share: float | None = None
    payload: dict[str, Any] | None = None


def answers_of(
    item_ids: Collection[int], questions: Sequence[Question]
) -> defaultdict[tuple[int, int], Answers]:
    """Live answers by item and question. One query; for pages and chunks of items."""
    found: defaultdict[tuple[int, int], Answers] = defaultdict(Answers)
    rows = (
        Label.objects.filter(item_id__in=item_ids, question__in=questions, status=LabelStatus.LIVE)
        .order_by("pk")
        .values_list("item_id", "question_id", "rater__kind", "choice", "value")
    )
    for item_id, question_id, kind, choice, value in rows:
        answers = found[item_id, question_id]
        side = answers.people if kind == RaterKind.PERSON else answers.judges
        side.append(Said(choice, value))
    return found


def best_of(
    asked: Asked,
    answers: Answers,
    *,
    ruled: Said | None,
    run: EstimateRun | None,
    estimate: ItemEstimate | None,
    who: str = WhoCounts.PEOPLE,
) -> Best:
    """The answer of an item, of a kind whose labels hold values. ``who`` counts without a run."""
    if ruled is not None:
        return Best(ruled, "ruling")
    if run is not None and estimate is not None and is_current(answers, run, estimate):
        answer = estimate.payload["answer"]
        if answer is None:
            return Best(None, "tie", payload=estimate.payload)
        return Best(Said(value=answer), "aggregate", estimate.probability, estimate.payload)
    counting = answers.of(who)
    if not counting:
        return Best()
    settled = kind_of(asked).settle(asked, counting)
    return Best(settled.said, settled.how, settled.share)


def is_current(answers: Answers, run: EstimateRun, estimate: ItemEstimate) -> bool:
    """Whether an aggregate saw the answers that there are now."""
    return bool(estimate.payload.get("seen") == mark_of(answers.of(run.who_counts)))


# --- For files ----------------------------------------------------------------------------------


def said_plain(asked: Asked, answers: Sequence[Said], fields: Mapping[str, str]) -> Any:
    """What was answered: how many chose each option where one answer may choose several, else the
    answers themselves, in the order in which they came."""
    kind = kind_of(asked)
    if asked.kind == QuestionKind.MULTIPLE:
        times = Counter(code for said in answers for code in kind.named(said))
        return {option.key: times[option.code] for option in asked.options if times[option.code]}
    return [kind.plain(asked, said, fields) for said in answers]


def details_plain(asked: Asked, payload: dict[str, Any], fields: Mapping[str, str]) -> Any:
    """What an aggregate knows of an item besides its answer, by names instead of codes."""
    if "posterior" in payload:
        shares = payload["posterior"]
        return {option.key: shares.get(str(option.code), 0.0) for option in asked.options}
    if "spans" in payload:
        plain = kind_of(asked).plain(asked, Said(value=[s[:3] for s in payload["spans"]]), fields)
        scores = [span[3] for span in payload["spans"]]
        return [{**span, "score": score} for span, score in zip(plain, scores, strict=True)]
    return {name: payload[name] for name in ("low", "high", "error") if name in payload}
