"""What a device durably holds of a notebook, read from its disk behind the back of every core, for the invariants.

1. Only committed records are seen, in one look without waiting: so it can be asked in the very moment in which a tab is
   told that something is saved.
2. The log is read on from where the last look ended; what is read is checked: positions without gaps, every change after
   all that it needs, none twice.
3. A note is its changes in the order of the log, then its journal rows, each author's in order.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Coroutine
from typing import Any, Final, TypeVar

from carryon.core.log.identity import note_text
from carryon.crypto.keyring import Keyring
from carryon.notes.note import Note
from carryon.storage import layouts
from carryon.storage.device import KeptNotebook
from carryon.storage.layouts import JournalRow
from carryon.storage.memory_store import MemoryDisk
from carryon.storage.store import Entry, Range
from carryon_sync.formats.change import NO_PREV, Body, Change, change_id, commit_input, decode_body, unpacked
from carryon_sync.formats.ids import text_of
from carryon_sync.formats.rejected import Rejected
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.simulation.device import Device

T = TypeVar("T")
READER: Final = 0xC0FFEE


class Bodies:
    """The opened bodies of all changes that were ever seen anywhere: each is opened once, and is the same everywhere."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self._by_id: dict[bytes, tuple[Change, Body]] = {}
        self._id_by_place: dict[tuple[bytes, bytes, int], bytes] = {}

    def of(self, change: Change) -> Body:
        """The body of a change, which must be the change that was seen under its id before, at a place of its own."""
        known = self._by_id.get(change.id)
        if known is not None:
            assert known[0].header == change.header, f"two changes are called {change.id.hex()[:8]}"
            return known[1]
        body = self._opened(change)
        header = change.header
        first = self._id_by_place.setdefault((header.tag, header.author, header.n), change.id)
        assert first == change.id, f"{header.author.hex()[:8]} wrote two changes numbered {header.n}"
        self._by_id[change.id] = change, body
        return body

    def of_id(self, id: bytes) -> Body:
        """The body of a change that was seen."""
        return self._by_id[id][1]

    def documents(self, ids: Collection[bytes]) -> dict[str, Note]:
        """The notes that some of the changes make, in the order in which they were first seen anywhere."""
        documents: dict[str, Note] = {}
        for id, (_, body) in self._by_id.items():
            note = note_text(body.note)
            for update in body.updates if id in ids else ():
                documents.setdefault(note, Note(note, READER)).apply(update)
        return documents

    def _opened(self, change: Change) -> Body:
        header = change.header.encode()
        key = at_once(self.keyring.content_key(change.epoch, change.header.author))
        encoded = unpacked(AESGCM(key).decrypt(change.nonce, change.ciphertext, header + change.commit))
        assert not isinstance(encoded, Rejected), encoded
        made = hmac.digest(at_once(self.keyring.commit_key(change.epoch)), commit_input(header, encoded), "sha256")
        assert (made, change_id(header, made)) == (change.commit, change.id), "a change is not what its id says"
        body = decode_body(encoded)
        assert not isinstance(body, Rejected), body
        return body


class Chronicle:
    """A log that is read on and on, and must be causal, unless it is `patched`."""

    def __init__(self, name: str, bodies: Bodies, *, patched: bool = False) -> None:
        self.name = name
        self.patched = patched
        self.bodies = bodies
        self.ids: set[bytes] = set()

    def read(self, change: Change) -> Body:
        """Take the next change."""
        body, header = self.bodies.of(change), change.header
        assert change.id not in self.ids, f"{self.name} holds {change.id.hex()[:8]} twice"
        needs = [link.id for link in body.needs] + ([] if header.prev == NO_PREV else [header.prev])
        missing = [id.hex()[:8] for id in needs if id not in self.ids]
        assert self.patched or not missing, f"{self.name} holds {change.id.hex()[:8]} before {missing}, which it needs"
        self.ids.add(change.id)
        return body


class Holdings:
    """One device's part of a notebook."""

    def __init__(self, device: Device, bodies: Bodies) -> None:
        self.device = device
        self.chronicle = Chronicle(device.name, bodies)
        self.position = 0
        self.documents: dict[str, Note] = {}
        self._updates: dict[str, list[bytes]] = {}
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
        return self.chronicle.ids

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
            assert change is not None, f"{self.device.name} holds a damaged change at {self.position}"
            body = self.chronicle.read(change)
            note = note_text(body.note)
            document = self.documents.setdefault(note, Note(note, READER))
            for update in body.updates:
                document.apply(update)
            assert not document.pending, f"{self.device.name}: {note} was given what it could not apply"
            self._updates.setdefault(note, []).extend(body.updates)

    def journal(self) -> list[JournalRow]:
        """The journal's rows."""
        entries = self.entries("journal")
        # A sealed row is opened once: its bytes never mean anything else.
        self._rows = {one.value: self._rows.get(one.value) or self._opened(one) for one in entries}
        return [self._rows[one.value] for one in entries]

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

    def mentions(self, note: str, words: bytes) -> bool | None:
        """Whether an update of the note carries these words, in the log or in the journal; None when there is no such note."""
        self.read_on()
        rows = [row.update for row in self.journal() if row.note == note]
        updates = [*self._updates.get(note, ()), *rows]
        return any(words in update for update in updates) if updates else None


def contains(document: Note | None, update: bytes, rows: Collection[bytes] = ()) -> bool:
    """Whether a document, with journal rows on top, has all of an update: nothing of it is new, and nothing of it waits."""
    copy = Note("", READER) if document is None else Note.load(document.id, READER, document.state())
    for row in rows:
        copy.apply(row)
    return copy.apply(update) == b"" and not copy.pending


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits, here and now."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise AssertionError(f"{work} waits for something")
