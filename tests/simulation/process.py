"""The life of a simulated process: everything that it set going ends with it, at once and without a last word.

1. Whose life it is lies in a context variable, which tasks and timers inherit: so nothing has to be registered by hand.
2. A dead process runs nothing more: its timers do not ring, its tasks are cancelled. What they do in their last moment
   reaches nobody, because its ports, sockets, locks and stores died before them (`at_death`).
3. A frozen process runs nothing either, and keeps what it has: locks, sockets, what is on its way to it. When it thaws,
   everything that was due meanwhile happens at once, in the order in which it was due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any

_living: ContextVar[Process | None] = ContextVar("process", default=None)
# In which no process lives.
_outside = copy_context()


class Process:
    """One process, alive until it is killed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen = False
        self._due: list[asyncio.Handle] = []
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._at_death: list[Callable[[], None]] = []

    def run(self, main: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine as this process."""
        return self.context().run(asyncio.get_running_loop().create_task, main)

    def context(self) -> Context:
        """A context in which whatever is set going belongs to this process."""
        context = copy_context()
        context.run(_living.set, self)
        return context

    def freeze(self) -> None:
        """Stand still, as a page in the back/forward cache, or on a machine that sleeps."""
        self.frozen = True

    def thaw(self) -> None:
        """Go on."""
        self.frozen = False
        due, self._due = self._due, []
        loop = asyncio.get_running_loop()
        for handle in due:
            loop.call_soon(_run_unless_cancelled, handle, context=_outside)

    def put_off(self, handle: asyncio.Handle) -> None:
        """Keep what is due until the process goes on."""
        self._due.append(handle)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Own a task."""
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    def at_death(self, funeral: Callable[[], None]) -> None:
        """Name what is to be done in the moment of death."""
        self._at_death.append(funeral)

    def kill(self) -> None:
        """Die now. A transaction that is under way may still be made, by the storage, which lives on."""
        if not self.alive:
            return
        self.alive = False
        if self.frozen:
            self.thaw()
        for funeral in self._at_death:
            funeral()
        loop = asyncio.get_running_loop()
        # Two rounds of the loop later: a store whose process dies after the commit makes the commit in the next one.
        loop.call_soon(loop.call_soon, self._bury, context=copy_context())

    def _bury(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()


def _run_unless_cancelled(handle: asyncio.Handle) -> None:
    if not handle.cancelled():
        handle._run()


def process_in(context: Context | None) -> Process | None:
    """The process to which a context, or the current one, belongs."""
    return _living.get() if context is None else context.get(_living)
