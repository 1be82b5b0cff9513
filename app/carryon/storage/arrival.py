"""Planning the transaction in which received changes enter the log.

1. Where all that came of a chain continues its head, it is new, and nothing else need be read. Every other chain is looked up.
2. A change that is held is not added. It leaves an outbox only as its relay's stream shows it (`Relays.shown`), where who counts
   what waits is told. If the held copy is damaged, the one received takes its place, and enters the other outboxes once more.
3. A change that is not held must name a held one as its previous (`Gap`). If its number is taken, it is a fork; the
   position of a fork is noted, since a note's state names its heads only.
4. Heads are moved under the expectation that they are what was read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carryon_sync.formats.change import NO_PREV, Change, Link, Seen

from carryon.storage import layouts
from carryon.storage.changes import Changes, LogEntry, furthest, link_of
from carryon.storage.errors import Gap
from carryon.storage.generation import Generation
from carryon.storage.keys import Key
from carryon.storage.quarantine import DamagedRecord, Name, Quarantine, Refused
from carryon.storage.relays import Relays
from carryon.storage.store import Add, Delete, Entry, Expect, Operation, Put


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived together and is kept together.

    `changes` verified and in causal order; `waiting`, whose predecessors are not here; `leaving`, ids that leave
    `waiting`, released or dropped; `marked`, tags to be fetched; `fetched`, tags whose mark is gone; `refused`, for
    quarantine; from which `relay`, and how far its log is held once all this is kept. Without a relay: from a file.
    """

    changes: tuple[Change, ...] = ()
    waiting: tuple[Change, ...] = ()
    leaving: tuple[bytes, ...] = ()
    marked: tuple[bytes, ...] = ()
    fetched: tuple[bytes, ...] = ()
    refused: tuple[Refused, ...] = ()
    relay: str | None = None
    reached: Seen | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of it: the changes that were new, damaged ones that were mended, and which of the new are forks."""

    new: tuple[LogEntry, ...]
    mended: tuple[LogEntry, ...]
    forks: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A transaction, and what it will have done."""

    operations: Sequence[Operation]
    appended: Appended
    touches_quarantine: bool


async def planned(
    received: Received, changes: Changes, relays: Relays, quarantine: Quarantine, generation: Generation
) -> Plan:
    """Plan the transaction that keeps what was received. Raises `Gap`."""
    arriving = list({change.id: change for change in received.changes}.values())
    heads_before = await changes.heads({_chain(change) for change in arriving})
    sorting = _Sorting(
        changes.position,
        heads_before,
        await _looked_up(arriving, heads_before, generation),
    )
    for change in arriving:
        sorting.take(change)
    operations: list[Operation] = [relays.expected()]
    for pos, damaged in sorting.damaged.items():
        operations += (Expect("log", pos, damaged), Delete("log", pos))
        operations += await quarantine.settling([DamagedRecord("log", pos, sorting.second_keys[pos]).about])
    for entry in (*sorting.mended, *sorting.new):
        second = layouts.second_key_of(entry.change)
        operations.append(Add("log", layouts.log_value(entry.change), entry.pos, second))
        operations += relays.entering(entry.pos, entry.change, received.relay)
    operations += sorting.head_operations()
    operations += [Put("meta", ("fork", tag), layouts.number_value(pos)) for tag, pos in sorting.fork_positions.items()]
    entered = quarantine.entered(Name(change.header.tag, change.id) for change in (*arriving, *received.waiting))
    unread = [change.id for change in arriving if DamagedRecord("waiting", change.id).about in entered]
    operations += [Delete("waiting", id) for id in (*unread, *received.leaving)]
    operations += [Put("waiting", change.id, layouts.log_value(change)) for change in received.waiting]
    operations += [Put("meta", ("fetch", tag), layouts.plain(b"")) for tag in received.marked]
    operations += [Delete("meta", ("fetch", tag)) for tag in received.fetched]
    operations += await quarantine.adding(received.refused)
    operations += await quarantine.settling(entered)
    if received.relay is not None and received.reached is not None:
        operations.append(Put("meta", ("relay", received.relay), layouts.seen_value(received.reached)))
    appended = Appended(tuple(sorting.new), tuple(sorting.mended), tuple(sorting.forks))
    return Plan(operations, appended, bool(received.refused or entered or sorting.mended))


class _Sorting:
    """Takes changes one by one and sorts them into new, held, mended and forks."""

    def __init__(
        self,
        position: int,
        heads: Mapping[tuple[bytes, bytes], Link],
        in_log: Mapping[Key, Entry],
    ) -> None:
        self._position = position
        self._heads_before = heads
        self._heads = dict(heads)
        self._in_log = in_log
        self._taken: set[tuple[bytes, bytes, int, bytes]] = set()
        self.new: list[LogEntry] = []
        self.mended: list[LogEntry] = []
        self.damaged: dict[int, bytes] = {}
        self.second_keys: dict[int, Key] = {}
        self.forks: list[Change] = []
        self.fork_positions: dict[bytes, int] = {}

    def take(self, change: Change) -> None:
        second = layouts.second_key_of(change)
        entry = self._in_log.get(second)
        if entry is not None:
            assert isinstance(entry.key, int), "positions are numbers"
            if layouts.change_in(entry.value, second) is None:
                self.damaged[entry.key], self.second_keys[entry.key] = entry.value, second
                self.mended.append(LogEntry(entry.key, change))
            return
        header = change.header
        head = self._heads.get(_chain(change))
        if not _continues(change, head):
            self._check_previous(change)
            if head is not None and header.n <= head.n:
                self.forks.append(change)
                self.fork_positions[header.tag] = self._position + len(self.new) + 1
        self._heads[_chain(change)] = furthest(head, link_of(change))
        self._taken.add(second)
        self.new.append(LogEntry(self._position + len(self.new) + 1, change))

    def head_operations(self) -> list[Operation]:
        operations: list[Operation] = []
        for key, link in self._heads.items():
            before = self._heads_before.get(key)
            if before is None:
                operations.append(Add("heads", layouts.head_value(link), key))
            elif before != link:
                operations += (
                    Expect("heads", key, layouts.head_value(before)),
                    Put("heads", key, layouts.head_value(link)),
                )
        return operations

    def _check_previous(self, change: Change) -> None:
        header = change.header
        previous = (header.tag, header.author, header.n - 1, header.prev)
        if header.prev != NO_PREV and previous not in self._in_log and previous not in self._taken:
            raise Gap(
                f"change {header.n} of author {header.author.hex()} came before its previous one, "
                f"{header.prev.hex()[:16]}…: let it wait for that"
            )


async def _looked_up(
    arriving: Sequence[Change], heads: Mapping[tuple[bytes, bytes], Link], generation: Generation
) -> dict[Key, Entry]:
    """Read from the log what is there of the chains that do not simply go on, and of what their changes name as previous."""
    reached = dict(heads)
    branching = set[tuple[bytes, bytes]]()
    for change in arriving:
        if _continues(change, reached.get(_chain(change))):
            reached[_chain(change)] = link_of(change)
        else:
            branching.add(_chain(change))
    wanted: set[Key] = set()
    for change in arriving:
        header, chain = change.header, _chain(change)
        if chain in branching:
            # All of it: which of its changes continues its head depends on which of them are held.
            wanted.add(layouts.second_key_of(change))
            if header.prev != NO_PREV:
                wanted.add((*chain, header.n - 1, header.prev))
    return await generation.store.find("log", list(wanted), unique=True) if wanted else {}


def _chain(change: Change) -> tuple[bytes, bytes]:
    return change.header.tag, change.header.author


def _continues(change: Change, head: Link | None) -> bool:
    header = change.header
    if head is None:
        return header.prev == NO_PREV
    return (header.n, header.prev) == (head.n + 1, head.id)
