"""The rooms of one relay process: each notebook's room over one ledger, and the sockets that are in it.

1. A room is opened by its first connection and dropped when it is empty. A machine's effects are carried out at once;
   what needs the ledger is answered in the order in which the ledger did it.
2. Writes are gathered per connection and batch of effects: one `transport.write` each.
3. A commit that fails (full disk, poison) ends that room: everybody in it is hung up in words, and the next connection
   opens it from what is durable.
4. An exception in a room's machine would be a fault of ours: it too ends that room only, and is reported.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
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


def now_ms() -> int:
    """Return ms on a clock that only moves forward."""
    return int(time.monotonic() * 1000)


def date_ms() -> int:
    """Return ms since 1970."""
    return int(time.time() * 1000)


class Rooms:
    """All rooms of the process."""

    def __init__(self, ledger: LedgerThread) -> None:
        self._ledger = ledger
        self._rooms: dict[bytes, OpenRoom] = {}
        self._opening: dict[bytes, asyncio.Task[None]] = {}
        self._connections = 0

    async def enter(self, notebook: bytes, connection: Connection, origin: str) -> tuple[OpenRoom, int]:
        """Bring a connection into its notebook's room; give the room and the connection's number there.

        Raises what opening the room from the ledger raised.
        """
        # A room may be gone again when its opening is told: its first visitor may have left by then.
        while (room := self._rooms.get(notebook)) is None:
            opening = self._opening.get(notebook)
            if opening is None:
                opening = self._opening[notebook] = asyncio.create_task(self._open(notebook))
            await asyncio.shield(opening)
        self._connections += 1
        room.enter(self._connections, connection, origin)
        return room, self._connections

    async def keep_time(self) -> None:
        """Let every room see the time pass, until cancelled."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for room in tuple(self._rooms.values()):
                room.tick()

    async def close(self) -> None:
        """Hang up on everybody and wait until what they pushed is durable."""
        connections = [connection for room in self._rooms.values() for connection in room.connections.values()]
        for room in tuple(self._rooms.values()):
            room.hang_up_all(Closing.GOING_AWAY, "the relay stops: connect again in a moment")
        await asyncio.gather(*(connection.closed() for connection in connections))
        while any(not room.empty for room in self._rooms.values()):
            await self._ledger.call(lambda ledger: None)

    async def _open(self, notebook: bytes) -> None:
        try:
            opened = await self._ledger.call(lambda ledger: ledger.open(notebook))
            room = Room(notebook, opened, verify)
            self._rooms[notebook] = OpenRoom(notebook, room, self._ledger, self._drop)
        finally:
            del self._opening[notebook]

    def _drop(self, room: OpenRoom) -> None:
        if self._rooms.get(room.notebook) is room:
            del self._rooms[room.notebook]


class OpenRoom:
    """A room with its sockets."""

    def __init__(self, notebook: bytes, room: Room, ledger: LedgerThread, drop: Callable[[OpenRoom], None]) -> None:
        self.notebook = notebook
        self.connections: dict[int, Connection] = {}
        self._room = room
        self._ledger = ledger
        self._drop = drop
        self._failed = False

    @property
    def empty(self) -> bool:
        """Say whether nobody is here and nothing is being committed."""
        return self._failed or self._room.empty

    def enter(self, number: int, connection: Connection, origin: str) -> None:
        """Take in a connection."""
        self.connections[number] = connection
        self._guarded(lambda: self._room.joined(number, os.urandom(32), origin, now_ms()))

    def receive(self, number: int, message: bytes) -> None:
        """Take one message of a connection."""
        if not self._failed:
            self._guarded(lambda: self._room.received(number, message, now_ms(), date_ms()))

    def leave(self, number: int) -> None:
        """Let a connection go."""
        self.connections.pop(number, None)
        self._room.left(number)
        if self.empty:
            self._drop(self)

    def tick(self) -> None:
        """Let the time pass."""
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
        self._ledger.work(work, self._answered(event))

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
        """End this room: nobody may be acked or shown what is not durable."""
        self._failed = True
        report(code, words, self.notebook)
        for connection in self.connections.values():
            connection.hang_up(
                Closing.FAILED, f"the relay could not store this ({words}): nothing is lost, it will be sent again"
            )
        self._drop(self)
