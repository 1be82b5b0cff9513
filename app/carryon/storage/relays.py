"""What this device knows of each relay: how far its log is held, what it has not shown, and the receipts it keeps.

1. A change enters the outboxes of all relays in the transaction in which it enters the log. Which relays there are is
   read in that transaction too (`expected`), so that no core forgets one that another core has just connected.
2. Only the core that leads the session writes here; it holds a fencing token, and an older token is refused (`Fenced`).
3. `start_over` is for a relay that is new, was replaced, or went back: its cursor is set and the whole log is to be put
   into its outbox again. That is done a page at a time, before anything else leaves, so that the order is the log's.
4. A cursor that does not read counts as none: the session starts over, which loses nothing.
5. A change leaves the outbox when the relay's stream shows it, in the transaction that moves the cursor past it. A change
   that the stream only names, and that is not in the outbox, is not held: it is kept as a hole in that same transaction.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from carryon_sync.device.holes import HOLES_MAX, Hole, told_apart
from carryon_sync.formats.change import Change, Seen
from carryon_sync.formats.running import RUNNING_START

from carryon.storage import layouts
from carryon.storage.changes import Changes, LogEntry
from carryon.storage.errors import Busy, Moved
from carryon.storage.generation import COMMIT_TRIES_MAX, Generation
from carryon.storage.keys import beneath
from carryon.storage.store import Delete, Entry, Expect, Operation, Put

FORGET_RECORDS_MAX = 1000
REFILL_CHANGES_MAX = 500


@dataclass(frozen=True, slots=True)
class Pending:
    """What a relay has not shown: tags by position of the log, and how many changes are not even in its outbox yet."""

    tags: Mapping[int, bytes]
    refilling: int

    @property
    def by_tag(self) -> Mapping[bytes, int]:
        """How many changes of each tag."""
        return Counter(self.tags.values())


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of a stretch of a relay's log: what left the outbox (sequence numbers by position), and what is not here."""

    left: Mapping[int, int]
    holes: tuple[Hole, ...]


@dataclass(frozen=True, slots=True)
class _Outgoing:
    pos: int
    id: bytes
    tag: bytes


class Relays:
    """The stores `outbox`, `acks` and `receipts`, and the relays' part of `meta`."""

    def __init__(self, generation: Generation, changes: Changes) -> None:
        self._generation = generation
        self._changes = changes
        self._record: bytes | None = None
        self._handed_out: dict[tuple[str, bytes], _Outgoing] = {}
        self.names: tuple[str, ...] = ()

    async def refresh(self) -> None:
        """Read again which relays there are; a damaged record of them is made up from their cursors."""
        self._know(await self._generation.record("meta", "relays"))
        if self._record is not None and layouts.texts_in(self._record) is None:
            lower, upper = beneath("relay")
            cursors = await self._generation.store.read("meta", lower=lower, upper=upper)
            self.names = tuple(str(entry.key[1]) for entry in cursors if isinstance(entry.key, tuple))

    def expected(self) -> Operation:
        """Give the guard that the relays are those known here."""
        return Expect("meta", "relays", self._record)

    def entering(self, pos: int, change: Change, besides: str | None = None) -> list[Operation]:
        """Give the operations that put a new change into the outboxes, but for the relay it came from."""
        value = layouts.plain(change.id + change.header.tag)
        return [Put("outbox", (relay, pos), value) for relay in self.names if relay != besides]

    async def lead(self) -> int:
        """Take the lead of the session from whoever had it; give the fencing token that now holds."""
        for _ in range(COMMIT_TRIES_MAX):
            record = await self._generation.record("meta", "fence")
            token = (0 if record is None else layouts.number_in(record) or 0) + 1
            try:
                await self._generation.commit(
                    [Expect("meta", "fence", record), Put("meta", "fence", layouts.number_value(token))]
                )
            except Moved:
                continue
            return token
        raise Busy(f"the lead of the sync could not be taken in {COMMIT_TRIES_MAX} tries: close other windows")

    async def reached(self, relay: str) -> Seen | None:
        """Give how far a relay's log is held, or None if that is not known."""
        record = await self._generation.record("meta", ("relay", relay))
        return None if record is None else layouts.seen_in(record)

    async def start_over(self, relay: str, reached: Seen, fence: int) -> None:
        """Set a relay's cursor, and have the whole log offered to it again."""
        for _ in range(COMMIT_TRIES_MAX):
            await self.refresh()
            last = await self._changes.refresh()
            operations: list[Operation] = [
                self.expected(),
                # What another core adds meanwhile knows nothing of this relay: it is offered too, or enters the outbox by itself.
                Expect("log", last + 1, None),
                Put("meta", ("relay", relay), layouts.seen_value(reached)),
                Put("meta", ("refill", relay), layouts.numbers_value(1, last)),
                *(Delete("meta", ("hole", relay, hole.id)) for hole in await self.holes(relay)),
                *(Delete("meta", ("mark", relay, sequence)) for sequence in await self.marks(relay)),
            ]
            record = self._record
            if relay not in self.names:
                record = layouts.texts_value([*self.names, relay])
                operations.append(Put("meta", "relays", record))
            try:
                await self._generation.commit(operations, fence)
            except Moved:
                continue
            self._know(record)
            return
        raise Busy(f"{relay} could not be set up in {COMMIT_TRIES_MAX} tries: close other windows of Carryon")

    async def forget(self, relay: str, fence: int) -> None:
        """Drop a relay: changes enter its outbox no more, and what waited there is taken out."""
        await self.refresh()
        record = layouts.texts_value([name for name in self.names if name != relay])
        gone = [Delete("meta", ("relay", relay)), Delete("meta", ("refill", relay))]
        gone += [Delete("meta", ("hole", relay, hole.id)) for hole in await self.holes(relay)]
        gone += [Delete("meta", ("mark", relay, sequence)) for sequence in await self.marks(relay)]
        await self._generation.commit([self.expected(), Put("meta", "relays", record), *gone], fence)
        self._know(record)
        lower, upper = beneath(relay)
        for store in ("outbox", "acks", "receipts"):
            while entries := await self._generation.store.read(
                store, lower=lower, upper=upper, limit=FORGET_RECORDS_MAX
            ):
                await self._generation.commit([Delete(store, entry.key) for entry in entries], fence)

    async def outbox(self, relay: str, limit: int, fence: int, after: int = 0) -> list[LogEntry]:
        """Give changes that a relay has not shown, in the order of the log, after a position.

        A damaged change is passed over; it leaves once it has been mended.
        """
        refill = await self._refill(relay)
        until = None if refill is None else refill[0] - 1
        found: list[LogEntry] = []
        while len(found) < limit:
            upper: tuple[str, int | tuple[()]] = (relay, () if until is None else until)
            entries = await self._generation.store.read(
                "outbox", lower=(relay, after + 1), upper=upper, limit=limit - len(found)
            )
            if entries:
                page = await self._changes.at([_outgoing(entry).pos for entry in entries])
                found += page.entries
                after = page.pos
            elif until is None:
                break
            else:
                until = await self._refilled(relay, fence)
        for entry in found:
            self._handed_out[relay, entry.change.id] = _Outgoing(entry.pos, entry.change.id, entry.change.header.tag)
        return found

    async def refill(self, relay: str, fence: int) -> None:
        """Put all that is still to be put into a relay's outbox there, so that its stream finds what it names."""
        while await self._refilled(relay, fence) is not None:
            continue

    async def unshown(self, places: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Give those of the changes, named by position and tag, that a relay has not shown."""
        found = await self._generation.store.find("outbox", [(relay, pos) for relay in self.names for pos, _ in places])
        return [(pos, tag) for pos, tag in places if any((relay, pos) in found for relay in self.names)]

    async def shown(
        self,
        relay: str,
        sequences: Mapping[bytes, int],
        fence: int,
        reached: Seen,
        *,
        alone: Iterable[Hole] = (),
        dropped: Iterable[Hole] = (),
        room: int = HOLES_MAX,
        marks: Iterable[Seen] = (),
    ) -> Shown:
        """Take what a relay's stream has shown (id → its sequence number) out of the outbox, and move the cursor.

        Of `alone`, what is not in the outbox is kept as a hole, and all that was `dropped`; `room` for so many. `marks` are
        places that the stream has passed whose running hash is kept.
        """
        leaving = await self._outgoing(relay, sequences.keys())
        ids = {one.id for one in leaving}
        holes = told_apart([*(hole for hole in alone if hole.id not in ids), *dropped], room)
        operations = await self._leaving(relay, leaving, sequences)
        operations += [Put("meta", ("hole", relay, hole.id), layouts.seen_value(hole.before)) for hole in holes]
        operations.append(Put("meta", ("relay", relay), layouts.seen_value(reached)))
        operations += [Put("meta", ("mark", relay, one.sequence), layouts.seen_value(one)) for one in marks]
        await self._generation.commit(operations, fence)
        return Shown(self._left(relay, leaving, sequences), holes)

    async def marks(self, relay: str) -> dict[int, bytes]:
        """Give the running hashes that are kept of a relay's log, by their place; one that does not read is left out."""
        entries = await self._generation.store.read("meta", lower=("mark", relay), upper=("mark", relay, ()))
        kept = [seen for entry in entries if (seen := layouts.seen_in(entry.value)) is not None]
        return {seen.sequence: seen.running for seen in kept}

    async def holes(self, relay: str) -> list[Hole]:
        """Give what a relay's stream has named and is not here; where it stands is 0 where that does not read."""
        entries = await self._generation.store.read("meta", lower=("hole", relay), upper=("hole", relay, ()))
        nowhere = Seen(bytes(16), 0, RUNNING_START)
        return [Hole(_id_in(entry), layouts.seen_in(entry.value) or nowhere) for entry in entries]

    async def waiting_for(self, relay: str, ids: Collection[bytes]) -> set[bytes]:
        """Give those of these changes that are in a relay's outbox: held, and not shown by it."""
        return {one.id for one in await self._outgoing(relay, ids)}

    async def filled(self, relay: str, sequences: Mapping[bytes, int], fence: int) -> Mapping[int, int]:
        """Forget holes (id → the relay's sequence number): their changes are held, and leave the outbox.

        Gives what left: sequence numbers by position of the log.
        """
        leaving = await self._outgoing(relay, sequences.keys())
        operations = await self._leaving(relay, leaving, sequences)
        operations += [Delete("meta", ("hole", relay, id)) for id in sequences]
        await self._generation.commit(operations, fence)
        return self._left(relay, leaving, sequences)

    async def shown_sequence(self, relay: str, tag: bytes) -> int | None:
        """Give the furthest sequence number at which a relay has shown this device's pushes of a note, if it has."""
        record = await self._generation.record("acks", (relay, tag))
        return None if record is None else layouts.number_in(record)

    async def pending(self, relay: str) -> Pending:
        """Count what a relay has not shown. Reads its whole outbox: for the start, not for each frame."""
        lower, upper = beneath(relay)
        entries = await self._generation.store.read("outbox", lower=lower, upper=upper)
        refill = await self._refill(relay)
        tags = {one.pos: one.tag for one in map(_outgoing, entries)}
        return Pending(tags, 0 if refill is None else refill[1] - refill[0] + 1)

    async def keep_receipt(self, relay: str, certificate: bytes, receipt: bytes, fence: int) -> None:
        """Keep a device's newest receipt for a relay."""
        await self._generation.commit([Put("receipts", (relay, certificate), layouts.plain(receipt))], fence)

    async def receipts(self, relay: str) -> list[bytes]:
        """Give the newest receipts for a relay; one that does not read is left out, the relay has it."""
        lower, upper = beneath(relay)
        entries = await self._generation.store.read("receipts", lower=lower, upper=upper)
        return [receipt for entry in entries if (receipt := layouts.unplain(entry.value)) is not None]

    def _know(self, record: bytes | None) -> None:
        self._record = record
        self.names = () if record is None else layouts.texts_in(record) or ()

    async def _refill(self, relay: str) -> tuple[int, int] | None:
        record = await self._generation.record("meta", ("refill", relay))
        if record is None:
            return None
        # What does not read is begun again from the first change: pushed twice is stored once.
        return layouts.numbers_in(record) or (1, await self._changes.refresh())

    async def _refilled(self, relay: str, fence: int) -> int | None:
        """Put the next page of the log into a relay's outbox; give the position up to which the outbox is whole."""
        refill = await self._refill(relay)
        if refill is None:
            return None
        first, last = refill
        page = await self._changes.entries(first - 1, REFILL_CHANGES_MAX)
        entries = [entry for entry in page.entries if entry.pos <= last]
        operations: list[Operation] = [
            Put("outbox", (relay, entry.pos), layouts.plain(entry.change.id + entry.change.header.tag))
            for entry in entries
        ]
        if page.more and page.pos < last:
            operations.append(Put("meta", ("refill", relay), layouts.numbers_value(page.pos + 1, last)))
            await self._generation.commit(operations, fence)
            return page.pos
        await self._generation.commit([*operations, Delete("meta", ("refill", relay))], fence)
        return None

    async def _leaving(
        self, relay: str, leaving: Sequence[_Outgoing], sequences: Mapping[bytes, int]
    ) -> list[Operation]:
        """Give the operations that take changes out of a relay's outbox, and remember how far it has shown each note."""
        tags = sorted({one.tag for one in leaving})
        known = await self._generation.store.find("acks", [(relay, tag) for tag in tags])
        furthest = {
            tag: layouts.number_in(known[relay, tag].value) or 0 if (relay, tag) in known else 0 for tag in tags
        }
        for one in leaving:
            furthest[one.tag] = max(furthest[one.tag], sequences[one.id])
        operations: list[Operation] = [Delete("outbox", (relay, one.pos)) for one in leaving]
        return operations + [Put("acks", (relay, tag), layouts.number_value(furthest[tag])) for tag in tags]

    def _left(self, relay: str, leaving: Sequence[_Outgoing], sequences: Mapping[bytes, int]) -> Mapping[int, int]:
        for one in leaving:
            self._handed_out.pop((relay, one.id), None)
        return {one.pos: sequences[one.id] for one in leaving}

    async def _outgoing(self, relay: str, ids: Iterable[bytes]) -> list[_Outgoing]:
        """Find changes in a relay's outbox by id; those that are no longer in it are left out."""
        wanted = [(relay, id) for id in ids]
        if not self._handed_out.keys() >= set(wanted):
            # Handed out by another core, or before a restart.
            lower, upper = beneath(relay)
            for entry in await self._generation.store.read("outbox", lower=lower, upper=upper):
                one = _outgoing(entry)
                self._handed_out[relay, one.id] = one
        return [self._handed_out[name] for name in wanted if name in self._handed_out]


def _id_in(entry: Entry) -> bytes:
    match entry.key:
        case ("hole", str(), bytes() as id):
            return id
        case _:
            raise AssertionError(f"{entry.key!r} is no key of a hole")


def _outgoing(entry: Entry) -> _Outgoing:
    payload = layouts.unplain(entry.value)
    match entry.key:
        case (str(), int() as pos):
            # A damaged record still says the position, from which the change itself is read.
            return _Outgoing(pos, b"", b"") if payload is None else _Outgoing(pos, payload[:32], payload[32:])
        case _:
            raise AssertionError(f"{entry.key!r} is no key of an outbox")
