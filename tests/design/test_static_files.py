"""The style sheet as it is served says what its parts say, in the same layers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from django.contrib.staticfiles.storage import StaticFilesStorage

from config.static_files import SHEET, OneSheetStorage, sheet_whole

STATIC = Path(__file__).resolve().parents[2] / "static"


def rules(css: str) -> list[str]:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL).split()


def test_the_sheet_that_is_served_holds_every_part_in_its_layer(tmp_path: Path) -> None:
    # As collectstatic has copied it.
    shutil.copytree(STATIC / "css", tmp_path / "css")
    source = StaticFilesStorage(location=str(STATIC))
    storage = OneSheetStorage(location=str(tmp_path))
    storage.manifest_storage = StaticFilesStorage(location=str(tmp_path))
    names = [str(path.relative_to(STATIC)) for path in (STATIC / "css").rglob("*.css")]
    for _result in storage.post_process({name: (source, name) for name in names}):
        pass
    served = (tmp_path / storage.stored_name(SHEET)).read_text()
    entry = (STATIC / SHEET).read_text()
    parts = re.findall(r'@import url\("([^"]+)"\) layer\((\w+)\)', entry)
    assert len(parts) > 10
    wanted = rules(entry.partition("@import")[0])
    for path, layer in parts:
        wanted += ["@layer", layer, "{", *rules((STATIC / "css" / path).read_text()), "}"]
    assert rules(served) == wanted
    assert "@import" not in served
    assert (tmp_path / (storage.stored_name(SHEET) + ".gz")).exists()


def test_an_address_inside_a_part_would_point_elsewhere_so_there_is_none() -> None:
    whole = sheet_whole(SHEET, lambda name: (STATIC / name).read_text())
    assert "url(" not in whole
