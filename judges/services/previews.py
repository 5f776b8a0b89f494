"""A draft on real items: exactly what would be sent, and about what that costs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import Item
from judges.exchange import Request
from judges.models import JudgeVersion
from judges.prompting.build import Example
from judges.prompting.examples import chosen
from judges.prompting.how import Examples, How
from judges.prompting.length import about_length
from judges.prompting.plan import CallKey, first_calls, variant_parts, variants
from judges.providers.prices import Price, call_price
from judges.selectors.asked import asked_of
from judges.selectors.examples import example_pool, known_vectors, texts_of
from judges.selectors.items import items_answered, items_askable
from judges.services.drafts import Draft, draft_problems, draft_version
from judges.services.examples import examples_known
from judges.services.prices import price_of


@dataclass(frozen=True)
class ShownCall:
    """A call that an item takes: its variant, and what that is in words."""

    variant: str
    words: str


@dataclass(frozen=True)
class Preview:
    """A draft on one item. ``place`` counts from 1 of ``n_items`` (those that people answered come
    first, as in a trial); ``problems`` say by field why it cannot be tried yet.

    ``request`` is what the call of ``variant`` sends, ``calls`` are all calls of a round. An item
    takes ``calls_least`` to ``calls_most`` of them. Tokens and ``price`` (US dollars, None where no
    price is known) are about what an item takes, from its text, at ``calls_least``.
    ``examples_settled`` is False where other examples may be shown when it is tried.
    """

    problems: dict[str, str]
    item: Item | None
    place: int
    n_items: int
    variant: str
    request: Request | None
    calls: list[ShownCall]
    calls_least: int
    calls_most: int
    tokens_in: int
    tokens_out: int
    price: Decimal | None
    is_free: bool
    examples_settled: bool


def preview(draft: Draft, *, place: int = 1, variant: str = "") -> Preview:
    """Show a draft on the ``place``-th item; the nearest there is where there are fewer. Asks
    nobody. Some ten queries, and with examples people's labels once.
    """
    draft = draft.settled()
    problems = draft_problems(draft)
    how = draft.how or How()
    version = draft_version(draft)
    item, place, n_items = _item_at(version, place)
    n_options = draft.question.options.count()
    calls = [ShownCall(each, variant_words(how, each)) for each in variants(how, n_options)]
    if variant not in {call.variant for call in calls}:
        variant = calls[0].variant
    request, settled = None, True
    price = price_of(draft.connection, draft.model)
    lengths = (0, 0)
    if item is not None and not {"question", "how"} & problems.keys():
        examples: list[Example] = []
        try:
            examples, settled = _examples(version, how.examples, item)
        except (BadInput, ValueError) as error:
            problems.setdefault("examples", str(error))
        request = asked_of(version, item, CallKey(variant), examples)
        lengths = about_length(request)
    least = len(first_calls(how, n_options))
    most = len(calls) * how.repeats.most if how.repeats else least
    return Preview(
        problems=problems,
        item=item,
        place=place,
        n_items=n_items,
        variant=variant,
        request=request,
        calls=calls,
        calls_least=least,
        calls_most=most,
        tokens_in=least * lengths[0],
        tokens_out=least * lengths[1],
        price=_price(price, least, lengths),
        is_free=price is not None and price.rates.is_free,
        examples_settled=settled,
    )


def variant_words(how: How, variant: str) -> str:
    """What a variant is, for people: "options reversed, wording 2"."""
    order, wording = variant_parts(variant)
    said = []
    if order and how.ask == "pairwise":
        said.append(_("the texts exchanged"))
    elif order and how.orders == "both":
        said.append(_("reversed"))
    elif order:
        said.append(_("number %(n)s first") % {"n": order + 1})
    if wording:
        said.append(_("wording %(n)s") % {"n": wording + 1})
    return ", ".join(said) or _("as given")


def _item_at(version: JudgeVersion, place: int) -> tuple[Item | None, int, int]:
    """The item at a place from 1, that place, and how many there are."""
    everything = items_askable(version)
    known = items_answered(everything, version.question)
    n_items, n_known = everything.count(), known.count()
    if not n_items:
        return None, 0, 0
    place = min(max(1, place), n_items)
    if place <= n_known:
        return known[place - 1], place, n_items
    rest = items_answered(everything, version.question, answered=False)
    return rest[place - 1 - n_known], place, n_items


def _examples(
    version: JudgeVersion, how: Examples | None, item: Item
) -> tuple[list[Example], bool]:
    """The examples shown with an item, and whether they would be these. Embeds nothing: which are
    most similar, or unlike each other, is only known where all vectors are kept already. Raises
    BadInput for too few answered items, ValueError for fixed ones without an answer.
    """
    if how is None:
        return [], True
    answered = examples_known(version.question, how)
    settled, wanted, vectors = True, how, None
    if how.choice == "diverse":
        texts = texts_of(list(Item.objects.filter(pk__in=answered)))
        known = known_vectors(list(texts.values()))
        settled = all(text in known for text in texts.values())
        if settled:
            vectors = {each: known[text] for each, text in texts.items()}
        else:
            wanted = dataclasses.replace(how, choice="random")
    kept = chosen(wanted, answered, vectors)
    version.parameters["examples"] = [[each, answered[each]] for each in kept]
    pool = example_pool(version)
    if pool is None:
        return [], True
    text = texts_of([item])[item.pk]
    if pool.missing or not (text in pool.vectors or known_vectors([text])):
        # Near copies of the item cannot be told yet, so that one of these may be left out.
        return pool.first(item), False
    return pool.of(item), settled


def _price(price: Price | None, calls: int, lengths: tuple[int, int]) -> Decimal | None:
    one = call_price(price, tokens_in=lengths[0], tokens_out=lengths[1])
    return None if one is None else one * calls
