"""What a device durably holds of a notebook, read from its disk behind the back of every core, for the invariants.

1. Only committed records are seen, in one look without waiting: so it can be asked in the very moment in which a tab is
   told that something is saved.
2. The log is read on from where the last look ended; what is read is checked: positions without gaps, every change after
   all that it needs, none twice.
3. A note is its changes in the order of the log, then its journal rows, each author's in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from random import Random

from carryon.core.log.identity import note_text
from carryon.notes.note import Note
from carryon.storage import layouts
from carryon.storage.device import KeptNotebook
from carryon.storage.layouts import JournalRow
from carryon.storage.memory_store import MemoryDisk
from carryon.storage.store import Entry, Range
from carryon_sync.formats.ids import text_of

from tests.simulation.chronicle import READER, Bodies, Chronicle, at_once
from tests.simulation.device import Device


class Holdings:
    """One device's part of a notebook."""

    def __init__(self, device: Device, bodies: Bodies) -> None:
        self.device = device
        self.chronicle = Chronicle(device.name, bodies)
        self.position = 0
        # Changes whose record in the log does not read, by position.
        self._rotten: dict[int, bytes] = {}
        self.documents: dict[str, Note] = {}
        # What changes of the log brought, by note, and whose they are: with the time at which they were first seen.
        self.updates: dict[str, set[bytes]] = {}
        # How far each author's chain of a note goes, the author in hexadecimal.
        self.heads: dict[str, dict[str, int]] = {}
        self.ids_by_author: dict[bytes, dict[bytes, tuple[bytes, float, int]]] = {}
        self._rows: dict[bytes, JournalRow] = {}
        self._database = KeptNotebook(text_of(bodies.keyring.notebook), "").database

    @property
    def disk(self) -> MemoryDisk | None:
        """The notebook's disk; None on a device that has not joined."""
        return self.device.disks.get(self._database)

    @property
    def ids(self) -> set[bytes]:
        """The ids of all changes in the log."""
        self.read_on()
        if self._rotten:
            self._rotten = {pos: id for pos, id in self._rotten.items() if not self._reads(pos)}
        return self.chronicle.ids - set(self._rotten.values()) if self._rotten else self.chronicle.ids

    @property
    def entered(self) -> set[bytes]:
        """The ids of all changes that have entered the log, also of those that have rotted there."""
        self.read_on()
        return self.chronicle.ids

    def rot(self, store: str, entry: Entry, random: Random) -> None:
        """Turn over one bit of a record."""
        assert self.disk is not None, "a record lies on a disk"
        value = bytearray(entry.value)
        value[random.randrange(len(value))] ^= 1 << random.randrange(8)
        self.disk.rot(store, entry.key, bytes(value))
        if store == "log" and isinstance(entry.key, int) and isinstance(entry.unique, tuple):
            self._rotten[entry.key] = bytes(entry.unique[3])
            self.chronicle.bodies.rotted.add(self._rotten[entry.key])

    def _reads(self, pos: int) -> bool:
        [entry] = self.disk.read("log", Range(False, pos, pos, None, False)) if self.disk else [None]
        return entry is not None and layouts.change_in(entry.value, entry.unique) is not None

    def entries(self, store: str, after: int | None = None) -> list[Entry]:
        """The records of a store."""
        asked = Range(False, None if after is None else after + 1, None, None, False)
        return [] if self.disk is None else self.disk.read(store, asked)

    def read_on(self) -> None:
        """Read what has entered the log since the last look."""
        for entry in self.entries("log", self.position):
            self.position += 1
            assert entry.key == self.position, f"the log of {self.device.name} has a gap at {self.position}"
            change = layouts.change_in(entry.value, entry.unique)
            if change is None and isinstance(entry.unique, tuple) and entry.unique[3] in self.chronicle.bodies.rotted:
                # The disk is a copy of one that rotted: it is whole again when it reads.
                self._rotten[self.position] = bytes(entry.unique[3])
                change = self.chronicle.bodies.change(self._rotten[self.position])
            assert change is not None, f"{self.device.name} holds a damaged change at {self.position}"
            body = self.chronicle.read(change)
            note = note_text(body.note)
            document = self.documents.setdefault(note, Note(note, READER))
            for update in body.updates:
                document.apply(update)
            assert not document.pending, f"{self.device.name}: {note} was given what it could not apply"
            self.updates.setdefault(note, set()).update(body.updates)
            heads, author = self.heads.setdefault(note, {}), change.header.author.hex()
            heads[author] = max(heads.get(author, 0), change.header.n)
            header, now = change.header, asyncio.get_running_loop().time()
            self.ids_by_author.setdefault(header.author, {})[change.id] = header.tag, now, self.position

    def journal(self) -> list[JournalRow]:
        """The journal's rows."""
        return list(self.rows_by_value().values())

    def rows_by_value(self) -> Mapping[bytes, JournalRow]:
        """The journal's rows, by their bytes on the disk."""
        # A sealed row is opened once: its bytes never mean anything else.
        self._rows = {one.value: self._rows.get(one.value) or self._opened(one) for one in self.entries("journal")}
        return self._rows

    def _opened(self, entry: Entry) -> JournalRow:
        match entry.key, layouts.unsealed(entry.value):
            case (bytes() as author, int() as number), bytes() as data:
                payload = at_once(self.device.at_rest.open(f"journal/{author.hex()}/{number}", data))
                row = payload and layouts.journal_in(payload, author)
                assert row, "a journal row does not open"
                return row
        raise AssertionError(f"{entry.key!r} is no journal row")

    def holds(self, note: str, update: bytes) -> bool:
        """Whether an edit is in the log or in the journal, with everything that it deletes."""
        self.read_on()
        rows = [row.update for row in self.journal() if row.note == note]
        return contains(self.documents.get(note), update, rows)

    def current(self, note: str) -> Note:
        """A note as the device has it: the log, and the journal on top."""
        self.read_on()
        return _on_top(self.documents.get(note), [row.update for row in self.journal() if row.note == note])

    def mentions(self, note: str, words: bytes) -> bool | None:
        """Whether an update of the note carries these words, in the log or in the journal; None when there is no such note."""
        self.read_on()
        rows = [row.update for row in self.journal() if row.note == note]
        updates = [*self.updates.get(note, ()), *rows]
        return any(words in update for update in updates) if updates else None


def contains(document: Note | None, update: bytes, rows: Collection[bytes] = ()) -> bool:
    """Whether a document, with journal rows on top, has all of an update: nothing of it is new, and nothing of it waits."""
    copy = _on_top(document, rows)
    return copy.apply(update) == b"" and not copy.pending


def _on_top(document: Note | None, rows: Collection[bytes]) -> Note:
    copy = Note("", READER) if document is None else Note.load(document.id, READER, document.state())
    for row in rows:
        copy.apply(row)
    return copy
