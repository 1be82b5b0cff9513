"""The log of one notebook on this device: the source of truth, and the only door to its database.

1. What belongs together is one transaction. A fold takes journal rows out as their change enters, with its head and its
   outbox entries; it expects head and rows in that transaction, byte for byte, and is refused (`Moved`) if any moved. A
   received change enters with its head, the outboxes of the other relays, and the cursor of the relay it came from.
2. The log only grows, without gaps in its positions, in causal order. Order is the caller's duty; that the previous
   change of the chain is held is checked (`Gap`).
3. What was once appended is not appended again. Another change at the same tag, author and number is a fork: both are
   kept. A damaged change is mended in its place when it comes again.
4. Several cores may write at once. What one of them believed and another changed (end of the log, heads, relays) is
   read again and the write planned anew, at most `COMMIT_TRIES_MAX` times.
5. After `Lost`, or when its caller was cancelled, the outcome of a write is not known; every write here can be made again
   and is then made once: a fold that was made is found in the log, and its places are given.

Bodies are not opened here, and needs not checked: that is the core's, before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from carryon_sync.formats.change import NO_PREV, Change, Link

from carryon.storage import layouts
from carryon.storage.arrival import Appended, Received, planned
from carryon.storage.changes import Changes, LogEntry, link_of
from carryon.storage.derived import Segmented, States
from carryon.storage.errors import Busy, Exists, Moved
from carryon.storage.generation import COMMIT_TRIES_MAX, AtRest, Generation
from carryon.storage.journal import Journal, Journalled
from carryon.storage.keys import beneath
from carryon.storage.members import Members
from carryon.storage.quarantine import DamagedRecord, Quarantine
from carryon.storage.relays import Relays
from carryon.storage.store import Add, Delete, Expect, Operation, Put, Store


@dataclass(frozen=True, slots=True)
class Fold:
    """One change of this device's own: the head it was numbered on, and the journal rows it takes in.

    No rows: an edit that goes into a change at once, as an import does.
    """

    change: Change
    head: Link | None
    rows: tuple[Journalled, ...] = ()


class Log:
    """A notebook's database that is open; get it by `Log.make` or `Log.open`."""

    def __init__(self, store: Store, at_rest: AtRest) -> None:
        self._generation = Generation(store, at_rest)
        self.quarantine = Quarantine(self._generation)
        self.journal = Journal(self._generation, self.quarantine)
        self.changes = Changes(self._generation, self.quarantine)
        self.relays = Relays(self._generation, self.changes)
        self.members = Members(self._generation, self.quarantine)
        self.rows = Segmented(self._generation, "rows")
        self.texts = Segmented(self._generation, "texts")
        self.states = States(self._generation)

    @classmethod
    async def make(cls, store: Store, at_rest: AtRest) -> "Log":
        """Make the log of a notebook that is new here, over a store that holds `layouts.STORES`, and open it."""
        await Generation(store, at_rest).make()
        return await cls.open(store, at_rest)

    @classmethod
    async def open(cls, store: Store, at_rest: AtRest) -> "Log":
        """Open a log that was made before. Raises `Gone` over an empty database, `Closed`, `Damaged`."""
        log = cls(store, at_rest)
        await log._generation.open()
        await log.changes.open()
        await log.relays.refresh()
        return log

    async def fold(self, folds: Sequence[Fold]) -> list[LogEntry]:
        """Append own changes in one transaction, taking their journal rows out.

        What is in the log already stays as it is, and its rows leave: this core has put it there, and was told that it failed, or a
        relay has given what a copy of this device has folded of the same rows.
        Raises `Moved` if a head or a row is not what the change was made for: read both, and make the change anew.
        """
        for fold in folds:
            _check_follows(fold.change, fold.head)
        for _ in range(COMMIT_TRIES_MAX):
            first = self.changes.position + 1
            operations = [self.relays.expected()]
            for pos, fold in enumerate(folds, first):
                operations += self._folding(pos, fold)
            try:
                await self._generation.commit(operations)
            except (Moved, Exists) as refused:
                moved = await self._refreshed()
                if made := await self.changes.found([fold.change for fold in folds]):
                    await self._take_out(row for fold in folds for row in fold.rows)
                    return made
                if not moved:
                    raise Moved(refused.store, refused.key or ()) from refused
                continue
            self.changes.reached(first + len(folds) - 1)
            return [LogEntry(pos, fold.change) for pos, fold in enumerate(folds, first)]
        raise Busy(f"{len(folds)} changes found no place in {COMMIT_TRIES_MAX} tries: close other windows of Carryon")

    async def append(self, received: Received, fence: int | None = None) -> Appended:
        """Append received changes in one transaction; give those that were new.

        A batch from a relay comes with the fencing token. Raises `Gap`, `Fenced`.
        """
        assert (received.relay is None) == (fence is None), "what comes from a relay is written by the core that leads"
        for _ in range(COMMIT_TRIES_MAX):
            plan = await planned(received, self.changes, self.relays, self.quarantine, self._generation)
            try:
                await self._generation.commit(plan.operations, fence)
            except (Moved, Exists):
                await self._refreshed()
                continue
            if plan.appended.new:
                self.changes.reached(plan.appended.new[-1].pos)
            if plan.touches_quarantine:
                self.quarantine.touched()
            return plan.appended
        count = len(received.changes)
        raise Busy(f"{count} received changes found no place in {COMMIT_TRIES_MAX} tries: close other windows")

    async def waiting(self) -> list[Change]:
        """Give the received changes whose predecessors were not there; they leave by `Received.leaving`."""
        changes: list[Change] = []
        for entry in await self._generation.entries("waiting"):
            change = layouts.change_in(entry.value)
            if change is None or change.id != entry.key:
                await self.quarantine.add([DamagedRecord("waiting", entry.key)])
            else:
                changes.append(change)
        return changes

    async def marked(self) -> list[bytes]:
        """Give the tags that are to be fetched."""
        lower, upper = beneath("fetch")
        entries = await self._generation.store.read("meta", lower=lower, upper=upper)
        return [tag for entry in entries if isinstance(entry.key, tuple) and isinstance(tag := entry.key[1], bytes)]

    async def forked(self) -> list[bytes]:
        """Give the tags of which an author's chain has two changes of one number, but for those a person has dismissed."""
        lower, upper = beneath("fork")
        entries = await self._generation.store.read("meta", lower=lower, upper=upper)
        tags = [tag for entry in entries if isinstance(entry.key, tuple) and isinstance(tag := entry.key[1], bytes)]
        seen = await self.quarantine.dismissed([("forked", tag) for tag in tags])
        return [tag for tag in tags if ("forked", tag) not in seen]

    async def keep(self, name: str, value: bytes) -> None:
        """Keep something of the core's under a name, sealed."""
        place = f"meta/kept/{name}"
        await self._generation.commit([Put("meta", ("kept", name), await self._generation.seal(place, value))])

    async def kept(self, name: str) -> bytes | None:
        """Give what is kept under a name, or None if nothing is that opens."""
        value = await self._generation.record("meta", ("kept", name))
        return None if value is None else await self._generation.unseal(f"meta/kept/{name}", value)

    async def close(self) -> None:
        """Let go of the database."""
        await self._generation.store.close()

    async def _take_out(self, rows: Iterable[Journalled]) -> None:
        while held := await self.journal.still_held(tuple(rows)):
            try:
                await self._generation.commit([each for row in held for each in _leaving(row)])
            except Moved:  # Another core has just taken some of them out.
                rows = held
            else:
                return

    def _folding(self, pos: int, fold: Fold) -> list[Operation]:
        change = fold.change
        key = (change.header.tag, change.header.author)
        value = layouts.head_value(link_of(change))
        operations: list[Operation] = []
        for row in fold.rows:
            operations += _leaving(row)
        if fold.head is None:
            operations.append(Add("heads", value, key))
        else:
            operations += (Expect("heads", key, layouts.head_value(fold.head)), Put("heads", key, value))
        operations.append(Add("log", layouts.log_value(change), pos, layouts.second_key_of(change)))
        operations += self.relays.entering(pos, change)
        return operations

    async def _refreshed(self) -> bool:
        """Read again where the log ends and which relays there are; say whether either has moved."""
        before = self.changes.position, self.relays.names
        await self.changes.refresh()
        await self.relays.refresh()
        return before != (self.changes.position, self.relays.names)


def _leaving(row: Journalled) -> tuple[Operation, Operation]:
    return Expect("journal", row.key, row.value), Delete("journal", row.key)


def _check_follows(change: Change, head: Link | None) -> None:
    header = change.header
    if head is None:
        assert (header.n, header.prev) == (1, NO_PREV), f"change {header.n} of a chain that has no head"
    else:
        assert header.author == head.author, "a head of another author"
        assert (header.n, header.prev) == (head.n + 1, head.id), f"change {header.n} does not follow head {head.n}"
