"""The event loop that Pyodide makes of the browser's timers, brought to what asyncio promises."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any


def keep_late_calls() -> None:
    """Let the running loop take a call for a moment that has passed, and make it next.

    Pyodide's loop raises ValueError ("Can't schedule in the past") where CPython's calls at once; a moment can pass between any two
    lines, so that each deadline, `asyncio.timeout` among them, could end a task.
    """
    loop: Any = asyncio.get_running_loop()

    def call_at(
        when: float, callback: Callable[..., object], *args: object, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle: asyncio.Handle = loop.call_later(max(0.0, when - loop.time()), callback, *args, context=context)
        return handle

    loop.call_at = call_at
