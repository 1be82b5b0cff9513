"""A real relay process and real sockets: what the machines' tests show in one process must hold here too."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
from carryon_sync.formats.ids import text_of
from carryon_sync.formats.members import Members
from carryon_sync.protocol.frames import FRAME_BYTES_MAX, PROTOCOL

from tests.sync.people import Device, People
from tests.sync.world import Shell

ENDED_SECONDS_MAX = 60
STATE_SECONDS_MAX = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RelayProcess:
    """`python -m carryon_sync.server` on a port of its own."""

    def __init__(
        self, data: Path, *arguments: str, environment: dict[str, str] | None = None, files_max: int | None = None
    ) -> None:
        """`files_max` is how many files the process may have open."""
        self.limited = () if files_max is None else ("sh", "-c", f'ulimit -n {files_max}; exec "$@"', "sh")
        self.data = data
        self.port = free_port()
        self.arguments = arguments
        self.environment = environment or {}
        self.process: subprocess.Popen[str] | None = None
        self.announced = ""

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> RelayProcess:
        """Start it and wait until it says where it listens, or ends."""
        own = ("--port", str(self.port), "--data", str(self.data))
        self.process = subprocess.Popen(
            (*self.limited, sys.executable, "-m", "carryon_sync.server", *own, *self.arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | self.environment,
            text=True,
        )
        assert self.process.stdout is not None
        self.announced = self.process.stdout.readline()
        return self

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal and wait; give the exit code and what it said on standard error."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        _, said = self.process.communicate(timeout=ENDED_SECONDS_MAX)
        return self.process.returncode, said


class _Sending:
    """The end of a pipe that a shell sends into: messages wait for the socket in order."""

    def __init__(self) -> None:
        self.standing = True
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    def append(self, data: bytes) -> None:
        self.queue.put_nowait(data)

    @property
    def up(self) -> _Sending:
        return self


class _Opening:
    def __init__(self, owner: SocketDevice) -> None:
        self._owner = owner

    def append(self, shell: Shell) -> None:
        self._owner.open()

    def __contains__(self, shell: Shell) -> bool:
        return False


class SocketDevice:
    """A device: the shell of `world.py` on a WebSocket and a clock."""

    def __init__(self, people: People, device: Device, address: str) -> None:
        members = Members(people.notebook)
        for record in people.members.records():
            members.add(record)
        self.address = address
        self.opening = _Opening(self)
        self.changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._nonces = 0
        self.shell = Shell(self, device, members)  # type: ignore[arg-type]
        self.shell.session._lasting.origin = address.removeprefix("http://")
        self.shell.jitter = 0.0
        self._notebook = text_of(people.notebook)
        self._clock = asyncio.create_task(self._keep_time())

    @property
    def now(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000)

    def open(self) -> None:
        task = asyncio.create_task(self._connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_time(self) -> None:
        while True:
            due = self.shell.session.next_tick
            wait = 0.05 if due is None else min(0.05, max(0.001, (due - self.now) / 1000))
            await asyncio.sleep(wait)
            self.shell.perform(self.shell.session.tick(self.now))

    async def _connect(self) -> None:
        sending = _Sending()
        words = "the socket ended"
        try:
            async with (
                aiohttp.ClientSession() as client,
                client.ws_connect(
                    f"{self.address}/sync/{self._notebook}", protocols=(PROTOCOL,), max_msg_size=FRAME_BYTES_MAX
                ) as ws,
            ):
                self._nonces += 1
                self.shell.pipe = sending  # type: ignore[assignment]
                nonce = hashlib.sha256(f"{self._nonces}".encode()).digest()
                self.shell.perform(self.shell.session.connected(self.now, nonce))
                pump = asyncio.create_task(self._pump(ws, sending))
                async for message in ws:
                    if not sending.standing:
                        break
                    self.shell.perform(self.shell.session.received(message.data, self.now))
                    self.changed.set()
                pump.cancel()
                words = f"the socket ended with {ws.close_code}"
        except (aiohttp.ClientError, OSError) as fault:
            words = str(fault)
        if self.shell.pipe is None or self.shell.pipe is sending:
            self.shell.disconnect(words)
            self.shell.perform(self.shell.session.tick(self.now))

    async def _pump(self, ws: aiohttp.ClientWebSocketResponse, sending: _Sending) -> None:
        while (data := await sending.queue.get()) is not None:
            try:
                await ws.send_bytes(data)
            except ConnectionError:
                return

    async def until(self, state: Callable[[Shell], bool]) -> None:
        async with asyncio.timeout(STATE_SECONDS_MAX):
            while not state(self.shell):
                self.changed.clear()
                try:
                    async with asyncio.timeout(0.05):
                        await self.changed.wait()
                except TimeoutError:
                    continue

    async def close(self) -> None:
        self._clock.cancel()
        self.shell.perform(self.shell.session.stop())
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, self._clock, return_exceptions=True)


class CuttingProxy:
    """A TCP proxy that can end a connection, at both ends, after a number of bytes more from the device."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._cut_after: int | None = None
        self.passed = 0
        self.cuts = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> CuttingProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    @property
    def origin(self) -> str:
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def address(self) -> str:
        return f"http://{self.origin}"

    def cut_after_more(self, more: int) -> None:
        """Pass so many bytes more from the device, then end that connection, once."""
        self._cut_after = self.passed + more

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        both = (
            asyncio.create_task(self._pass(reader, up_writer, counted=True)),
            asyncio.create_task(self._pass(up_reader, writer, counted=False)),
        )
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        writer.transport.abort()
        # What was passed must arrive; an abort could take it back.
        up_writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        while data := await reader.read(65536):
            if counted and self._cut_after is not None and self.passed + len(data) > self._cut_after:
                writer.write(data[: self._cut_after - self.passed])
                self.passed, self._cut_after, self.cuts = self._cut_after, None, self.cuts + 1
                await writer.drain()
                return
            if counted:
                self.passed += len(data)
            writer.write(data)
            await writer.drain()
