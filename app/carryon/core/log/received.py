"""The path of a change from elsewhere: the mirror image of `edited`.

1. What arrives is verified and opened, many at once; what does not open goes to quarantine, is counted and shown, and harms nothing else.
2. A change waits aside until what it needs is held; then its note's own journal is folded first, and the log takes it in causal order,
   in one transaction. Only then is it absorbed and shown; the relay's cursor moves after that.
3. Another core's changes are in the log already: they are heard of by a hint, and absorbed from there, each position once. So is what
   this core put into the log and could not absorb at once, or does not know to have put there.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from carryon_sync.device.holdback import Arrived, HoldBack, arrived
from carryon_sync.formats.change import Body, Change, Seen, decode_change, id_in, must_be_understood
from carryon_sync.formats.rejected import Rejected

from carryon.core.log.documents import Documents, named
from carryon.core.log.identity import Identity, Unreadable, note_text
from carryon.core.log.outgoing import Outgoing
from carryon.notebook.facts import Fact, UpdateRefused
from carryon.notebook.notebook import Notebook
from carryon.storage.arrival import Appended, Received
from carryon.storage.changes import LogEntry, link_of
from carryon.storage.log import Log
from carryon.storage.quarantine import Refused

PAGE_ENTRIES_MAX: Final = 256
NEWER: Final = "newer"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: facts for the tabs, the changes that were new (position of the log, tag), and what is not here.

    That is, by id: what was refused, and what was dropped because too much waits. Of what was followed, the new changes are
    those that no relay has shown.
    """

    facts: tuple[Fact, ...]
    entered: tuple[tuple[int, bytes], ...]
    refused: tuple[bytes, ...] = ()
    dropped: tuple[bytes, ...] = ()
    # What the authors of what came say that relays have shown them, each with the author.
    seen: tuple[tuple[bytes, Seen], ...] = ()


class Receiving:
    """Take in changes that other devices and other cores made."""

    def __init__(
        self,
        log: Log,
        identity: Identity,
        notebook: Notebook,
        documents: Documents,
        outgoing: Outgoing,
        left_behind: Callable[[], None],
    ) -> None:
        """`left_behind` is called when the log holds what could not be absorbed: `follow` then."""
        self._log = log
        self._identity = identity
        self._notebook = notebook
        self._documents = documents
        self._outgoing = outgoing
        self._left_behind = left_behind
        self._untold: list[Fact] = []
        self._waiting: dict[bytes, tuple[Change, Body]] = {}
        self._own_positions: set[int] = set()
        self._turn = asyncio.Lock()
        self.holdback = HoldBack()
        self.absorbed = 0
        # Whether the log holds what a newer release has written and this one would have to understand.
        self.newer = False

    async def start(self, absorbed: int) -> None:
        """Begin after a position of the log that the rows reflect, with what waited before."""
        self.absorbed = absorbed
        self.newer = await self._log.kept(NEWER) is not None
        await self.read_waiting()

    async def read_waiting(self) -> None:
        """Read what waits: at the start, and when this core begins to lead, because another one has put it there."""
        async with self._turn:
            waiting = await self._log.waiting()
            bodies = await self._identity.open(waiting)
            opened = zip(waiting, bodies, strict=True)
            self._waiting = {change.id: (change, body) for change, body in opened if isinstance(body, Body)}
            self.holdback = HoldBack((), await self._log.marked())
            self._hold_back_again()

    async def members_changed(self) -> None:
        """Look again at what waits: members' records decide whose changes count."""
        async with self._turn:
            self._hold_back_again()
        if self._waiting:
            self._left_behind()

    def _hold_back_again(self) -> None:
        waiting = (self._arrived(change, body) for change, body in self._waiting.values())
        self.holdback = HoldBack(waiting, self.holdback.marked, self._identity.members.frontier_heads())

    def _arrived(self, change: Change, body: Body) -> Arrived:
        return arrived(change, body.needs, ended=self._identity.is_ended(change, body))

    def wrote(self, entries: Iterable[LogEntry]) -> None:
        """These positions are this core's own writing: there is nothing to absorb."""
        self._own_positions.update(entry.pos for entry in entries if entry.pos > self.absorbed)
        while self.absorbed + 1 in self._own_positions:
            self.absorbed += 1
            self._own_positions.remove(self.absorbed)
        if self._own_positions:
            # What lies between is another core's, which may have died before it told anybody.
            self._left_behind()

    async def receive(
        self,
        data: Sequence[bytes],
        relay: str | None,
        fence: int | None,
        *,
        finished: Sequence[bytes] = (),
    ) -> Taken:
        """Take a batch from a relay, or from a file (no relay); `finished` are tags whose fetching ends with it.

        Raises StorageError, and then the batch is to be given again.
        """
        async with self._turn:
            decoded = [(each, decode_change(each)) for each in data]
            refused = [Refused(change.reason, each) for each, change in decoded if isinstance(change, Rejected)]
            changes = await self._not_held([change for _, change in decoded if isinstance(change, Change)])
            bodies = await self._identity.open(changes)
            fresh: dict[bytes, tuple[Change, Body]] = {}
            for change, body in zip(changes, bodies, strict=True):
                if not isinstance(body, Body):
                    refused.append(Refused(body.reason, change.encode()))
                else:
                    fresh[change.id] = (change, body)
            return await self._take(fresh, refused, relay, fence, finished)

    async def follow(self) -> Taken:
        """Absorb what other cores of this device have put into the log."""
        entered: list[tuple[int, bytes]] = []
        async with self._turn:
            if self._waiting:
                # What it waited for may have come to the log by way of another core, or before the last end.
                entered += (await self._take({}, (), None, None, ())).entered
            while True:
                page = await self._log.changes.entries(self.absorbed, PAGE_ENTRIES_MAX)
                entries = [entry for entry in page.entries if entry.pos not in self._own_positions]
                bodies = await self._identity.read([entry.change for entry in entries])
                unshown = await self._log.relays.unshown(places_of(entries))
                await self._absorb([(entry.change, body) for entry, body in zip(entries, bodies, strict=True)])
                entered += unshown
                self.absorbed = page.pos
                self._own_positions = {pos for pos in self._own_positions if pos > page.pos}
                if not page.more:
                    return Taken(self._told(), tuple(entered))

    async def _take(
        self,
        fresh: dict[bytes, tuple[Change, Body]],
        refused: Sequence[Refused],
        relay: str | None,
        fence: int | None,
        finished: Sequence[bytes],
    ) -> Taken:
        try:
            appended, bodies, dropped = await self._append(fresh, refused, relay, fence, finished)
            entries = (*appended.new, *appended.mended)
            await self._absorb([(entry.change, bodies[entry.change.id]) for entry in entries])
        except BaseException:
            # What is kept of it, nobody knows: what waits is what waited before, and what is in the log is absorbed from there.
            self._hold_back_again()
            self._left_behind()
            raise
        self.wrote(entries)
        ids = (id_in(each.data) for each in refused)
        refused_ids = tuple(id for id in ids if id is not None)
        seen = tuple((change.header.author, one) for change, body in fresh.values() for one in body.seen)
        return Taken(self._told(), tuple(places_of(appended.new)), refused_ids, dropped, seen)

    async def _append(
        self,
        fresh: dict[bytes, tuple[Change, Body]],
        refused: Sequence[Refused],
        relay: str | None,
        fence: int | None,
        finished: Sequence[bytes],
    ) -> tuple[Appended, dict[bytes, Body], tuple[bytes, ...]]:
        arrivals = [self._arrived(change, body) for change, body in fresh.values()]
        outcome = self.holdback.take(arrivals, await self._held(arrivals))
        fetched = tuple(tag for tag in finished if self.holdback.fetched(tag))
        known = self._waiting | fresh
        released = [known[id] for id in outcome.released]
        for note in {body.note for _, body in released}:
            async with self._documents.gate(note_text(note)):
                await self._outgoing.fold(note_text(note))
        waiting = {id: known[id] for id in outcome.waiting}
        gone = [id for id in (*outcome.released, *outcome.dropped) if id in self._waiting]
        appended = await self._log.append(
            Received(
                changes=tuple(change for change, _ in released),
                waiting=tuple(change for change, _ in waiting.values()),
                leaving=tuple(gone),
                marked=outcome.marked,
                fetched=fetched,
                refused=tuple(refused),
                relay=relay,
            ),
            fence,
        )
        self._waiting |= waiting
        for id in gone:
            del self._waiting[id]
        return appended, {change.id: body for change, body in released}, outcome.dropped

    async def _absorb(self, opened: Sequence[tuple[Change, Body]]) -> None:
        await self._note_kinds([change for change, _ in opened])
        by_note: dict[str, list[tuple[Change, Body]]] = {}
        for change, body in opened:
            by_note.setdefault(note_text(body.note), []).append((change, body))
        for note, changes in by_note.items():
            self._untold += await self._absorb_note(note, changes)
            # A long catch-up must not keep a keystroke waiting.
            await asyncio.sleep(0)

    def _told(self) -> tuple[Fact, ...]:
        told, self._untold = tuple(self._untold), []
        return told

    async def _note_kinds(self, changes: Sequence[Change]) -> None:
        if not self.newer and any(must_be_understood(change.header.kind) for change in changes):
            await self._log.keep(NEWER, b"")
            self.newer = True

    async def _absorb_note(self, note: str, changes: Sequence[tuple[Change, Body]]) -> list[Fact]:
        async with self._documents.gate(note):
            is_here = self._notebook.note(note) is not None or self._documents.is_unfolded(note)
            if not is_here and note not in self._notebook.rows:
                self._documents.created(note)
            elif not await self._documents.use_gated(note):
                raise Unreadable(f"note {note} is listed, and nothing of it is in the log")
            links = [link_of(change) for change, _ in changes]
            heads = named(self._documents.reaching(note, links))
            updates = [update for _, body in changes for update in body.updates]
            time = max((body.time for _, body in changes if body.updates), default=0)
            facts = self._notebook.absorb(note, updates, time, heads)
            if any(isinstance(fact, UpdateRefused) for fact in facts):
                return facts
            for link, (change, body) in zip(links, changes, strict=True):
                self._documents.advance(note, link, len(body.updates))
                if change.header.n == 1 and not body.needs:
                    self._notebook.put_created(note, body.time)
            return facts

    async def _not_held(self, changes: Sequence[Change]) -> list[Change]:
        # One that is held but damaged is worth taking again: it mends the log.
        whole = await self._log.changes.whole(changes)
        return [change for change in changes if change.id not in whole]

    async def _held(self, arrivals: Sequence[Arrived]) -> set[bytes]:
        return await self._log.changes.held([(asked.tag, asked.link) for asked in self.holdback.asks(arrivals)])


def places_of(entries: Iterable[LogEntry]) -> list[tuple[int, bytes]]:
    """Where changes stand in the log, and their tags."""
    return [(entry.pos, entry.change.header.tag) for entry in entries]
