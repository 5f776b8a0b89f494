"""Label tables of questions with very many labels, kept in files so as not to be read again.

A cache: any file may be missing, and what is not whole is as good as missing. A file is found by
the mark of the labels it holds, and written under another name first, so several processes may read
and write at once. All files together keep below TABLE_CACHE_MB.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

log = logging.getLogger(__name__)

# Changed whenever the form of the files does: older ones are then not found.
_FORM = b"concord-table-1\n"
_HEAD = struct.Struct("<16sQQQ64s")
# A file that is being written is left alone for so long; then its writer is taken for dead.
_ABANDONED_SECONDS = 3600


@dataclass(frozen=True)
class Columns:
    """Labels in the order of items and raters, coded, with the ids that the codes stand for.

    item_ids, rater_ids   ascending; position k is code k
    items, raters, codes  one entry a label
    digest                SHA-256 of the (item id, rater id, choice) triples, hexadecimal
    """

    item_ids: NDArray[np.int64]
    rater_ids: NDArray[np.int64]
    items: NDArray[np.int32]
    raters: NDArray[np.int32]
    codes: NDArray[np.uint16]
    digest: str


def columns_kept(question_id: int, mark: str) -> Columns | None:
    """What was kept under this mark, mapped and not read, or None."""
    path = _path(question_id, mark)
    try:
        with path.open("rb") as file:
            form, n_labels, n_items, n_raters, digest = _HEAD.unpack(file.read(_HEAD.size))
            lengths = _lengths(n_items, n_raters, n_labels)
            if form != _FORM or os.fstat(file.fileno()).st_size != _size(lengths):
                return None
            whole = np.memmap(file, np.uint8, "r")
        os.utime(path)  # used: the oldest go first
    except (OSError, struct.error, ValueError):
        return None
    ends = np.cumsum([_HEAD.size, *(n * np.dtype(dtype).itemsize for n, dtype in lengths)])
    item_ids, rater_ids, items, raters, codes = (
        whole[start:end].view(dtype)
        for start, end, (_n, dtype) in zip(ends[:-1], ends[1:], lengths, strict=True)
    )
    return Columns(item_ids, rater_ids, items, raters, codes, digest.decode("ascii"))


def columns_keep(question_id: int, mark: str, columns: Columns) -> None:
    """Keep them under this mark, in place of what was kept of the question before.

    Where that cannot be done (a full disk, a folder that is not ours) the log says so, and that is
    all.
    """
    arrays = (
        columns.item_ids,
        columns.rater_ids,
        columns.items,
        columns.raters,
        columns.codes,
    )
    lengths = _lengths(len(columns.item_ids), len(columns.rater_ids), len(columns.codes))
    if _size(lengths) > _limit():
        return
    folder = _folder()
    partial = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=folder)
        with os.fdopen(number, "wb") as file:
            file.write(
                _HEAD.pack(
                    _FORM,
                    len(columns.codes),
                    len(columns.item_ids),
                    len(columns.rater_ids),
                    columns.digest.encode("ascii"),
                )
            )
            for array, (_length, dtype) in zip(arrays, lengths, strict=True):
                np.ascontiguousarray(array, dtype=dtype).tofile(file)
            file.flush()
            # A name for contents that a power cut took would be worse than no file.
            os.fsync(file.fileno())
        path = _path(question_id, mark)
        Path(partial).replace(path)
        _unlink(other for other in _of_question(question_id) if other != path)
        _prune(folder)
    except OSError as error:
        log.warning("A label table could not be kept in %s: %s", folder, error)
        if partial is not None:
            _unlink([Path(partial)])


def columns_forget(question_ids: Iterable[int]) -> None:
    """Throw away what is kept of these questions."""
    for question_id in question_ids:
        _unlink(_of_question(question_id))


def _lengths(n_items: int, n_raters: int, n_labels: int) -> list[tuple[int, str]]:
    """Length and type of each array, in the order of Columns and of the file."""
    return [
        (n_items, "<i8"),
        (n_raters, "<i8"),
        (n_labels, "<i4"),
        (n_labels, "<i4"),
        (n_labels, "<u2"),
    ]


def _size(lengths: list[tuple[int, str]]) -> int:
    return _HEAD.size + sum(length * np.dtype(dtype).itemsize for length, dtype in lengths)


def _limit() -> int:
    return int(settings.TABLE_CACHE_MB) * 1_000_000


def _folder() -> Path:
    return Path(settings.TABLE_DIR)


def _path(question_id: int, mark: str) -> Path:
    name = hashlib.blake2b(mark.encode("utf-8"), digest_size=16).hexdigest()
    return _folder() / f"{question_id}-{name}.table"


def _of_question(question_id: int) -> list[Path]:
    return list(_folder().glob(f"{question_id}-*.table"))


def _prune(folder: Path) -> None:
    """The oldest go until the rest fits, and what a dead writer left."""
    found = []
    for path in folder.iterdir():
        try:
            state = path.stat()
        except FileNotFoundError:  # somebody else's turn to prune
            continue
        if path.suffix == ".table":
            found.append((state.st_mtime, state.st_size, path))
        elif path.suffix == ".partial" and state.st_mtime < time.time() - _ABANDONED_SECONDS:
            _unlink([path])
    room = _limit()
    for _at, size, path in sorted(found, reverse=True):
        room -= size
        if room < 0:
            _unlink([path])


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
