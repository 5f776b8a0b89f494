"""Making panels: several judges that vote as one (docs/decisions/0013-panels.md)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from django.db import transaction
from django.utils.translation import gettext as _

from annotate.errors import BadInput
from annotate.models import Question, User
from judges.models import ASKED_IN_WORDS, JudgeVersion, PanelMember, ProviderName
from judges.prompting.ask import want_of
from judges.prompting.panel import (
    EQUAL,
    MOST_MEMBERS,
    SOURCES,
    STOPS,
    SURE,
    PanelSpec,
)
from judges.selectors.asked import how_of
from judges.selectors.panel_votes import (
    KnownVotes,
    answers_known,
    common_votes,
    known_votes,
)
from judges.selectors.panels import PARTS, SEED, is_panel, parts_of
from judges.services.connections import connection_local
from judges.services.panel_costs import Forecast, MemberCost, cheapest_first, forecast
from judges.services.prompts import content_hash
from judges.services.versions import judge_version_create, version_check

# Fewer known answers than so many make weights that are noise.
FEWEST_KNOWN = 20


@dataclass(frozen=True)
class Draft:
    """A panel as it would be made: its judges in their order with what they cost, what it is made
    of, the known answers that its weights are from, and what an item will take.
    """

    costs: list[MemberCost]
    spec: PanelSpec
    known: KnownVotes | None
    forecast: Forecast

    @property
    def alike(self) -> list[tuple[str, list[JudgeVersion]]]:
        """Judges of one model, by its name: they err together, and their votes count apart."""
        by_family: dict[str, list[JudgeVersion]] = {}
        for cost in self.costs:
            by_family.setdefault(cost.version.rater.family, []).append(cost.version)
        return [(name, found) for name, found in by_family.items() if name and len(found) > 1]

    @property
    def alone(self) -> JudgeVersion | None:
        """A judge that outweighs all the others together, so that the panel is that judge."""
        weights = self.spec.shared
        most = max(range(len(weights)), key=lambda place: weights[place])
        outweighs = 2 * weights[most] > sum(weights)
        return self.costs[most].version if outweighs else None


def panel_draft(
    question: Question,
    judges: Sequence[JudgeVersion],
    *,
    stop: str = "settled",
    sure: float = SURE,
    discussion: bool = False,
    weights: str = "equal",
    gold: Collection[str] | None = None,
) -> Draft:
    """What a panel of these judges would be. Reads their labels; nothing is written or asked.

    ``stop``: *settled*, *sure* (with ``sure``) or *all*, see judges/prompting/panel.py.
    ``weights``: *equal*, from *people*'s answers, or from a *qualification* set: gold answers, of
    which ``gold`` names a part by external ids. The judges come in the order in which they will be
    asked, cheapest first. Raises BadInput, Conflict for a question that was changed.
    """
    _check(question, judges, stop=stop, weights=weights)
    costs = cheapest_first(judges)
    ordered = [cost.version for cost in costs]
    readers = _readers(ordered) if discussion else ()
    n_options = len(question.options.all())
    known = None if weights == "equal" else _known(question, ordered, weights, gold)
    try:
        spec = PanelSpec(
            members=tuple(judge.hash for judge in ordered),
            stop=stop,  # type: ignore[arg-type]
            sure=sure,
            readers=readers,
            seed=SEED if readers else 0,
            source=weights,  # type: ignore[arg-type]
            **_weighed(known, len(ordered), n_options),
        )
    except ValueError as error:
        _refuse("weights" if weights != "equal" else "members", str(error))
    replayed = forecast(spec.ballot(n_options), costs, common_votes(question, ordered))
    return Draft(costs, spec, known, replayed)


def panel_version(
    actor: User,
    question: Question,
    judges: Sequence[JudgeVersion],
    *,
    name: str = "",
    **settings: Any,
) -> JudgeVersion:
    """The panel of these judges with these ``settings``, as `panel_draft` takes them.

    Idempotent: the same judges in the same order with the same settings and weights are the same
    version. Raises as panel_draft does.
    """
    draft = panel_draft(question, judges, **settings)
    ordered = [cost.version for cost in draft.costs]
    guidelines = {judge.guideline_id: judge.guideline for judge in ordered}
    known = draft.known
    labels = [list(pair) for pair in zip(known.items, known.codes, strict=True)] if known else []
    with transaction.atomic():
        panel = judge_version_create(
            actor,
            question,
            connection_local(actor, question.project, ProviderName.PANEL),
            name=name.strip() or _("Panel of %(n)s") % {"n": len(ordered)},
            guideline=next(iter(guidelines.values())) if len(guidelines) == 1 else None,
            parameters={"panel": draft.spec.as_dict()},
            training={"labels": labels, "hash": content_hash(labels)} if labels else None,
            family="\n".join(sorted({j.rater.family for j in ordered} - {""})),
        )
        PanelMember.objects.bulk_create(
            (PanelMember(panel=panel, version=judge, place=at) for at, judge in enumerate(ordered)),
            ignore_conflicts=True,
        )
    return panel


def _check(question: Question, judges: Sequence[JudgeVersion], *, stop: str, weights: str) -> None:
    if not 2 <= len(judges) <= MOST_MEMBERS or len({judge.pk for judge in judges}) < len(judges):
        message = _("A panel has 2 to %(most)s judges, each once.") % {"most": MOST_MEMBERS}
        _refuse("members", message)
    for judge in judges:
        if judge.question_id != question.pk or judge.project_id != question.project_id:
            _refuse("members", _("“%(judge)s” answers another question.") % {"judge": judge})
        if is_panel(judge):
            _refuse(
                "members",
                _("“%(judge)s” is a panel itself. Choose its judges instead.") % {"judge": judge},
            )
        version_check(judge)
    if stop not in STOPS:
        _refuse("stop", _("A panel stops when settled, when sure, or when all were asked."))
    if weights not in SOURCES:
        _refuse("weights", _("Weights are equal, from people’s answers, or from gold answers."))
    if stop == "sure" and weights == "equal":
        _refuse("stop", _("How sure a vote is follows from weights that were learnt: choose some."))


def _readers(ordered: Sequence[JudgeVersion]) -> tuple[int, ...]:
    """The places of the judges that take part in a discussion. Those that are asked no words keep
    their answer; of the others each must give its reasons.
    """
    readers = []
    for place, judge in enumerate(ordered):
        if judge.connection.provider not in {
            *ASKED_IN_WORDS,
            ProviderName.LOCAL_LLM,
            ProviderName.SCRIPTED,
        }:
            continue
        if want_of(how_of(judge), judge.parameters.get("want", "letter")) != "json_rationale":
            _refuse(
                "discussion",
                _(
                    "“%(judge)s” gives no reasons, so there is nothing of it to discuss. Make a "
                    "version of it that is asked for its reason."
                )
                % {"judge": judge},
            )
        readers.append(place)
    if len(readers) < 2:
        _refuse("discussion", _("A discussion needs two language models at least."))
    return tuple(readers)


def _known(
    question: Question,
    ordered: Sequence[JudgeVersion],
    source: str,
    only: Collection[str] | None,
) -> KnownVotes:
    found = known_votes(question, ordered, answers_known(question, source, only), source)
    if len(found.items) < FEWEST_KNOWN:
        whose = _("people’s") if source == "people" else _("gold")
        _refuse(
            "weights",
            _(
                "Weights need %(least)s items with a known answer that all these judges have "
                "labelled. %(known)s items have %(whose)s answers; all these judges labelled "
                "%(common)s of them. Run each judge on them first, or weigh all alike."
            )
            % {
                "least": FEWEST_KNOWN,
                "known": found.known,
                "whose": whose,
                "common": len(found.items),
            },
        )
    return found


def _weighed(known: KnownVotes | None, n_members: int, n_options: int) -> dict[str, Any]:
    """The weights' part of a PanelSpec: of all known answers, and with each part held out."""
    if known is None:
        return {"shared": (EQUAL,) * n_members}
    import numpy as np

    from consensus.rater_weights import vote_weights, votes_trust

    votes, codes = np.array(known.votes), np.array(known.codes)
    place_of = {code: place for place, code in enumerate(sorted({*codes, *votes.ravel()}))}
    said, truth = np.vectorize(place_of.get)(votes), np.vectorize(place_of.get)(codes)
    right = said == truth[:, None]
    part_of = parts_of(known.items, PARTS)
    parts = np.array([part_of[item_id] for item_id in known.items])

    def fitted(rows: Any) -> tuple[tuple[int, ...], int]:
        found = vote_weights(right[rows], n_classes=n_options)
        trust = votes_trust(said[rows], truth[rows], found, n_classes=n_options)
        return tuple(round(EQUAL * float(weight)) for weight in found), round(EQUAL * trust)

    shared, trust = fitted(np.ones(len(right), dtype=bool))
    held_out = [fitted(parts != part) for part in range(PARTS)]
    return {
        "shared": shared,
        "trust": trust,
        "held_out": tuple(weights for weights, _trust in held_out),
        "held_out_trust": tuple(trust for _weights, trust in held_out),
        "accuracy": tuple(round(float(share), 6) for share in right.mean(axis=0)),
        "n_items": len(known.items),
        "as_of": known.as_of.isoformat() if known.as_of else "",
    }


def _refuse(field: str, message: str) -> NoReturn:
    raise BadInput(message, fields={field: message})
