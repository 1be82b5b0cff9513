"""The simulated network between devices and relays: wires with latency, which can be cut after any frame.

1. A wire is a WebSocket: messages of one direction arrive whole, once, in order. Between wires there is no order.
2. A cut loses what is under way. Its ends are told after a while, or never: then they have to find out themselves.
3. A line may be thin: then a message takes the time that its length takes, each direction for itself.
4. What a socket is not: a frame may come twice (`echo`), and frames of a wire that is cut may still reach the relay
   (`straggle`), as when a new connection overtakes an old one.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlsplit

from carryon.core.environment import ConnectionFailed, Ended

from tests.simulation.process import Process
from tests.simulation.tally import Tally

_NAME: Final = re.compile(rb'"frame": ?"([a-z-]+)"')
NAME_BYTES_MAX: Final = 4096
LATENCY_S: Final = 0.02
REFUSED_S: Final = 0.05


class Host(Protocol):
    """A relay, as the network sees it."""

    up: bool

    def joined(self, wire: Wire, path: str) -> None:
        """A wire has come."""

    def received(self, wire: Wire, data: bytes) -> None:
        """A frame has come."""

    def left(self, wire: Wire) -> None:
        """A wire has ended."""


@dataclass(eq=False)
class Line:
    """One direction of a wire: what is under way, None for its end, and who takes it."""

    take: Callable[[bytes], None]
    coming: deque[bytes | None] = field(default_factory=deque)
    free_at: float = 0.0


class Wire:
    """One connection; the device's end is the `Socket` of the core."""

    def __init__(self, network: Network, host: Host, process: Process, device: str) -> None:
        self.device = device
        self.standing = True
        self.latency = network.latency(device)
        self.cut_after: int | None = None
        self.echo = False
        self._host = host
        self._network = network
        self._process = process
        self._up = Line(lambda data: host.received(self, data))
        self._down = Line(self._took)
        self._received: deque[bytes | Ended] = deque()
        self._closing = Ended(1006, "")
        self._waiting: asyncio.Future[None] | None = None

    # The device's end.

    async def receive(self) -> bytes | Ended:
        """See `carryon.core.environment.Socket`."""
        while not self._received:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._received.popleft()

    def send(self, data: bytes) -> None:
        """See `carryon.core.environment.Socket`."""
        if self._process.alive:
            self._put(self._up, data)

    def close(self, code: int, reason: str) -> None:
        """See `carryon.core.environment.Socket`."""
        self.cut(told=True)

    # The relay's end.

    def deliver(self, data: bytes) -> None:
        """Send to the device."""
        self._put(self._down, data)

    def hang_up(self, code: int, words: str) -> None:
        """Close from the relay's side, behind what was delivered."""
        if self.standing:
            self._closing = Ended(code, words)
            self._down.coming.append(None)
            self._later(self._arrive, self._down)

    # The network.

    def cut(self, *, told: bool = True, straggle: bool = False) -> None:
        """End the wire. Unless its ends are `told`, they find out themselves; `straggle`: what is sent still arrives."""
        if not self.standing:
            return
        self.standing = False
        self._network.wires.remove(self)
        self._down.coming.clear()
        if not straggle:
            self._up.coming.clear()
        if told:
            self._later(self._tell)

    def _tell(self) -> None:
        self._host.left(self)
        self._took(self._closing)

    def _put(self, line: Line, data: bytes) -> None:
        if not self.standing:
            return
        for _ in range(2 if self.echo else 1):
            line.coming.append(data)
            self._later(self._arrive, line, after=self._sending(line, len(data)))
        self.echo = False

    def _arrive(self, line: Line) -> None:
        if not line.coming:
            return
        data = line.coming.popleft()
        if data is None:
            self.cut()
            return
        self._network.frames += 1
        named = _NAME.search(data, 0, NAME_BYTES_MAX)
        self._network.tally.note("frame", named[1].decode() if named else "unreadable")
        if self.cut_after is not None and self.standing:
            self.cut_after -= 1
            if self.cut_after < 0:
                self.cut(told=self._network.told())
                return
        line.take(data)

    def _took(self, data: bytes | Ended) -> None:
        self._received.append(data)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _sending(self, line: Line, size: int) -> float:
        """How long it takes until a frame is out, behind those before it, in seconds."""
        rate = self._network.thin.get(self.device)
        if rate is None:
            return 0.0
        now = asyncio.get_running_loop().time()
        line.free_at = max(now, line.free_at) + size / rate
        return line.free_at - now

    def _later(self, callback: Callable[..., None], *args: object, after: float = 0.0) -> None:
        seconds = after + self.latency
        asyncio.get_running_loop().call_later(seconds, callback, *args, context=self._network.context)


class Network:
    """Who can reach whom."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.offline: set[str] = set()
        self.wires: list[Wire] = []
        self.frames = 0
        self.tally = Tally()
        self.slow: dict[str, float] = {}
        # How many bytes a second the line of a device carries; as many as you like where it is not named.
        self.thin: dict[str, int] = {}
        self.told: Callable[[], bool] = lambda: True
        # What the network does belongs to no process, whoever set it going.
        self.context = copy_context()

    def latency(self, device: str) -> float:
        """How long a frame of a device's next wire takes, in seconds."""
        return self.slow.get(device, LATENCY_S)

    async def connect(self, device: str, process: Process, url: str) -> Wire:
        """Open a wire; see `carryon.core.environment.Environment.connect`."""
        address = urlsplit(url)
        await asyncio.sleep(REFUSED_S)
        host = self.hosts.get(address.netloc)
        if host is None or not host.up or device in self.offline:
            raise ConnectionFailed(f"{address.netloc} does not answer")
        wire = Wire(self, host, process, device)
        self.wires.append(wire)
        process.at_death(wire.cut)
        host.joined(wire, address.path)
        return wire

    async def is_relay(self, device: str, address: str) -> bool | None:
        """See `carryon.core.environment.Environment.is_relay`."""
        await asyncio.sleep(REFUSED_S)
        host = self.hosts.get(urlsplit(address).netloc)
        return None if host is None or not host.up or device in self.offline else True

    def go_offline(self, device: str, *, told: bool) -> None:
        """Cut a device off."""
        self.offline.add(device)
        for wire in self.of(device):
            wire.cut(told=told)

    def go_online(self, device: str) -> None:
        """Let a device reach the relays again."""
        self.offline.discard(device)

    def hurry(self, device: str) -> None:
        """End a delay."""
        self.slow.pop(device, None)
        for wire in self.of(device):
            wire.latency = LATENCY_S

    def widen(self, device: str) -> None:
        """Let a line carry as much as it is given; what is on it already takes its time."""
        self.thin.pop(device, None)

    def of(self, device: str) -> list[Wire]:
        """The wires of a device."""
        return [wire for wire in self.wires if wire.device == device]
