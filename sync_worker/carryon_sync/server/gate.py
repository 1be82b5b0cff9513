"""Between the socket and aiohttp: every byte is counted before anything is made of it.

1. Who may not come in gets an HTTP answer that says why, and its connection ends.
2. A connection has to ask for something whole within a few seconds; aiohttp ends those that ask for nothing more.
3. From the moment at which a guest has to go, what it still sends is thrown away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from aiohttp import web

from carryon_sync.server.doors import Doors, Guest
from carryon_sync.server.report import report

REQUEST_SECONDS_MAX = 10


class Gate(asyncio.Protocol):
    """One connection's gate before the protocol that serves it."""

    def __init__(self, served: asyncio.Protocol, doors: Doors) -> None:
        self._served = served
        self._doors = doors
        self._guest: Guest | None = None
        self._ended = False
        self._end: Callable[[str], None] = self._abort
        self._late: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def guest(self) -> Guest:
        """Return who came in."""
        assert self._guest is not None, "whoever asks was let through"
        return self._guest

    @property
    def peer(self) -> str:
        """Return the address at the other end of the socket."""
        assert self._transport is not None, "whoever asks is connected"
        return str((self._transport.get_extra_info("peername") or ("",))[0])

    def asked(self) -> None:
        """Note that a request came whole."""
        if self._late is not None:
            self._late.cancel()
        self.guest.read(self.guest.unread_bytes)

    def ends_by(self, end: Callable[[str], None]) -> None:
        """Let the connection end by this, with words, from now on."""
        self._end = end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask whether there is room, and let the connection through."""
        self._transport = cast(asyncio.Transport, transport)
        guest = self._doors.knock(self.peer, self._go)
        if isinstance(guest, str):
            self._refuse(guest)
            return
        self._guest = guest
        self._late = asyncio.get_running_loop().call_later(REQUEST_SECONDS_MAX, self._is_late)
        self._served.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Count, and pass on."""
        if self._guest is None or self._ended:
            return
        excess = self._guest.received(len(data))
        if excess is None:
            self._served.data_received(data)
        else:
            self._guest.give_way(excess)

    def eof_received(self) -> bool | None:
        """Pass it on."""
        return None if self._guest is None else self._served.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the guest go."""
        if self._late is not None:
            self._late.cancel()
        if self._guest is not None:
            self._guest.left()
            self._served.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass it on."""
        if self._guest is not None:
            self._served.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        if self._guest is not None:
            self._served.resume_writing()

    def _go(self, words: str) -> None:
        self._ended = True
        self._end(words)

    def _abort(self, words: str) -> None:
        report("hung-up", words)
        if self._transport is not None:
            self._transport.abort()

    def _is_late(self) -> None:
        self.guest.give_way(f"no whole request came in {REQUEST_SECONDS_MAX} s")

    def _refuse(self, words: str) -> None:
        report("refused", words)
        assert self._transport is not None, "it has just been made"
        body = f"{words}.\n".encode()
        head = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
        self._transport.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self._transport.close()


def gate_of(request: web.Request) -> Gate:
    """Return the gate that a request came through."""
    assert request.transport is not None, "the request is being answered"
    gate = request.transport.get_protocol()
    assert isinstance(gate, Gate), "whatever is served is served behind a gate"
    return gate
