"""The label screen: one item, its answer, the next item. One request a label.

Its replies are compressed: they are most of what a slow network carries. Django adds some random
bytes to each, and masks the CSRF token anew, so that their lengths give nothing away (BREACH).
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_POST

from annotate import access
from annotate.access import Right
from annotate.errors import BadInput, Conflict, NotFound
from annotate.forms.label import Entered, HandedIn, LabelForm, answers_entered
from annotate.models import (
    Assignment,
    Guideline,
    ProjectStatus,
    SkipReason,
    Submission,
    SubmissionStatus,
)
from annotate.selectors.item_display import sides_of
from annotate.services.checks import known_tell
from annotate.services.claims import claims_return
from annotate.services.raters import rater_of_member
from annotate.services.reveals import submission_reveal
from annotate.services.submissions import (
    submission_last,
    submission_skip,
    submission_submit,
    submission_withdraw,
)
from annotate.services.turns import write_turn
from annotate.views.answer_words import answer_words
from annotate.views.label_screen import (
    Desk,
    Said,
    Turn,
    archived_show,
    desk_of,
    id_posted,
    screen_show,
)
from annotate.views.page import AuthenticatedRequest


@require_GET
@gzip_page
def label(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    place = access.project_of(request.user, project_id)
    if place.project.status == ProjectStatus.ARCHIVED and place.may(Right.LABEL):
        return archived_show(request, place)
    access.check(place, Right.LABEL)
    desk = desk_of(request, place)
    return screen_show(desk, Turn(said=Said(undo=_pk(submission_last(desk.rater)))))


@require_POST
@gzip_page
def label_ahead(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """Bring what comes behind the item on the screen: asked for once, when the page is there."""
    desk = desk_of(request, access.project_of(request.user, project_id, Right.LABEL))
    return screen_show(desk, Turn(said=Said(undo=_pk(submission_last(desk.rater)))))


@require_POST
@gzip_page
def label_submit(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """Store the answer; the reply is the next item."""
    return _hand_in(request, project_id, _store)


@require_POST
@gzip_page
def label_reveal(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """Store the answer, and only then show what judges say of the same item."""
    return _hand_in(request, project_id, _store, _revealed)


@require_POST
@gzip_page
def label_skip(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """Skip the item, with the reason, its flag and comment; the reply is the next item."""

    def store(desk: Desk, handed: HandedIn) -> Submission:
        if handed.reason == SkipReason.OTHER and not (handed.why or handed.comment):
            raise BadInput(_("Say in a few words why."))
        return submission_skip(
            desk.rater,
            access.item_of(desk.place, handed.item_id, live_only=False),
            client_key=handed.client_key,
            seconds=handed.seconds,
            flagged=handed.flagged,
            comment="\n".join(filter(None, [handed.comment, handed.why])),
            reason=handed.reason,
        )

    return _hand_in(request, project_id, store)


@require_POST
@gzip_page
def label_undo(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """Take back the submission named (else the last one) and bring its item back as it was."""
    desk = desk_of(request, access.project_of(request.user, project_id, Right.LABEL))
    named = id_posted(request.POST.get("submission"))
    taken = named if named is not None else _pk(submission_last(desk.rater))
    if taken is None:
        raise Conflict(_("There is nothing to take back."))
    assignment = submission_withdraw(desk.rater, taken)
    said = Said(
        _("Taken back. Change the answer and submit it again."),
        undo=_pk(submission_last(desk.rater)),
    )
    return _after(desk, Turn(said=said, assignment=_given(desk, assignment.item_id)))


@require_POST
def label_leave(request: AuthenticatedRequest, project_id: int) -> HttpResponse:
    """Give back what is held beyond the item on the screen and those whose answers are under way.

    A reload brings the one on the screen again.
    """
    place = access.project_of(request.user, project_id, Right.LABEL)
    rater = rater_of_member(place.project, request.user)
    named = map(id_posted, request.POST.getlist("item"))
    ids = [item_id for item_id in named if item_id is not None]
    keep = set(Assignment.objects.filter(rater=rater, item_id__in=ids).values_list("pk", flat=True))
    if keep:
        claims_return(rater, keep=keep)
    return HttpResponse(status=204)


# --- One way in for an answer and a skip ------------------------------------------------------


def _store(desk: Desk, handed: HandedIn) -> Submission:
    _check_asked(desk, handed)
    return submission_submit(
        desk.rater,
        access.item_of(desk.place, handed.item_id, live_only=False),
        answers=answers_entered(desk.questions, handed.entries),
        client_key=handed.client_key,
        seconds=handed.seconds,
        flagged=handed.flagged,
        comment=handed.comment,
        exposure=handed.seal.exposure,
        rule=handed.seal.rule,
        guideline=_guideline_seen(desk, handed),
        questions=desk.questions,
        pasted=handed.pasted,
        sides=sides_of(desk.place.project, desk.rater, handed.item_id, desk.questions),
    )


def _hand_in(
    request: AuthenticatedRequest,
    project_id: int,
    store: Callable[[Desk, HandedIn], Submission],
    then: Callable[[Desk, Submission, HandedIn], Turn] | None = None,
) -> HttpResponse:
    desk = desk_of(request, access.project_of(request.user, project_id, Right.LABEL))
    form = LabelForm(request.POST)
    try:
        handed = form.handed_in(desk.rater)
        with write_turn():
            submission = store(desk, handed)
    except BadInput as error:
        return screen_show(desk, _again(desk, form, error))
    except (Conflict, NotFound) as error:
        # What was entered is filled in again, should it be the same item that comes.
        entered = form.entered(desk.rater)
        return screen_show(desk, Turn(status=409, problem=error.message, entered=entered))
    if then is not None:
        # No redirect: sent again, the page is the same one, and its answer is stored once.
        return screen_show(desk, then(desk, submission, handed))
    return _after(desk, _moved_on(desk, submission, handed))


def _after(desk: Desk, turn: Turn) -> HttpResponse:
    """After a write: the next screen for htmx, a redirect to it for a plain form."""
    if desk.request.htmx:
        return screen_show(desk, turn)
    if turn.problem:
        messages.warning(desk.request, turn.problem)
    else:
        messages.success(desk.request, f"{turn.said.text} {turn.said.told}".strip())
    return redirect("label", desk.place.project.pk)


def _again(desk: Desk, form: LabelForm, error: BadInput) -> Turn:
    """The same item with the answers as entered, and what is wrong with them."""
    item_id = id_posted(str(form["item"].value()))
    errors = error.detail.get("fields", {})
    named = {question.key for question in desk.questions} & errors.keys()
    return Turn(
        status=422,
        problem="" if named else error.message,
        errors=errors,
        assignment=None if item_id is None else _given(desk, item_id),
        entered=form.entered(desk.rater),
        said=Said(undo=_pk(submission_last(desk.rater))),
    )


def _moved_on(desk: Desk, submission: Submission, handed: HandedIn) -> Turn:
    told = known_tell(submission, desk.questions)
    undo = None if told else submission.pk
    if submission.status == SubmissionStatus.SURPLUS:
        return Turn(
            status=409,
            said=Said(_("Kept, not counted"), undo=submission.pk),
            problem=_(
                "Others had finished that item by the time your answer came. It is kept and shown "
                "to the leads, but does not count. Here is the next one."
            ),
        )
    if submission.status == SubmissionStatus.SKIPPED:
        return Turn(said=Said(_("Skipped"), undo=submission.pk))
    answers = answers_entered(desk.questions, handed.entries)
    if len(answers) == 1:
        ((question_id, answer),) = answers.items()
        question = next(q for q in desk.questions if q.pk == question_id)
        words, colour = answer_words(question, answer, submission)
        text = _("%(option)s saved") % {"option": words}
        return Turn(said=Said(text, colour, undo, told))
    text = ngettext("%(n)d answer saved", "%(n)d answers saved", len(answers)) % {"n": len(answers)}
    return Turn(said=Said(text, undo=undo, told=told))


def _revealed(desk: Desk, submission: Submission, handed: HandedIn) -> Turn:
    """The same item with what judges say of it, and the own answer filled in."""
    said = Said(_("Your answer is saved"), undo=submission.pk)
    try:
        shown = submission_reveal(desk.rater, submission, desk.place.project, desk.questions)
    except Conflict as error:
        return Turn(said=said, problem=error.message, status=409)
    return Turn(
        said=said,
        assignment=_given(desk, handed.item_id),
        entered=Entered(
            handed.item_id,
            entries=handed.entries,
            flagged=handed.flagged,
            comment=handed.comment,
            exposure=[*submission.exposure, *shown],
            pasted=handed.pasted,
        ),
    )


def _check_asked(desk: Desk, handed: HandedIn) -> None:
    """A question without labels may be edited in place: the codes on the page must mean the same.

    A newer version of a question is found by submission_submit.
    """
    for question_id in handed.entries:
        now = desk.asked.get(question_id)
        if now is not None and now != handed.seal.asked.get(question_id):
            raise Conflict(_("The question was changed while you were answering. Here it is now."))


def _guideline_seen(desk: Desk, handed: HandedIn) -> Guideline | None:
    seen = handed.seal.guideline_id
    if seen is None:
        return None
    if desk.guideline is not None and desk.guideline.pk == seen:
        return desk.guideline
    return desk.place.project.guidelines.filter(pk=seen).first()


def _given(desk: Desk, item_id: int) -> Assignment | None:
    """The rater's assignment of the item, open or not."""
    given = Assignment.objects.filter(rater=desk.rater, item_id=item_id)
    return given.select_related("item").first()


def _pk(submission: Submission | None) -> int | None:
    return submission.pk if submission else None
