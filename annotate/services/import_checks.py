"""Checking one record against the plan: a staged row, or the reason why it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime

from annotate.kinds import CHOICES, Asked, Said, Unfit, asked_of, kind_of
from annotate.models import Project, Question
from annotate.services.import_look import cell_text
from annotate.services.import_plans import ItemPlan, LabelPlan, rater_kind
from annotate.services.import_records import MAX_TEXT
from annotate.services.items import content_hash

MAX_ID = 500
MAX_RATER = 200
# Probabilities written with few decimals may sum to a little more than 1.
SLACK = 0.01


class Refused(Exception):
    """This record is refused: a code of import_refusals.SENTENCES and what its sentence names."""

    def __init__(self, code: str, **args: Any) -> None:
        super().__init__(code)
        self.code = code
        self.args_told = args


class ItemCheck:
    """Called with a record's values and line, gives ``[id, fields, metadata]``; raises Refused.

    ``first`` says on which line an id first stood (import_staging.Seen).
    """

    def __init__(self, plan: ItemPlan, first: Callable[[str, int], int]) -> None:
        self._plan = plan
        self._first = first

    def __call__(self, values: Mapping[str, Any], line: int) -> list[Any]:
        plan = self._plan
        fields = _fields(values, plan.shown)
        if not any(text.strip() for text in fields.values()):
            raise Refused("nothing_shown", columns=", ".join(plan.shown))
        metadata = _metadata(values, plan.metadata)
        name = _id(values, plan.item) if plan.item else f"h-{content_hash(fields)[:24]}"
        first = self._first(name, line)
        if first != line:
            raise Refused("duplicate_id", id=name, first=first)
        return [name, fields, metadata]


class LabelCheck:
    """Called with a record's values and line; raises Refused.

    Gives ``[item id, rater, kind, question id, choice, confidence, rationale, time, fields,
    metadata, value, distribution]``; fields and metadata are for an item that has to be made, else
    null; of choice and value one is null.
    """

    def __init__(self, plan: LabelPlan, project: Project) -> None:
        self._plan = plan
        self._questions: dict[str, Question] = {}
        self._asked: dict[int, Asked] = {}
        ids = plan.questions.values()
        rows = Question.objects.filter(project=project, pk__in=ids).prefetch_related("options")
        for question in rows:
            self._questions[question.key] = question
            self._asked[question.pk] = asked_of(question)

    def __call__(self, values: Mapping[str, Any], line: int) -> list[Any]:
        plan = self._plan
        item = _id(values, plan.item)
        rater = self._rater(values)
        kind = self._kind(values)
        question = self._question(values)
        said = self._said(values, question)
        fields = metadata = None
        if plan.create:
            fields = _fields(values, plan.shown)
            if not any(text.strip() for text in fields.values()):
                fields = {"text": item}
            metadata = _metadata(values, plan.metadata)
        return [
            item,
            rater,
            kind,
            question.pk,
            said.choice,
            _confidence(_optional(values, plan.confidence)),
            _sound(_optional(values, plan.rationale), plan.rationale or ""),
            _time(_optional(values, plan.time)),
            fields,
            metadata,
            said.value,
            _distribution(values, plan.distribution, self._asked[question.pk]),
        ]

    def _rater(self, values: Mapping[str, Any]) -> str:
        column = self._plan.rater
        if column is None:
            return self._plan.rater_name.strip()
        name = _sound(_needed(values, column), column).strip()
        if not name:
            raise Refused("empty_rater", column=column)
        if len(name) > MAX_RATER:
            raise Refused("long_id", column=column, limit=MAX_RATER)
        return name

    def _kind(self, values: Mapping[str, Any]) -> str:
        if self._plan.kind is None:
            return self._plan.fixed_kind
        word = _needed(values, self._plan.kind)
        kind = rater_kind(word)
        if kind is None:
            raise Refused("no_kind", value=word[:100])
        return kind

    def _question(self, values: Mapping[str, Any]) -> Question:
        column = self._plan.question
        if column is None:
            return next(iter(self._questions.values()))
        key = _needed(values, column).strip()
        question = self._questions.get(key)
        if question is None:
            raise Refused("no_question", value=key[:100], questions=", ".join(self._questions))
        return question

    def _said(self, values: Mapping[str, Any], question: Question) -> Said:
        """The answer, checked but for what only the item can tell (import_labels does that)."""
        column = self._plan.label
        value = _needed(values, column).strip()
        if not value:
            raise Refused("empty_label", column=column)
        asked = self._asked[question.pk]
        if asked.kind in CHOICES:
            code = asked.codes.get(value)
            if code is None:
                options = ", ".join(option.key for option in asked.options)
                raise Refused(
                    "no_option", value=value[:100], question=question.name, options=options[:300]
                )
            return Said(choice=code)
        _sound_deep(values[column], column)
        try:
            return kind_of(asked).read(asked, values[column])
        except Unfit as error:
            raise Refused("unfit", reason=error.message) from None


def _needed(values: Mapping[str, Any], column: str) -> str:
    if column not in values:
        raise Refused("missing_column", column=column)
    return cell_text(values[column])


def _optional(values: Mapping[str, Any], column: str | None) -> str:
    return cell_text(values.get(column)) if column else ""


def _id(values: Mapping[str, Any], column: str) -> str:
    name = _sound(_needed(values, column), column).strip()
    if not name:
        raise Refused("empty_id", column=column)
    if len(name) > MAX_ID:
        raise Refused("long_id", column=column, limit=MAX_ID)
    return name


def _fields(values: Mapping[str, Any], columns: list[str]) -> dict[str, str]:
    return {column: _sound(_needed(values, column), column) for column in columns}


def _metadata(values: Mapping[str, Any], columns: list[str]) -> dict[str, Any]:
    kept = {column: values[column] for column in columns if column in values}
    for column, value in kept.items():
        _sound_deep(value, column)
    return kept


def _sound(text: str, column: str) -> str:
    """Refuse what no database keeps or no screen shows: NUL, half characters, endless text."""
    if len(text) > MAX_TEXT:
        raise Refused("too_long", column=column)
    if "\0" in text:
        raise Refused("nul", column=column)
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise Refused("surrogate", column=column) from None
    return text


def _sound_deep(value: Any, column: str) -> None:
    if isinstance(value, str):
        _sound(value, column)
    elif isinstance(value, list):
        for part in value:
            _sound_deep(part, column)
    elif isinstance(value, dict):
        for name, part in value.items():
            _sound(name, column)
            _sound_deep(part, column)


def _confidence(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise Refused("confidence", value=text[:100])
    return number


def _distribution(
    values: Mapping[str, Any], column: str | None, asked: Asked
) -> dict[str, float] | None:
    """Probability by option code, of an object {"option": 0.7} or its text in a cell; None where
    the cell is empty. Where one option is chosen they may not sum to more than 1.
    """
    given = values.get(column) if column else None
    if isinstance(given, str):
        if not given.strip():
            return None
        try:
            given = json.loads(given[:MAX_TEXT])
        except (ValueError, RecursionError):
            raise Refused("distribution") from None
    if given is None:
        return None
    if not isinstance(given, dict) or not given or not asked.options:
        raise Refused("distribution")
    found: dict[str, float] = {}
    for name, share in given.items():
        code = asked.codes.get(str(name))
        if code is None:
            options = ", ".join(option.key for option in asked.options)
            raise Refused(
                "no_option", value=str(name)[:100], question=asked.name, options=options[:300]
            )
        is_number = isinstance(share, int | float) and not isinstance(share, bool)
        if not is_number or not 0 <= share <= 1:
            raise Refused("distribution")
        found[str(code)] = float(share)
    if asked.kind in CHOICES and sum(found.values()) > 1 + SLACK:
        raise Refused("distribution")
    return found


def _time(text: str) -> str | None:
    """The time in ISO 8601; without a zone it is taken as UTC."""
    plain = text.strip()
    if not plain:
        return None
    try:
        moment = parse_datetime(plain)
        if moment is None and (day := parse_date(plain)) is not None:
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        moment = None
    if moment is None:
        raise Refused("time", value=plain[:100])
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
