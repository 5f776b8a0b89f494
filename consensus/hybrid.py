"""People and judges together: one rule for every set of labels.

People are taken to be independent, as in iBCC. Judges are not: near-copies among them are found and
have one vote together, what all of them say enters as the voice of one panel, and how far the panel
is believed is learnt from people's labels and from gold. Without either it claims no more than the
judges' agreement supports. The formulas are in docs/statistics/correlated-judges.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consensus.combiner import combine_with_gold
from consensus.estimate import ClassEstimate
from consensus.families import Families, detect_families
from consensus.ibcc import ibcc
from consensus.overconfidence import Overconfidence, against_gold, against_support, compare
from consensus.panel import Panel, judge_panel
from consensus.pooled import pooled_ibcc, pooled_votes
from consensus.support import Support
from consensus.table import LabelTable
from consensus.variational import expected_log
from consensus.votes import POSTERIOR_DECIMALS, abilities, choose, has_votes

_LEAST = 1e-12
# Beforehand people are expected to bear the panel out about as far as its own agreement did (log of
# the factor: standard deviation .5), with classes shifted by about 1 in the logits.
_TRUST = 0.5
_SHIFT = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class JudgedEstimate(ClassEstimate):
    """What people and judges say together, and how far it may be believed.

    families    of near-copies among the judges; None without judges' labels
    weight      (n_raters,): how much each judge counts in the panel, summing to 1; NaN for people
                and for judges without labels
    support     what the judges' agreement supports; None without judges' labels
    trust       factor on the panel's logits that people's labels bear out; below 1: less than its
                agreement had it believed. None where people and judges share no item
    check       stated confidence against held-out gold where there is gold, else against what
                agreement supports where there are only judges; None where there is neither
    untrained   the same check of the estimate as it would be without gold; None without gold
    temperature of the combiner; None without gold
    """

    families: Families | None = None
    weight: NDArray[np.float64] | None = None
    support: Support | None = None
    trust: float | None = None
    check: Overconfidence | None = None
    untrained: Overconfidence | None = None
    temperature: float | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is to be said about it, in plain English."""
        found = []
        alone = self.support is not None and self.support.agreement is None
        if self.support is not None and not (alone and self.trust is not None):
            found.append(self.support.sentence)
        if self.trust is not None:
            how = "less" if self.trust < 1 else "more"
            found.append(
                f"Where people labelled too, they bear the judges out {how} than one would expect "
                f"of the judges alone, and the judges are believed {how} for it (evidence times "
                f"{self.trust:.2f})."
            )
        # That a lone voice is believed as far as the prior goes is no check of it.
        if self.check is not None and not (alone and self.check.against == "agreement"):
            found.append(self.check.sentence)
        return tuple(found)


def aggregate_judges(table: LabelTable) -> JudgedEstimate:
    """The classes of items from the labels of people, judges or both; the same rule for every set.

    `table.judges` says who is a judge; where it is None all are people, and the result is that of
    iBCC. Declared families are taken as given, and judges' are searched for more. `table.gold`, if
    any, trains the combiner, and gold items keep their gold: posterior 1.

    Ordered classes are treated like any others.
    """
    known = table.gold
    table = replace(table, gold=None)  # held back: it must not train what it is to correct
    judges = np.zeros(table.n_raters, dtype=bool) if table.judges is None else table.judges
    people = _people(table.of_raters(~judges))
    machine = table.of_raters(judges)
    if not machine.n_labels:
        return _with_gold(people, table, None, known)
    families = detect_families(machine)
    panel = judge_panel(machine, families)
    posterior, trust = _joined(people.posterior, panel.posterior)
    weight = np.full(table.n_raters, np.nan)
    in_panel = families.voices >= 0
    size = np.bincount(families.voices[in_panel], minlength=families.n_voices)
    voice = families.voices[in_panel]
    weight[in_panel] = panel.weights[voice] / size[voice]
    estimate = _estimate(table, posterior)
    alone = not people.posterior.any()
    estimate = replace(
        estimate,
        confusion=people.confusion,
        iterations=people.iterations,
        converged=people.converged,
        families=families,
        weight=weight,
        support=panel.support,
        trust=trust,
        check=against_support(estimate, panel.support) if alone else None,
    )
    return _with_gold(estimate, table, panel, known)


def _people(table: LabelTable) -> JudgedEstimate:
    """iBCC, in which people of one declared family have one vote."""
    families = table.families
    if families is not None:
        named = families[np.unique(table.raters)]
        named = named[named >= 0]
    if families is None or len(np.unique(named)) == len(named):
        found = ibcc(table)
    else:
        own = np.arange(table.n_raters) + table.n_raters
        voices = np.unique(np.where(families >= 0, families, own), return_inverse=True)[1]
        found = pooled_ibcc(table, voices)
    return JudgedEstimate(
        method="judge_panel",
        posterior=found.posterior,
        choice=found.choice,
        tied=found.tied,
        confusion=found.confusion,
        ability=found.ability,
        ability_interval=found.ability_interval,
        iterations=found.iterations,
        converged=found.converged,
        log_likelihood=found.log_likelihood,
    )


def _joined(
    people: NDArray[np.float64], panel: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float | None]:
    """People's evidence with the panel as what is believed of the item beforehand.

    The panel's logits are shifted and stretched to where they make people's labels most probable.
    People's confusions are theirs alone: they are not learnt from the panel, or it would choose its
    own witnesses.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    labelled, spoken = has_votes(people), has_votes(panel)
    result = np.where(spoken[:, None], panel, people)
    both = labelled & spoken
    if not both.any():
        return result, None
    counts = people.sum(axis=0) + 1
    evidence = np.log(np.maximum(people[labelled], _LEAST)) - expected_log(counts)
    shared = evidence[both[labelled]]
    logits = np.log(np.maximum(panel, _LEAST))
    seen = logits[both]
    n_classes = people.shape[1]

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        shift, trust = values[:n_classes], np.exp(values[n_classes])
        prior = shift + trust * seen
        prior = prior - logsumexp(prior, axis=1, keepdims=True)
        joint = prior + shared
        total = logsumexp(joint, axis=1, keepdims=True)
        pull = np.exp(joint - total) - np.exp(prior)
        gradient = np.append(-pull.sum(axis=0), -trust * (pull * seen).sum())
        size = np.append(np.full(n_classes, _SHIFT), _TRUST)
        value = -total.sum() + ((values / size) ** 2).sum() / 2
        return float(value), gradient + values / size**2

    found = minimize(
        loss,
        np.zeros(n_classes + 1),
        jac=True,
        method="L-BFGS-B",
        options={"gtol": 1e-9, "ftol": 1e-15, "maxiter": 500},
    ).x
    # The search stops where it stops: what differs in later digits must not decide a tie.
    found = np.round(found, 6)
    trust = float(np.exp(found[n_classes]))
    scores = found[:n_classes] + trust * logits[spoken]
    scores[labelled[spoken]] += shared
    scores = np.exp(scores - logsumexp(scores, axis=1, keepdims=True))
    result[spoken] = np.round(scores, POSTERIOR_DECIMALS)
    return result, trust


def _with_gold(
    estimate: JudgedEstimate,
    table: LabelTable,
    panel: Panel | None,
    gold: NDArray[np.int32] | None,
) -> JudgedEstimate:
    """Train the combiner on the gold, if there is any, and let gold items keep theirs."""
    if gold is None or not (gold >= 0).any():
        return estimate
    votes = pooled_votes(table, np.full(table.n_raters, -1)) if panel is None else panel.votes
    combined = combine_with_gold(estimate.posterior, votes, gold)
    known = np.flatnonzero(gold >= 0)
    posterior = combined.posterior.copy()
    posterior[known] = 0.0
    posterior[known, gold[known]] = 1.0
    learnt = combined.learnt_from
    choice, _ = choose(combined.left_out, np.ones(len(learnt), dtype=bool))
    final = _estimate(table, posterior)
    return replace(
        estimate,
        posterior=final.posterior,
        choice=final.choice,
        tied=final.tied,
        ability=final.ability,
        check=compare(combined.left_out, choice, gold[learnt].astype(np.int64)),
        untrained=against_gold(estimate, gold),
        temperature=combined.temperature,
    )


def _estimate(table: LabelTable, posterior: NDArray[np.float64]) -> JudgedEstimate:
    choice, tied = choose(posterior, has_votes(posterior))
    return JudgedEstimate(
        method="judge_panel",
        posterior=posterior,
        choice=choice,
        tied=tied,
        ability=abilities(table, posterior),
    )
