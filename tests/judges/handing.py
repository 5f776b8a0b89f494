"""A project in which a judge has labelled all items and people some, for tests of hand-overs."""

from __future__ import annotations

import random

from annotate.models import Item, Question, Rater
from annotate.services.answers import Answer
from annotate.services.claims import claims_hold
from annotate.services.hand_ins import HandIn, submissions_submit
from annotate.services.submissions import submission_submit
from judges.models import HandOver
from judges.services.hand_overs import (
    hand_over_end_run,
    hand_over_start,
    hand_over_start_run,
    hand_over_withdraw,
    hand_over_work_out,
    hand_over_work_out_run,
)
from tests.personas import Story, story

ITEMS = 300


def told(item: Item) -> int:
    """What a person says of an item: it is written in its text."""
    return int(item.fields["text"].split()[-1])


def judged(*, items: int = ITEMS, sure_share: float = 0.7) -> tuple[Story, Rater]:
    """A judge that is right where it is sure (above .5), and guesses elsewhere."""
    rng = random.Random(5)
    s = story()
    made = s.items([f"Text {n} {rng.randrange(2)}" for n in range(items)])
    judge = Rater.objects.create(project=s.project, kind="judge", origin="imported", name="gpt-x")
    hand_ins = []
    for item in made:
        sure = rng.random() < sure_share
        says = told(item) if sure else rng.randrange(2)
        confidence = round(rng.uniform(0.8, 1.0) if sure else rng.uniform(0.1, 0.5), 4)
        answer = Answer(choice=says, confidence=confidence, confidence_source="imported")
        hand_ins.append(HandIn(item, {s.question.pk: answer}, f"j{item.pk}"))
    submissions_submit(judge, hand_ins)
    return s, judge


def people_label(s: Story, n: int, *, wrong: bool = False) -> list[Item]:
    """Ana labels the next items that she is given. ``wrong``: other than the judge would."""
    rater = s.rater(s.ana)
    done = []
    for _turn in range(n):
        held = claims_hold(rater)
        if not held:
            break
        item = held[0].item
        says = 2 if wrong else told(item)
        submission_submit(
            rater,
            item,
            answers={s.question.pk: Answer(choice=says)},
            client_key=f"p{item.pk}",
            rule=_blind(),
        )
        done.append(item)
    return done


def _blind():  # type: ignore[no-untyped-def]
    from annotate.models import Arm, Visibility
    from annotate.selectors.help_rules import Rule

    return Rule(Visibility.BLIND, Arm.BLIND, 0.0)


def do(job, work) -> None:  # type: ignore[no-untyped-def]
    """As the worker does."""
    from annotate.tasks import job_do

    job_do(job.pk, work)
    job.refresh_from_db()


def worked_out(s: Story, judge: Rater, question: Question | None = None, **more) -> HandOver:  # type: ignore[no-untyped-def]
    asked = {"alpha": 0.1, "delta": 0.1} | more
    row = hand_over_work_out(s.rhea, question or s.question, judge, **asked)
    do(row.job, hand_over_work_out_run)
    row.refresh_from_db()
    return row


def started(s: Story, row: HandOver) -> HandOver:
    job = hand_over_start(s.rhea, row)
    do(job, hand_over_start_run)
    row.refresh_from_db()
    return row


def taken_back(s: Story, row: HandOver) -> HandOver:
    do(hand_over_withdraw(s.rhea, row), hand_over_end_run)
    row.refresh_from_db()
    return row
