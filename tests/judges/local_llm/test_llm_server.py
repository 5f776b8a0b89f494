"""What the server of the local model says when it cannot start. (To serve, it needs a model.)"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
KEY = "a-key-of-sixteen-or-more"


def start(
    *arguments: str, key: str = KEY, before: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    code = f"{before}\nimport sys\nfrom judges.local_llm.server import main\nsys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, "--port", "1", *arguments],
        cwd=ROOT,
        env={**os.environ, "CONCORD_LOCAL_LLM_KEY": key, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def model(folder: Path, content: bytes = b"GGUF") -> str:
    path = folder / "tiny.gguf"
    path.write_bytes(content)
    return str(path)


def test_it_says_how_to_bring_a_model(tmp_path: Path) -> None:
    done = start(MODEL_DIR=str(tmp_path))
    assert done.returncode == 2
    assert f"There is no model in {tmp_path}." in done.stderr
    assert "manage.py fetch_model" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_says_how_to_install_its_server(tmp_path: Path) -> None:
    without = "import sys; sys.modules['xllamacpp'] = None"
    done = start("--model", model(tmp_path), before=without)
    assert done.returncode == 2
    assert "pip install -r requirements-local-llm.txt" in done.stderr


def test_it_takes_no_file_that_is_no_model(tmp_path: Path) -> None:
    done = start("--model", model(tmp_path, b"<html>"))
    assert (done.returncode, "is not a GGUF file" in done.stderr) == (2, True)
    done = start("--model", str(tmp_path / "gone.gguf"))
    assert (done.returncode, "cannot be read" in done.stderr) == (2, True)


def test_it_does_not_serve_without_a_key(tmp_path: Path) -> None:
    done = start("--model", model(tmp_path), key="short")
    assert (done.returncode, "CONCORD_LOCAL_LLM_KEY" in done.stderr) == (2, True)
    assert "short" not in done.stderr.replace("shorter", "")


def test_it_starts_without_django(tmp_path: Path) -> None:
    done = start(
        MODEL_DIR=str(tmp_path),
        before="import sys; sys.modules['django'] = None; sys.modules['numpy'] = None",
    )
    assert "There is no model" in done.stderr
