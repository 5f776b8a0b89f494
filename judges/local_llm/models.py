"""The models known to work as judges, with the SHA-256 that their files must have.

All are under Apache-2.0. Addresses are those of the models' own publishers; the weights are no
part of this project. Any other GGUF file with a chat template can be served too, but nothing is
known about it here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

GGUF_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """`url` "" means that the publisher offers no such file: bring it with --file. `size` in
    bytes.
    """

    name: str
    file: str
    url: str
    size: int
    sha256: str
    licence: str
    publisher: str
    note: str


MODELS: tuple[LocalModel, ...] = (
    LocalModel(
        name="qwen2.5-coder-1.5b",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        url=(
            "https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/"
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
        ),
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
        publisher="Qwen",
        note="The smallest that judges plain questions well. Needs 2 GB of memory.",
    ),
    LocalModel(
        name="qwen2.5-coder-0.5b",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        url=(
            "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/"
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
        ),
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        licence="Apache-2.0",
        publisher="Qwen",
        note="An unstable judge: its answers turn with the order of the options.",
    ),
    LocalModel(
        name="smollm2-135m",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        url="",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        publisher="HuggingFaceTB",
        note="For trying the machinery only: it answers near chance.",
    ),
)
DEFAULT_MODEL = MODELS[0]
BY_NAME: Mapping[str, LocalModel] = {model.name: model for model in MODELS}
BY_SHA256: Mapping[str, LocalModel] = {model.sha256: model for model in MODELS}


@dataclass(frozen=True, slots=True)
class Installed:
    """A model's file that is here. `name` is what it is served as and called in judge versions."""

    name: str
    path: Path
    known: LocalModel | None


def default_folder() -> Path:
    """Where models are kept: MODEL_DIR, else `models` in DATA_DIR, else `var/models`."""
    data = Path(os.environ.get("DATA_DIR") or "var")
    return Path(os.environ.get("MODEL_DIR") or data / "models").expanduser()


def installed(folder: Path) -> list[Installed]:
    """The models in `folder`, the best known one first, unknown ones by name before the one for
    trying.
    """
    by_file = {model.file: model for model in MODELS}
    found = []
    for path in sorted(folder.glob("*.gguf")) if folder.is_dir() else []:
        known = by_file.get(path.name)
        if known is not None and path.stat().st_size != known.size:
            known = None
        found.append(Installed(known.name if known else path.stem, path, known))
    rank = {"qwen2.5-coder-1.5b": 0, "qwen2.5-coder-0.5b": 2, "smollm2-135m": 3}
    return sorted(found, key=lambda model: (rank.get(model.name, 1), model.name))
