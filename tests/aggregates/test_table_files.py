"""Kept tables: whole or not there, within their room, whoever reads and writes at once."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotate.selectors import table_files
from annotate.selectors.table_files import Columns, columns_forget, columns_keep, columns_kept


def columns(n_labels: int = 6, seed: int = 1) -> Columns:
    rng = np.random.default_rng(seed)
    return Columns(
        item_ids=np.arange(n_labels // 2, dtype=np.int64) + 2**40 + seed,
        rater_ids=np.array([7, 9], dtype=np.int64),
        items=np.repeat(np.arange(n_labels // 2, dtype=np.int32), 2),
        raters=np.tile(np.array([0, 1], dtype=np.int32), n_labels // 2),
        codes=rng.integers(0, 500, n_labels).astype(np.uint16),
        digest=f"{seed:064x}",
    )


def same(a: Columns | None, b: Columns) -> bool:
    return a is not None and all(
        np.array_equal(value, getattr(b, name)) for name, value in vars(a).items()
    )


def files(settings: Any) -> list[Path]:
    return sorted(settings.TABLE_DIR.iterdir())


@pytest.mark.parametrize("n_labels", [0, 2, 1000])
def test_what_is_kept_comes_back_under_its_mark_only(n_labels: int) -> None:
    kept = columns(n_labels)
    columns_keep(3, "mark", kept)

    assert same(columns_kept(3, "mark"), kept)
    assert columns_kept(3, "another") is None
    assert columns_kept(33, "mark") is None


def test_a_new_table_takes_the_place_of_the_old(settings: Any) -> None:
    columns_keep(3, "old", columns(seed=1))
    columns_keep(33, "old", columns(seed=2))
    columns_keep(3, "new", columns(seed=3))

    assert columns_kept(3, "old") is None
    assert same(columns_kept(3, "new"), columns(seed=3))
    assert same(columns_kept(33, "old"), columns(seed=2))
    columns_forget([3])
    assert columns_kept(3, "new") is None
    assert len(files(settings)) == 1


def test_only_this_account_of_the_machine_may_read_it(settings: Any) -> None:
    columns_keep(3, "mark", columns())

    assert {oct(path.stat().st_mode & 0o077) for path in files(settings)} == {"0o0"}


@pytest.mark.parametrize("harm", ["cut", "longer", "empty", "another form", "gone"])
def test_a_file_that_is_not_whole_is_as_good_as_missing(settings: Any, harm: str) -> None:
    columns_keep(3, "mark", columns())
    (path,) = files(settings)
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {
                "cut": data[:-1],
                "longer": data + b"\0",
                "empty": b"",
                "another form": b"X" + data[1:],
            }[harm]
        )

    assert columns_kept(3, "mark") is None
    columns_keep(3, "mark", columns())
    assert same(columns_kept(3, "mark"), columns())


def test_the_longest_unused_go_when_there_is_no_more_room(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TABLE_CACHE_MB = 1
    for question in (1, 2, 3):
        columns_keep(question, "mark", columns(30_000))  # 0.42 MB each
        path = next(settings.TABLE_DIR.glob(f"{question}-*"))
        os.utime(path, (question, question))
        if question == 2:
            assert columns_kept(1, "mark") is not None  # used again: younger than the second

    assert columns_kept(2, "mark") is None
    assert columns_kept(1, "mark") is not None
    assert columns_kept(3, "mark") is not None
    columns_keep(4, "mark", columns(100_000))  # more than there is room for
    assert columns_kept(4, "mark") is None
    assert columns_kept(3, "mark") is not None


def test_without_room_nothing_is_kept(settings: Any) -> None:
    settings.TABLE_CACHE_MB = 0
    columns_keep(3, "mark", columns())

    assert columns_kept(3, "mark") is None


def test_a_folder_that_cannot_be_written_to_stops_nothing(
    settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.TABLE_DIR = tmp_path / "file" / "tables"
    (tmp_path / "file").write_text("no folder")

    columns_keep(3, "mark", columns())

    assert columns_kept(3, "mark") is None
    assert "could not be kept" in caplog.text


def test_what_a_dead_writer_left_is_cleared_away_and_a_living_one_left_alone(settings: Any) -> None:
    settings.TABLE_DIR.mkdir(parents=True)
    dead, living = settings.TABLE_DIR / ".a.partial", settings.TABLE_DIR / ".b.partial"
    for path in (dead, living):
        path.touch()
    os.utime(dead, (1, 1))

    columns_keep(3, "mark", columns())

    assert not dead.exists()
    assert living.exists()


@pytest.mark.race
def test_several_may_keep_read_and_forget_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found is always whole. Threads do what processes do: they share but the folder."""
    monkeypatch.setattr(table_files, "_limit", lambda: 100_000)  # room for three
    wrong: list[Any] = []
    found = 0

    def work(seed: int) -> None:
        nonlocal found
        try:
            for turn in range(40):
                question = (seed + turn) % 4
                columns_keep(question, "mark", columns(2000, seed=question))
                kept = columns_kept((question + turn) % 4, "mark")
                if kept is not None:
                    found += 1
                    if not same(kept, columns(2000, seed=(question + turn) % 4)):
                        wrong.append(turn)
                if turn % 7 == 0:
                    columns_forget([question])
        except Exception as error:  # noqa: BLE001
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert found > 20
