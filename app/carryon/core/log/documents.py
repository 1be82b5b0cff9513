"""Have the documents of notes in memory while they are wanted, and their heads.

1. A document is its newest state in the store, the changes of the log since, and this core's own rows that are in no change yet, those
   in the journal and those on their way there, in this order. Nothing that is read here is ever written back but as a derived state.
2. Loading, folding and absorbing of one note happen one after the other, under the note's gate; an edit of a document in memory needs
   no gate, because it never waits.
3. A document stays while a tab shows it, rows of it are in no change yet, or somebody holds its gate; of the others the latest
   `IDLE_MAX` stay. (Loaded again without a row, it would number the next edit as that one.)
4. Heads move in the moment in which the words do: what a state names, it has.
5. A note with damaged changes is shown as far as it can be read; a change that comes again mends the log.
"""

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from carryon_sync.formats.change import Link

from carryon.core.log.identity import Identity
from carryon.notebook.notebook import Notebook
from carryon.notes.note import Note
from carryon.storage.changes import furthest
from carryon.storage.layouts import JournalRow
from carryon.storage.log import Log
from carryon.views.tab import is_id

IDLE_MAX: Final = 48
# To open a change takes about as long as to apply so many updates.
CHANGE_WEIGHT: Final = 10

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
        return [note for note in reversed(self._heads) if self._heads[note] and not self._unfolded(note)]

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
        self._notebook.drop_note(note)

    async def _load(self, note: str) -> bool:
        if not is_id(note):
            return False
        loaded = await self._log.changes.load(note, self._identity.tag(note))
        bodies = await self._identity.read([entry.change for entry in loaded.entries])
        unfolded = self._unfolded(note)
        if loaded.state is None and not bodies and not unfolded:
            return False
        document = Note(note, self._client) if loaded.state is None else Note.load(note, self._client, loaded.state)
        timed = [(body.time, update) for body in bodies for update in body.updates]
        timed += [(journalled.time, journalled.update) for journalled in unfolded]
        for _, update in timed:
            document.apply(update)
        times = [time for time, _ in timed]
        row = self._notebook.rows.get(note)
        if row is None and loaded.state is not None:
            page = await self._log.changes.of_tag(self._identity.tag(note))
            times[:0] = [body.time for body in await self._identity.read([entry.change for entry in page.entries[:1]])]
        created = row.created if row is not None else next(iter(times), 0)
        modified = max([row.modified if row is not None else 0, *times])
        self._heads[note] = dict(loaded.heads)
        self.tails[note] = sum(CHANGE_WEIGHT + len(body.updates) for body in bodies)
        self._notebook.put_note(document, created, modified, named(loaded.heads))
        return True

    def _drop_idle(self) -> None:
        idle = [note for note in self._heads if not self._is_waited_on(note)]
        for note in idle[: max(0, len(idle) - IDLE_MAX)]:
            self.forget(note)

    def _is_waited_on(self, note: str) -> bool:
        gate = self._gates.get(note)
        return self._wanted(note) or bool(self._unfolded(note)) or (gate is not None and gate.locked())


def named(heads: Heads) -> dict[str, int]:
    """Heads as the notes know them: author in hexadecimal → n."""
    return {author.hex(): link.n for author, link in heads.items()}
