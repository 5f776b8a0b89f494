"""Judges that are backends giving labels: making one, and asking it in a run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial

from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.models import ConfidenceSource, Item, ItemStatus, Project, Question, User
from judges.exchange import QuestionSpec
from judges.models import Call, Connection, JudgeVersion, Outcome, ProviderName
from judges.providers.base import LabelProvider, ProviderError
from judges.providers.label_studio import task_body
from judges.selectors.specs import kind_check, question_spec
from judges.services.asking import Answered, Aside
from judges.services.calls import Result
from judges.services.connections import check_may_leave
from judges.services.providers import backend_of
from judges.services.versions import judge_version_create


def backend_version(actor: User, question: Question, connection: Connection) -> JudgeVersion:
    """A judge that is a backend behind a connection, at the version it names now.

    Asks the backend, so not to be called in a transaction. Another version of its model is another
    judge. Idempotent as judge_version_create. Raises BadInput, and ProviderError where the backend
    does not answer.
    """
    if connection.provider != ProviderName.LABEL_STUDIO:
        raise BadInput(_("This connection is no backend that gives labels."))
    kind_check(question)
    check_may_leave(connection)
    model = backend_of(connection).set_up(
        question_spec(question, {}), _field_names(question.project)
    )
    return judge_version_create(
        actor,
        question,
        connection,
        name=f"{connection.name} {model}".strip(),
        model=model,
        parameters={"backend": "label_studio"},
    )


class BackendAsker:
    """Asks a backend, one item a piece."""

    chunk = 1

    def __init__(self, version: JudgeVersion) -> None:
        self._version = version
        self._connection = version.connection
        self.width = int(self._connection.concurrency)
        self._provider: LabelProvider | None = None

    def prepare(self, aside: Aside, say: Callable[[str], None]) -> None:
        say(_("Telling the backend what is asked"))
        provider = backend_of(self._connection)
        question = question_spec(self._version.question, {})
        names = _field_names(self._version.project)
        now = aside(lambda: provider.set_up(question, names))
        if now != self._version.model:
            raise ProviderError(
                "model_gone",
                _(
                    "This judge is version “%(was)s” of the backend, which now has “%(now)s”. Make "
                    "a judge of the new one."
                )
                % {"was": self._version.model or "–", "now": now or "–"},
            )
        self._provider = provider

    def piece(self, calls: Sequence[Call]) -> Callable[[], list[Answered]]:
        if self._provider is None:
            raise RuntimeError("prepare() comes first.")
        asked = [
            (question_spec(self._version.question, call.item.fields), dict(call.item.fields))
            for call in calls
        ]
        return partial(_ask_all, self._provider, self._version.model, asked)

    def after(self) -> None:
        """Nothing to keep."""

    def bound(self, call: Call) -> int | None:
        """Nothing: a backend counts no tokens to charge for."""
        return 0

    def hash_of(self, call: Call) -> str:
        """Nothing is taken from before: it costs nothing."""
        return ""


def _ask_all(
    provider: LabelProvider, model: str, asked: Sequence[tuple[QuestionSpec, dict[str, str]]]
) -> list[Answered]:
    return [_ask(provider, model, question, fields) for question, fields in asked]


def _ask(
    provider: LabelProvider, model: str, question: QuestionSpec, fields: dict[str, str]
) -> Answered:
    try:
        said = provider.label(question, fields)
    except ProviderError as error:
        if error.concerns != "item":
            return error
        return Result(outcome=Outcome.FAILED, error=error.message, price=Decimal(0))
    body = json.dumps(task_body(question, fields), sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
    known = {
        "raw": said.raw,
        "seconds": said.seconds,
        "model": said.model,
        "request_hash": digest,
        "price": Decimal(0),
    }
    if model and said.model and said.model != model:
        # It learnt on in the middle of the run: what it says now is another judge's word.
        return ProviderError(
            "model_gone",
            _(
                "The backend now answers as version “%(now)s”; this judge is “%(was)s”. Make a "
                "judge of the new one."
            )
            % {"now": said.model, "was": model},
        )
    if said.code is None:
        return Result(outcome=Outcome.UNPARSEABLE, error=said.reason, **known)  # type: ignore[arg-type]
    return Result(
        outcome=Outcome.LABEL,
        choice=said.code,
        confidence=said.confidence,
        confidence_source=(
            ConfidenceSource.NONE if said.confidence is None else ConfidenceSource.SCORE
        ),
        **known,  # type: ignore[arg-type]
    )


def _field_names(project: Project) -> list[str]:
    """The names of the fields of the project's first item, in their order."""
    item = (
        Item.objects.filter(project=project, status=ItemStatus.LIVE).order_by("draw", "pk").first()
    )
    if item is None:
        raise Conflict(_("There are no items yet. Bring some in first."))
    return list(item.fields)
