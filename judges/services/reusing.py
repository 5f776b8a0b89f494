"""Answers that are there already: exactly the same request, put to the same model before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db.models import Q

from judges.models import Call, Connection, JudgeVersion, Outcome, Purpose, Run
from judges.selectors.asked import how_of
from judges.services.calls import Result


def reuses(run: Run, version: JudgeVersion) -> bool:
    """Whether a version asked in a run may take stored answers: repeats, trials and anchors are
    there to be asked.
    """
    return run.purpose == Purpose.LABEL and not how_of(version).repeats_itself


def answers_kept(run: Run, version: JudgeVersion, hashes: Sequence[str]) -> Mapping[str, Call]:
    """The newest labelled call of the project to each of these requests, of the same model at the
    same address; by itself or as a member of a panel. One query.

    A request holds all that is sent besides the model: words, options in their order, decoding.
    Answers of repeated sampling and of runs for other purposes are not among them, nor are replies
    that brought no label: those are asked again.
    """
    connection: Connection = version.connection
    same = {
        "model": version.model,
        "connection__provider": connection.provider,
        "connection__base_url": connection.base_url,
    }
    alone = Q(member=None, **{f"run__version__{name}": value for name, value in same.items()})
    in_panel = Q(**{f"member__{name}": value for name, value in same.items()})
    found = (
        Call.objects.filter(
            alone | in_panel,
            request_hash__in=set(hashes) - {""},
            outcome=Outcome.LABEL,
            repeat=0,
            reused=None,
            run__project=run.project_id,
            run__purpose=Purpose.LABEL,
        )
        .select_related("run__version", "member")
        .order_by("pk")
    )
    return {
        call.request_hash: call
        for call in found
        if not how_of(call.member or call.run.version).repeats_itself
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
