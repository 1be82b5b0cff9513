"""The rooms of one relay process: each notebook's room over one ledger, and the sockets that are in it.

1. A room is opened by its first connection and dropped when it is empty. A machine's effects are carried out at once;
   what needs the ledger is answered in the order in which the ledger did it.
2. Writes are gathered per connection and batch of effects: one `transport.write` each.
3. A commit that fails (full disk, poison) ends that room: everybody in it is hung up in words, and the next connection
   opens it from what is durable.
4. An exception in a room's machine would be a fault of ours: it too ends that room only, and is reported. Rooms are
   ticked and answered each by itself.
5. Opening a room reads and checks all members' records, which takes its time: on a thread, beside the event loop.
6. Records that nobody has proven anything for are held for so much memory only; beyond that the room with most of them
   is ended.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.parts import messages
from carryon_sync.relay.ledger import Ledger
from carryon_sync.relay.room import Room
from carryon_sync.relay.room_effects import Commit, Deliver, Find, HangUp, Read, Report, RoomEffect
from carryon_sync.server.connection import Connection, framed
from carryon_sync.server.ledger_thread import LedgerThread
from carryon_sync.server.report import report
from carryon_sync.server.signatures import verify

TICK_SECONDS = 5
UNPROVEN_BYTES_MAX = 128 << 20


def now_ms() -> int:
    """Return ms on a clock that only moves forward."""
    return int(time.monotonic() * 1000)


def date_ms() -> int:
    """Return ms since 1970."""
    return int(time.time() * 1000)


class Rooms:
    """All rooms of the process, at a relay that is known by these `origins`."""

    def __init__(self, ledger: LedgerThread, origins: Sequence[str]) -> None:
        self._ledger = ledger
        self._origins = origins
        self._rooms: dict[bytes, OpenRoom] = {}
        self._opening: dict[bytes, asyncio.Task[float]] = {}
        self._connections = 0

    async def enter(self, notebook: bytes, connection: Connection) -> tuple[OpenRoom, int, float]:
        """Bring a connection into its notebook's room; give the room, its number there, the seconds of work for it.

        Raises what opening the room from the ledger raised.
        """
        spent = 0.0
        # A room may be gone again when its opening is told: its first visitor may have left by then.
        while (room := self._rooms.get(notebook)) is None:
            opening = self._opening.get(notebook)
            if opening is None:
                opening = self._opening[notebook] = asyncio.create_task(self._open(notebook))
            spent += await asyncio.shield(opening)
        self._connections += 1
        room.enter(self._connections, connection)
        return room, self._connections, spent

    async def keep_time(self) -> None:
        """Let every room see the time pass, until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for room in tuple(self._rooms.values()):
                asyncio.get_running_loop().call_soon(room.tick)

    async def close(self) -> None:
        """Hang up on everybody and wait until what they pushed is durable."""
        connections = [connection for room in self._rooms.values() for connection in room.connections.values()]
        for room in tuple(self._rooms.values()):
            room.hang_up_all(Closing.GOING_AWAY, "the relay stops: connect again in a moment")
        await asyncio.gather(*(connection.closed() for connection in connections))
        while unfinished := [room.notebook for room in self._rooms.values() if not room.empty]:
            await self._ledger.call(unfinished[0], lambda ledger: None)

    async def _open(self, notebook: bytes) -> float:
        try:
            opened = await self._ledger.call(notebook, lambda ledger: ledger.open(notebook))
            room, spent = await asyncio.to_thread(_made, lambda: Room(notebook, opened, self._origins, verify))
            self._rooms[notebook] = OpenRoom(notebook, room, self._ledger, self._drop, self._bound_unproven)
            return spent
        finally:
            del self._opening[notebook]

    def _bound_unproven(self) -> None:
        rooms = self._rooms.values()
        if sum(room.unproven_bytes for room in rooms) > UNPROVEN_BYTES_MAX:
            most = max(rooms, key=lambda room: room.unproven_bytes)
            words = f"{UNPROVEN_BYTES_MAX} bytes of records are held without a proof, which is the limit: connect again"
            most.end(Closing.FLOODED, "unproven-dropped", words)

    def _drop(self, room: OpenRoom) -> None:
        if self._rooms.get(room.notebook) is room:
            del self._rooms[room.notebook]


def _made(make: Callable[[], Room]) -> tuple[Room, float]:
    began = time.thread_time()
    return make(), time.thread_time() - began


class OpenRoom:
    """A room with its sockets; `grown` is called when it holds more that nobody has proven anything for."""

    def __init__(
        self,
        notebook: bytes,
        room: Room,
        ledger: LedgerThread,
        drop: Callable[[OpenRoom], None],
        grown: Callable[[], None],
    ) -> None:
        self.notebook = notebook
        self.connections: dict[int, Connection] = {}
        self._room = room
        self._ledger = ledger
        self._drop = drop
        self._grown = grown
        self._failed = False
        self.unproven_bytes = 0

    @property
    def empty(self) -> bool:
        """Say whether nobody is here and nothing is being committed."""
        return self._failed or self._room.empty

    def is_in(self, number: int) -> bool:
        """Say whether a connection was let in."""
        return not self._failed and self._room.is_in(number)

    def unfinished_bytes(self, number: int) -> int:
        """Say how many bytes are held of a frame of which a connection has sent a part."""
        return 0 if self._failed else self._room.unfinished_bytes(number)

    def enter(self, number: int, connection: Connection) -> None:
        """Take in a connection."""
        self.connections[number] = connection
        self._guarded(lambda: self._room.joined(number, os.urandom(32), now_ms()))

    def receive(self, number: int, message: bytes) -> None:
        """Take one message of a connection."""
        if self._failed:
            return
        self._guarded(lambda: self._room.received(number, message, now_ms(), date_ms()))
        before, self.unproven_bytes = self.unproven_bytes, self._room.unproven_bytes
        if self.unproven_bytes > before:
            self._grown()

    def leave(self, number: int) -> None:
        """Let a connection go."""
        self.connections.pop(number, None)
        self._room.left(number)
        if self.empty:
            self._drop(self)

    def tick(self) -> None:
        """Let the time pass."""
        if not self._failed:
            self._guarded(lambda: self._room.tick(now_ms()))

    def hang_up_all(self, code: Closing, words: str) -> None:
        """End all connections."""
        for number, connection in tuple(self.connections.items()):
            connection.hang_up(code, words)
            self.leave(number)

    def _guarded(self, event: Callable[[], list[RoomEffect]]) -> None:
        try:
            self._perform(event())
        except Exception as fault:
            self._fail("room-failed", f"{type(fault).__name__}: {fault}")

    def _perform(self, effects: list[RoomEffect]) -> None:
        outgoing: dict[int, list[bytes]] = {}
        for effect in effects:
            if isinstance(effect, Deliver):
                frame = b"".join(map(framed, messages(effect.data)))
                for number in effect.connections:
                    outgoing.setdefault(number, []).append(frame)
        for number, frames in outgoing.items():
            connection = self.connections.get(number)
            if connection is not None:
                connection.write(frames[0] if len(frames) == 1 else b"".join(frames))
        for effect in effects:
            self._order(effect)

    def _order(self, effect: RoomEffect) -> None:
        match effect:
            case Commit(batch):
                self._ledger.commit(
                    self.notebook, batch, self._answered(lambda done: self._room.committed(done, now_ms()))
                )
            case Read(connection, after, bytes_max):
                self._work(
                    lambda ledger: ledger.page(self.notebook, after, bytes_max),
                    lambda page: self._room.read(connection, page, now_ms()),
                )
            case Find(connection, want, bytes_max):
                self._work(
                    lambda ledger: ledger.find(self.notebook, want, bytes_max),
                    lambda page: self._room.found(connection, want.no, page),
                )
            case HangUp(connection, code, words):
                if connection in self.connections:
                    self.connections[connection].hang_up(code, words)
            case Report(code, words):
                report(code, words, self.notebook)
            case Deliver():
                pass

    def _work(self, work: Callable[[Ledger], Any], event: Callable[[Any], list[RoomEffect]]) -> None:
        self._ledger.work(self.notebook, work, self._answered(event))

    def _answered(self, event: Callable[[Any], list[RoomEffect]]) -> Callable[[Any], None]:
        def answer(value: Any) -> None:
            if self._failed:
                return
            if isinstance(value, Exception):
                self._fail("ledger-failed", f"{type(value).__name__}: {value}")
                return
            self._guarded(lambda: event(value))
            if self.empty:
                self._drop(self)

        return answer

    def _fail(self, code: str, words: str) -> None:
        told = f"the relay could not store this ({words}): nothing is lost, it will be sent again"
        self.end(Closing.FAILED, code, told)

    def end(self, closing: Closing, code: str, words: str) -> None:
        """End this room with all that is not durable in it: nobody may be acked or shown that."""
        self._failed, self.unproven_bytes = True, 0
        self._drop(self)
        for connection in self.connections.values():
            connection.hang_up(closing, words)
        report(code, words, self.notebook)
