"""All kinds by name."""

from __future__ import annotations

from annotate.kinds.base import Asked, Kind
from annotate.kinds.choice import Pairwise, Rating, Single
from annotate.kinds.multiple import Multiple
from annotate.kinds.number import Number
from annotate.kinds.ranking import Ranking
from annotate.kinds.span import Span
from annotate.kinds.text import Text

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Single(),
        Multiple(),
        Rating(),
        Number(),
        Text(),
        Pairwise(),
        Ranking(),
        Span(),
    )
}
# Kinds whose labels hold an option code, as one name of the database's filters.
CHOICES = tuple(name for name, kind in KINDS.items() if kind.stores_choice)


def kind_of(asked: Asked) -> Kind:
    return KINDS[asked.kind]
