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
        ("consensus.agreement", {"scipy", "sklearn"}),
        ("consensus.hand_over", {"scipy", "sklearn"}),
        ("consensus.corrected_regression", {"scipy", "sklearn"}),
    ],
)
def test_import_stays_light(module, absent):
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert module in loaded
    assert not absent & set(loaded)
