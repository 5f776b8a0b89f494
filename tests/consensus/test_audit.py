"""The alarm after a hand-over: exact wherever everything can be enumerated."""

from __future__ import annotations

import numpy as np
import pytest

from consensus.audit import audit


def alarms_within(n, rate, alpha, false_alarm):
    """Probability that it goes off within n items of which each is wrong with this rate."""
    # The evidence depends on how many were wrong, not on which: one sequence tells it for each.
    known = {}
    for wrong in range(n + 1):
        evidence = audit(
            np.repeat([1.0, 0.0], [wrong, n - wrong]), alpha=alpha, false_alarm=false_alarm
        ).evidence
        known |= {(k, wrong): evidence[k - 1] for k in range(max(wrong, 1), n + 1)}
    quiet, off = {0: 1.0}, 0.0
    for k in range(1, n + 1):
        after = {}
        for wrong, chance in quiet.items():
            after[wrong + 1] = after.get(wrong + 1, 0.0) + chance * rate
            after[wrong] = after.get(wrong, 0.0) + chance * (1 - rate)
        off += sum(c for w, c in after.items() if known[k, w] >= 1 / false_alarm)
        quiet = {w: c for w, c in after.items() if known[k, w] < 1 / false_alarm}
    return off


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("false_alarm", [0.05, 0.2])
def test_a_judge_that_keeps_within_alpha_is_rarely_accused(alpha, false_alarm):
    assert 0 < alarms_within(80, alpha, alpha, false_alarm) <= false_alarm


def test_a_judge_that_broke_down_is_found_soon():
    assert alarms_within(60, 0.5, 0.1, 0.05) > 0.99
    assert alarms_within(80, 0.1, 0.1, 0.05) < 0.05
    assert audit(np.ones(9), alpha=0.1, false_alarm=0.05).alarm_at < 4


def test_order_before_the_last_item_does_not_change_the_evidence_after_it():
    losses = np.array([1.0, 0.0, 0.3, 0.0, 1.0, 0.0])
    one = audit(losses, alpha=0.2, false_alarm=0.1)
    two = audit(losses[::-1], alpha=0.2, false_alarm=0.1)
    assert two.evidence[-1] == pytest.approx(one.evidence[-1])
    assert (one.n, one.losses) == (6, pytest.approx(2.3))


def test_items_that_are_drawn_often_count_less():
    losses = np.ones(4)
    known = {"alpha": 0.1, "false_alarm": 0.05}
    equal = audit(losses, probability=np.full(4, 0.2), least_probability=0.2, **known)
    assert (equal.evidence == audit(losses, **known).evidence).all()
    often = audit(losses, probability=np.full(4, 0.2), least_probability=0.05, **known)
    assert (often.evidence < equal.evidence).all()


def test_nothing_audited_is_no_evidence():
    nothing = audit([], alpha=0.1, false_alarm=0.05)
    assert (nothing.evidence.tolist(), nothing.alarm_at, nothing.n) == ([], None, 0)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"losses": [2.0]}, "0..1"),
        ({"alpha": 0.0}, "alpha"),
        ({"false_alarm": 1.0}, "false_alarm"),
        ({"probability": [0.5]}, "go together"),
        ({"probability": [0.5], "least_probability": 0.6}, "least_probability"),
        ({"probability": [0.0], "least_probability": 0.1}, "without 0"),
    ],
)
def test_wrong_input_is_refused(bad, says):
    known = {"losses": [1.0], "alpha": 0.1, "false_alarm": 0.1} | bad
    with pytest.raises(ValueError, match=says):
        audit(known.pop("losses"), **known)
