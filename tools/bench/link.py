"""A link between a browser and a server that counts what it carries, and carries no more than it may a second."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Final, Self

CHUNK_BYTES: Final = 16_384


class Link:
    """A TCP forwarder on `port`, in a thread; `bytes` is what came from the server so far."""

    def __init__(self, port: int, to_port: int, bytes_per_s: int | None) -> None:
        self.bytes = 0
        self._port = port
        self.url = ""
        self._to_port = to_port
        self._bytes_per_s = bytes_per_s
        self._free_at = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._carry, "127.0.0.1", self._port), self._loop
        ).result()
        self.url = f"http://localhost:{self._port}/"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer, is_counted=True))

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_counted: bool = False
    ) -> None:
        try:
            while data := await reader.read(CHUNK_BYTES):
                if is_counted:
                    self.bytes += len(data)
                    await self._wait(len(data))
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            # Whoever hung up first; the other side is told by closing.
            pass
        finally:
            writer.close()

    async def _wait(self, size: int) -> None:
        """All connections share the link: each waits for what was let through before it."""
        if self._bytes_per_s is None:
            return
        now = self._loop.time()
        self._free_at = max(self._free_at, now) + size / self._bytes_per_s
        await asyncio.sleep(self._free_at - now)
