"""Web Locks and BroadcastChannel, offered by the core's host, as the core's `Locks` and `Channel`."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import js
from pyodide.ffi import create_proxy, jsnull, to_js


class BrowserHeld:
    """A Web Lock that is held."""

    def __init__(self, held: Any) -> None:
        self._held = held
        self.lost: asyncio.Future[None] = asyncio.ensure_future(held.lost)

    def release(self) -> None:
        """Let go of the lock."""
        self.lost.cancel()
        self._held.release()


class BrowserLocks:
    """Web Locks through the host."""

    def __init__(self, host: Any) -> None:
        self._host = host

    async def acquire(self, name: str, *, wait: bool = True, steal: bool = False) -> BrowserHeld | None:
        """Take a lock; without `wait`, None when somebody else has it; giving up while waiting withdraws the request."""
        controller = js.AbortController.new()
        if steal:
            options = {"steal": True}
        elif wait:
            options = {"signal": controller.signal}
        else:
            options = {"ifAvailable": True}
        request = asyncio.ensure_future(self._host.lock(name, to_js(options, dict_converter=js.Object.fromEntries)))
        try:
            held = await asyncio.shield(request)
        except asyncio.CancelledError:
            request.add_done_callback(_let_go)
            controller.abort()
            raise
        return None if held is jsnull else BrowserHeld(held)


class BrowserChannel:
    """A BroadcastChannel through the host."""

    def __init__(self, host: Any, name: str, heard: Callable[[Mapping[str, str | int]], None]) -> None:
        self._proxy = create_proxy(lambda message: heard(message.to_py()))
        self._channel = host.channel(name, self._proxy)

    def post(self, message: Mapping[str, str | int]) -> None:
        """Send to all other cores of this device."""
        self._channel.post(to_js(message, dict_converter=js.Object.fromEntries))

    def close(self) -> None:
        """Stop listening."""
        self._channel.close()
        self._proxy.destroy()


def _let_go(request: "asyncio.Future[Any]") -> None:
    # The lock may have been granted in the moment in which it was given up; an aborted request ends with an exception, which is expected.
    if not request.cancelled() and request.exception() is None and request.result() is not jsnull:
        request.result().release()
