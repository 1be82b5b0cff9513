"""Brings Markdown files into the notebook, so that importing twice changes nothing and no text ever gets a second
history.

From a file to a note: the bytes are the body (UTF-8, byte order mark and line ends included), the name without `.md`
is the title, the folders are the folder. Of a chosen folder, and of a zip in which everything lies in one, the
outermost is the notebook itself and left out. A note remembers where it came from, in its field `source`: JSON,
{"path": as given by the picker, with the zip's name before it, "sha256": of the bytes, "note": in an export, where it
says so, the id that the note has in its notebook}. A file's own time, where it has one, is the time of what it brings: a
zip tells it in Unix seconds (the extra field 0x5455), else as local time, and one of ours as UTC.

1. A file whose origin and bytes a note came from, or which a note of its id or name holds word for word, is unchanged:
   whatever was edited since stays. The origin is the note's id in an export, else the path.
2. A file of a known origin whose bytes are others is a newer version of a note, and becomes its new text by a small edit,
   only where nothing newer is lost: the note came from there, its text is still that file's, the file's time is none
   before its own, and, where no id but a path is known, the path has a folder and title and folder are the note's.
   Otherwise it becomes a note beside the one that is here, and is counted as such: both are kept.
3. A note is taken for one file of an import only: files without a folder that share a name stay separate notes.
4. What would be unchanged or updated and lies in the trash is taken out of it.
5. Nothing is guessed and nothing dropped silently: what is not UTF-8, too large, or has a path that leaves its folder
   is refused by name; what is no Markdown, or hidden, is left out by name.

A zip that was exported here (comment `carryon`) has limits of its own, and tells in the entry's comment what its path
cannot (exporting.py); in an older one that is less, or nothing. Every export has the same name: a path in it names no
origin. The search must know all texts (`Notebook.texts_ready`), freshly (`refresh`). It reads no files itself,
and makes no ids.
"""

from __future__ import annotations

import io
import json
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from importlib import import_module

from carryon.notebook.commands import Command, CreateNote, ReplaceBody, RestoreNote
from carryon.notebook.limits import body_bytes_max, folder_characters_max, note_id, title_characters_max
from carryon.notebook.notebook import Notebook
from carryon.notes.row import clean_folder
from carryon.notes.shallow import read_shallow

file_bytes_max = body_bytes_max
zip_entries_max = 100_000
zip_bytes_max = 200_000_000  # of all Markdown in it, unpacked
# What was exported here comes back, so a zip of ours may hold what a notebook may: a note is one change when it is
# imported, and a change unpacks to 32 MiB.
exported_entries_max = 1_000_000
exported_file_bytes_max = 32_000_000
exported_bytes_max = 500_000_000


def _codec_faults() -> Iterator[type[Exception]]:
    """Give the errors of the codecs that zipfile takes where this Python has them."""
    for module, name in (("lzma", "LZMAError"), ("compression.zstd", "ZstdError")):
        with suppress(ImportError):
            yield getattr(import_module(module), name)


# What zipfile and its codecs raise over bytes that are no whole zip, places and sizes beyond all memory among them: each
# becomes a refusal in words.
_zip_faults: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    EOFError,
    IndexError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,  # of an entry that is encrypted, and, as NotImplementedError, of a method that is not known
    ValueError,
    struct.error,
    zlib.error,
    *_codec_faults(),
)
archive_comment = b"carryon"
_unix_times = (
    0x5455  # an extra field of a zip's entry: flags 1 byte, whose lowest says that the time of change follows, in 4
)
_no_time = (1980, 1, 1, 0, 0, 0)

_markdown = re.compile(r"(.+)\.(?:md|markdown)", re.IGNORECASE | re.DOTALL)
_control = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class _Limits:
    entries: int
    file_bytes: int
    bytes: int


_theirs = _Limits(zip_entries_max, file_bytes_max, zip_bytes_max)
_ours = _Limits(exported_entries_max, exported_file_bytes_max, exported_bytes_max)


@dataclass(frozen=True, slots=True)
class NoteFile:
    """A file that can become a note. `placed` tells that its path has a folder, so that it names the file.

    `note` is, in an export, the id of its note in its notebook: empty where it does not say, None in other files.
    """

    path: str
    placed: bool
    folder: str
    title: str
    body: str
    sha256: str
    time: int | None = None
    """When it was changed last, ms since 1970; None where nobody has said so."""
    note: str | None = None
    pinned: bool = False
    created: int | None = None
    """When its note was created, ms since 1970; None where nobody has said so."""

    @property
    def origin(self) -> str:
        """What a later version of it has too; empty where nothing tells."""
        if self.note is not None:
            return self.note
        return self.path if self.placed else ""

    @property
    def source(self) -> str:
        """What the note remembers of the file."""
        said = {"path": self.path, "sha256": self.sha256} | ({"note": self.note} if self.note else {})
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that should become a note and cannot."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is no note."""

    path: str
    reason: str


Read = NoteFile | Refused | LeftOut


def read_file(path: str, data: bytes, time: int | None = None, offset: int = 0) -> Iterator[Read]:
    """Read one chosen file: its name, or its path from the chosen folder on. A zip gives each of its files.

    `time` is when the file was changed last; `offset` is how many minutes local time is ahead of UTC, for those in a zip.
    """
    if "/" not in path and path.lower().endswith(".zip"):
        yield from _read_zip(path, data, offset)
        return
    parts = _parts(path)
    if parts is None:
        yield Refused(path, "its path leaves the folder, or is none")
        return
    left = _left_out(path, parts)
    yield left or _note_file(path, len(parts) > 1, "/".join(parts[1:-1]), parts[-1], data, time)


@dataclass(slots=True)
class Tally:
    """How many files became what; `beside` are those created that have a note of their origin here, which is kept."""

    created: int = 0
    beside: int = 0
    updated: int = 0
    restored: int = 0
    unchanged: int = 0


class Import:
    """One import: decides for each file what it does to the notebook."""

    def __init__(self, notebook: Notebook, new_id: Callable[[], str]) -> None:
        assert notebook.texts_ready, "files are compared with all texts of the notebook"
        self.tally = Tally()
        self._notebook = notebook
        self._new_id = new_id
        self._by_origin: dict[str, list[str]] = {}
        self._by_title: dict[str, list[str]] = {}
        self._came_from: dict[str, str] = {}
        # Notes in the trash come last: another of the same path or text is taken before them.
        for row in sorted(notebook.rows.values(), key=lambda row: (row.trashed, row.note)):
            self._by_title.setdefault(row.title, []).append(row.note)
            source = _decoded(row.source)
            if source is not None:
                self._by_origin.setdefault(source[0], []).append(row.note)
                self._came_from[row.note] = source[1]
        self._taken: set[str] = set()

    def commands(self, file: NoteFile) -> list[Command]:
        """Return what a file orders of the notebook: nothing when it changes nothing."""
        same = self._same(file)
        if same is not None:
            return self._take(same, [])
        known = [note for note in self._known(file) if note not in self._taken]
        earlier = next((note for note in known if self._is_earlier(note, file)), None)
        if earlier is not None:
            return self._take(earlier, [ReplaceBody(earlier, file.body, file.source)])
        self.tally.created += 1
        self.tally.beside += bool(known)
        return [
            CreateNote(
                self._new_id(),
                file.title,
                file.body,
                file.folder,
                file.source,
                pinned=file.pinned,
                created=file.created,
            )
        ]

    def _same(self, file: NoteFile) -> str | None:
        """Return a note that came from this very file, or holds its text under its id or name."""
        exported = file.note
        if exported and exported in self._notebook.rows and exported not in self._taken and self._holds(exported, file):
            return exported
        for note in self._by_origin.get(file.note or file.path, []):
            if note not in self._taken and (self._came_from[note] == file.sha256 or self._holds(note, file)):
                return note
        for note in self._by_title.get(file.title, []):
            placed = not file.placed or self._notebook.rows[note].folder == file.folder
            if placed and note not in self._taken and self._holds(note, file):
                return note
        return None

    def _known(self, file: NoteFile) -> list[str]:
        """Return the notes of a file's origin: those that came from there, or the very note that was exported."""
        if not file.origin:
            return []
        return [file.origin] if file.origin in self._notebook.rows else self._by_origin.get(file.origin, [])

    def _is_earlier(self, note: str, file: NoteFile) -> bool:
        """Tell whether a note of a file's origin is as it came from there, and the file a newer version of it."""
        row, text = self._notebook.rows[note], self._notebook.text(note)
        if text is None or note == file.note or sha256(text.encode()).hexdigest() != self._came_from[note]:
            return False
        is_older = file.time is not None and 0 < file.time < row.modified
        is_called_so = bool(file.note) or (row.title, row.folder) == (file.title, file.folder)
        return is_called_so and not is_older

    def _holds(self, note: str, file: NoteFile) -> bool:
        return self._notebook.text(note) == file.body

    def _take(self, note: str, commands: list[Command]) -> list[Command]:
        self._taken.add(note)
        if self._notebook.rows[note].trashed:
            self.tally.restored += 1
            return [RestoreNote(note), *commands]
        if commands:
            self.tally.updated += 1
        else:
            self.tally.unchanged += 1
        return commands


def _read_zip(path: str, data: bytes, offset: int) -> Iterator[Read]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from _read_archive(path, archive, offset)
    except _zip_faults as fault:
        yield Refused(path, f"it cannot be read as a zip: {fault}")


def _read_archive(path: str, archive: zipfile.ZipFile, offset: int) -> Iterator[Read]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    ours = archive.comment == archive_comment
    limits = _ours if ours else _theirs
    if len(entries) > limits.entries:
        yield Refused(path, f"it holds {len(entries):,} files, the limit is {limits.entries:,}: split it")
        return
    parts_of = [_parts(entry.filename.replace("\\", "/")) for entry in entries]
    tops = {parts[0] if len(parts) > 1 else "" for parts in parts_of if parts and not _hidden(parts)}
    inner = 1 if not ours and len(tops) == 1 and "" not in tops else 0
    left = limits.bytes
    for entry, parts in zip(entries, parts_of, strict=True):
        name = f"{path}/{entry.filename}"
        if parts is None or stat.S_ISLNK(entry.external_attr >> 16):
            yield Refused(name, "its path leaves the zip, or is a link")
            continue
        left_out = _left_out(name, parts)
        if left_out is not None:
            yield left_out
            continue
        content = _unpacked(archive, entry, left, limits)
        if isinstance(content, str):
            yield Refused(name, content)
            continue
        left -= len(content)
        time = _time_of(entry, 0 if ours else offset)
        found = _note_file(name, True, "/".join(parts[inner:-1]), parts[-1], content, time, limits.file_bytes)
        yield _as_exported(found, entry.comment) if ours and isinstance(found, NoteFile) else found


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int, limits: _Limits) -> bytes | str:
    """Return an entry's bytes, or why it is refused. Reading stops at the limit, whatever it claims."""
    if entry.flag_bits & 1:
        return "it is encrypted: unpack the zip first"
    try:
        with archive.open(entry) as stream:
            content = stream.read(min(left, limits.file_bytes) + 1)
    except _zip_faults as fault:
        return f"it is damaged: {fault}"
    if len(content) > limits.file_bytes:
        return _too_large(entry.file_size, limits.file_bytes)
    if len(content) > left:
        return f"the zip holds more than {limits.bytes / 1e6:.0f} MB of text: split it"
    return content


def _time_of(entry: zipfile.ZipInfo, offset: int) -> int | None:
    """Return when an entry was changed last, in ms since 1970, or None where it does not say."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == _unix_times and 5 <= size <= len(extra) - 4 and extra[4] & 1:
            return 1000 * int(struct.unpack_from("<i", extra, 5)[0]) or None
        extra = extra[4 + size :]
    if entry.date_time <= _no_time:
        return None
    try:
        local = datetime(*entry.date_time, tzinfo=UTC)
    except ValueError:
        return None  # Such as month 0 or hour 31.
    return 1000 * (int(local.timestamp()) - 60 * offset)


def _note_file(
    path: str,
    placed: bool,
    folder: str,
    name: str,
    data: bytes,
    time: int | None,
    bytes_max: int = file_bytes_max,
) -> NoteFile | Refused:
    if len(data) > bytes_max:
        return Refused(path, _too_large(len(data), bytes_max))
    try:
        body = data.decode()
    except UnicodeDecodeError as fault:
        return Refused(path, f"it is not UTF-8 text (byte {fault.start:,}): save it as UTF-8")
    named = _markdown.fullmatch(name)
    assert named, "only Markdown gets here"
    title, folder = unicodedata.normalize("NFC", named[1]), clean_folder(unicodedata.normalize("NFC", folder))
    if len(title) > title_characters_max or len(folder) > folder_characters_max:
        return Refused(path, "its name is too long")
    return NoteFile(path, placed, folder, title, body, sha256(data).hexdigest(), time)


def _as_exported(file: NoteFile, comment: bytes) -> NoteFile | Refused:
    """Give a note of our own export what its path could not say, as far as its comment does."""
    file = replace(file, note="")
    try:
        said = read_shallow(comment.decode())
    except ValueError:
        return file
    match said:
        case {"title": str(title), "folder": str(folder)}:
            pass
        case _:
            return file
    if len(title) > title_characters_max or len(folder) > folder_characters_max:
        return Refused(file.path, "its name is too long")
    file = replace(file, folder=clean_folder(folder), title=title)
    match said:
        case {"note": str(note), "pinned": bool(pinned), "created": int(created)} if note_id.fullmatch(note):
            # No note is older than its words: one that says so is as old as they are.
            is_earlier = file.time is not None and 0 < created < file.time
            return replace(file, note=note, pinned=pinned, created=created if is_earlier else None)
        case _:
            return file


def _left_out(path: str, parts: tuple[str, ...]) -> LeftOut | None:
    if _hidden(parts):
        return LeftOut(path, "hidden files are left out")
    if not _markdown.fullmatch(parts[-1]):
        return LeftOut(path, "only Markdown is taken; attachments come with a later release")
    return None


def _hidden(parts: tuple[str, ...]) -> bool:
    return parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts)


def _parts(path: str) -> tuple[str, ...] | None:
    """Return the names in a path, None when it is none inside of a folder."""
    parts = tuple(path.split("/"))
    bad = any(not part.strip() or part in (".", "..") for part in parts) or _control.search(path)
    return None if bad or re.fullmatch(r"[A-Za-z]:", parts[0]) else parts


def _too_large(size: int, bytes_max: int) -> str:
    return f"it is {size / 1e6:.1f} MB, the limit is {bytes_max / 1e6:.0f} MB: split it"


def _decoded(source: str) -> tuple[str, str] | None:
    """Return the origin and the hash in what a note remembers of its file."""
    try:
        match read_shallow(source) if source else None:
            case {"note": str(note), "sha256": str(sha256)}:
                return note, sha256
            case {"path": str(path), "sha256": str(sha256)}:
                return path, sha256
            case _:
                return None
    except ValueError:
        return None
