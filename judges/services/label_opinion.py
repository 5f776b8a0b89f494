"""What the local classifier makes of people's labels: each told by a fit that has not seen it.

Part of the search for label errors (annotate/services/label_errors.py). It needs no key and no
network, so a file of texts and labels alone can be looked through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from annotate.models import Item, Question
from annotate.services.model_opinion import Opinion, register
from judges.providers import local_classifier
from judges.providers.local_classifier import Rendered
from judges.selectors.training import MAX_LABELS
from judges.services.embeddings import vectors_keep, vectors_kept
from judges.services.learning import Lessons

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Fewer items teach too little, and of an option with fewer it is not asked.
LEAST_ITEMS = 30
LEAST_A_CODE = 5
# Items that are looked at: what they say is read once, which takes the time.
MOST_ITEMS = 20_000
FOLDS = 5
SEED = 0
NEAR_COPY = 0.9
CHUNK = 32


def opinion_register() -> None:
    register(out_of_fold_opinion)


def out_of_fold_opinion(
    question: Question, codes: Mapping[int, int], say: Callable[[str], None]
) -> Opinion | None:
    """The classifier's probabilities, out of fold, for at most MOST_ITEMS items.

    ``codes``: one option code an item. It learns from at most MAX_LABELS of them, the first in the
    random order of the items; the others are told by a fit on those, which have seen none of them.
    None where there is too little to learn from. Texts that are read are kept (TextVector).
    """
    import numpy as np

    frequent = {code for code, n in Counter(codes.values()).items() if n >= LEAST_A_CODE}
    wanted = [pk for pk, code in codes.items() if code in frequent]
    if len(wanted) < LEAST_ITEMS or len(frequent) < 2:
        return None
    rows = _items(question, set(wanted))
    fields = [of for _pk, of in rows]
    facets = local_classifier.facet_fields(fields[:MAX_LABELS])
    rendered = [local_classifier.render(of, facets) for of in fields]
    vectors = _vectors(rendered, say)
    if len({one.text for one in rendered[:MAX_LABELS]}) < 2:
        return None
    answers = [codes[pk] for pk, _of in rows]
    learnt = Lessons(
        vectors=vectors[:MAX_LABELS],
        codes=answers[:MAX_LABELS],
        facets=[one.facets for one in rendered[:MAX_LABELS]],
    )
    if len(set(learnt.codes)) < 2:
        return None
    say(_("Learning from people’s labels, with each part held out"))
    found = learnt.held_out(folds=FOLDS, seed=SEED, near_copy=NEAR_COPY)
    told = found.probabilities
    if len(rows) > MAX_LABELS:
        say(_("Learning from people’s labels"))
        fitted = learnt.fit()
        others = [one.facets for one in rendered[MAX_LABELS:]]
        told = np.vstack([told, fitted.predict(vectors[MAX_LABELS:], others)])
    named = np.array(found.codes)[told.argmax(axis=1)]
    return Opinion(
        name=local_classifier.MODEL,
        shares={
            pk: dict(zip(found.codes, map(float, row), strict=True))
            for (pk, _of), row in zip(rows, told, strict=True)
        },
        right=int((named == np.array(answers)).sum()),
        of=len(rows),
        common=max(Counter(answers).values()),
    )


def _items(question: Question, wanted: set[int]) -> list[tuple[int, dict[str, str]]]:
    """Ids and shown fields of these items, the first MOST_ITEMS in their random order."""
    found: list[tuple[int, dict[str, str]]] = []
    rows = Item.objects.filter(project_id=question.project_id).order_by("draw", "pk")
    for pk, fields in rows.values_list("pk", "fields").iterator(chunk_size=2000):
        if pk in wanted:
            found.append((pk, fields))
            if len(found) == MOST_ITEMS:
                break
    return found


def _vectors(rendered: list[Rendered], say: Callable[[str], None]) -> NDArray[np.float32]:
    """A row for each, in order. New ones are kept chunk by chunk, so a killed worker goes on there.

    ``say`` is called for each chunk, some seconds apart at most.
    """
    import numpy as np

    texts = list(dict.fromkeys(one.text for one in rendered))
    found: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        found |= vectors_kept(local_classifier.MODEL, chunk)
        missing = [text for text in chunk if text not in found]
        if missing:
            say(
                _("Reading what it learns from: %(done)s of %(all)s texts")
                % {"done": start, "all": len(texts)}
            )
            fresh = dict(zip(missing, local_classifier.embed(missing), strict=True))
            vectors_keep(local_classifier.MODEL, fresh)
            found |= fresh
    return np.stack([found[one.text] for one in rendered])
