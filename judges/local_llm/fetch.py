"""Bringing a model's file here: from its publisher's address, or from a file the user has.

A download goes to a `.part` file beside its place, goes on where it was broken off, and is put
in place only when its SHA-256 is the one in the table.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from judges.local_llm.models import BY_SHA256, GGUF_MAGIC, LocalModel

# Called with (bytes done, bytes in all).
Progress: TypeAlias = Callable[[int, int], None]

_CHUNK = 1 << 20
_TIMEOUT = 60.0


class FetchError(Exception):
    """The model is not here. `message` says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Adopted:
    """A file the user brought. `known` None: it is none of the table, and `note` says so."""

    path: Path
    known: LocalModel | None
    note: str


def fetch(model: LocalModel, folder: Path, *, progress: Progress | None = None) -> Path:
    """Bring `model` into `folder` and return its path. Safe to repeat: what is there is checked,
    not fetched.

    Raises FetchError: no address, no network, no room, a broken download (what came is kept and
    gone on with at the next call), or another SHA-256 (what came is thrown away).
    """
    place = folder / model.file
    if place.exists() and place.stat().st_size == model.size and sha256(place) == model.sha256:
        return place
    if not model.url:
        raise FetchError(
            f"{model.publisher} offers no file {model.file}."
            " If you have one, pass it: manage.py fetch_model --file PATH"
        )
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{model.file}.part"
    with _alone(part) as file:
        _check_room(folder, model.size - part.stat().st_size)
        digest = _download(model, file, progress or _silent)
        if part.stat().st_size != model.size or digest != model.sha256:
            part.unlink()
            raise FetchError(
                f"What came from {model.url} is not the file that is expected (another size or"
                f" SHA-256)."
                " It was thrown away. Try again; if it happens twice, do not use that address."
            )
        part.replace(place)
    return place


def adopt(
    source: Path,
    folder: Path,
    *,
    model: LocalModel | None = None,
    progress: Progress | None = None,
) -> Adopted:
    """Take a GGUF file the user has into `folder`, linked where that can be, else copied.

    A file of the table gets its name there. Any other is accepted with a note, unless `model`
    says which one it has to be. Raises FetchError: no such file, no GGUF file, or not `model`.
    """
    try:
        with source.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
        size = source.stat().st_size
    except OSError as error:
        raise FetchError(f"{source} cannot be read: {error.strerror or error}.") from None
    if magic != GGUF_MAGIC:
        raise FetchError(f"{source} is not a GGUF file. Pass the .gguf file of a model.")
    digest = sha256(source, progress)
    known = BY_SHA256.get(digest)
    if model is not None and known != model:
        raise FetchError(
            f"{source} is not {model.name}: its SHA-256 is {digest}, not {model.sha256}."
            " Leave the name out to use it as a model of its own."
        )
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / (known.file if known else f"{source.stem}.gguf")
    if not (place.exists() and place.samefile(source)):
        _check_room(folder, size)
        _put(source, place)
    note = (
        f"{known.name}, {known.licence}, by {known.publisher}: its SHA-256 is the one expected."
        if known
        else "This model is not in Concord's table, so nothing is known about it as a judge."
        f" Its SHA-256 is {digest}. Try it on items that people have labelled first."
    )
    return Adopted(place, known, note)


def sha256(path: Path, progress: Progress | None = None) -> str:
    """The file's SHA-256, hexadecimal, read in pieces."""
    digest = hashlib.sha256()
    total = path.stat().st_size
    with path.open("rb") as file:
        for done in _hash_into(digest, file):
            if progress:
                progress(done, total)
    return digest.hexdigest()


def _download(model: LocalModel, file: BinaryIO, progress: Progress) -> str:
    """Fill `file` from where it ends; the SHA-256 of the whole."""
    digest = hashlib.sha256()
    file.seek(0)
    done = 0
    for done in _hash_into(digest, file):
        progress(done, model.size)
    if done >= model.size:
        return digest.hexdigest()
    request = urllib.request.Request(model.url, headers={"User-Agent": "concord"})  # noqa: S310
    if done:
        request.add_header("Range", f"bytes={done}-")
    try:
        with _OPENER.open(request, timeout=_TIMEOUT) as response:
            if done and not _goes_on_at(response, done):
                file.seek(0)
                file.truncate()
                digest, done = hashlib.sha256(), 0
            while piece := response.read(_CHUNK):
                file.write(piece)
                digest.update(piece)
                done += len(piece)
                progress(done, model.size)
                if done > model.size:
                    break
    except urllib.error.HTTPError as error:
        raise FetchError(
            f"{model.url} answers {error.code} {error.reason}. Try again later,"
            " or pass a file you have: manage.py fetch_model --file PATH"
        ) from None
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", None) or error
        raise FetchError(
            f"{model.url} cannot be reached or broke off ({reason}). {_kept(done)}Without a"
            f" network, or with the"
            " file from elsewhere: manage.py fetch_model --file PATH"
        ) from None
    if done < model.size:
        raise FetchError(
            f"{model.url} broke off. {_kept(done)}Or pass a file you have: manage.py"
            f" fetch_model --file PATH"
        )
    return digest.hexdigest()


def _kept(done: int) -> str:
    if not done:
        return ""
    return f"The {done / 1e6:,.0f} MB that came are kept: try again to go on. "


def _goes_on_at(response: object, done: int) -> bool:
    status = getattr(response, "status", 200)
    headers = getattr(response, "headers", {})
    return status == 206 and str(headers.get("Content-Range", "")).startswith(f"bytes {done}-")


def _hash_into(digest: hashlib._Hash, file: BinaryIO) -> Iterator[int]:
    done = 0
    while piece := file.read(_CHUNK):
        digest.update(piece)
        done += len(piece)
        yield done


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[BinaryIO]:
    """The open `.part` file, held so that a second fetch does not write into it."""
    with part.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FetchError(f"{part.name} is being fetched already. Wait for it.") from None
        yield file


def _put(source: Path, place: Path) -> None:
    part = place.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), part)
    except OSError:
        shutil.copyfile(source, part)
    part.replace(place)


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise FetchError(
            f"{folder} has {free / 1e6:,.0f} MB free, and {needed / 1e6:,.0f} MB are needed."
            " Make room, or name another folder with MODEL_DIR."
        )


def _silent(_done: int, _total: int) -> None:
    """Nobody watches."""


class _NeverLessSafe(urllib.request.HTTPRedirectHandler):
    """Follows redirects (publishers keep large files elsewhere), but never from https to
    anything else.
    """

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.URLError("it redirects to an address without encryption")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_NeverLessSafe)
