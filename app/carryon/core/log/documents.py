"""Have the documents of notes in memory while they are wanted, and their heads.

1. A document is its newest state in the store, the changes of the log since, and this core's own rows that are in no change yet, those
   in the journal and those on their way there, in this order. Nothing that is read here is ever written back but as a derived state.
2. Loading, folding and absorbing of one note happen one after the other, under the note's gate; an edit of a document in memory needs
   no gate, because it never waits.
3. A document stays while a tab shows it, rows of it are in no change yet, or somebody holds its gate; of the others the latest
   `IDLE_MAX` stay. (Loaded again without a row, it would number the next edit as that one.)
4. Heads move in the moment in which the words do: what a state names, it has.
5. A note with damaged changes, or with changes that do not fit it, is shown as far as it can be read; quarantine names the others. A
   change that comes again mends the log. While something may still come, no state is kept of what is shown (`is_partial`), and the row
   stays what it was until somebody writes.
6. A client number of this core that another device has used in a note is not written under there: another one is drawn.
"""

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from carryon_sync.formats.change import Body, Link

from carryon.core.log.identity import Identity, Unreadable
from carryon.core.log.opening import read
from carryon.core.log.replay import CHANGE_WEIGHT, BadState, Replayed, replayed
from carryon.notebook.notebook import Notebook
from carryon.notes.note import Note
from carryon.storage.changes import Loaded, furthest
from carryon.storage.layouts import JournalRow
from carryon.storage.log import Log
from carryon.storage.quarantine import DamagedRecord, Kind, Name, Refused, about_change
from carryon.views.tab import is_id

IDLE_MAX: Final = 48
UNREADABLE: Final = (
    "This note cannot be read: all that this device has of it is damaged. Another device of yours may still have it."
)

Heads = Mapping[bytes, Link]


class Documents:
    """The documents in memory of one notebook."""

    def __init__(
        self, notebook: Notebook, client: int, log: Log, identity: Identity, wanted: Callable[[str], bool]
    ) -> None:
        """`wanted` tells whether a note's document must stay in memory."""
        self._notebook = notebook
        self._client = client
        self._log = log
        self._identity = identity
        self._wanted = wanted
        self._unfolded: Callable[[str], Sequence[JournalRow]] = lambda _note: ()
        self._gates: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._heads: OrderedDict[str, dict[bytes, Link]] = OrderedDict()
        # What loading a note would take beside its stored state, in updates.
        self.tails: dict[str, int] = {}
        # The changes of notes in memory that are in the log and could not be opened.
        self._missing: dict[str, set[bytes]] = {}
        # Changes that tore their note's document, and why.
        self._torn: dict[str, dict[bytes, str]] = {}
        # Changes of which a part was set aside by a document in memory.
        self._early: dict[str, frozenset[bytes]] = {}
        self._unreadable: set[str] = set()
        # Who is to be told once a note can be read after all: by note, then by tab.
        self._once_readable: dict[str, dict[str, Callable[[], None]]] = {}

    def unfolded_by(self, unfolded: Callable[[str], Sequence[JournalRow]]) -> None:
        """Name who knows the rows of this core that are in no change yet, in the order of the edits."""
        self._unfolded = unfolded

    def is_unfolded(self, note: str) -> bool:
        """Whether the document holds edits that are not in the log yet."""
        return bool(self._unfolded(note))

    def is_logged(self, note: str) -> bool:
        """Whether the log holds anything of a note that is listed; what lies in the journal alone is known to this core only."""
        return note not in self._heads or bool(self._heads[note])

    def settled(self) -> list[str]:
        """The notes in memory that are in the log as they stand, those used last first."""
        return [note for note in reversed(self._heads) if self._heads[note] and self.is_whole(note)]

    def gate(self, note: str) -> asyncio.Lock:
        """The lock under which a note is loaded, folded and absorbed."""
        return self._gates.setdefault(note, asyncio.Lock())

    def heads(self, note: str) -> Heads:
        """How far each author's chain of a note in memory is held."""
        return self._heads.get(note, {})

    def reaching(self, note: str, links: Iterable[Link]) -> Heads:
        """The heads of a note in memory as they are once these changes are absorbed."""
        heads = dict(self.heads(note))
        for link in links:
            heads[link.author] = furthest(heads.get(link.author), link)
        return heads

    def advance(self, note: str, link: Link, updates: int) -> None:
        """A change of the note, of so many updates, is in the log, and in the document, if that is in memory."""
        if note in self._heads:
            self._heads[note] |= self.reaching(note, [link])
            self.tails[note] = self.tails.get(note, 0) + CHANGE_WEIGHT + updates

    def shortened(self, tails: Mapping[str, int]) -> None:
        """States are kept that spare so much of these notes' tails."""
        for note, tail in tails.items():
            if note in self.tails:
                self.tails[note] -= tail

    async def use(self, note: str) -> bool:
        """Have a note's document in memory; False when there is no such note, or one that is listed and of which nothing can be read."""
        async with self.gate(note):
            return await self.use_gated(note)

    async def use_gated(self, note: str) -> bool:
        """The same, for a caller that holds the note's gate."""
        if self._notebook.note(note) is None and not await self._load(note):
            return False
        self._heads.setdefault(note, {})
        self._heads.move_to_end(note)
        self._drop_idle()
        return True

    def created(self, note: str) -> None:
        """A note was made in memory; it has no heads yet."""
        self._heads[note] = {}
        self._drop_idle()

    def forget(self, note: str) -> None:
        """Drop a document, so that it is loaded again when it is wanted."""
        self._heads.pop(note, None)
        self.tails.pop(note, None)
        self._missing.pop(note, None)
        self._early.pop(note, None)
        self._notebook.drop_note(note)

    def is_whole(self, note: str) -> bool:
        """Whether a document in memory is just what the log holds of its note."""
        return not self.is_unfolded(note) and not self.is_partial(note)

    def is_partial(self, note: str) -> bool:
        """Whether something of a note in memory is in the log and not in the document, and may come to be."""
        document = self._notebook.note(note)
        return bool(self._missing.get(note)) or (document is not None and document.pending)

    def is_unreadable(self, note: str) -> bool:
        """Whether nothing of a listed note could be read, when that was tried last."""
        return note in self._unreadable

    def once_readable(self, note: str, tab: str, due: Callable[[], None]) -> None:
        """Call `due` for a tab once something of a note can be read."""
        self._once_readable.setdefault(note, {})[tab] = due

    async def absorbed(self, note: str, changes: Collection[bytes]) -> None:
        """These changes were given to a document in memory: quarantine names those that it could not take."""
        document = self._notebook.note(note)
        if document is None:
            return
        if document.is_blank and note not in self._notebook.rows:
            # Nothing of it can be read: it is not listed, and loaded again when more of it comes.
            self._heads.pop(note, None)
            self.tails.pop(note, None)
            self._notebook.discard_note(note)
        elif document.is_number_taken:
            self._renumber(note)
        self._missing.get(note, set()).difference_update(changes)
        unread = {change: unread.reason for change, unread in document.unread.items() if change}
        released = self._early.get(note, frozenset())
        self._early[note] = _early_in(document)
        await self._name_unread(note, {*changes, *released}, unread)

    async def torn(self, note: str, change: bytes, reason: str) -> None:
        """A change tore a note's document, which is no longer in memory: make it again without."""
        self._torn.setdefault(note, {})[change] = reason
        await self.reloaded(note)

    async def reloaded(self, note: str) -> None:
        """Load a note again; it is not in memory where nothing of it can be read."""
        self.forget(note)
        await self.use_gated(note)

    async def _load(self, note: str) -> bool:
        if not is_id(note):
            return False
        unfolded = self._unfolded(note)
        loaded, replay = await self._replayed(note, unfolded)
        if replay is None or replay.is_empty:
            if note in self._notebook.rows:
                self._unreadable.add(note)
            if replay is not None:
                await self._name_unread(note, replay.read, replay.unread)
            return False
        self._unreadable.discard(note)
        row, times = self._notebook.rows.get(note), replay.times
        begun = await self._begun(note) if row is None else row.created
        created = next(iter(times), 0) if begun is None else begun
        modified = max([row.modified if row is not None else 0, created, *times])
        self._heads[note] = dict(loaded.heads)
        self._missing[note] = {*replay.passed_over, *(_id_of(damaged) for damaged in loaded.damaged)}
        self._early[note] = _early_in(replay.document)
        self.tails[note] = replay.tail
        whole = not self._missing[note] and not replay.document.pending
        self._notebook.put_note(
            replay.document, created, modified, named(loaded.heads), whole=whole, has_begun=begun is not None
        )
        if not whole or replay.document.is_number_taken:
            # What is missing may have been written by this core: its clocks must not be given a second time.
            self._renumber(note)
        await self._name_unread(note, replay.read, replay.unread)
        for due in self._once_readable.pop(note, {}).values():
            due()
        return True

    def _renumber(self, note: str) -> None:
        self._notebook.renumber(note, int.from_bytes(self._identity.random(4), "big"))

    async def _replayed(self, note: str, unfolded: Sequence[JournalRow]) -> tuple[Loaded, Replayed | None]:
        tag, torn = self._identity.tag(note), self._torn.setdefault(note, {})
        blank = Note(note, self._client, self._notebook.device)
        loaded = await self._log.changes.load(note, tag)
        try:
            try:
                return loaded, await replayed(self._identity, blank, loaded, unfolded, torn)
            except BadState:
                loaded = await self._log.changes.load(note, tag, from_log=True)
                return loaded, await replayed(self._identity, blank, loaded, unfolded, torn)
        except Unreadable:
            return loaded, None

    async def _begun(self, note: str) -> int | None:
        page = await self._log.changes.of_tag(self._identity.tag(note))
        firsts = [entry.change for entry in page.entries if entry.change.header.n == 1]
        bodies = await read(self._identity, firsts)
        return min((body.time for body in bodies if isinstance(body, Body) and not body.needs), default=None)

    async def _name_unread(self, note: str, given: Collection[bytes], unread: Mapping[bytes, str]) -> None:
        quarantine, tag = self._log.quarantine, self._identity.tag(note)
        await quarantine.add(
            [Refused(reason, b"", Kind.UNREAD, Name(tag, change)) for change, reason in unread.items()]
        )
        names = [Name(tag, change) for change in given if change not in unread]
        await quarantine.settle(about_change(Kind.UNREAD, name) for name in names)

    def _drop_idle(self) -> None:
        idle = [note for note in self._heads if not self._is_waited_on(note)]
        for note in idle[: max(0, len(idle) - IDLE_MAX)]:
            self.forget(note)

    def _is_waited_on(self, note: str) -> bool:
        gate = self._gates.get(note)
        return self._wanted(note) or bool(self._unfolded(note)) or (gate is not None and gate.locked())


def _early_in(document: Note) -> frozenset[bytes]:
    return frozenset(change for change, unread in document.unread.items() if unread.early)


def _id_of(damaged: DamagedRecord) -> bytes:
    match damaged.second:
        case (_, _, _, bytes(id)):
            return id
        case _:
            raise AssertionError(f"{damaged.second!r} is no second key of the log")


def named(heads: Heads) -> dict[str, int]:
    """Heads as the notes know them: author in hexadecimal → n."""
    return {author.hex(): link.n for author, link in heads.items()}
