"""Judges as a lead sees them: who they are, what they have done, how far they agree with people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.models import Project, Question, Rater, RaterKind, RaterOrigin
from annotate.selectors.agreement import RaterAgreement, raters_against_people
from judges.models import (
    Call,
    Ending,
    JudgeVersion,
    Outcome,
    ProviderName,
    Purpose,
    Run,
    RunItem,
)
from judges.providers.prices import from_steps
from judges.selectors.money import dollars
from judges.selectors.panels import is_panel, spec_of, takes_one_call
from judges.selectors.runs import UNPRICED


@dataclass(frozen=True)
class Cost:
    """What the runs of a version have spent, in US dollars; ``unpriced`` calls have no known price,
    so that it was more.
    """

    spent: Decimal
    labels: int
    unpriced: int

    @property
    def per_label(self) -> Decimal | None:
        """None without a label, and where the price of a call is not known."""
        return self.spent / self.labels if self.labels and not self.unpriced else None

    @property
    def said(self) -> str:
        """What a label costs, written; "" where that cannot be told, or nothing was to pay."""
        return dollars(self.per_label) if self.per_label else ""

    @property
    def is_free(self) -> bool:
        return self.per_label == 0


@dataclass(frozen=True)
class JudgeRow:
    """One judge of one question. ``version`` is None for judges whose labels were imported.

    ``agreement`` is None while the judge has no label.
    """

    rater: Rater
    note: str
    version: JudgeVersion | None
    agreement: RaterAgreement | None
    run: Run | None
    cost: Cost | None = None

    @property
    def n_labels(self) -> int:
        return self.agreement.n_labels if self.agreement else 0

    @property
    def only_tried(self) -> bool:
        """Whether all that it has done so far is a trial."""
        return not self.n_labels and self.run is not None and self.run.purpose == Purpose.TRIAL


def judges_of(project: Project, question: Question) -> list[JudgeRow]:
    """The question's judges, made here and imported, best agreement first, then those without.

    Reads the question's live labels once; a handful of queries beside.
    """
    found = {
        row.rater.pk: row
        for row in raters_against_people(question)
        if row.rater.kind == RaterKind.JUDGE
    }
    versions = {version.rater_id: version for version in versions_of(project, question)}
    last = runs_last(versions.values())
    costs = costs_of(versions.values())
    rows = [
        JudgeRow(
            rater=row.rater,
            note=version_note(versions[pk]) if pk in versions else _("imported"),
            version=versions.get(pk),
            agreement=row,
            run=last.get(versions[pk].pk) if pk in versions else None,
            cost=costs.get(versions[pk].pk) if pk in versions else None,
        )
        for pk, row in found.items()
        if pk in versions or row.rater.origin == RaterOrigin.IMPORTED
    ]
    rows += [
        JudgeRow(
            version.rater,
            version_note(version),
            version,
            None,
            last.get(version.pk),
            costs.get(version.pk),
        )
        for pk, version in versions.items()
        if pk not in found
    ]
    return sorted(rows, key=_order)


def judge_row(version: JudgeVersion) -> JudgeRow:
    """One version with its agreement. Reads the question's live labels."""
    found = [r for r in raters_against_people(version.question) if r.rater.pk == version.rater_id]
    return JudgeRow(
        rater=version.rater,
        note=version_note(version),
        version=version,
        agreement=found[0] if found else None,
        run=runs_last([version]).get(version.pk),
        cost=costs_of([version]).get(version.pk),
    )


def versions_of(project: Project, question: Question | None = None) -> list[JudgeVersion]:
    """The project's judge versions, newest first, without their training sets (they are large)."""
    versions = (
        JudgeVersion.objects.filter(project=project)
        .select_related("rater", "connection", "question")
        .defer("training")
        .order_by("-pk")
    )
    return list(versions.filter(question=question) if question else versions)


def runs_last(versions: object) -> dict[int, Run]:
    """The newest run of each version, by version id. One query."""
    ids = [version.pk for version in versions]  # type: ignore[attr-defined]
    runs = Run.objects.filter(version__in=ids).select_related("job").order_by("pk")
    return {run.version_id: run for run in runs}


def costs_of(versions: Iterable[JudgeVersion]) -> dict[int, Cost]:
    """What the labelling runs of versions cost, by version id. Three queries. Trials and the like
    are not in it: it is what a label costs.
    """
    versions = list(versions)
    ids = [version.pk for version in versions]
    runs = Run.objects.filter(version__in=ids, purpose=Purpose.LABEL)
    spent = dict(runs.values_list("version").annotate(spent=Sum("spent")))
    counted = (
        Call.objects.filter(run__version__in=ids, run__purpose=Purpose.LABEL)
        .values("run__version")
        .annotate(
            labels=Count("item", filter=Q(outcome=Outcome.LABEL), distinct=True),
            unpriced=Count("pk", filter=UNPRICED),
        )
    )
    # Of what takes several calls an item, an answered call is no label yet.
    several = [version.pk for version in versions if not takes_one_call(version)]
    ended = RunItem.objects.filter(run__version__in=several, run__purpose=Purpose.LABEL)
    labelled = dict(
        ended.filter(ending=Ending.LABEL)
        .values_list("run__version")
        .annotate(n=Count("item", distinct=True))
    )
    return {
        pk: Cost(
            from_steps(spent.get(pk, 0)),
            labelled.get(pk, 0) if pk in several else row["labels"],
            row["unpriced"],
        )
        for row in counted
        for pk in [row["run__version"]]
    }


def version_note(version: JudgeVersion) -> str:
    """What a version is, in a few words."""
    if version.connection.provider == ProviderName.LOCAL_CLASSIFIER:
        learnt = version.parameters.get("n_labels")
        if learnt:
            return ngettext(
                "learnt from %(n)s item of people", "learnt from %(n)s items of people", learnt
            ) % {"n": learnt}
        return _("from the options’ definitions")
    if is_panel(version):
        return panel_note(version)
    if version.connection.provider == ProviderName.LABEL_STUDIO:
        return _("the backend %(connection)s") % {"connection": version.connection.name}
    return _("%(model)s at %(connection)s") % {
        "model": version.model,
        "connection": version.connection.name,
    }


def panel_note(version: JudgeVersion) -> str:
    """What a panel is, in a few words."""
    spec = spec_of(version)
    stops = {
        "settled": _("stops when the vote is settled"),
        "sure": _("stops when sure or settled"),
        "all": _("all are asked"),
    }
    parts = [
        ngettext("%(n)s judge", "%(n)s judges", len(spec.members)) % {"n": len(spec.members)},
        stops[spec.stop],
    ]
    if spec.readers:
        parts.append(_("with a discussion"))
    if spec.learnt:
        parts.append(_("weighed"))
    return ", ".join(parts)


def _order(row: JudgeRow) -> tuple[bool, float, str, int]:
    share = row.agreement.share if row.agreement else None
    return (share is None, -(share or 0.0), row.rater.name, row.rater.pk)
