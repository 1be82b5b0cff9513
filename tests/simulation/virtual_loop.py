"""An event loop whose time is virtual: waiting costs nothing, and a run with one seed is the same run every time.

1. Time moves only when nothing is ready to run; then it jumps to the next timer.
2. When nothing is ready and no timer is set, everybody waits for ever: that is a dead end, and said as one.
3. There are no sockets and no threads here; a simulated network is made of timers.
4. Tasks and timers belong to the process (`process`) in whose context they were made, stand still and end with it.
5. What nobody caught is kept in `unhandled`: whoever runs the loop says at the end that there was none.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar

from carryon.storage.memory_store import Crashed

from tests.simulation.process import Process, process_in

SECONDS_MAX: Final = 10 * 365 * 86_400.0
WAIT_S: Final = 60.0
LOOK_S: Final = 0.02

T = TypeVar("T")


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
        self.unhandled: list[BaseException | str] = []
        self.set_task_factory(_task)
        self.set_exception_handler(self._note_unhandled)

    def time(self) -> float:
        """The virtual time."""
        return self._virtual.seconds

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Call in the next round, or when the process that it belongs to goes on."""
        process = process_in(context)
        if process is None or not process.frozen:
            return super().call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        process.put_off(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call at a time, unless the process that asked for it is dead by then."""
        process = process_in(context)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        timer = super().call_at(when, lambda: _ring(process, timer, callback, args), context=context)
        return timer

    def _note_unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        if not isinstance(fault, Crashed):
            self.unhandled.append(fault or str(context.get("message")))


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on virtual time from 0, and everything that it has set going to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        result = runner.run(main)
        check_unhandled(runner.get_loop())
        return result


def check_unhandled(loop: asyncio.AbstractEventLoop) -> None:
    """Raise the first fault that nobody caught."""
    assert isinstance(loop, VirtualLoop), "virtual time runs on its own loop"
    for fault in loop.unhandled:
        raise AssertionError(f"nobody caught {fault!r}") from (fault if isinstance(fault, BaseException) else None)


def _task(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, T], **options: Any) -> asyncio.Task[T]:
    task = asyncio.Task(main, loop=loop, **options)
    process: Process | None = process_in(options.get("context"))
    if process is not None:
        process.adopt(task)
    return task


def _ring(process: Process, timer: asyncio.Handle, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
    if process.frozen:
        # Whoever asked for it may still cancel it, as long as it has not rung.
        late = asyncio.Handle(_ring_late, (process, timer, callback, args), timer._loop, copy_context())
        process.put_off(late)
    elif process.alive:
        callback(*args)


def _ring_late(process: Process, timer: asyncio.Handle, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
    if process.alive and not timer.cancelled():
        callback(*args)


async def until(reached: Callable[[], object], what: str, seconds: float = WAIT_S) -> None:
    """Wait for a state, looking every few virtual milliseconds; raises in words when it does not come in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not reached():
        assert loop.time() < end, f"{what}: not within {seconds} s"
        await asyncio.sleep(LOOK_S)
