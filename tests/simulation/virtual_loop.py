"""An event loop whose time is virtual: waiting costs nothing, and a run with one seed is the same run every time.

1. Time moves only when nothing is ready to run; then it jumps to the next timer.
2. When nothing is ready and no timer is set, everybody waits for ever: that is a dead end, and said as one.
3. There are no sockets and no threads here; a simulated network is made of timers.
"""

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any, Final

SECONDS_MAX: Final = 10 * 365 * 86_400.0


class DeadEnd(Exception):
    """Every task waits for something that cannot come."""


class _TimeSelector(selectors.BaseSelector):
    """Stands where a selector waits for sockets: it moves the clock instead."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self._keys[fileobj] = selectors.SelectorKey(fileobj, 0, events, data)
        return self._keys[fileobj]

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise DeadEnd("nothing is ready and no timer is set")
        self.seconds += max(timeout, 0.0)
        if self.seconds > SECONDS_MAX:
            raise DeadEnd("ten years have passed")
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time, in seconds from 0."""

    def __init__(self) -> None:
        self._virtual = _TimeSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """The virtual time."""
        return self._virtual.seconds
