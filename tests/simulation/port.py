"""The port between a tab and a core: messages cross in order, a moment later, each side's in its own context."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final

from carryon.core.tabs.messages import ToTab

from tests.simulation.process import Process

PORT_S: Final = 0.0005


class Port:
    """Both ends: the core `post`s and `close`s it as its `TabPort`; the tab `say`s, and `hang_up`s when it goes."""

    def __init__(self, process: Process, to_tab: Callable[[ToTab], None], outside: Context) -> None:
        """The tab lives `outside` of the core's process."""
        self._process = process
        self._to_tab = to_tab
        self._to_core: Callable[[object], None] | None = None
        self._down: deque[ToTab] = deque()
        self._up: deque[object] = deque()
        self._tab = outside
        self._core = process.context()
        self._open = True
        # Who is told what the core says, in the moment in which it says it.
        self.overheard: Callable[[ToTab], None] | None = None

    def taken(self, received: Callable[[object], None]) -> Port:
        """The core has its end; `received` gets what the tab says."""
        self._to_core = received
        return self

    def post(self, message: ToTab) -> None:
        """Send to the tab."""
        if self._process.alive and self._open:
            if self.overheard is not None:
                self.overheard(message)
            self._down.append(message)
            asyncio.get_running_loop().call_later(PORT_S, self._give_tab, context=self._tab)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way, either way."""
        return not self._down and not self._up

    def close(self) -> None:
        """Let go of the core's end."""
        self._open = False

    def say(self, message: dict[str, Any]) -> None:
        """Send to the core."""
        if self._open:
            self._up.append(message)
            asyncio.get_running_loop().call_later(PORT_S, self._give_core, context=self._core)

    def hang_up(self) -> None:
        """Let go of the tab's end: what comes is not heard, what was said still arrives."""
        self._open = False
        self._down.clear()

    def _give_tab(self) -> None:
        if self._down:
            self._to_tab(self._down.popleft())

    def _give_core(self) -> None:
        assert self._to_core is not None, "the core was given its end before the tab said anything"
        self._to_core(self._up.popleft())
