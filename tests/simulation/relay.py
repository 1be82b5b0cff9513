"""A simulated relay: the real room of each notebook over a ledger in memory, with a disk that takes its time.

1. The ledger is the disk: it outlives the process. A crash loses everything else, at once; rooms are made anew from it.
2. `dies` names the next commit's death: before it, the batch is gone; after it, the batch is kept and nobody was told.
3. Wiped, it comes back with an empty ledger; rolled back, with an older one. Both are a new process.
"""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import Final, Literal, assert_never

from carryon_sync.formats.ids import raw_of
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.parts import messages
from carryon_sync.relay.memory_ledger import MemoryLedger
from carryon_sync.relay.room import Room
from carryon_sync.relay.room_effects import Commit, Deliver, Find, HangUp, Read, Report, RoomEffect
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.simulation.network import Wire

DISK_S: Final = 0.005
TICK_S: Final = 5.0
EPOCH_MS: Final = 1_700_000_000_000


class Relay:
    """One relay under an address."""

    def __init__(self, origin: str, random: Callable[[int], bytes]) -> None:
        self.origin = origin
        self.up = True
        self.rolled_back = False
        self.dies: Literal["before", "after"] | None = None
        self.reports: list[Report] = []
        self.commits = 0
        self._random = random
        self.ledger = MemoryLedger(lambda: random(16))
        self._rooms: dict[bytes, Room] = {}
        self._wires: dict[int, tuple[bytes, Wire]] = {}
        self._numbers: dict[Wire, int] = {}
        self._jobs: deque[tuple[bytes, Commit | Read | Find]] = deque()
        self._connections = 0
        # A relay's work belongs to no device's process, whoever set it going.
        self._context = copy_context()
        self._ticking: asyncio.TimerHandle | None = None

    # The network's side.

    def joined(self, wire: Wire, path: str) -> None:
        """A wire has come to a notebook's door."""
        notebook = raw_of(path.removeprefix("/sync/"))
        assert not isinstance(notebook, Rejected), f"{path} names no notebook"
        self._connections += 1
        number = self._connections
        self._wires[number], self._numbers[wire] = (notebook, wire), number
        room = self._rooms.get(notebook)
        if room is None:
            room = self._rooms[notebook] = Room(notebook, self.ledger.open(notebook), (self.origin,), verify)
        self._perform(notebook, room.joined(number, self._random(32), self._now()))
        if self._ticking is None:
            self._tick()

    def received(self, wire: Wire, data: bytes) -> None:
        """A frame has come."""
        number = self._numbers.get(wire)
        if number is not None:
            notebook, _ = self._wires[number]
            date = EPOCH_MS + self._now()
            self._perform(notebook, self._rooms[notebook].received(number, data, self._now(), date))

    def left(self, wire: Wire) -> None:
        """A wire has ended."""
        number = self._numbers.pop(wire, None)
        if number is not None:
            notebook, _ = self._wires.pop(number)
            self._rooms[notebook].left(number)

    # Life and death.

    def crash(self) -> None:
        """Die: every connection ends, what was not committed is gone."""
        self.up, self.dies = False, None
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        wires = [wire for _, wire in self._wires.values()]
        self._rooms.clear()
        self._jobs.clear()
        self._wires.clear()
        self._numbers.clear()
        for wire in wires:
            wire.cut()

    def start(self) -> None:
        """Come back with what the ledger keeps."""
        self.up = True

    def wipe(self) -> None:
        """Lose the disk."""
        self.crash()
        self.ledger, self.rolled_back = MemoryLedger(lambda: self._random(16)), False
        self.start()

    def photograph(self) -> MemoryLedger:
        """A copy of the disk as it is now."""
        ledger = MemoryLedger(lambda: self._random(16))
        ledger._notebooks = copy.deepcopy(self.ledger._notebooks)
        return ledger

    def roll_back(self, ledger: MemoryLedger) -> None:
        """Come back with an older disk."""
        self.crash()
        self.ledger, self.rolled_back = ledger, True
        self.start()

    # What it keeps.

    def entries(self, notebook: bytes, after: int = 0) -> list[bytes]:
        """The log of a notebook after some of it, as it is committed: changes as sent."""
        kept = self.ledger._notebooks.get(notebook)
        return [entry.data for entry in kept.entries[after:]] if kept else []

    def ids(self, notebook: bytes) -> set[bytes]:
        """The ids of a notebook's changes, as they are committed."""
        kept = self.ledger._notebooks.get(notebook)
        return set(kept.sequences) if kept else set()

    def everything(self) -> bytes:
        """All bytes on the disk."""
        kept = self.ledger._notebooks.values()
        parts = [part for one in kept for part in (*one.records.values(), *one.receipts.values())]
        return b"".join((*parts, *(entry.data for one in kept for entry in one.entries)))

    def _perform(self, notebook: bytes, effects: list[RoomEffect]) -> None:
        for effect in effects:
            match effect:
                case Deliver(connections, data):
                    for number in connections:
                        if number in self._wires:
                            for message in messages(data):
                                self._wires[number][1].deliver(message)
                case HangUp(number, code, words):
                    if number in self._wires:
                        self._wires[number][1].hang_up(code, words)
                case Report():
                    self.reports.append(effect)
                case Commit() | Read() | Find():
                    self._jobs.append((notebook, effect))
                    self._later(DISK_S, self._work)
                case _:
                    assert_never(effect)

    def _work(self) -> None:
        if not self._jobs:
            return
        notebook, job = self._jobs.popleft()
        room, now = self._rooms[notebook], self._now()
        match job:
            case Commit(batch):
                dies = self.dies
                if dies == "before":
                    self.crash()
                    return
                committed = self.ledger.commit({notebook: batch})[notebook]
                self.commits += 1
                if dies == "after":
                    self.crash()
                    return
                self._perform(notebook, room.committed(committed, now))
            case Read(connection, after, bytes_max):
                self._perform(notebook, room.read(connection, self.ledger.page(notebook, after, bytes_max), now))
            case Find(connection, want, bytes_max):
                self._perform(notebook, room.found(connection, want.no, self.ledger.find(notebook, want, bytes_max)))
            case _:
                assert_never(job)

    def _tick(self) -> None:
        self._ticking = self._later(TICK_S, self._tick)
        for notebook, room in self._rooms.items():
            self._perform(notebook, room.tick(self._now()))

    def _later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, callback, context=self._context)

    def _now(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Ed25519, as the relay's server does it."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
