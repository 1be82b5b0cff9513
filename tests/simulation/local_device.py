"""What the cores of one simulated device share: locks and broadcast channels.

1. Locks behave as Web Locks: first come, first served; stolen from their holder, ahead of who waits; free when the
   process of their holder dies, whose requests are withdrawn.
2. A lock may lie: then two hold it, and none of them knows.
3. A broadcast reaches the other processes of the device, later, in order, in their own context.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.process import Process

BROADCAST_S: Final = 0.001

Message = Mapping[str, str | int]


@dataclass(eq=False)
class LocalHeld:
    """A lock that is held."""

    device: LocalDevice
    name: str
    process: Process
    lost: asyncio.Future[None]

    def release(self) -> None:
        """Let go of the lock."""
        self.device.free(self)


@dataclass(eq=False)
class LocalDevice:
    """One device: what all its processes see."""

    held: dict[str, LocalHeld] = field(default_factory=dict)
    requests: dict[str, deque[tuple[Process, asyncio.Future[LocalHeld]]]] = field(default_factory=dict)
    channels: dict[str, list[LocalChannel]] = field(default_factory=dict)
    has_lied: bool = False

    def free(self, held: LocalHeld) -> None:
        """Take a lock from its holder and give it to who waits longest."""
        if self.held.get(held.name) is not held:
            return
        del self.held[held.name]
        waiting = self.requests.get(held.name, deque())
        while waiting:
            process, request = waiting.popleft()
            if process.alive and not request.done():
                request.set_result(self.grant(held.name, process))
                return

    def grant(self, name: str, process: Process) -> LocalHeld:
        """Give a free lock to a process."""
        assert name not in self.held, f"{name} is held"
        self.held[name] = LocalHeld(self, name, process, asyncio.get_running_loop().create_future())
        return self.held[name]

    def lie(self, name: str) -> None:
        """Give a lock away that is held; its holder is not told."""
        self.has_lied = True
        self.free(self.held[name])

    def died(self, process: Process) -> None:
        """A process is dead: its locks are free and its ears closed."""
        for held in [each for each in self.held.values() if each.process is process]:
            self.free(held)
        for channel in [each for listening in self.channels.values() for each in listening]:
            if channel.process is process:
                channel.close()


class LocalLocks:
    """The locks of a device, as one process sees them."""

    def __init__(self, device: LocalDevice, process: Process) -> None:
        self._device = device
        self._process = process

    async def acquire(self, name: str, *, wait: bool = True, steal: bool = False) -> LocalHeld | None:
        """Take a lock; see `carryon.core.environment.Locks`."""
        if not self._process.alive:
            raise asyncio.CancelledError
        holder = self._device.held.get(name)
        if holder is not None and steal:
            del self._device.held[name]
            holder.lost.set_result(None)
            holder = None
        if holder is None:
            return self._device.grant(name, self._process)
        if not wait:
            return None
        request: asyncio.Future[LocalHeld] = asyncio.get_running_loop().create_future()
        self._device.requests.setdefault(name, deque()).append((self._process, request))
        try:
            return await request
        except asyncio.CancelledError:
            if request.done() and not request.cancelled():
                request.result().release()
            raise


class LocalChannel:
    """A broadcast channel, as one process sees it."""

    def __init__(self, device: LocalDevice, process: Process, name: str, heard: Callable[[Message], None]) -> None:
        self.process = process
        self._heard = heard
        self._context: Context = process.context()
        self._coming: deque[Message] = deque()
        self._others = device.channels.setdefault(name, [])
        self._others.append(self)

    def post(self, message: Message) -> None:
        """Send to all other processes of the device."""
        if self.process.alive:
            for channel in self._others:
                if channel is not self:
                    channel.take(message)

    def take(self, message: Message) -> None:
        """Hear a message in a moment."""
        self._coming.append(message)
        asyncio.get_running_loop().call_later(BROADCAST_S, self._hear, context=self._context)

    def close(self) -> None:
        """Stop listening."""
        if self in self._others:
            self._others.remove(self)

    def _hear(self) -> None:
        message = self._coming.popleft()
        if self in self._others:
            self._heard(message)
