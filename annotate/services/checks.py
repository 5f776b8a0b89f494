"""Known items: telling the known answer after one, deciding who may work, making answers known."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import Conflict
from annotate.kinds import asked_of, kind_of, said_of
from annotate.models import (
    Admission,
    Assignment,
    Gold,
    GoldSource,
    Project,
    Question,
    Rater,
    Ruling,
    RulingStatus,
    Strategy,
    Submission,
    User,
)
from annotate.selectors.checks import is_check, qualification_of
from annotate.services.claims import claims_return
from annotate.services.events import event_write

# Rulings that become known answers at one press.
AT_ONCE = 2_000


def known_tell(submission: Submission, questions: Sequence[Question]) -> str:
    """What to say about the known answers after an answer to a known item; "" where nothing is.

    Kept with the submission: what was told cannot be answered anew. Idempotent.
    """
    assignment = submission.assignment
    if not submission.project.gold_feedback or assignment is None or not is_check(assignment):
        return ""
    given = {label.question_id: said_of(label) for label in submission.labels.all()}
    by_id = {question.pk: question for question in questions}
    known = (
        Gold.objects.filter(item_id=submission.item_id, question__in=by_id, choice__isnull=False)
        .select_related("ruling")
        .order_by("question__position", "question_id")
    )
    told = [
        _sentence(by_id[gold.question_id], gold, is_right=given[gold.question_id] == said_of(gold))
        for gold in known
        if gold.question_id in given
    ]
    if told and submission.told_at is None:
        submission.told_at = timezone.now()
        submission.save(update_fields=["told_at"])
    return " ".join(told)


def _sentence(question: Question, gold: Gold, *, is_right: bool) -> str:
    asked = asked_of(question)
    name = kind_of(asked).words(asked, said_of(gold))
    if is_right:
        return _("“%(answer)s” is the known answer, too.") % {"answer": name}
    why = gold.ruling.comment.strip() if gold.ruling else ""
    if not why:
        why = next((o.definition for o in question.options.all() if o.code == gold.choice), "")
        words = _("The known answer is “%(answer)s”. %(why)s")
        return (words % {"answer": name, "why": why}).strip()
    return _("The known answer is “%(answer)s”, because: %(why)s") % {"answer": name, "why": why}


def answer_is_open(rater: Rater, assignment: Assignment, standing: Submission | None) -> None:
    """Raise Conflict where the answer that stands may not be changed or taken back any more."""
    if standing is None:
        return
    if standing.told_at is not None:
        raise Conflict(_("You have been told the known answer, so your answer to this item stays."))
    if assignment.strategy == Strategy.QUALIFY and qualification_of(rater).is_over:
        raise Conflict(_("The first items are done, so your answers to them stay."))


@transaction.atomic
def rater_admit(actor: User, rater: Rater, admission: str) -> Rater:
    """A lead's decision about who did not qualify: let in, remain out, or neither. Idempotent."""
    if rater.admission != admission:
        was, rater.admission = rater.admission, Admission(admission)
        rater.save(update_fields=["admission"])
        if admission == Admission.OUT:
            claims_return(rater)
        event_write(
            actor, "rater.admitted", project=rater.project, target=rater, to=admission, was=was
        )
    return rater


def rulings_to_promote(project: Project) -> int:
    """How many standing rulings are no known answers yet. One query."""
    return _unpromoted(project).count()


def _unpromoted(project: Project) -> QuerySet[Ruling]:
    gold = Gold.objects.filter(item=OuterRef("item"), question=OuterRef("question"))
    return Ruling.objects.filter(
        ~Exists(gold), project=project, status=RulingStatus.LIVE, choice__isnull=False
    ).order_by("pk")


@transaction.atomic
def rulings_promote(actor: User, project: Project) -> int:
    """Make standing rulings known answers, AT_ONCE of them; returns how many. Idempotent."""
    found = list(_unpromoted(project)[:AT_ONCE])
    Gold.objects.bulk_create(
        [
            Gold(
                project=project,
                item_id=ruling.item_id,
                question_id=ruling.question_id,
                choice=ruling.choice,
                source=GoldSource.RULING,
                ruling=ruling,
            )
            for ruling in found
        ],
        ignore_conflicts=True,
    )
    if found:
        event_write(actor, "gold.promoted", project=project, target=project, n=len(found))
    return len(found)
