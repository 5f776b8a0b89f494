"""How the local classifier is asked: in batches, from vectors that are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from annotate.errors import Conflict
from annotate.models import ConfidenceSource, Item
from judges.models import Call, CallState, JudgeVersion, Outcome, Run
from judges.providers import local_classifier
from judges.providers.base import ProviderError
from judges.providers.local_classifier import Trained
from judges.selectors.panels import OUT_OF_FOLD, is_panel
from judges.selectors.specs import question_spec
from judges.services.asking import Answered, Aside
from judges.services.calls import Result
from judges.services.embeddings import vectors_keep, vectors_kept
from judges.services.learning import Lessons

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = dict[str, NDArray[np.float32]]


class ClassifierAsker:
    """Answers 16 calls a piece: zero-shot, or trained on the version's training set.

    The vectors are read and kept here, between pieces; a piece embeds what is missing and predicts.
    """

    chunk = 16
    width = 1

    def __init__(self, run: Run, version: JudgeVersion) -> None:
        self._run = run
        self._version = version
        self._model = version.model
        self._facets: tuple[str, ...] = ()
        self._trained: Trained | None = None
        self._held_out: dict[int, NDArray[np.float64]] = {}
        self._held_out_codes: tuple[int, ...] = ()
        self._fresh: Vectors = {}
        self._options: Vectors = {}

    # --- Getting ready ------------------------------------------------------------------------

    def prepare(self, aside: Aside, say: Callable[[str], None]) -> None:
        if self._model != local_classifier.MODEL:
            raise ProviderError(
                "model_gone",
                _(
                    "This judge was made with %(was)s, and this Concord has %(now)s. Make a new "
                    "version of it."
                )
                % {"was": self._model, "now": local_classifier.MODEL},
            )
        if self._version.training:
            self._fit(aside, say)

    def _fit(self, aside: Aside, say: Callable[[str], None]) -> None:
        pairs = self._version.training["labels"]
        items = Item.objects.in_bulk([item_id for item_id, _code in pairs])
        pairs = [pair for pair in pairs if pair[0] in items]
        fields = [items[item_id].fields for item_id, _code in pairs]
        self._facets = local_classifier.facet_fields(fields)
        rendered = [local_classifier.render(f, self._facets) for f in fields]
        vectors = self._vectors([r.text for r in rendered], aside, say)
        learnt = Lessons(
            vectors=_stacked(vectors[r.text] for r in rendered),
            codes=[code for _item_id, code in pairs],
            facets=[r.facets for r in rendered],
        )
        if len(set(vectors)) < 2:
            raise Conflict(_("All items it should learn from hold the same text."))
        say(_("Learning from people’s labels"))
        plain, held_out = self._wanted()
        if plain:
            self._trained = aside(learnt.fit)
        if held_out:
            parameters = self._version.parameters
            say(_("Learning again, with each part held out"))
            found = aside(
                lambda: learnt.held_out(
                    folds=parameters["folds"],
                    seed=parameters["seed"],
                    near_copy=parameters["near_copy"],
                )
            )
            self._held_out_codes = found.codes
            self._held_out = {
                pair[0]: row for pair, row in zip(pairs, found.probabilities, strict=True)
            }

    def _wanted(self) -> tuple[bool, bool]:
        """Whether it is asked about items it has not learnt from, and about such as it has."""
        if is_panel(self._run.version):
            # As a member of a panel it may be asked about any item, later.
            return True, self._run.items.filter(item__in=self._learnt()).exists()
        waiting = self._run.calls.exclude(state=CallState.CLOSED)
        return (
            waiting.exclude(variant=OUT_OF_FOLD).exists(),
            waiting.filter(variant=OUT_OF_FOLD).exists(),
        )

    def _learnt(self) -> list[int]:
        return [item_id for item_id, _code in self._version.training["labels"]]

    def _vectors(self, texts: Sequence[str], aside: Aside, say: Callable[[str], None]) -> Vectors:
        """Vectors of many texts, kept chunk by chunk, so that a killed worker goes on there."""
        found: Vectors = {}
        distinct = list(dict.fromkeys(texts))
        for start in range(0, len(distinct), 64):
            chunk = distinct[start : start + 64]
            known = vectors_kept(self._model, chunk)
            missing = [text for text in chunk if text not in known]
            if missing:
                say(
                    _("Reading what it learns from: %(done)s of %(all)s texts")
                    % {"done": start, "all": len(distinct)}
                )
                aside(partial(self._embed, missing))
                known |= self._fresh
                self.after()
            found |= known
        return found

    # --- Answering ----------------------------------------------------------------------------

    def piece(self, calls: Sequence[Call]) -> Callable[[], list[Answered]]:
        wanted: set[str] = set()
        for call in calls:
            if call.variant != OUT_OF_FOLD:
                wanted |= {self._text(call), *self._option_texts(call)}
        wanted -= self._options.keys()
        known = vectors_kept(self._model, wanted) | self._options
        return lambda: self._answer(calls, known)

    def after(self) -> None:
        """Keep the vectors that the last piece brought."""
        fresh, self._fresh = self._fresh, {}
        vectors_keep(self._model, fresh)

    def bound(self, call: Call) -> int | None:
        """Nothing: it runs here."""
        return 0

    def hash_of(self, call: Call) -> str:
        """Nothing is taken from before: it costs nothing."""
        return ""

    def _answer(self, calls: Sequence[Call], known: Vectors) -> list[Answered]:
        started = time.monotonic()
        wanted = [text for call in calls for text in self._needed(call) if text not in known]
        self._embed(list(dict.fromkeys(wanted)))
        known = known | self._fresh
        told = [self._tell(call, known) for call in calls]
        seconds = (time.monotonic() - started) / len(calls)
        return [_result(codes, shares, seconds, self._model) for codes, shares in told]

    def _tell(self, call: Call, known: Vectors) -> tuple[Sequence[int], NDArray[np.float64]]:
        """Option codes and their probabilities for one item."""
        if call.variant == OUT_OF_FOLD:
            return self._held_out_codes, self._held_out[call.item_id]
        vector = _stacked([known[self._text(call)]])
        if self._trained is not None:
            facets = local_classifier.render(call.item.fields, self._facets).facets
            return self._trained.codes, self._trained.predict(vector, [facets])[0]
        texts = self._option_texts(call)
        # A few questions share their options' vectors over all items: kept at hand.
        if len(self._options) < 1000:
            self._options |= {text: known[text] for text in texts}
        codes = [option.code for option in self._version.question.options.all()]
        shares = local_classifier.zero_shot(
            vector,
            _stacked(known[text] for text in texts),
            temperature=self._version.parameters["temperature"],
        )
        return codes, shares[0]

    def _embed(self, texts: Sequence[str]) -> None:
        if texts:
            vectors = local_classifier.embed(texts)
            self._fresh |= dict(zip(texts, vectors, strict=True))

    def _needed(self, call: Call) -> list[str]:
        if call.variant == OUT_OF_FOLD:
            return []
        return [self._text(call), *self._option_texts(call)]

    def _text(self, call: Call) -> str:
        return local_classifier.render(call.item.fields, self._facets).text

    def _option_texts(self, call: Call) -> tuple[str, ...]:
        if self._version.training:
            return ()
        return local_classifier.option_texts(
            question_spec(self._version.question, call.item.fields)
        )


def _result(
    codes: Sequence[int], shares: NDArray[np.float64], seconds: float, model: str
) -> Result:
    best = int(shares.argmax())
    return Result(
        price=Decimal(0),
        outcome=Outcome.LABEL,
        choice=int(codes[best]),
        confidence=min(1.0, float(shares[best])),
        confidence_source=ConfidenceSource.CLASSIFIER,
        distribution={int(code): float(share) for code, share in zip(codes, shares, strict=True)},
        seconds=seconds,
        model=model,
    )


def _stacked(vectors: object) -> NDArray[np.float32]:
    import numpy as np

    return np.stack(list(vectors))  # type: ignore[call-overload]
