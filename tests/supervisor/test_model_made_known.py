"""While a language model is served here, commands in another terminal find it; then no more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from config.management.commands.serve import MODEL, Command
from config.supervisor import Program

ROOT = Path(__file__).resolve().parents[2]
SERVED = {"CONCORD_LOCAL_LLM_URL": "http://127.0.0.1:9/v1", "CONCORD_LOCAL_LLM_KEY": "a key"}


def known_elsewhere(folder: Path) -> str:
    """What another process of this account reads from its settings."""
    kept = {name: value for name, value in os.environ.items() if name not in SERVED}
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from config import settings as s; print(s.LOCAL_LLM_URL, s.LOCAL_LLM_KEY)",
        ],
        cwd=ROOT,
        env={**kept, "DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_a_model_is_known_while_it_is_served(tmp_path: Path, settings: Any) -> None:
    settings.LOCAL_LLM_FILE = tmp_path / "local_llm.json"
    settings.LOCAL_LLM_FILE.write_text('{"url": "http://127.0.0.1:8/v1", "key": "of a dead one"}')
    programs = [Program("web", ["true"]), Program(MODEL, ["true"], SERVED)]
    with Command()._model_made_known(programs):
        assert known_elsewhere(tmp_path) == "http://127.0.0.1:9/v1 a key"
        assert settings.LOCAL_LLM_FILE.stat().st_mode & 0o777 == 0o600
    assert known_elsewhere(tmp_path) == ""


def test_without_a_model_what_a_killed_one_left_is_forgotten(tmp_path: Path, settings: Any) -> None:
    settings.LOCAL_LLM_FILE = tmp_path / "local_llm.json"
    settings.LOCAL_LLM_FILE.write_text('{"url": "http://127.0.0.1:8/v1", "key": "of a dead one"}')
    with Command()._model_made_known([Program("web", ["true"])]):
        assert known_elsewhere(tmp_path) == ""


def test_a_spoilt_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "local_llm.json").write_text("{")
    assert known_elsewhere(tmp_path) == ""
