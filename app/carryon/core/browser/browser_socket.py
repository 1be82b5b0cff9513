"""A WebSocket of the browser as the core's `Socket`, and the question whether a site is served by a relay."""

import asyncio
from typing import Any, Final

import js
from pyodide.ffi import JsException, create_proxy, to_js

from carryon.core.environment import ConnectionFailed, Ended

MESSAGES_MAX: Final = 1024
# A page is told no more of why than that it did not open.
NOT_REACHED: Final = "the relay cannot be reached; it is tried again by itself"


class BrowserSocket:
    """One open WebSocket; it owns its proxies and destroys them when the connection ends."""

    def __init__(self, url: str, protocol: str) -> None:
        """Begin to connect; `opened` tells how it went."""
        self._received: asyncio.Queue[bytes | Ended] = asyncio.Queue()
        self._ended = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._socket = js.WebSocket.new(url, protocol)
        self._socket.binaryType = "arraybuffer"
        self._proxies = [create_proxy(listener) for listener in (self._on_open, self._on_message, self._on_close)]
        for name, proxy in zip(("open", "message", "close"), self._proxies, strict=True):
            self._socket.addEventListener(name, proxy)

    async def receive(self) -> bytes | Ended:
        """Wait for the next message, or how the connection has ended."""
        return await self._received.get()

    def send(self, data: bytes) -> None:
        """Queue one message; after the end there is nobody to send to, and `receive` has said so."""
        if not self._ended:
            self._socket.send(to_js(data))

    def close(self, code: int, reason: str) -> None:
        """End the connection."""
        if not self._ended:
            # A browser lets a page close with 1000 or 3000–4999 only, and with 123 bytes of reason.
            self._socket.close(code if code >= 3000 else 1000, reason.encode()[:120].decode("utf-8", "ignore"))
            self._end(Ended(code, reason))

    def _on_open(self, _event: Any) -> None:
        if not self.opened.done():
            self.opened.set_result(None)

    def _on_message(self, event: Any) -> None:
        data = event.data
        if isinstance(data, str) or self._received.qsize() >= MESSAGES_MAX:
            self.close(4008, "messages come as bytes, and not faster than they are read")
            return
        self._received.put_nowait(data.to_bytes())

    def _on_close(self, event: Any) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionFailed(NOT_REACHED))
        self._end(Ended(event.code, event.reason))

    def _end(self, ended: Ended) -> None:
        if self._ended:
            return
        self._ended = True
        self._received.put_nowait(ended)
        for name, proxy in zip(("open", "message", "close"), self._proxies, strict=True):
            self._socket.removeEventListener(name, proxy)
            proxy.destroy()


async def connect(url: str, protocol: str) -> BrowserSocket:
    """Open a WebSocket; raises ConnectionFailed."""
    try:
        socket = BrowserSocket(url, protocol)
    except JsException as error:
        raise ConnectionFailed(f"the address {url} cannot be used: {error.message}") from error
    try:
        await socket.opened
    except asyncio.CancelledError:
        socket.close(1000, "given up")
        raise
    return socket


async def is_relay(site: str) -> bool | None:
    """Ask whether a relay serves an address; None when nobody answers."""
    try:
        response = await js.fetch(f"{site}healthz", cache="no-store")
        if not response.ok:
            return False
        text = await response.text()
    except JsException:
        return None
    return '"carryon-relay"' in text
