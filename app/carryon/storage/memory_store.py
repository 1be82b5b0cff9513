"""A store in memory, for tests and the simulation: what survives a crash is the `MemoryDisk`, not the `MemoryStore`.

1. Any number of stores may be open on one disk, as any number of cores may be alive on one device.
2. A `Faults` function is asked before every step and may let it fail: full, lost before or after the commit, its caller
   cancelled, or the process dies before or after it. A store whose process died raises `Crashed` for ever; the disk goes
   on with the next store.
3. Each call gives way to other tasks once before it takes effect and once after, so that interleavings happen.
"""

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import NoReturn, TypeAlias, assert_never

from carryon.storage.errors import Exists, Full, Lost, Moved
from carryon.storage.keys import Key, Ordered, order_of
from carryon.storage.store import (
    Add,
    Delete,
    Entry,
    Expect,
    Operation,
    Present,
    Put,
    Range,
    Stored,
    asked_range,
    by_name,
    check_asked,
    check_operations,
)


class Fault(Enum):
    """What may happen to one step."""

    CRASH_BEFORE = "the process dies before the step"
    CRASH_AFTER = "the process dies when the step is done and nobody has been told"
    FULL = "the disk is full"
    LOST = "the connection is lost before the step"
    LOST_AFTER = "the connection is lost when the step is done and nobody has been told"
    CANCELLED = "the caller is cancelled when the step is done and nobody has been told"


@dataclass(frozen=True, slots=True)
class Read:
    """The step of reading a store."""

    store: str


@dataclass(frozen=True, slots=True)
class Commit:
    """The step of committing operations."""

    operations: tuple[Operation, ...]


Step: TypeAlias = Read | Commit
Faults: TypeAlias = Callable[[Step], Fault | None]


class Crashed(BaseException):
    """The process that held this store is dead; no handler of the program may live on."""


@dataclass(slots=True)
class _Shelf:
    """The records of one store, by order of their keys, with the sorted orders of keys and second keys."""

    stored: Stored
    next: int = 1
    entries: dict[Ordered, Entry] = field(default_factory=dict)
    keys: list[Ordered] = field(default_factory=list)
    seconds: list[tuple[Ordered, Ordered]] = field(default_factory=list)

    def copy(self) -> "_Shelf":
        return _Shelf(self.stored, self.next, dict(self.entries), list(self.keys), list(self.seconds))


class MemoryDisk:
    """What is durable: the shelves of all stores of one database."""

    def __init__(self, stores: Iterable[Stored]) -> None:
        self.stores = by_name(stores)
        self._shelves = {name: _Shelf(stored) for name, stored in self.stores.items()}

    def copy(self) -> "MemoryDisk":
        """Give a second disk with the same records: a restored backup, or a copied profile."""
        disk = MemoryDisk(self.stores.values())
        disk._shelves = {name: shelf.copy() for name, shelf in self._shelves.items()}
        return disk

    def rot(self, store: str, key: Key, value: bytes) -> None:
        """Change a record behind everybody's back, as failing hardware does."""
        entries, order = self._shelves[store].entries, order_of(key)
        entries[order] = Entry(key, value, entries[order].unique)

    def clear(self, store: str) -> None:
        """Empty a store behind everybody's back."""
        self._shelves[store] = _Shelf(self.stores[store])

    def read(self, store: str, asked: Range) -> list[Entry]:
        """Give the records of a range."""
        shelf = self._shelves[store]
        lower = None if asked.lower is None else order_of(asked.lower)
        upper = None if asked.upper is None else order_of(asked.upper)
        if asked.paired:
            start = 0 if lower is None else bisect_left(shelf.seconds, lower, key=lambda pair: pair[0])
            end = None if upper is None else bisect_right(shelf.seconds, upper, key=lambda pair: pair[0])
            orders = [order for _, order in shelf.seconds[start:end]]
        else:
            start = 0 if lower is None else bisect_left(shelf.keys, lower)
            end = None if upper is None else bisect_right(shelf.keys, upper)
            orders = shelf.keys[start:end]
        if asked.reverse:
            orders.reverse()
        return [shelf.entries[order] for order in orders[: asked.limit]]

    def commit(self, operations: Sequence[Operation]) -> list[Key]:
        """Do all operations or none."""
        touched = {operation.store: self._shelves[operation.store] for operation in operations}
        undo: list[Callable[[], None]] = []
        numbers = {name: shelf.next for name, shelf in touched.items()}
        try:
            return [key for operation in operations for key in _done(touched[operation.store], operation, undo)]
        except (Moved, Exists):
            for step in reversed(undo):
                step()
            for name, number in numbers.items():
                touched[name].next = number
            raise


class MemoryStore:
    """One process's connection to a `MemoryDisk`."""

    def __init__(self, disk: MemoryDisk, faults: Faults = lambda step: None) -> None:
        self._disk = disk
        self._faults = faults
        self._crashed = False
        self._closed = False

    async def read(
        self,
        store: str,
        *,
        lower: Key | None = None,
        upper: Key | None = None,
        unique: Key | None = None,
        unique_lower: Key | None = None,
        unique_upper: Key | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> list[Entry]:
        """See `Store.read`."""
        stored = self._disk.stores[store]
        asked = asked_range(stored, lower, upper, unique, unique_lower, unique_upper, limit, reverse)
        self._enter(Read(store))
        await self._give_way()
        entries = self._disk.read(store, asked)
        await self._give_way()
        return entries

    async def find(self, store: str, keys: Sequence[Key], *, unique: bool = False) -> dict[Key, Entry]:
        """See `Store.find`."""
        check_asked(self._disk.stores[store], unique)
        self._enter(Read(store))
        await self._give_way()
        found = {key: self._disk.read(store, Range(unique, key, key, None, False)) for key in keys}
        await self._give_way()
        return {key: entries[0] for key, entries in found.items() if entries}

    async def commit(self, operations: Sequence[Operation]) -> list[Key]:
        """See `Store.commit`."""
        check_operations(self._disk.stores, operations)
        fault = self._enter(Commit(tuple(operations)))
        await self._give_way()
        keys = self._disk.commit(operations)
        if fault is Fault.CRASH_AFTER:
            self._crash()
        if fault is Fault.LOST_AFTER:
            raise Lost("the connection to the database in memory was lost: try again")
        if fault is Fault.CANCELLED:
            task = asyncio.current_task()
            assert task is not None, "a commit is awaited by a task"
            task.cancel()
        await self._give_way()
        return keys

    async def close(self) -> None:
        """See `Store.close`."""
        self._closed = True

    def _enter(self, step: Step) -> Fault | None:
        """Let the step's fault happen, but for that which comes after it: give that."""
        if self._crashed:
            self._crash()
        assert not self._closed, "this store was closed by its owner"
        fault = self._faults(step)
        if fault is Fault.CRASH_BEFORE:
            self._crash()
        if fault is Fault.FULL:
            raise Full("the device has no room left: free some, nothing was written")
        if fault is Fault.LOST:
            raise Lost("the connection to the database in memory was lost: try again")
        return fault

    async def _give_way(self) -> None:
        await asyncio.sleep(0)
        if self._crashed:
            self._crash()

    def _crash(self) -> NoReturn:
        self._crashed = True
        raise Crashed


def _done(shelf: _Shelf, operation: Operation, undo: list[Callable[[], None]]) -> list[Key]:
    """Do one operation, note how it is undone, and give the key of an `Add`."""
    match operation:
        case Add(value=value, key=key, unique=unique):
            if key is None:
                key, shelf.next = shelf.next, shelf.next + 1
            _add(shelf, Entry(key, value, unique))
            undo.append(partial(_remove, shelf, order_of(key)))
            return [key]
        case Put(key=key) | Delete(key=key):
            order = order_of(key)
            before = shelf.entries.get(order)
            if before is not None:
                _remove(shelf, order)
                undo.append(partial(_add, shelf, before))
            if isinstance(operation, Put):
                _add(shelf, Entry(key, operation.value))
                undo.append(partial(_remove, shelf, order))
        case Expect(store=store, key=key, value=value):
            held = shelf.entries.get(order_of(key))
            if (None if held is None else held.value) != value:
                raise Moved(store, key)
        case Present(store=store, key=key):
            if order_of(key) not in shelf.entries:
                raise Moved(store, key)
        case _:
            assert_never(operation)
    return []


def _add(shelf: _Shelf, entry: Entry) -> None:
    order = order_of(entry.key)
    if order in shelf.entries:
        raise Exists(shelf.stored.name, entry.key)
    if entry.unique is not None:
        second = order_of(entry.unique)
        at = bisect_left(shelf.seconds, second, key=lambda pair: pair[0])
        if at < len(shelf.seconds) and shelf.seconds[at][0] == second:
            raise Exists(shelf.stored.name, entry.unique)
        shelf.seconds.insert(at, (second, order))
    shelf.entries[order] = entry
    insort(shelf.keys, order)


def _remove(shelf: _Shelf, order: Ordered) -> None:
    entry = shelf.entries.pop(order)
    del shelf.keys[bisect_left(shelf.keys, order)]
    if entry.unique is not None:
        second = order_of(entry.unique)
        del shelf.seconds[bisect_left(shelf.seconds, second, key=lambda pair: pair[0])]
