"""Static files as they are served: hashed, compressed, and the look in one style sheet.

In the source each part of the look is a file of its own, and app.css imports them into layers. A
browser would learn of them only from app.css, and ask for each: the first page would wait twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

SHEET = "css/app.css"
_IMPORT = re.compile(r'@import url\("([^"]+)"\) layer\((\w+)\);')
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class OneSheetStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """As WhiteNoise's, with what app.css imports written in its place, without comments."""

    def post_process(self, paths: Mapping[str, Any], **options: Any) -> Iterator[Any]:
        if SHEET in paths and not options.get("dry_run"):
            whole = sheet_whole(SHEET, lambda name: _text(*paths[name]))
            if self.exists(SHEET):
                self.delete(SHEET)
            self._save(SHEET, ContentFile(whole.encode()))
            paths = {**paths, SHEET: (self, SHEET)}
        yield from super().post_process(paths, **options)


def sheet_whole(name: str, read: Any) -> str:
    """The style sheet ``name``, its imports written out. ``read`` gives a file's text by name."""
    folder = name.rpartition("/")[0]

    def part(found: re.Match[str]) -> str:
        return f"@layer {found[2]} {{\n{read(f'{folder}/{found[1]}')}\n}}"

    whole = _COMMENT.sub("", _IMPORT.sub(part, read(name)))
    return "\n".join(line for line in map(str.strip, whole.splitlines()) if line) + "\n"


def _text(storage: Any, path: str) -> str:
    with storage.open(path) as file:
        content: bytes = file.read()
    return content.decode()
