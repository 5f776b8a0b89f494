"""What importing costs: screens that only sort a queue must not wait for scipy."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("consensus", {"numpy", "scipy", "sklearn"}),
        ("consensus.doubt", {"numpy", "scipy", "sklearn"}),
        ("consensus.majority", {"scipy", "sklearn"}),
        ("consensus.methods", {"scipy", "sklearn"}),
        ("consensus.agreement", {"numpy", "scipy", "sklearn"}),
        ("consensus.intervals", {"numpy", "scipy", "sklearn"}),
        ("consensus.krippendorff", {"scipy", "sklearn"}),
        ("consensus.meanings", {"numpy", "scipy", "sklearn"}),
        ("consensus.rater_matrices", {"scipy", "sklearn"}),
        (
            "consensus.alt_test_power, consensus.reliability, consensus.label_errors, "
            "consensus.majority_optimality",
            {"scipy", "sklearn"},
        ),
        ("consensus.hand_over", {"scipy", "sklearn"}),
        ("consensus.corrected_regression", {"scipy", "sklearn"}),
    ],
)
def test_import_stays_light(module, absent):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(module.split(", ")) <= set(loaded)
    assert not absent & set(loaded)
