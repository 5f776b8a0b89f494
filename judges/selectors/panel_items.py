"""An item of a panel's run: what its calls have come to, whom to ask next, and its one label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from annotate.models import ConfidenceSource
from judges.models import Call, CallState, Run
from judges.prompting.opinions import Opinion
from judges.prompting.panel import Verdict, Vote, asked_next, ending, shown_order
from judges.prompting.plan import CallKey, Combined, Told, combine, first_calls, next_calls
from judges.selectors.panels import OUT_OF_FOLD, Panel


@dataclass(frozen=True)
class MemberCall:
    """A call to write: who is asked, in which way, and whether it is shown what the others said."""

    place: int
    discussed: bool
    key: CallKey


@dataclass(frozen=True)
class Standing:
    """Where an item is. ``said`` has what each member that is done has come to, by (place, whether
    in the discussion); ``more`` the calls to write now; ``found`` its label, or why there is none,
    None while a call is open or to be written.
    """

    said: dict[tuple[int, bool], Combined] = field(default_factory=dict)
    more: tuple[MemberCall, ...] = ()
    found: Combined | None = None

    def votes(self, *, discussed: bool) -> dict[int, Vote]:
        """By place: the option, None for a member that gave no answer."""
        return {
            place: said.code if said.outcome == "label" else None
            for (place, talk), said in self.said.items()
            if talk == discussed
        }


def calls_first(panel: Panel, item_id: int) -> list[MemberCall]:
    """The calls that every run writes for an item at once: as many members as could settle it."""
    return _calls(panel, item_id, asked_next(panel.ballot(item_id), {}, {}))


def call_of(run: Run, panel: Panel, item_id: int, wanted: MemberCall) -> Call:
    """The row of a call to write, not saved."""
    return Call(
        run=run,
        item_id=item_id,
        member=panel.members[wanted.place],
        discussed=wanted.discussed,
        variant=wanted.key.variant,
        repeat=wanted.key.repeat,
    )


def standing(panel: Panel, item_id: int, calls: Sequence[Call]) -> Standing:
    """What the calls of an item in a run, all there are, come to. Says the same whatever the order
    of calls, and whatever was said before, so that it can be asked again after a fault.
    """
    more: list[MemberCall] = []
    said: dict[tuple[int, bool], Combined] = {}
    waiting = False
    for (place, talk), own in _by_member(panel, calls).items():
        told = [told_of(call) for call in own if call.state == CallState.CLOSED]
        there = {CallKey(call.variant, call.repeat) for call in own}
        how = panel.hows[place]
        further = [key for key in next_calls(how, panel.n_options, told) if key not in there]
        more += [MemberCall(place, talk, key) for key in further]
        if further or len(told) < len(own):
            waiting = True
        else:
            said[place, talk] = combine(how, panel.n_options, told)
    now = Standing(said, tuple(more))
    if waiting:
        return now
    ballot = panel.ballot(item_id)
    first, second = now.votes(discussed=False), now.votes(discussed=True)
    asked = asked_next(ballot, first, second)
    if asked:
        return Standing(said, tuple(_calls(panel, item_id, asked)))
    return Standing(said, (), _combined(panel, now, ending(ballot, first, second)))


def opinions(panel: Panel, item_id: int, place: int, calls: Iterable[Call]) -> list[Opinion]:
    """What the member at ``place`` is shown in a discussion: what the others answered at first, in
    an order that is drawn, without names. ``calls`` are the item's in the run.
    """
    first = [call for call in calls if not call.discussed]
    said = standing(panel, item_id, first).said
    others = [
        other
        for (other, _talk), found in said.items()
        if other != place and found.outcome == "label"
    ]
    shown = [said[other, False] for other in shown_order(panel.spec.seed, item_id, place, others)]
    return [Opinion(each.code or 0, each.rationale) for each in shown]


def told_of(call: Call) -> Told:
    """A closed call as the plan takes it."""
    shares = call.distribution
    return Told(
        key=CallKey(call.variant, call.repeat),
        outcome=call.outcome,
        code=call.choice,
        distribution={int(code): share for code, share in shares.items()} if shares else None,
        confidence=call.confidence,
        confidence_source=call.confidence_source,
        label_mass=call.label_mass,
        rationale=call.rationale,
        error=call.error,
    )


def _by_member(panel: Panel, calls: Iterable[Call]) -> dict[tuple[int, bool], list[Call]]:
    found: dict[tuple[int, bool], list[Call]] = {}
    for call in calls:
        found.setdefault((panel.place(call.member_id), call.discussed), []).append(call)
    return dict(sorted(found.items()))


def _calls(panel: Panel, item_id: int, asked: Iterable[tuple[int, bool]]) -> list[MemberCall]:
    return [
        MemberCall(place, talk, key)
        for place, talk in asked
        for key in _keys(panel, item_id, place)
    ]


def _keys(panel: Panel, item_id: int, place: int) -> Sequence[CallKey]:
    if item_id in panel.learnt[place]:
        return (CallKey(OUT_OF_FOLD),)
    return first_calls(panel.hows[place], panel.n_options)


def _combined(panel: Panel, now: Standing, verdict: Verdict) -> Combined:
    """The panel's one label, or why it has none."""
    if verdict.code is None:
        outcome, error = _why_none(now, verdict)
        return Combined(outcome, distribution=verdict.shares or None, error=error)  # type: ignore[arg-type]
    return Combined(
        "label",
        code=verdict.code,
        confidence=verdict.confidence,
        confidence_source=ConfidenceSource.PANEL,
        distribution=verdict.shares,
        rationale=_rationale(now, verdict.code),
    )


def _why_none(now: Standing, verdict: Verdict) -> tuple[str, str]:
    if verdict.reason == "tie":
        most = max(verdict.shares.values())
        n = sum(share >= most - 1e-9 for share in verdict.shares.values())
        return "undecided", _("The votes are tied between %(n)s options.") % {"n": n}
    talked = any(talk for _place, talk in now.said)
    silent = [
        said
        for (_place, talk), said in now.said.items()
        if talk == talked and said.outcome != "label"
    ]
    kinds = Counter(said.outcome for said in silent)
    kind = max(sorted(kinds), key=lambda outcome: kinds[outcome])
    reason = next((said.error for said in silent if said.outcome == kind and said.error), "")
    return kind, (
        _("%(silent)s of %(asked)s judges gave no answer. %(reason)s")
        % {
            "silent": len(silent),
            "asked": sum(talk == talked for _place, talk in now.said),
            "reason": reason,
        }
    ).strip()


def _rationale(now: Standing, code: int) -> str:
    """Of the first judge that says so and gives one, after the discussion where there was one."""
    order = sorted(now.said.items(), key=lambda entry: (not entry[0][1], entry[0][0]))
    return next((said.rationale for _k, said in order if said.code == code and said.rationale), "")
