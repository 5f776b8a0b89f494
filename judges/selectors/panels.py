"""Panels: versions that are several judges, read for the services that run them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from judges.models import Call, CallState, JudgeVersion, PanelMember, ProviderName, Purpose, Run
from judges.prompting.how import How
from judges.prompting.panel import Ballot, PanelSpec

# A trained judge answers about an item it was trained on from a fit that has not seen it.
OUT_OF_FOLD = "out_of_fold"
# Known answers are parted in so many, by this seed; each part is judged by weights from the others.
PARTS = 5
SEED = 2026


@dataclass(frozen=True)
class Panel:
    """A panel as its runs need it. ``members`` and ``hows`` are in the order in which they are
    asked; ``part`` has, by item id, the part of each item whose known answer the weights are from;
    ``learnt`` the items that each member was trained on.
    """

    spec: PanelSpec
    members: tuple[JudgeVersion, ...]
    hows: tuple[How, ...]
    n_options: int
    part: Mapping[int, int]
    learnt: tuple[frozenset[int], ...]

    def ballot(self, item_id: int) -> Ballot:
        """How votes on an item are counted."""
        return self.spec.ballot(self.n_options, self.part.get(item_id))

    def place(self, member_id: int | None) -> int:
        """The place of a member by its version's id. Raises StopIteration where it is none."""
        return next(at for at, member in enumerate(self.members) if member.pk == member_id)


def is_panel(version: JudgeVersion) -> bool:
    """Whether the version is several judges."""
    return version.connection.provider == ProviderName.PANEL


def takes_one_call(version: JudgeVersion) -> bool:
    """Whether an item of a run of this version takes a single call."""
    return not is_panel(version) and How.from_dict(version.parameters.get("how")).is_single


def asks_once(run: Run) -> bool:
    """Whether an item of the run takes a single call. With planted verdicts, and where audits
    change it, each takes several.
    """
    varied = run.purpose == Purpose.CANARY or bool(run.selection.get("audits"))
    return not varied and takes_one_call(run.version)


def calls_of(version: JudgeVersion) -> QuerySet[Call]:
    """Closed calls in which a judge was asked of an item by itself: in runs of its own and, but for
    discussions, as a member of panels.
    """
    panels = PanelMember.objects.filter(version=version).values("panel")
    as_member = Q(member=version, discussed=False, run__version__in=panels)
    return Call.objects.filter(Q(run__version=version) | as_member, state=CallState.CLOSED)


def spec_of(version: JudgeVersion) -> PanelSpec:
    """What a panel is made of. Raises ValueError for what no version of ours would keep."""
    return PanelSpec.from_dict(version.parameters["panel"])


def members_of(version: JudgeVersion) -> list[JudgeVersion]:
    """The judges of a panel in their order, none of another version. Two queries."""
    rows = version.members.select_related(
        "version__project",
        "version__connection",
        "version__question",
        "version__prompt",
        "version__guideline",
        "version__rater",
    ).prefetch_related("version__question__options")
    return [row.version for row in rows.order_by("place")]


def asked_versions(version: JudgeVersion) -> list[JudgeVersion]:
    """Who is asked in a run of the version: the members of a panel, else itself."""
    return members_of(version) if is_panel(version) else [version]


def panel_of(version: JudgeVersion) -> Panel:
    """A panel, read once for each object of its version: versions never change. Two queries."""
    kept: dict[str, object] = version.__dict__
    found = kept.get("_panel")
    if not isinstance(found, Panel):
        found = kept["_panel"] = _panel(version)
    return found


def parts_of(item_ids: Sequence[int], n_parts: int) -> dict[int, int]:
    """Which part each item with a known answer is in: drawn by SEED, as even as can be."""
    drawn = sorted(item_ids)
    random.Random(SEED).shuffle(drawn)
    return {item_id: at % n_parts for at, item_id in enumerate(drawn)}


def _panel(version: JudgeVersion) -> Panel:
    spec, members = spec_of(version), tuple(members_of(version))
    known = [item_id for item_id, _code in version.training.get("labels", [])]
    return Panel(
        spec=spec,
        members=members,
        hows=tuple(How.from_dict(member.parameters.get("how")) for member in members),
        n_options=len(version.question.options.all()),
        part=parts_of(known, len(spec.held_out)) if spec.held_out else {},
        learnt=tuple(_learnt(member) for member in members),
    )


def _learnt(member: JudgeVersion) -> frozenset[int]:
    return frozenset(item_id for item_id, _code in member.training.get("labels", []))
