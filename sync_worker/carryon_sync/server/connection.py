"""One WebSocket as the relay's shell holds it: whole messages out by one write each, bounded, never awaited.

aiohttp's own `send_bytes` copies, awaits and may compress; a relay sends the same bytes to many. Messages are framed
once (RFC 6455, 5.2: final, binary, not masked) and written to the transport as they are.
"""

from __future__ import annotations

import asyncio
import struct

from aiohttp import web

from carryon_sync.protocol.closing import Closing

BUFFER_BYTES_MAX = 32 << 20
# A stranger is told a challenge, and why it is refused.
STRANGER_BUFFER_BYTES_MAX = 1 << 20
CLOSE_REASON_BYTES_MAX = 120
CLOSE_SECONDS_MAX = 10

_FINAL_BINARY = 0x82


def framed(message: bytes) -> bytes:
    """Return a message as a server sends it."""
    length = len(message)
    if length < 126:
        return bytes((_FINAL_BINARY, length)) + message
    if length < 1 << 16:
        return struct.pack(">BBH", _FINAL_BINARY, 126, length) + message
    return struct.pack(">BBQ", _FINAL_BINARY, 127, length) + message


def received_bytes(length: int) -> int:
    """Return how many bytes a message of a client takes on the wire: its header, its mask and itself."""
    return length + (6 if length < 126 else 8 if length < 1 << 16 else 14)


class Connection:
    """One device's socket."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self._socket = socket
        self._transport = transport
        self._closing: asyncio.Task[None] | None = None
        self._buffer_bytes_max = STRANGER_BUFFER_BYTES_MAX

    def let_in(self) -> None:
        """Note that a room has let it in: from now on much goes out to it."""
        self._buffer_bytes_max = BUFFER_BYTES_MAX

    def write(self, frames: bytes) -> None:
        """Write framed messages; who lets too much pile up in the kernel and here is cut off, and resumes later."""
        if self._closing is not None or self._transport.is_closing():
            return
        self._transport.write(frames)
        if self._transport.get_write_buffer_size() > self._buffer_bytes_max:
            self._transport.abort()

    def hang_up(self, code: Closing, words: str) -> None:
        """Close the socket in its own time, then by force."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._hang_up(code, words))

    async def closed(self) -> None:
        """Wait until the socket is closed."""
        if self._closing is not None:
            await self._closing

    async def _hang_up(self, code: Closing, words: str) -> None:
        reason = words.encode()[:CLOSE_REASON_BYTES_MAX].decode("utf-8", "ignore").encode()
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._socket.close(code=code, message=reason)
        except (TimeoutError, ConnectionError):
            self._transport.abort()
