"""Answers that are there already: exactly the same request, put to the same model before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from judges.models import Call, Connection, Outcome, Purpose, Run
from judges.selectors.asked import how_of
from judges.services.calls import Result


def reuses(run: Run) -> bool:
    """Whether a run may take stored answers: repeats, trials and anchors are there to be asked."""
    return run.purpose == Purpose.LABEL and not how_of(run.version).repeats_itself


def answers_kept(run: Run, hashes: Sequence[str]) -> Mapping[str, Call]:
    """The newest labelled call of the project to each of these requests, of the same model at the
    same address. One query.

    A request holds all that is sent besides the model: words, options in their order, decoding.
    Answers of repeated sampling and of runs for other purposes are not among them, nor are replies
    that brought no label: those are asked again.
    """
    connection: Connection = run.version.connection
    found = (
        Call.objects.filter(
            request_hash__in=set(hashes) - {""},
            outcome=Outcome.LABEL,
            repeat=0,
            reused=None,
            run__project=run.project_id,
            run__purpose=Purpose.LABEL,
            run__version__model=run.version.model,
            run__version__connection__provider=connection.provider,
            run__version__connection__base_url=connection.base_url,
        )
        .select_related("run__version")
        .order_by("pk")
    )
    return {
        call.request_hash: call for call in found if not how_of(call.run.version).repeats_itself
    }


def result_of(call: Call) -> Result:
    """What a kept call says, as a result that costs nothing."""
    shares = call.distribution
    return Result(
        outcome=call.outcome,
        raw=call.raw_reply,
        choice=call.choice,
        confidence=call.confidence,
        confidence_source=call.confidence_source,
        distribution={int(code): share for code, share in shares.items()} if shares else None,
        label_mass=call.label_mass,
        rationale=call.rationale,
        model=call.model_reported,
        request_hash=call.request_hash,
        price=Decimal(0),
        reused=call.pk,
    )
