"""The one task that writes the journal: an edit is durable when this says so.

1. A batch is whatever arrived during the last write (group commit); the queue is bounded, and a full queue makes the caller wait.
2. `then` of an item is called after the transaction's `complete`, with its rows and their keys, in the order in which items were put; an
   item without rows is a marker that says "everything before is durable".
3. A write that fails is kept in memory and tried again, at growing pauses, until it goes through; `problem` holds the words meanwhile.
   Nothing falls back to memory silently, and nothing is dropped.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from carryon.storage.errors import StorageError
from carryon.storage.journal import Journal, JournalKey, Journalled
from carryon.storage.layouts import JournalRow

ITEMS_MAX: Final = 4096
BATCH_MAX: Final = 512
PAUSE_FIRST_S: Final = 0.25
PAUSE_MAX_S: Final = 5.0
LATE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Item:
    """Rows of one edit, what to do when they are durable, and when they were put (the loop's clock, seconds)."""

    rows: Sequence[JournalRow]
    then: Callable[[Sequence[Journalled]], None]
    put_at: float


class Writer:
    """Put journal rows into the log, batch by batch."""

    def __init__(self, journal: Journal, begin: Callable[[], Awaitable[None]], changed: Callable[[], None]) -> None:
        """`begin` is done before rows are written; `changed` is called when `problem` or `is_late` may have changed."""
        self._journal = journal
        self._begin = begin
        self._changed = changed
        self._items: asyncio.Queue[Item] = asyncio.Queue(ITEMS_MAX)
        self._writing: list[Item] = []
        self.problem: str | None = None

    async def put(self, rows: Sequence[JournalRow], then: Callable[[Sequence[Journalled]], None]) -> None:
        """Queue the rows of one edit; waits while the queue is full."""
        await self._items.put(Item(rows, then, asyncio.get_running_loop().time()))

    async def flush(self) -> None:
        """Wait until everything put so far is durable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self.put((), lambda _rows: None if done.cancelled() else done.set_result(None))
        await done

    async def settle(self) -> None:
        """Wait for a moment in which everything put is durable; it lasts until the caller gives way."""
        while self._writing or not self._items.empty():
            await self.flush()

    @property
    def is_idle(self) -> bool:
        """Whether everything put is durable."""
        return not self._writing and self._items.empty()

    @property
    def is_late(self) -> bool:
        """Whether an edit has waited longer than a person should have to believe it is saved."""
        rows = [item for item in self._writing if item.rows]
        return bool(rows) and asyncio.get_running_loop().time() - rows[0].put_at > LATE_S

    async def run(self) -> None:
        """Write for ever; cancelled when the notebook closes."""
        while True:
            self._writing = [await self._items.get()]
            while len(self._writing) < BATCH_MAX and not self._items.empty():
                self._writing.append(self._items.get_nowait())
            rows = [row for item in self._writing for row in item.rows]
            written = iter(await self._write(rows) if rows else ())
            batch, self._writing = self._writing, []
            for item in batch:
                item.then([next(written) for _ in item.rows])

    async def _write(self, rows: Sequence[JournalRow]) -> list[Journalled]:
        loop = asyncio.get_running_loop()
        late_at = loop.time() + LATE_S
        late = loop.call_at(late_at, self._changed)
        try:
            keys = await self._add(rows)
        finally:
            late.cancel()
        if self.problem is not None or loop.time() >= late_at:
            self.problem = None
            self._changed()
        return [Journalled(key, row) for key, row in zip(keys, rows, strict=True)]

    async def _add(self, rows: Sequence[JournalRow]) -> list[JournalKey]:
        pause = PAUSE_FIRST_S
        while True:
            try:
                await self._begin()
                return await self._journal.add(rows)
            except StorageError as error:
                self.problem = str(error)
                self._changed()
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_MAX_S)
