"""The one task that writes the journal: an edit is durable when this says so.

1. A batch is whatever arrived during the last write (group commit). Putting never waits, because whoever puts has tabs to serve: reading
   must go on while nothing can be written; and what was applied in memory is written, in its order, whatever becomes of whoever put it. What
   waits here its tab keeps too, so both end at the same number.
2. `then` of an item is called after the transaction's `complete`, with its rows as they are kept, in the order in which items were put; an
   item without rows is a marker that says "everything before is durable".
3. A write that fails is kept in memory and tried again, at growing pauses, until it goes through; `problem` holds the words meanwhile.
   Nothing falls back to memory silently, and nothing is dropped.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from carryon.storage.errors import StorageError
from carryon.storage.journal import Journal, Journalled
from carryon.storage.layouts import JournalRow

# As many as a tab may bring with one hello: more than a person types in a day.
ITEMS_MAX: Final = 1_000_000
BATCH_MAX: Final = 512
PAUSE_FIRST_S: Final = 0.25
PAUSE_MAX_S: Final = 5.0
LATE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Item:
    """Rows of one edit, what to do when they are durable, by whom and when they were put (the loop's clock, seconds).

    `act` is the nonce of an act that is taken with them, "" where there is none.
    """

    rows: Sequence[JournalRow]
    then: Callable[[Sequence[Journalled]], None]
    by: object
    put_at: float
    act: str


class Writer:
    """Put journal rows into the log, batch by batch."""

    def __init__(self, journal: Journal, begin: Callable[[], Awaitable[None]], changed: Callable[[], None]) -> None:
        """`begin` is done before rows are written; `changed` is called when `problem` or `is_late` may have changed."""
        self._journal = journal
        self._begin = begin
        self._changed = changed
        self._items: deque[Item] = deque()
        self._come = asyncio.Event()
        self._writing: list[Item] = []
        self._waiting: dict[str, deque[tuple[JournalRow, object]]] = {}
        self.problem: str | None = None

    def put(
        self,
        rows: Sequence[JournalRow],
        then: Callable[[Sequence[Journalled]], None],
        by: object = None,
        *,
        act: str = "",
    ) -> None:
        """Queue the rows of one edit; `by` is the tab that made it, `act` names an act that is taken when they are durable."""
        if len(self._items) >= ITEMS_MAX:
            raise OverflowError(f"{ITEMS_MAX:,} edits wait to be saved and find no room: make room on this device")
        self._items.append(Item(rows, then, by, asyncio.get_running_loop().time(), act))
        for row in rows:
            self._waiting.setdefault(row.note, deque()).append((row, by))
        self._come.set()

    def waiting(self, note: str, besides: object = None) -> list[JournalRow]:
        """A note's rows that are not durable yet, in order; those of one tab may be left out."""
        return [row for row, by in self._waiting.get(note, ()) if besides is None or by is not besides]

    async def settle(self) -> None:
        """Wait for a moment in which everything put is durable; it lasts until the caller gives way."""
        while not self.is_idle:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.put((), lambda _rows, done=done: None if done.cancelled() else done.set_result(None))  # type: ignore[misc]
            await done

    @property
    def is_idle(self) -> bool:
        """Whether everything put is durable."""
        return not self._writing and not self._items

    @property
    def is_late(self) -> bool:
        """Whether an edit has waited longer than a person should have to believe it is saved."""
        rows = [item for item in self._writing if item.rows or item.act]
        return bool(rows) and asyncio.get_running_loop().time() - rows[0].put_at > LATE_S

    async def run(self) -> None:
        """Write for ever; cancelled when the notebook closes."""
        while True:
            while not self._items:
                self._come.clear()
                await self._come.wait()
            self._writing = [self._items.popleft() for _ in range(min(BATCH_MAX, len(self._items)))]
            rows = [row for item in self._writing for row in item.rows]
            acts = [item.act for item in self._writing if item.act]
            written = iter(await self._write(rows, acts) if rows or acts else ())
            batch, self._writing = self._writing, []
            for item in batch:
                for row in item.rows:
                    self._written(row.note)
                item.then([next(written) for _ in item.rows])

    def _written(self, note: str) -> None:
        self._waiting[note].popleft()
        if not self._waiting[note]:
            del self._waiting[note]

    async def _write(self, rows: Sequence[JournalRow], acts: Sequence[str]) -> Sequence[Journalled]:
        loop = asyncio.get_running_loop()
        late_at = loop.time() + LATE_S
        late = loop.call_at(late_at, self._changed)
        try:
            journalled = await self._add(rows, acts)
        finally:
            late.cancel()
        if self.problem is not None or loop.time() >= late_at:
            self.problem = None
            self._changed()
        return journalled

    async def _add(self, rows: Sequence[JournalRow], acts: Sequence[str]) -> Sequence[Journalled]:
        pause = PAUSE_FIRST_S
        while True:
            try:
                await self._begin()
                return await self._journal.add(rows, acts)
            except StorageError as error:
                self.problem = str(error)
                self._changed()
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_MAX_S)
