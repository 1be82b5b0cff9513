"""What is derived from the log and only spares work: list rows, folded texts, document states.

1. Every record names the position of the log that it reflects; what came after is read from the log.
2. What does not open or does not fit together is passed over as a whole store and made again by the core, whose next
   write replaces it. No read throws anything away: it may have given rot where there is none, or failed (`Lost`).
3. `Segmented` keeps a first record, enough for the first screenful, and numbered segments. They are written in one
   transaction that expects the first record to be the one this core knows; else another core has written (`Moved`), and
   only a write of the whole will do.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carryon.storage import layouts
from carryon.storage.errors import Moved
from carryon.storage.generation import Generation
from carryon.storage.layouts import NoteState
from carryon.storage.store import Delete, Expect, Operation, Put


@dataclass(frozen=True, slots=True)
class Front:
    """The first record of a segmented store: the position reflected, how many segments follow, and its content."""

    pos: int
    count: int
    content: bytes


class Segmented:
    """The store `rows` or `texts`."""

    def __init__(self, generation: Generation, store: str) -> None:
        self._generation = generation
        self._store = store
        self._known: bytes | None = None
        self._count = 0

    async def read_front(self) -> Front | None:
        """Give the first record, or None when there is none that opens."""
        value = await self._generation.record(self._store, 0)
        if value is None:
            return None
        payload = await self._generation.unseal(self._place(0), value)
        front = None if payload is None else layouts.front_in(payload)
        if front is None:
            self._known = None
            return None
        pos, count, content = front
        self._known, self._count = value, count
        return Front(pos, count, content)

    async def read_segments(self) -> Sequence[bytes] | None:
        """Give segments 1, 2, … behind the first record that was read; None when they are not all whole.

        None too when another core has written since: then read the first record again.
        """
        entries = await self._generation.store.read(self._store)
        if not entries or entries[0].value != self._known:
            return None
        opened = await asyncio.gather(
            *(self._generation.unseal(self._place(entry.key), entry.value) for entry in entries[1:])
        )
        segments = [segment for segment in opened if segment is not None]
        if len(segments) != len(opened) or [entry.key for entry in entries] != list(range(self._count + 1)):
            self._known = None
            return None
        return segments

    async def write(self, front: Front, segments: Mapping[int, bytes]) -> None:
        """Write the first record and the segments that differ (from 1); those beyond `front.count` go.

        All `front.count` segments make it a write of the whole, which expects nothing. Raises `Moved`.
        """
        assert all(1 <= number <= front.count for number in segments), "segments are numbered from 1 to their count"
        whole = len(segments) == front.count
        expected: list[Operation] = []
        beyond = range(front.count + 1, self._count + 1)
        if whole:
            stray = await self._generation.store.read(self._store, lower=front.count + 1)
            gone: list[Operation] = [Delete(self._store, entry.key) for entry in stray]
        elif self._known is None:
            raise Moved(self._store, 0)
        else:
            expected = [Expect(self._store, 0, self._known)]
            gone = [Delete(self._store, number) for number in beyond]
        payloads = {0: layouts.front_payload(front.pos, front.count, front.content), **segments}
        values = await asyncio.gather(
            *(self._generation.seal(self._place(number), payload) for number, payload in payloads.items())
        )
        puts = [Put(self._store, number, value) for number, value in zip(payloads, values, strict=True)]
        try:
            await self._generation.commit([*expected, *gone, *puts])
        except Moved:
            self._known = None
            raise
        self._known, self._count = values[0], front.count

    async def drop(self) -> None:
        """Throw the store away; it is made again from the log."""
        self._known, self._count = None, 0
        entries = await self._generation.entries(self._store)
        await self._generation.commit([Delete(self._store, entry.key) for entry in entries])

    def _place(self, key: object) -> str:
        return f"{self._store}/{key}"


class States:
    """The store `states`, for writing; `Changes.load` reads it."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation

    async def write(self, states: Sequence[NoteState]) -> None:
        """Keep the states of notes as they are now, each in place of the one before."""
        values = await asyncio.gather(
            *(self._generation.seal(f"states/{state.note}", layouts.state_payload(state)) for state in states)
        )
        await self._generation.commit(
            [Put("states", (state.note, 0), value) for state, value in zip(states, values, strict=True)]
        )

    async def drop(self, notes: Sequence[str]) -> None:
        """Throw the states of notes away; they are made again from the log."""
        await self._generation.commit([Delete("states", (note, 0)) for note in notes])
