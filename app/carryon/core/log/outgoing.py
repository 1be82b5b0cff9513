"""Fold the journal of a note into one change, and hand it to whoever carries changes.

1. Rows wait for `ALONE_S`, or for `WATCHED_S` while another core or device is there to see them; a change is numbered, chained,
   compressed, sealed and signed only then, because each costs about 250 bytes.
2. One transaction replaces the rows by the change; it expects the head and the very rows, and gives up if either moved: then another
   core has written, whose words lie in the log (`left_behind`). Nothing leaves the device before it is complete.
3. A change holds rows of one base only: `needs` tells what the person had seen, which is what conflicts are made of.
4. What cannot be folded now (disk full, connection lost) stays in the journal, is said in `problem`, and is tried again. A change is
   kept until it is known what became of it: one that was made, and of which nobody was told, is found when it is made again.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from carryon_sync.formats.change import NO_PREV, UPDATES_MAX, Body, Header, Link, Seen

from carryon.core.log.documents import Documents
from carryon.core.log.identity import Identity, note_bytes
from carryon.crypto.sealing import Draft
from carryon.storage.changes import LogEntry
from carryon.storage.errors import Moved, StorageError
from carryon.storage.journal import Journalled
from carryon.storage.layouts import JournalRow
from carryon.storage.log import Fold, Log

ALONE_S: Final = 2.0
WATCHED_S: Final = 0.05
PAUSE_S: Final = 2.0
UPDATES_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Folded:
    """A change that has taken rows of a note in: its place in the log, its time, how many rows, whether the note begins with it."""

    note: str
    entry: LogEntry
    time: int
    rows: int
    begins: bool


@dataclass(frozen=True, slots=True)
class _Made:
    """A change that is to take rows in, and what it says of them."""

    fold: Fold
    time: int
    base: Sequence[Link]


class Outgoing:
    """The journal rows of one core that are not yet in a change."""

    def __init__(
        self,
        author: bytes,
        log: Log,
        identity: Identity,
        documents: Documents,
        seen: Callable[[], Sequence[Seen]],
        folded: Callable[[Folded], None],
        left_behind: Callable[[], None],
        changed: Callable[[], None],
        is_watched: Callable[[], bool],
    ) -> None:
        """`seen` says how far relays' logs are held; `folded` is told each change, `left_behind` that the log holds what nobody here has
        put there; `changed` that `problem` may have changed; `is_watched` says whether another core or device is there.
        """
        self._author = author
        self._log = log
        self._identity = identity
        self._documents = documents
        self._seen = seen
        self._folded = folded
        self._left_behind = left_behind
        self._changed = changed
        self._rows: dict[str, list[Journalled]] = {}
        self._made: dict[str, _Made] = {}
        self._due: dict[str, float] = {}
        self._needed: dict[str, dict[bytes, Link]] = {}
        self._wake = asyncio.Event()
        self._is_watched = is_watched
        self.problem: str | None = None

    @property
    def waiting(self) -> int:
        """How many notes have rows that are not in a change."""
        return len(self._rows)

    def unfolded(self, note: str) -> Sequence[JournalRow]:
        """A note's rows."""
        return [one.row for one in self._rows.get(note, ())]

    def knows(self, row: Journalled) -> bool:
        """Whether a row is among those that are to be folded here."""
        return any(one.key == row.key for one in self._rows.get(row.row.note, ()))

    def hurry(self) -> None:
        """Somebody has come: what waits is folded as for one who watches."""
        soon = asyncio.get_running_loop().time() + WATCHED_S
        self._due = {note: min(due, soon) for note, due in self._due.items()}
        self._wake.set()

    def journalled(self, rows: Sequence[Journalled]) -> None:
        """These rows are durable and are to be folded."""
        due = asyncio.get_running_loop().time() + (WATCHED_S if self._is_watched() else ALONE_S)
        for one in rows:
            self._rows.setdefault(one.row.note, []).append(one)
            if one.row.note not in self._due:
                self._due[one.row.note] = due
                self._wake.set()

    async def run(self) -> None:
        """Fold what is due, for ever; cancelled when the notebook closes."""
        while True:
            self._wake.clear()
            now = asyncio.get_running_loop().time()
            for note in [note for note, due in self._due.items() if due <= now]:
                await self._fold_due(note)
            if not self._wake.is_set():
                await self._until_due()

    async def fold(self, note: str) -> None:
        """Fold all rows of a note now; the caller holds the note's gate. Raises StorageError, and then nothing is lost."""
        while rows := self._rows.get(note):
            made = self._made.get(note) or await self._make(note, next(_batches(rows)))
            self._made[note] = made
            try:
                [entry] = await self._log.fold([made.fold])
            except Moved:
                del self._made[note]
                await self._read_again(note)
                continue
            self._take_out(note, made, entry)
        self._due.pop(note, None)

    async def fold_all(self) -> None:
        """Fold the rows of all notes now."""
        for note in list(self._rows):
            async with self._documents.gate(note):
                await self.fold(note)

    async def _fold_due(self, note: str) -> None:
        try:
            async with self._documents.gate(note):
                await self.fold(note)
        except StorageError as error:
            self.problem = str(error)
            self._due[note] = asyncio.get_running_loop().time() + PAUSE_S
            self._changed()
        else:
            if self.problem is not None:
                self.problem = None
                self._changed()

    async def _make(self, note: str, batch: Sequence[Journalled]) -> _Made:
        tag = self._identity.tag(note)
        own = (await self._log.changes.heads_of(tag)).get(self._author)
        header = Header(
            notebook=self._identity.notebook,
            tag=tag,
            author=self._author,
            n=own.n + 1 if own else 1,
            prev=own.id if own else NO_PREV,
        )
        last = batch[-1].row
        needed = self._needed.get(note, {})
        body = Body(
            note=note_bytes(note),
            time=max(one.row.time for one in batch),
            apart=last.apart,
            needs=tuple(link for link in last.base if needed.get(link.author) != link),
            seen=tuple(self._seen()),
            updates=tuple(one.row.update for one in batch),
        )
        [change] = await self._identity.seal([Draft(header, body)])
        return _Made(Fold(change, own, tuple(batch)), body.time, last.base)

    def _take_out(self, note: str, made: _Made, entry: LogEntry) -> None:
        del self._made[note]
        rows, count = self._rows[note], len(made.fold.rows)
        del rows[:count]
        if not rows:
            del self._rows[note]
        self._needed[note] = self._needed.get(note, {}) | {link.author: link for link in made.base}
        begins = entry.change.header.n == 1 and not made.base
        self._folded(Folded(note, entry, made.time, count, begins))

    async def _read_again(self, note: str) -> None:
        # Another core has folded these rows, or written under this author against its lock: what is still there is ours to fold.
        asked = tuple(self._rows[note])
        held = await self._log.journal.still_held(asked)
        self._rows[note][: len(asked)] = held
        if not self._rows[note]:
            del self._rows[note]
        self._left_behind()

    async def _until_due(self) -> None:
        pause = min(self._due.values(), default=None)
        loop = asyncio.get_running_loop()
        timer = None if pause is None else loop.call_at(pause, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            if timer is not None:
                timer.cancel()


def _batches(rows: Sequence[Journalled]) -> Iterator[list[Journalled]]:
    batch: list[Journalled] = []
    size = 0
    for one in rows:
        size += len(one.row.update)
        if batch and (one.row.base != batch[0].row.base or len(batch) >= UPDATES_MAX or size > UPDATES_BYTES_MAX):
            yield batch
            batch, size = [], len(one.row.update)
        batch.append(one)
    yield batch
