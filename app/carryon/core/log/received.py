"""The path of a change from elsewhere: the mirror image of `edited`.

1. What arrives is verified and opened, many at once but in turns (`opening`); what does not open goes to quarantine, is counted, shown
   and asked for again, and harms nothing else. What may open once more keys or members' records are here is tried again then.
2. A change waits aside until what it needs is held; then its note's own journal is folded first, and the log takes it in causal order,
   in one transaction. Only then is it absorbed and shown; the relay's cursor moves after that.
3. Another core's changes are in the log already: they are heard of by a hint, and absorbed from there, each position once. So is what
   this core put into the log and could not absorb at once, or does not know to have put there.
4. A change that cannot be read, or not whole, is in the log like any other; its note alone lacks it, and quarantine names it.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from carryon_sync.device.holdback import Arrived, HoldBack, arrived
from carryon_sync.formats.change import Body, Change, Link, Seen, decode_change, id_in, must_be_understood
from carryon_sync.formats.rejected import Rejected

from carryon.core.log.documents import Documents, named
from carryon.core.log.identity import Early, Identity, note_text
from carryon.core.log.opening import name_of, read, refusal, turns
from carryon.core.log.outgoing import Outgoing
from carryon.crypto.sealing import Unsigned
from carryon.notebook.facts import Fact, NoteAbsorbed, UpdateRefused
from carryon.notebook.notebook import Notebook
from carryon.storage.arrival import Appended, Received
from carryon.storage.changes import LogEntry, link_of
from carryon.storage.layouts import second_key_of
from carryon.storage.log import Log
from carryon.storage.quarantine import Kind, Refused

PAGE_ENTRIES_MAX: Final = 256
NEWER: Final = "newer"


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A change that was opened once: its note and what it names are kept, its body is opened again when it is absorbed."""

    change: Change
    note: str
    needs: tuple[Link, ...]
    tips: tuple[bytes, ...]

    @classmethod
    def of(cls, change: Change, body: Body) -> "_Arrival":
        """What is kept of an opened change."""
        return cls(change, note_text(body.note), body.needs, body.tips)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: facts for the tabs, the changes that were new (position of the log, tag), and what is not here.

    That is, by id: what was refused, of which some came too early, and what was dropped because too much waits. Of what was
    followed, the new changes are those that no relay has shown.
    """

    facts: tuple[Fact, ...] = ()
    entered: tuple[tuple[int, bytes], ...] = ()
    refused: tuple[bytes, ...] = ()
    early: tuple[bytes, ...] = ()
    dropped: tuple[bytes, ...] = ()
    # Refused as not signed by their authors: the true ones may come yet.
    unsigned: tuple[bytes, ...] = ()
    # New changes that this very device has written: its profile was put back, or copied.
    own: tuple[bytes, ...] = ()
    # What the authors of what came say that relays have shown them, each with the author.
    seen: tuple[tuple[bytes, Seen], ...] = ()

    def __add__(self, other: "Taken") -> "Taken":
        """Both, one after the other."""
        return Taken(
            self.facts + other.facts,
            self.entered + other.entered,
            self.refused + other.refused,
            self.early + other.early,
            self.dropped + other.dropped,
            self.unsigned + other.unsigned,
            self.own + other.own,
            self.seen + other.seen,
        )


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
        self._unsaid: list[tuple[int, bytes]] = []
        self._to_tell_whole: set[str] = set()
        self._waiting: dict[bytes, _Arrival] = {}
        self._own_positions: set[int] = set()
        # Places of the log that did not read, and tags of which something did not, until another core mended that.
        self._mended: set[int] = set()
        self._mended_tags: set[bytes] = set()
        self._turn = asyncio.Lock()
        self.holdback = HoldBack()
        self.absorbed = 0
        # The mark of mendings as of which nothing up to there is left out.
        self.mendings = b""
        # Up to which position of the log all that no relay has shown has been given to whoever counts it.
        self.accounted = 0
        # Whether the log holds what a newer release has written and this one would have to understand.
        self.newer = False

    async def start(self, absorbed: int, mendings: bytes) -> None:
        """Begin after a position of the log and a mark of mendings that the rows reflect, with what waited before."""
        self.absorbed = self.accounted = absorbed
        self.mendings = mendings
        self.newer = await self._log.kept(NEWER) is not None
        await self.read_waiting()

    async def read_waiting(self) -> None:
        """Read what waits: at the start, and when this core begins to lead, because another one has put it there."""
        async with self._turn:
            self._waiting = {}
            for turn in turns(await self._log.waiting()):
                for change, body in zip(turn, await self._identity.open(turn), strict=True):
                    if isinstance(body, Body):
                        self._waiting[change.id] = _Arrival.of(change, body)
            self.holdback = HoldBack((), await self._log.marked())
            self._hold_back_again(self.holdback.marked)

    async def members_changed(self) -> None:
        """Look again at what waits: members' records decide whose changes count."""
        async with self._turn:
            self._hold_back_again(self.holdback.marked)
        if self._waiting:
            self._left_behind()

    def _hold_back_again(self, marked: Iterable[bytes]) -> None:
        # What is being fetched still is: an answer is on its way.
        waiting, fetching = (self._arrived(one) for one in self._waiting.values()), self.holdback.asked_for
        self.holdback = HoldBack(waiting, marked, self._identity.members.frontier_heads(), fetching=fetching)

    def _arrived(self, one: _Arrival) -> Arrived:
        return arrived(one.change, one.needs, ended=self._identity.is_ended(one.change.header.author, one.tips))

    def wrote(self, entries: Iterable[LogEntry]) -> None:
        """These positions are this core's own writing: there is nothing to absorb."""
        self._own_positions.update(entry.pos for entry in entries if entry.pos > self.absorbed)
        self._absorbed_to(self.absorbed)
        if not self._turn.locked():
            self.accounted = self.absorbed
        if self._own_positions:
            # What lies between is another core's, which may have died before it told anybody.
            self._left_behind()

    def mended(self, positions: Collection[int], tags: Collection[bytes]) -> None:
        """Another core has mended these places of the log, or could read all of these tags: memory may lack what they hold."""
        self._mended |= set(positions)
        self._mended_tags |= set(tags)
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
            known = self._identity.changed
            taken = await self._receive(data, relay, fence, finished)
            if taken.early and self._identity.changed is not known:
                # What they came too early for has come while they were looked at: whoever waits for it is to try them again.
                self._identity.wake()
            return taken + self._told()

    async def try_again(self) -> Taken:
        """Try what could not be opened before: more keys or members' records are here. Raises StorageError.

        What is new is none that a relay is known to have: the relay that gave it may have lost it since.
        """
        async with self._turn:
            return await self._try_again() + self._told()

    async def _receive(
        self, data: Sequence[bytes], relay: str | None, fence: int | None, finished: Sequence[bytes]
    ) -> Taken:
        decoded = [(each, decode_change(each)) for each in data]
        refused = [Refused(change.reason, each) for each, change in decoded if isinstance(change, Rejected)]
        changes = await self._not_held([change for _, change in decoded if isinstance(change, Change)])
        whole = Taken()
        *earlier, last = list(turns(changes)) or [[]]
        for turn in earlier:
            whole += await self._take_turn(turn, refused, relay, fence, ())
            refused = []
        return whole + await self._take_turn(last, refused, relay, fence, finished)

    async def _try_again(self) -> Taken:
        items = await self._log.quarantine.items()
        early = [item for item in items if item.kind is Kind.EARLY and item.data]
        taken = await self._receive([item.data for item in early], None, None, ())
        await self._log.quarantine.settle(
            item.about for item in early if item.change is None or item.change.id not in taken.early
        )
        for tag in {item.change.tag for item in items if item.kind is Kind.UNREAD and item.change}:
            await self._read_again(tag)
        return taken

    async def follow(self) -> Taken:
        """Absorb what other cores of this device have put into the log."""
        async with self._turn:
            await self._absorb_mended()
            if self._waiting:
                # What it waited for may have come to the log by way of another core, or before the last end.
                self._unsaid += (await self._take({}, (), None, None, ())).entered
            while True:
                page = await self._log.changes.entries(self.absorbed, PAGE_ENTRIES_MAX)
                entries = [entry for entry in page.entries if entry.pos not in self._own_positions]
                unshown = await self._log.relays.unshown(places_of(entries))
                await self._absorb_all([entry.change for entry in entries], {})
                self._unsaid += unshown
                self._absorbed_to(page.pos)
                if not page.more:
                    entered, self._unsaid = tuple(self._unsaid), []
                    return Taken(entered=entered) + self._told()

    async def _absorb_mended(self) -> None:
        mendings = await self._log.quarantine.mendings()
        if mendings != self.mendings:
            # What was mended up to this mark is told with this look.
            await self._log.quarantine.items()
        if told := frozenset(self._mended):
            mended = await self._log.changes.readable(told)
            await self._absorb_all([entry.change for entry in mended if entry.pos <= self.absorbed], {}, mended=True)
            self._mended -= told
        for tag in tuple(self._mended_tags):
            await self._read_again(tag)
            self._mended_tags.discard(tag)
        self.mendings = mendings

    async def _take_turn(
        self,
        turn: Sequence[Change],
        refused: Sequence[Refused],
        relay: str | None,
        fence: int | None,
        finished: Sequence[bytes],
    ) -> Taken:
        fresh: dict[bytes, tuple[Change, Body]] = {}
        kept, early, unsigned = list(refused), list[bytes](), list[bytes]()
        for change, body in zip(turn, await self._identity.open(turn), strict=True):
            if isinstance(body, Body):
                fresh[change.id] = (change, body)
            else:
                kept.append(refusal(change, body))
                early += [change.id] if isinstance(body, Early) else []
                unsigned += [change.id] if isinstance(body, Unsigned) else []
        taken = await self._take(fresh, kept, relay, fence, finished)
        return taken + Taken(early=tuple(early), unsigned=tuple(unsigned))

    async def _take(
        self,
        fresh: dict[bytes, tuple[Change, Body]],
        refused: Sequence[Refused],
        relay: str | None,
        fence: int | None,
        finished: Sequence[bytes],
    ) -> Taken:
        marked = self.holdback.marked
        try:
            arrivals = {id: _Arrival.of(change, body) for id, (change, body) in fresh.items()}
            appended, dropped = await self._append(arrivals, refused, relay, fence, finished)
            await self._absorb_all([entry.change for entry in appended.mended], fresh, mended=True)
            await self._absorb_all([entry.change for entry in appended.new], fresh)
        except BaseException:
            # What is kept of it, nobody knows: what waits is what waited before, what is in the log is absorbed from there, and a mark
            # stands until it is known to be gone.
            self._hold_back_again(dict.fromkeys((*marked, *self.holdback.marked)))
            self._left_behind()
            raise
        self.wrote((*appended.new, *appended.mended))
        return Taken(
            entered=tuple(places_of(appended.new)),
            refused=tuple(id for each in refused if (id := id_in(each.data)) is not None),
            dropped=dropped,
            own=tuple(entry.change.id for entry in appended.new if self._identity.is_own(entry.change.header.author)),
            seen=tuple((change.header.author, one) for change, body in fresh.values() for one in body.seen),
        )

    async def _append(
        self,
        fresh: dict[bytes, _Arrival],
        refused: Sequence[Refused],
        relay: str | None,
        fence: int | None,
        finished: Sequence[bytes],
    ) -> tuple[Appended, tuple[bytes, ...]]:
        arrivals = [self._arrived(one) for one in fresh.values()]
        outcome = self.holdback.take(arrivals, await self._held(arrivals))
        fetched = tuple(tag for tag in finished if self.holdback.fetched(tag))
        known = self._waiting | fresh
        released = [known[id] for id in outcome.released]
        for note in {one.note for one in released}:
            async with self._documents.gate(note):
                await self._outgoing.fold(note)
        waiting = {id: known[id] for id in outcome.waiting}
        gone = [id for id in (*outcome.released, *outcome.dropped) if id in self._waiting]
        appended = await self._log.append(
            Received(
                changes=tuple(one.change for one in released),
                waiting=tuple(one.change for one in waiting.values()),
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
        return appended, outcome.dropped

    async def _absorb_all(
        self, changes: Sequence[Change], opened: Mapping[bytes, tuple[Change, Body]], *, mended: bool = False
    ) -> None:
        """Absorb changes of the log; those that are not `opened` yet are, in turns.

        Behind a `mended` one the log may hold more of its note, which had nothing to build on.
        """
        for turn in turns(changes):
            closed = [change for change in turn if change.id not in opened]
            bodies = dict(zip((change.id for change in closed), await read(self._identity, closed), strict=True))
            bodies |= {change.id: opened[change.id][1] for change in turn if change.id in opened}
            unread = [(change, body) for change in turn if not isinstance(body := bodies[change.id], Body)]
            await self._log.quarantine.add(
                [Refused(body.reason, b"", Kind.UNREAD, name_of(change)) for change, body in unread]
            )
            read_now = [(change, body) for change in turn if isinstance(body := bodies[change.id], Body)]
            await self._absorb(read_now, mended=mended)

    async def _absorb(self, opened: Sequence[tuple[Change, Body]], *, mended: bool) -> None:
        await self._note_kinds([change for change, _ in opened])
        by_note: dict[str, list[tuple[Change, Body]]] = {}
        for change, body in opened:
            by_note.setdefault(note_text(body.note), []).append((change, body))
        for note, changes in by_note.items():
            await self._absorb_note(note, changes, mended=mended)
            # A long catch-up must not keep a keystroke waiting.
            await asyncio.sleep(0)

    def _absorbed_to(self, pos: int) -> None:
        # Own words may have been written behind this position while it was read.
        self.absorbed = max(self.absorbed, pos)
        while self.absorbed + 1 in self._own_positions:
            self.absorbed += 1
        self._own_positions = {pos for pos in self._own_positions if pos > self.absorbed}

    def _told(self) -> Taken:
        if not self._unsaid:
            self.accounted = self.absorbed
        told, self._untold = tuple(self._untold), []
        return Taken(told)

    async def _note_kinds(self, changes: Sequence[Change]) -> None:
        if not self.newer and any(must_be_understood(change.header.kind) for change in changes):
            await self._log.keep(NEWER, b"")
            self.newer = True

    async def _absorb_note(self, note: str, changes: Sequence[tuple[Change, Body]], *, mended: bool) -> None:
        # What a document has taken is told, whatever becomes of the storage next: it would not be new a second time.
        async with self._documents.gate(note):
            first, body = changes[0]
            begins = first.header.n == 1 and not body.needs and not mended
            is_here = self._notebook.note(note) is not None or self._documents.is_unfolded(note)
            if begins and not is_here and note not in self._notebook.rows:
                self._documents.created(note)
            elif not await self._documents.use_gated(note):
                # Nothing of it can be read: quarantine names why, and it is loaded from the log when that changes.
                return
            self._tell_whole(note)
            links = [link_of(change) for change, _ in changes]
            heads = named(self._documents.reaching(note, links))
            for change, body in changes:
                absorbed = self._absorb_change(note, change, body, heads)
                torn = [fact for fact in absorbed if isinstance(fact, UpdateRefused)]
                if torn:
                    self._to_tell_whole.add(note)
                    await self._documents.torn(note, change.id, torn[0].reason)
                    self._tell_whole(note)
                    return
                self._untold += absorbed
            for link, (_, body) in zip(links, changes, strict=True):
                self._documents.advance(note, link, len(body.updates))
            await self._documents.absorbed(note, [change.id for change, _ in changes])

    def _tell_whole(self, note: str) -> None:
        """Tell all of a note whose document was made anew, once it is there: its editors hold what the old one had."""
        document = self._notebook.note(note)
        if note in self._to_tell_whole and document is not None:
            self._to_tell_whole.remove(note)
            self._untold.append(NoteAbsorbed(note, document.update_since(b"\0")))

    def _absorb_change(self, note: str, change: Change, body: Body, heads: Mapping[str, int]) -> list[Fact]:
        author = change.header.author.hex()
        time = body.time if body.updates else 0
        facts = self._notebook.absorb(note, body.updates, time, heads, change=change.id, author=author)
        if change.header.n == 1 and not body.needs:
            self._notebook.put_created(note, body.time)
        return facts

    async def _read_again(self, tag: bytes) -> None:
        """Load a note again of which something could not be read, and tell of what is new."""
        page = await self._log.changes.of_tag(tag)
        for turn in turns(entry.change for entry in page.entries):
            bodies = [body for body in await self._identity.open(turn) if isinstance(body, Body)]
            if bodies:
                note = note_text(bodies[0].note)
                async with self._documents.gate(note):
                    if not self._documents.is_unfolded(note):
                        self._to_tell_whole.add(note)
                        await self._documents.reloaded(note)
                        self._tell_whole(note)
                return

    async def _not_held(self, changes: Sequence[Change]) -> list[Change]:
        # One that is held but damaged is worth taking again: it mends the log.
        whole = await self._log.changes.whole(changes)
        if self._log.quarantine.known:
            # A name may have been given to a record that another core was just mending.
            seconds = [second_key_of(change) for change in changes if change.id in whole]
            await self._log.quarantine.settle(self._log.quarantine.damaged(seconds))
        return [change for change in changes if change.id not in whole]

    async def _held(self, arrivals: Sequence[Arrived]) -> set[bytes]:
        return await self._log.changes.held([(asked.tag, asked.link) for asked in self.holdback.asks(arrivals)])


def places_of(entries: Iterable[LogEntry]) -> list[tuple[int, bytes]]:
    """Where changes stand in the log, and their tags."""
    return [(entry.pos, entry.change.header.tag) for entry in entries]
