"""A model's file comes from its publisher or from the user, whole and unaltered, or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from judges.local_llm.fetch import FetchError, adopt, fetch
from judges.local_llm.models import (
    BY_SHA256,
    DEFAULT_MODEL,
    MODELS,
    LocalModel,
    default_folder,
    installed,
)

CONTENT = b"GGUF" + bytes(range(256)) * 12_000


@dataclasses.dataclass
class Publisher:
    """A file server. `breaks_after` bytes it hangs up; `ranges` False: it ignores Range."""

    url: str = ""
    content: bytes = CONTENT
    breaks_after: int | None = None
    ranges: bool = True
    status: int = 200
    redirect: str = ""
    asked: list[str | None] = dataclasses.field(default_factory=list)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    state = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            state.asked.append(wanted)
            if state.redirect:
                self.send_response(302)
                self.send_header("Location", state.redirect)
                self.end_headers()
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and state.ranges else 0
            self.send_response(state.status if state.status != 200 or not start else 206)
            if start:
                total = len(state.content)
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            self.send_header("Content-Length", str(len(state.content) - start))
            self.end_headers()
            end = len(state.content) if state.breaks_after is None else start + state.breaks_after
            with contextlib.suppress(OSError):
                self.wfile.write(state.content[start:end])

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/tiny.gguf"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def tiny(url: str) -> LocalModel:
    return dataclasses.replace(
        DEFAULT_MODEL,
        name="tiny",
        file="tiny.gguf",
        url=url,
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


def test_a_file_is_fetched_once(publisher: Publisher, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    folder = tmp_path / "new" / "models"
    path = fetch(tiny(publisher.url), folder, progress=lambda *now: seen.append(now))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert fetch(tiny(publisher.url), folder) == path
    assert publisher.asked == [None]
    assert [file.name for file in folder.iterdir()] == ["tiny.gguf"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on(publisher: Publisher, tmp_path: Path, ranges: bool) -> None:
    publisher.breaks_after, publisher.ranges = 1_200_000, ranges
    with pytest.raises(FetchError, match=r"kept: try again.*--file PATH"):
        fetch(tiny(publisher.url), tmp_path)
    assert not (tmp_path / "tiny.gguf").exists()
    publisher.breaks_after = None
    assert fetch(tiny(publisher.url), tmp_path).read_bytes() == CONTENT
    assert publisher.asked == [None, "bytes=1200000-"]


def test_another_content_is_thrown_away(publisher: Publisher, tmp_path: Path) -> None:
    publisher.content = CONTENT[:-1] + b"!"
    with pytest.raises(FetchError, match="not the file that is expected"):
        fetch(tiny(publisher.url), tmp_path)
    assert list(tmp_path.iterdir()) == []
    # What began as another file is not gone on with for ever either.
    (tmp_path / "tiny.gguf.part").write_bytes(b"x" * 2_000_000)
    publisher.content = CONTENT
    with pytest.raises(FetchError, match="not the file that is expected"):
        fetch(tiny(publisher.url), tmp_path)
    assert fetch(tiny(publisher.url), tmp_path).read_bytes() == CONTENT


def test_more_than_was_announced_is_not_read(publisher: Publisher, tmp_path: Path) -> None:
    publisher.content = CONTENT * 5
    seen: list[int] = []
    with pytest.raises(FetchError, match="not the file that is expected"):
        fetch(tiny(publisher.url), tmp_path, progress=lambda done, _: seen.append(done))
    assert max(seen) < len(CONTENT) + 1_100_000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_says_what_to_do(publisher: Publisher, tmp_path: Path, status: int) -> None:
    publisher.status = status
    with pytest.raises(FetchError, match=rf"answers {status} .*--file PATH"):
        fetch(tiny(publisher.url), tmp_path)


def test_without_a_network_it_says_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(FetchError, match=r"cannot be reached .*--file PATH"):
        fetch(tiny(f"http://127.0.0.1:{port}/tiny.gguf"), tmp_path)


def test_a_model_without_an_address_asks_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="--file PATH"):
        fetch(tiny(""), tmp_path)


def test_two_fetches_do_not_write_into_one_file(publisher: Publisher, tmp_path: Path) -> None:
    with (tmp_path / "tiny.gguf.part").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(FetchError, match="being fetched already"):
            fetch(tiny(publisher.url), tmp_path)
    assert publisher.asked == []


def test_a_full_disk_is_said_before(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 8, 1))
    with pytest.raises(FetchError, match="MB are needed"):
        fetch(tiny(publisher.url), tmp_path)
    assert publisher.asked == []


# --- A file the user has ----------------------------------------------------------------------


def test_an_unknown_file_is_taken_with_a_note(tmp_path: Path) -> None:
    source = tmp_path / "mine.bin"
    source.write_bytes(CONTENT)
    taken = adopt(source, tmp_path / "models")
    assert taken.path == tmp_path / "models" / "mine.gguf"
    assert taken.path.read_bytes() == CONTENT
    assert taken.known is None
    assert hashlib.sha256(CONTENT).hexdigest() in taken.note
    assert adopt(taken.path, tmp_path / "models").path == taken.path


def test_a_known_file_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = tiny("")
    monkeypatch.setitem(BY_SHA256, known.sha256, known)  # type: ignore[misc]
    source = tmp_path / "download (3).gguf"
    source.write_bytes(CONTENT)
    taken = adopt(source, tmp_path / "models", model=known)
    assert (taken.path.name, taken.known) == ("tiny.gguf", known)


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.gguf"
    source.write_bytes(CONTENT)
    with pytest.raises(FetchError, match="is not qwen2"):
        adopt(source, tmp_path / "models", model=DEFAULT_MODEL)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("content", [b"", b"GG", b"PK\x03\x04", b"<html>"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "a.gguf"
    source.write_bytes(content)
    with pytest.raises(FetchError, match="not a GGUF file"):
        adopt(source, tmp_path / "models")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"gone\.gguf cannot be read: No such file"):
        adopt(tmp_path / "gone.gguf", tmp_path)


# --- The table --------------------------------------------------------------------------------


def test_the_table_names_whole_files_at_their_publishers() -> None:
    for model in MODELS:
        assert len(bytes.fromhex(model.sha256)) == 32
        assert model.licence == "Apache-2.0"
        assert not model.url or model.url.startswith(f"https://huggingface.co/{model.publisher}/")
        assert not model.url or model.url.endswith("/" + model.file)


def test_the_best_model_here_comes_first(tmp_path: Path) -> None:
    assert installed(tmp_path / "nowhere") == []
    for model in MODELS:
        with (tmp_path / model.file).open("wb") as file:
            file.truncate(model.size)
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    (tmp_path / "half.gguf.part").write_bytes(b"GGUF")
    names = [model.name for model in installed(tmp_path)]
    assert names == ["qwen2.5-coder-1.5b", "mine", "qwen2.5-coder-0.5b", "smollm2-135m"]
    # A file of that name and another size is not the model it is called after.
    (tmp_path / DEFAULT_MODEL.file).write_bytes(b"GGUF")
    assert DEFAULT_MODEL not in [model.known for model in installed(tmp_path)]


def test_models_are_kept_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_DIR", raising=False)
    monkeypatch.setenv("DATA_DIR", "/data")
    assert default_folder() == Path("/data/models")
    monkeypatch.setenv("MODEL_DIR", "/models")
    assert default_folder() == Path("/models")
