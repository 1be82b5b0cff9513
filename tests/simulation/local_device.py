"""What the cores of one simulated device share: locks, a broadcast channel, and the life and death of each core.

1. Locks behave as Web Locks: first come, first served; stolen from their holder; freed when their core dies.
2. A broadcast reaches the other cores of the device, later, in order.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(eq=False)
class LocalHeld:
    """A lock that is held."""

    device: "LocalDevice"
    name: str
    core: int
    lost: asyncio.Future[None]

    def release(self) -> None:
        """Let go of the lock."""
        self.device.free(self)


@dataclass(eq=False)
class LocalDevice:
    """One device: what all its cores see."""

    held: dict[str, LocalHeld] = field(default_factory=dict)
    requests: dict[str, deque[tuple[int, asyncio.Future[LocalHeld]]]] = field(default_factory=dict)
    listeners: dict[str, dict[int, Callable[[Mapping[str, str | int]], None]]] = field(default_factory=dict)

    def free(self, held: LocalHeld) -> None:
        """Take a lock from its holder and give it to who waits longest."""
        if self.held.get(held.name) is not held:
            return
        del self.held[held.name]
        waiting = self.requests.get(held.name, deque())
        while waiting:
            core, request = waiting.popleft()
            if not request.done():
                request.set_result(self.grant(held.name, core))
                return

    def grant(self, name: str, core: int) -> LocalHeld:
        """Give a free lock to a core."""
        assert name not in self.held, f"{name} is held"
        self.held[name] = LocalHeld(self, name, core, asyncio.get_running_loop().create_future())
        return self.held[name]

    def died(self, core: int) -> None:
        """A core is gone: its locks are free, its requests withdrawn, its ears closed."""
        for waiting in self.requests.values():
            for owner, request in list(waiting):
                if owner == core:
                    waiting.remove((owner, request))
        for held in [each for each in self.held.values() if each.core == core]:
            self.free(held)
        for listening in self.listeners.values():
            listening.pop(core, None)


class LocalLocks:
    """The locks of a device, as one core sees them."""

    def __init__(self, device: LocalDevice, core: int) -> None:
        self._device = device
        self._core = core

    async def acquire(self, name: str, *, wait: bool = True, steal: bool = False) -> LocalHeld | None:
        """Take a lock; see `carryon.core.environment.Locks`."""
        holder = self._device.held.get(name)
        if holder is not None and steal:
            del self._device.held[name]
            holder.lost.set_result(None)
            holder = None
        if holder is None:
            return self._device.grant(name, self._core)
        if not wait:
            return None
        request: asyncio.Future[LocalHeld] = asyncio.get_running_loop().create_future()
        self._device.requests.setdefault(name, deque()).append((self._core, request))
        try:
            return await request
        except asyncio.CancelledError:
            if request.done() and not request.cancelled():
                request.result().release()
            raise


class LocalChannel:
    """A broadcast channel, as one core sees it."""

    def __init__(
        self, device: LocalDevice, core: int, name: str, heard: Callable[[Mapping[str, str | int]], None]
    ) -> None:
        self._device = device
        self._core = core
        self._name = name
        device.listeners.setdefault(name, {})[core] = heard

    def post(self, message: Mapping[str, str | int]) -> None:
        """Send to all other cores of the device."""
        loop = asyncio.get_running_loop()
        for core in self._device.listeners.get(self._name, {}):
            if core != self._core:
                loop.call_later(0.001, self._deliver, core, message)

    def close(self) -> None:
        """Stop listening."""
        self._device.listeners.get(self._name, {}).pop(self._core, None)

    def _deliver(self, core: int, message: Mapping[str, str | int]) -> None:
        heard = self._device.listeners.get(self._name, {}).get(core)
        if heard is not None:
            heard(message)
