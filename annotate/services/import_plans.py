"""What each column of a file is for: plans for items and for labels, and first guesses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotate.errors import BadInput
from annotate.models import ImportKind, QuestionKind, RaterKind
from annotate.services.projects import OptionDraft


class Use(models.TextChoices):
    """What one column is used as. ITEM to TIME at most once a file."""

    ITEM = "item", gettext_lazy("Item id")
    RATER = "rater", gettext_lazy("Rater")
    KIND = "kind", gettext_lazy("Kind of rater")
    LABEL = "label", gettext_lazy("Label")
    QUESTION = "question", gettext_lazy("Question")
    CONFIDENCE = "confidence", gettext_lazy("Confidence")
    DISTRIBUTION = "distribution", gettext_lazy("Probabilities of the options")
    RATIONALE = "rationale", gettext_lazy("Rationale")
    TIME = "time", gettext_lazy("Time")
    SHOWN = "shown", gettext_lazy("Shown field")
    METADATA = "metadata", gettext_lazy("Metadata, not shown")
    OUT = "out", gettext_lazy("Left out")


SEVERAL = {Use.SHOWN, Use.METADATA, Use.OUT}
OF_ITEMS = [Use.ITEM, Use.SHOWN, Use.METADATA, Use.OUT]
OF_LABELS = list(Use)

NAMES: dict[Use, frozenset[str]] = {
    Use.ITEM: frozenset(
        {"item_id", "item", "id", "external_id", "itemid", "text_id", "doc_id", "document_id"}
        | {"example_id", "task_id", "uid"}
    ),
    Use.RATER: frozenset(
        {"annotator_id", "annotator", "rater", "rater_id", "worker", "worker_id", "coder"}
        | {"user", "labeler", "labeller", "model", "judge"}
    ),
    Use.KIND: frozenset(
        {"annotator_kind", "rater_kind", "kind", "annotator_type", "rater_type", "origin"}
    ),
    Use.LABEL: frozenset(
        {"label", "answer", "rating", "score", "choice", "class", "category", "annotation", "vote"}
    ),
    Use.QUESTION: frozenset({"question", "question_key", "question_id"}),
    Use.CONFIDENCE: frozenset({"confidence", "probability", "conf"}),
    Use.DISTRIBUTION: frozenset({"distribution", "probabilities", "probs"}),
    Use.RATIONALE: frozenset({"rationale", "reason", "explanation", "comment"}),
    Use.TIME: frozenset({"time", "timestamp", "created_at", "submitted_at", "date"}),
}
NOT_SHOWN = ("_id", "url", "date", "time", "source", "split", "hash", "version")
PERSON_WORDS = frozenset({"person", "human", "people", "annotator", "member", "crowd", "expert"})
JUDGE_WORDS = frozenset({"judge", "llm", "model", "machine", "ai"})
# A question made from a file's values has at most so many options.
MAX_OPTIONS = 200


def rater_kind(word: str) -> str | None:
    """Person or judge from the word of a file, or None where it is neither."""
    plain = word.strip().lower()
    if plain in PERSON_WORDS:
        return RaterKind.PERSON.value
    return RaterKind.JUDGE.value if plain in JUDGE_WORDS else None


@dataclass(frozen=True)
class ItemPlan:
    """Columns by name. ``item`` None: the id is made from the shown content."""

    item: str | None
    shown: list[str]
    metadata: list[str] = field(default_factory=list)

    def columns(self) -> list[str]:
        return [*([self.item] if self.item else []), *self.shown, *self.metadata]


@dataclass(frozen=True)
class LabelPlan:
    """Columns by name, or a fixed rater, kind and question where no column says it.

    ``questions`` is key -> id of the questions a label may answer; without a ``question`` column
    there is one. ``create``: items that are not here are made, of ``shown`` or else of their id.
    """

    item: str
    label: str
    rater: str | None = None
    rater_name: str = ""
    kind: str | None = None
    fixed_kind: str = RaterKind.PERSON.value
    question: str | None = None
    questions: dict[str, int] = field(default_factory=dict)
    confidence: str | None = None
    rationale: str | None = None
    time: str | None = None
    create: bool = False
    shown: list[str] = field(default_factory=list)
    metadata: list[str] = field(default_factory=list)
    distribution: str | None = None

    def columns(self) -> list[str]:
        single = (self.item, self.label, self.rater, self.kind, self.question, self.confidence)
        named = [name for name in (*single, self.distribution, self.rationale, self.time) if name]
        return [*named, *(self.shown if self.create else []), *self.metadata]


def plan_as_dict(plan: ItemPlan | LabelPlan) -> dict[str, Any]:
    return asdict(plan)


def plan_of(kind: str, stored: Mapping[str, Any]) -> ItemPlan | LabelPlan:
    return ItemPlan(**stored) if kind == ImportKind.ITEMS else LabelPlan(**stored)


def plan_check(plan: ItemPlan | LabelPlan, columns: Sequence[str]) -> None:
    """Raise BadInput where a plan names a column that the file has not, or lacks what it needs."""
    absent = [name for name in plan.columns() if name not in columns]
    if absent:
        raise BadInput(
            _("The file has no column “%(name)s”. It has: %(columns)s.")
            % {"name": absent[0], "columns": ", ".join(columns)}
        )
    if isinstance(plan, ItemPlan) and not plan.shown:
        raise BadInput(
            _("Choose one column or more to be shown: it is what people and judges read.")
        )
    if isinstance(plan, LabelPlan) and not (plan.rater or plan.rater_name.strip()):
        raise BadInput(
            _("Choose the column that names the rater, or write the name of the one rater.")
        )


def item_plan(uses: Mapping[str, str]) -> ItemPlan:
    """The plan of what each column is used as (column -> Use), shown fields in their order."""
    return ItemPlan(
        item=_only(uses, Use.ITEM),
        shown=_all(uses, Use.SHOWN),
        metadata=_all(uses, Use.METADATA),
    )


def label_plan(
    uses: Mapping[str, str],
    *,
    rater_name: str = "",
    fixed_kind: str = RaterKind.PERSON.value,
    question_key: str = "",
    create: bool = False,
) -> LabelPlan:
    """The plan of what each column is used as. Raises BadInput without an item or label column."""
    item, label = _only(uses, Use.ITEM), _only(uses, Use.LABEL)
    if item is None or label is None:
        raise BadInput(_("Choose the column of the item ids and the column of the labels."))
    return LabelPlan(
        item=item,
        label=label,
        rater=_only(uses, Use.RATER),
        rater_name=rater_name.strip(),
        kind=_only(uses, Use.KIND),
        fixed_kind=fixed_kind,
        question=_only(uses, Use.QUESTION),
        questions={question_key: 0} if question_key else {},
        confidence=_only(uses, Use.CONFIDENCE),
        rationale=_only(uses, Use.RATIONALE),
        time=_only(uses, Use.TIME),
        create=create,
        shown=_all(uses, Use.SHOWN) if create else [],
        metadata=_all(uses, Use.METADATA) if create else [],
        distribution=_only(uses, Use.DISTRIBUTION),
    )


def _all(uses: Mapping[str, str], use: Use) -> list[str]:
    return [name for name, given in uses.items() if given == use]


def _only(uses: Mapping[str, str], use: Use) -> str | None:
    found = _all(uses, use)
    if len(found) > 1:
        raise BadInput(
            _("Only one column can be the %(use)s, but %(columns)s are.")
            % {"use": use.label, "columns": ", ".join(found)}
        )
    return found[0] if found else None


# --- Guesses ------------------------------------------------------------------------------------


def uses_guess(
    kind: str, columns: Sequence[str], examples: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """A first guess of each column's use, from its name and some values. A person confirms it."""
    taken: set[Use] = set()
    guessed: dict[str, str] = {}
    wanted = [Use.ITEM] if kind == ImportKind.ITEMS else list(NAMES)
    for use in wanted:
        for name in columns:
            if name not in guessed and use not in taken and _plain(name) in NAMES[use]:
                guessed[name] = use.value
                taken.add(use)
    if Use.ITEM not in taken:
        named = (name for name in columns if name not in guessed and _plain(name).endswith("_id"))
        found = next((name for name in named if _all_differ(examples.get(name, ()))), None)
        if found is not None:
            guessed[found] = Use.ITEM.value
    for name in columns:
        if name not in guessed:
            guessed[name] = _rest(kind, name, examples.get(name, ())).value
    shown = [name for name in columns if guessed[name] == Use.SHOWN]
    if kind == ImportKind.ITEMS and not shown:
        for name in columns:
            if guessed[name] == Use.METADATA:
                guessed[name] = Use.SHOWN.value
                break
    return {name: guessed[name] for name in columns}


def _rest(kind: str, name: str, values: Sequence[str]) -> Use:
    filled = [value for value in values if value]
    numeric = bool(filled) and all(_is_number(value) for value in filled)
    structured = any(value[:1] in "[{" and value[-1:] in "]}" for value in filled)
    if numeric or structured or _plain(name).endswith(NOT_SHOWN):
        return Use.METADATA if kind == ImportKind.ITEMS else Use.OUT
    return Use.SHOWN


def _plain(name: str) -> str:
    return re.sub(r"[\s.-]+", "_", name.strip().lower())


def _all_differ(values: Sequence[str]) -> bool:
    return bool(values) and len(set(values)) == len(values) and all(values)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def question_guess(values: Mapping[str, int]) -> tuple[str, list[OptionDraft]]:
    """Kind and options of a question for these values (value -> how often).

    More than two whole numbers make a rating, in their order; else a single choice, the commonest
    first.
    """
    named = {value.strip(): count for value, count in values.items() if value.strip()}
    if len(named) > 2 and all(_is_whole(value) for value in named):
        ordered = sorted(named, key=int)
        kind = QuestionKind.RATING.value
    else:
        ordered = sorted(named, key=lambda value: (-named[value], value))
        kind = QuestionKind.SINGLE.value
    return kind, [OptionDraft(value, value) for value in ordered]


def _is_whole(value: str) -> bool:
    return value.lstrip("-").isascii() and value.lstrip("-").isdecimal()
