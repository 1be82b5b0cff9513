"""Takes the notebook out as a zip of Markdown files, which re-imports to the same notes, byte for byte.

Format: `<folder>/<title>.md` holds the body as it is. The archive's comment is `carryon`. The entry's comment says what
the path does not, or not exactly (signs that some systems forbid, names that are taken): JSON, {"note": its id,
"title": …, "folder": …, "pinned": true or false, "created": in ms since 1970}. Older exports say title and folder only,
and only where the path does not.

Beside the notes lies `report_name`, where there is something to say: one line for each note that is not in the zip as it
should be. An import leaves it out by name.

1. A path is safe on every system: no `<>:"/\\|?*` or control characters, no name that Windows reserves, no leading
   dot, no dot or space at the end, at most `name_bytes_max` bytes a name; and no two paths are equal when case is
   ignored.
2. The same notes give the same bytes, whatever order they come in. Notes in the trash stay out.
3. No note is left out or cut without a word: one of which nothing can be read is no empty file, but a line of the report;
   so is one that is not whole, or that an import would not take back.
"""

from __future__ import annotations

import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime

from carryon.notebook.importing import (
    archive_comment,
    exported_bytes_max,
    exported_entries_max,
    exported_file_bytes_max,
)
from carryon.notebook.limits import body_bytes_max
from carryon.notes.row import Row

name_bytes_max = 180
report_name = "Carryon export report.txt"
not_readable = "not in this export: nothing of it can be read on this device"
not_whole = "not whole: a part of it cannot be read on this device"

_forbidden = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_reserved = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


def paths_of(rows: Iterable[Row]) -> dict[str, str]:
    """Return the path of each note in the zip, by note, in the order of the zip."""
    paths: dict[str, str] = {}
    taken: set[str] = set()
    for row in sorted(rows, key=lambda row: (row.folder, row.title, row.created, row.note)):
        if row.trashed:
            continue
        folder = "".join(_safe(part, "_") + "/" for part in row.folder.split("/") if part)
        name, number = _safe(row.title, ""), 1
        path = f"{folder}{name}.md"
        while path.casefold() in taken:
            number += 1
            path = f"{folder}{name} ({number}).md"
        taken.add(path.casefold())
        paths[row.note] = path
    return paths


def file_name(row: Row) -> str:
    """Return the name under which a single note is saved."""
    return _safe(row.title, "") + ".md"


class Export:
    """A zip in the making: notes are added in the order of `paths_of`, as fast as the caller likes."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        self._zip = zipfile.ZipFile(self._bytes, "w", zipfile.ZIP_DEFLATED)
        self._zip.comment = archive_comment
        self._left = exported_bytes_max
        self._entries = 0
        self.report: list[tuple[str, str]] = []
        """By path what is to be said of notes."""

    def say(self, path: str, words: str) -> None:
        """Have the report say something of a note."""
        self.report.append((path, words))

    def add(self, path: str, row: Row, body: str) -> None:
        """Add a note under its path."""
        data = body.encode()
        self._left -= len(data)
        self._entries += 1
        if len(data) > exported_file_bytes_max or len(body.encode()) > body_bytes_max:
            self.say(path, f"in this export, but of {len(data) / 1e6:.1f} MB, which an import refuses: split it first")
        elif self._left < 0 or self._entries > exported_entries_max:
            self.say(path, "in this export, but beyond what one import takes: import the folders one by one")
        entry = zipfile.ZipInfo(path, _date_of(row.modified))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system, entry.external_attr = 3, 0o100644 << 16
        said = {
            "note": row.note,
            "title": row.title,
            "folder": row.folder,
            "pinned": row.pinned,
            "created": row.created,
        }
        entry.comment = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        self._zip.writestr(entry, data)

    def finish(self) -> bytes:
        """Return the zip."""
        if self.report:
            entry = zipfile.ZipInfo(report_name, _date_of(0))
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            self._zip.writestr(entry, "".join(f"{path}: {words}\n" for path, words in self.report).encode())
        self._zip.close()
        return self._bytes.getvalue()


def _safe(name: str, mark: str) -> str:
    """Return a name that every system takes; `mark` keeps a folder from looking like a note."""
    safe = _forbidden.sub("-", unicodedata.normalize("NFC", name))
    safe = re.sub(r"^\.", "_", safe.strip(" "))
    while len(safe.encode()) > name_bytes_max:
        safe = safe[:-1]
    safe = safe.rstrip(". ")
    if mark and re.search(r"\.(?:md|markdown)$", safe, re.IGNORECASE):
        safe += mark
    return f"{safe}_" if _reserved.fullmatch(safe) else safe or "Untitled"


def _date_of(milliseconds: int) -> tuple[int, int, int, int, int, int]:
    """Return a time as a zip holds it: UTC, within the years that it can say."""
    earliest, latest = 315_532_800, 4_354_819_198  # 1980-01-01 00:00:00 and 2107-12-31 23:59:58
    date = datetime.fromtimestamp(min(max(milliseconds // 1000, earliest), latest), UTC)
    return (date.year, date.month, date.day, date.hour, date.minute, date.second)
