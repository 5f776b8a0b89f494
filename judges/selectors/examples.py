"""The examples that a judge version keeps, and which of them an item is shown."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from annotate.models import Item, Question, Ruling, RulingStatus
from annotate.selectors.questions import question_text
from judges.models import JudgeVersion
from judges.prompting.build import Example
from judges.prompting.examples import shown
from judges.prompting.how import Examples, How
from judges.providers import local_classifier
from judges.selectors.training import training_set
from judges.selectors.vectors import vectors_kept

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# So many answered items are looked at at most: a random sample of them by the seed.
MOST_DIVERSE = 150
MOST_SIMILAR = 1_000
_CHUNK = 400


def answered_for(question: Question, how: Examples) -> dict[int, int]:
    """Item id -> code of the items whose answer may be an example. Labels of judges never count."""
    labels = dict(training_set(question).labels)
    if how.source == "rulings":
        ruled = Ruling.objects.filter(
            question=question, status=RulingStatus.LIVE, choice__isnull=False
        )
        wanted = set(ruled.values_list("item_id", flat=True))
        labels = {item: code for item, code in labels.items() if item in wanted}
    most = {"diverse": MOST_DIVERSE, "similar": MOST_SIMILAR}.get(how.choice)
    if most is None or len(labels) <= most:
        return labels
    return {item: labels[item] for item in random.Random(how.seed).sample(sorted(labels), most)}


def texts_of(items: Sequence[Item]) -> dict[int, str]:
    """The text of each item that is embedded, by its id."""
    return {item.pk: local_classifier.render(item.fields).text for item in items}


def known_vectors(texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """The vectors kept of these texts. A query for each 400."""
    found: dict[str, NDArray[np.float32]] = {}
    distinct = list(dict.fromkeys(texts))
    for start in range(0, len(distinct), _CHUNK):
        found |= vectors_kept(local_classifier.MODEL, distinct[start : start + _CHUNK])
    return found


@dataclass
class ExamplePool:
    """The examples kept with a version. `vectors` (text -> vector) is filled by whoever embeds;
    `missing` are the texts without one.
    """

    how: Examples
    question: Question
    kept: list[int]
    codes: dict[int, int]
    items: dict[int, Item]
    texts: dict[int, str]
    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        wanted = dict.fromkeys(self.texts[item] for item in self.kept)
        return [text for text in wanted if text not in self.vectors]

    def of(self, item: Item) -> list[Example]:
        """Those shown with an item: never itself nor a near copy. Embeds the item's text where its
        vector is not known. Raises ProviderError.
        """
        text = local_classifier.render(item.fields).text
        vector = self.vectors.get(text)
        if vector is None:
            vector = known_vectors([text]).get(text)
        if vector is None:
            vector = local_classifier.embed([text])[0]
        by_item = {
            each: self.vectors[self.texts[each]]
            for each in self.kept
            if self.texts[each] in self.vectors
        }
        found = shown(self.how, self.kept, item.pk, vector, by_item)
        return [self._example(each) for each in found]

    def first(self, item: Item) -> list[Example]:
        """The first of them but the item itself: a preview, for which nothing is embedded."""
        found = [each for each in self.kept if each != item.pk]
        return [self._example(each) for each in found[: self.how.count]]

    def _example(self, item: int) -> Example:
        fields = self.items[item].fields
        return Example(fields, self.codes[item], question=question_text(self.question, fields))


def example_pool(version: JudgeVersion) -> ExamplePool | None:
    """The examples of a version, None where it has none. Items deleted since are left out."""
    how = How.from_dict(version.parameters.get("how")).examples
    if how is None:
        return None
    codes: dict[int, int] = dict(version.parameters.get("examples", []))
    items = Item.objects.in_bulk(list(codes))
    texts = texts_of(list(items.values()))
    return ExamplePool(
        how=how,
        question=version.question,
        kept=[item for item in codes if item in items],
        codes=codes,
        items=items,
        texts=texts,
        vectors=known_vectors(list(texts.values())),
    )
