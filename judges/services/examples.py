"""What a way of asking needs of the project: options, fields, and answered items for examples."""

from __future__ import annotations

from typing import NoReturn

from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import Item, Question
from judges.prompting.examples import chosen
from judges.prompting.how import MAX_ROTATIONS, Examples, How
from judges.providers import local_classifier
from judges.selectors.examples import answered_for, known_vectors, texts_of
from judges.selectors.fields import field_names
from judges.services.embeddings import vectors_keep


def how_check(question: Question, how: How) -> None:
    """Raise BadInput for a way of asking that does not fit the question or the project's items."""
    codes = set(question.options.values_list("code", flat=True))
    named = {*how.pair.codes} if how.pair else set()
    if how.rule:
        ends = (how.rule.yes, how.rule.no)
        named |= {*how.rule.codes, *(code for code in ends if code is not None)}
    if not named <= codes:
        _refuse("how", _("The way of asking names options that the question does not have."))
    if how.ask == "expected_score" and question.kind != "rating":
        _refuse("how", _("An expected score is of a rating; this question is none."))
    if how.orders == "rotations" and len(codes) > MAX_ROTATIONS:
        _refuse(
            "orders",
            _("With more than %(most)s options, not each of them can be first. Ask in both orders.")
            % {"most": MAX_ROTATIONS},
        )
    wanted = {"pair": how.pair.fields if how.pair else (), "reference": [how.reference]}
    for field, names in wanted.items():
        if missing := sorted({*filter(None, names)} - {*field_names(question.project, names)}):
            _refuse(field, _("No item has a field called “%(name)s”.") % {"name": missing[0]})


def examples_known(question: Question, how: Examples) -> dict[int, int]:
    """Item id -> code of what examples may be chosen from. Raises BadInput for too few."""
    answered = answered_for(question, how)
    if len(answered) < how.count:
        _refuse(
            "examples",
            _(
                "There are %(there)s items answered by people to take examples from; %(count)s are "
                "wanted. Label more, or ask for fewer."
            )
            % {"there": len(answered), "count": how.count},
        )
    return answered


def examples_choose(question: Question, how: Examples) -> list[list[int]]:
    """[item id, code] of the examples kept with a version. Embeds what "diverse" looks at, some
    seconds the first time. Raises BadInput where there are too few, ProviderError.
    """
    answered = examples_known(question, how)
    vectors = None
    if how.choice == "diverse":
        items = Item.objects.filter(pk__in=answered)
        texts = texts_of(list(items))
        known = known_vectors(list(texts.values()))
        missing = [text for text in dict.fromkeys(texts.values()) if text not in known]
        if missing:
            fresh = dict(zip(missing, local_classifier.embed(missing), strict=True))
            vectors_keep(local_classifier.MODEL, fresh)
            known |= fresh
        vectors = {item: known[text] for item, text in texts.items()}
    try:
        kept = chosen(how, answered, vectors)
    except ValueError as error:
        _refuse("examples", str(error))
    return [[item, answered[item]] for item in kept]


def _refuse(field: str, message: str) -> NoReturn:
    raise BadInput(message, fields={field: message})
