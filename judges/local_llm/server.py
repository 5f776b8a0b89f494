"""Serve one GGUF model as an OpenAI-compatible endpoint on this machine (xllamacpp, llama.cpp).

    CONCORD_LOCAL_LLM_KEY=... python -m judges.local_llm.server --port 8091 [--model FILE]
    [--alias NAME]

Without --model it takes the best one in the folder for models. When the model is loaded it
prints one JSON line with the address and the model's name; then it serves until SIGTERM or
SIGINT. The key comes from the environment only: a command line can be read by everyone on the
machine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from judges.local_llm.models import GGUF_MAGIC, default_folder, installed

KEY_VARIABLE = "CONCORD_LOCAL_LLM_KEY"
HOST = "127.0.0.1"
MIN_KEY_CHARS = 16


class StartError(Exception):
    """The server cannot start; the message says why and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Start, say so, and wait for the signal to end. Returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        path, alias = _model(options)
        started = time.monotonic()
        server = _start(options, path, alias)
    except StartError as error:
        print(f"The local language model cannot be served. {error}", file=sys.stderr)  # noqa: T201
        return 2
    ready = {
        "address": f"http://{HOST}:{options.port}/v1",
        "model": alias,
        "pid": os.getpid(),
        "load_seconds": round(time.monotonic() - started, 2),
    }
    print(json.dumps(ready), flush=True)  # noqa: T201
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    sys.stdout.flush()
    del server
    # The library's threads outlive an orderly end of the interpreter and would keep the port.
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m judges.local_llm.server")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", type=Path, help="a GGUF file; else the best one of --models")
    parser.add_argument("--models", type=Path, help="folder of models (MODEL_DIR)")
    parser.add_argument("--alias", default="", help="the name it is served as")
    parser.add_argument("--slots", type=int, default=2, help="requests answered at once")
    parser.add_argument("--context", type=int, default=8192, help="tokens, shared by the slots")
    parser.add_argument("--threads", type=int, default=min(os.cpu_count() or 1, 8))
    return parser


def _model(options: argparse.Namespace) -> tuple[Path, str]:
    if options.model is None:
        folder = options.models or default_folder()
        found = installed(folder)
        if not found:
            raise StartError(
                f"There is no model in {folder}. Bring one with: manage.py fetch_model"
                " (or fetch_model --file PATH for a GGUF file you have)."
            )
        return found[0].path, options.alias or found[0].name
    path: Path = options.model
    try:
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise StartError(f"{path} cannot be read: {error.strerror or error}.") from None
    if magic != GGUF_MAGIC:
        raise StartError(f"{path} is not a GGUF file.")
    here = {model.path.name: model.name for model in installed(path.parent)}
    return path, options.alias or here.get(path.name, path.stem)


def _start(options: argparse.Namespace, path: Path, alias: str) -> Any:
    key = os.environ.get(KEY_VARIABLE, "")
    if len(key) < MIN_KEY_CHARS:
        # Any page open in a browser of this machine could ask it otherwise.
        raise StartError(
            f"Set {KEY_VARIABLE} to a secret of at least {MIN_KEY_CHARS} characters."
            " `bin/run --local-llm` does so by itself."
        )
    # Spinning at barriers, the default, starves the server beside a busy neighbour. Before the
    # import.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import xllamacpp
    except ImportError:
        raise StartError(
            "Its server is not installed. Install it with: pip install -r"
            " requirements-local-llm.txt"
        ) from None
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {alias}
    params.hostnames = [HOST]
    params.port = options.port
    params.api_keys = [key]
    params.n_parallel = options.slots
    params.n_ctx = options.context
    params.n_threads_http = max(4, 2 * options.slots)
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.n_gpu_layers = 0
    params.cache_prompt = True
    params.cache_ram_mib = 256
    params.offline = True  # a path is a path; never ask a hub
    params.ui = False
    params.endpoint_slots = False  # prompts of others are nobody's business
    params.verbosity = 0
    try:
        return xllamacpp.Server(params)
    except (RuntimeError, ValueError) as error:
        raise StartError(
            f"{path.name} could not be loaded, or port {options.port} is taken ({error})."
        ) from None


if __name__ == "__main__":
    raise SystemExit(main())
