"""The disk of a simulated device as its processes see it: it takes its time, and makes what it was given.

1. What is asked of one database takes effect in the order in which it was asked, as IndexedDB's transactions do, each
   after a while; its asker is told a while later.
2. A commit that was given is made, also when nobody waits for it any more: only the death of its process can end it.
3. Which stores are written, and what is found in those that are derived, is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from carryon.storage.keys import Key
from carryon.storage.memory_store import MemoryStore
from carryon.storage.store import Add, Delete, Entry, Operation, Put

from tests.simulation.tally import Tally


class Drive:
    """The arm of one database's disk; `pace` gives how long its next move takes, in seconds."""

    def __init__(self, pace: Callable[[], float]) -> None:
        self._pace = pace
        self._free_at = 0.0

    async def turn(self) -> None:
        """Wait until everything that was asked before has taken effect, and this may."""
        now = asyncio.get_running_loop().time()
        pace = self._pace()
        if pace or self._free_at > now:
            self._free_at = max(now, self._free_at) + pace
            await asyncio.sleep(self._free_at - now)

    async def answer(self) -> None:
        """Wait until the asker is told."""
        pace = self._pace()
        if pace:
            await asyncio.sleep(pace)


class DriveStore:
    """One process's connection to a database on a drive; see `carryon.storage.store.Store`."""

    def __init__(self, store: MemoryStore, drive: Drive, tally: Tally, *, goes_on: Callable[[], bool]) -> None:
        """`goes_on` says whether a commit is made whose caller was cancelled."""
        self._store = store
        self._drive = drive
        self._tally = tally
        self._goes_on = goes_on

    async def read(self, store: str, **asked: Any) -> list[Entry]:
        """See `Store.read`."""
        await self._drive.turn()
        entries = await self._store.read(store, **asked)
        await self._drive.answer()
        return entries

    async def find(self, store: str, keys: Sequence[Key], *, unique: bool = False) -> dict[Key, Entry]:
        """See `Store.find`."""
        await self._drive.turn()
        entries = await self._store.find(store, keys, unique=unique)
        if entries and store == "states":
            self._tally.note("path", "state read")
        await self._drive.answer()
        return entries

    async def commit(self, operations: Sequence[Operation]) -> list[Key]:
        """See `Store.commit`."""
        if not self._goes_on():
            return await self._commit(operations)
        commit = asyncio.ensure_future(self._commit(operations))
        try:
            return await asyncio.shield(commit)
        except asyncio.CancelledError:
            if not commit.done():
                commit.add_done_callback(self._made_alone)
            raise

    async def close(self) -> None:
        """See `Store.close`."""
        await self._store.close()

    async def _commit(self, operations: Sequence[Operation]) -> list[Key]:
        await self._drive.turn()
        keys = await self._store.commit(operations)
        for operation in operations:
            self._count(operation)
        await self._drive.answer()
        return keys

    def _made_alone(self, commit: asyncio.Future[list[Key]]) -> None:
        if not commit.cancelled() and commit.exception() is None:
            self._tally.note("fault", "commit cancelled")

    def _count(self, operation: Operation) -> None:
        match operation:
            case Add(store=store) | Put(store=store):
                self._tally.note("store", store)
                if store == "waiting":
                    self._tally.note("path", "held back")
                if store == "meta" and isinstance(operation.key, tuple):
                    self._tally.note("path", f"kept in meta: {operation.key[0]}")
            case Delete(store="waiting"):
                self._tally.note("path", "released")
            case _:
                return
