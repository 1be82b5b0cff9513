"""A relay process that is attacked over real sockets: by strangers without a proof, and by whoever stands in between."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import WSMsgType
from carryon_sync.formats.ids import text_of
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.codec import encode
from carryon_sync.protocol.frames import (
    FRAME_BYTES_MAX,
    PROTOCOL,
    Challenge,
    Error,
    MembersRecords,
    Ping,
    Pong,
    Welcome,
)
from carryon_sync.protocol.parts import messages
from carryon_sync.server.doors import (
    ADDRESS_DOOR_MAX,
    ADDRESS_UNREAD_BYTES_MAX,
    MESSAGES_A_SECOND,
    MESSAGES_AT_ONCE,
    STRANGER_UNREAD_BYTES_MAX,
)
from carryon_sync.server.gate import REQUEST_SECONDS_MAX
from carryon_sync.server.settings import settings_of

from tests.sync.people import People
from tests.sync.sockets import RelayProcess, SocketDevice
from tests.sync.test_server import Socket, hello, kept, members

FRAME_BYTES = 16 << 20


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[RelayProcess]:
    process = RelayProcess(tmp_path / "data").start()
    yield process
    process.end(signal.SIGKILL)


@pytest.fixture
def people(request: pytest.FixtureRequest) -> People:
    return People(request.node.nodeid)


@pytest_asyncio.fixture
async def laptop(people: People, relay: RelayProcess) -> AsyncIterator[SocketDevice]:
    """A device of the notebook, live."""
    device = SocketDevice(people, people.device("laptop"), relay.address)
    device.shell.start()
    await device.until(lambda shell: shell.live)
    yield device
    await device.close()


def memory_of(relay: RelayProcess) -> int:
    """The bytes of memory that a process has in use."""
    assert relay.process is not None
    status = Path(f"/proc/{relay.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


async def stranger(relay: RelayProcess, notebook: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Somebody who speaks WebSocket by hand, and is past its handshake."""
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    head = f"GET /sync/{text_of(notebook)} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    key = f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {PROTOCOL}"
    writer.write(f"{head}{key}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def still_works(laptop: SocketDevice) -> None:
    """Everything that a device does is still done, on the connection that it had."""
    laptop.shell.write(os.urandom(8))
    await laptop.until(lambda shell: not shell.outbox)
    assert laptop._nonces == 1


async def closing_words(ws: aiohttp.ClientWebSocketResponse) -> str:
    """Read until the socket is closed; return why, as far as it was told."""
    while (message := await ws.receive()).type is WSMsgType.BINARY:
        pass
    return message.extra or ""


@contextlib.asynccontextmanager
async def greeted(relay: RelayProcess, people: People, **headers: str) -> AsyncIterator[tuple[Socket, Challenge]]:
    path = f"http://127.0.0.1:{relay.port}/sync/{text_of(people.notebook)}"
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(path, protocols=(PROTOCOL,), headers=headers) as ws,
    ):
        socket = Socket(people, ws, f"127.0.0.1:{relay.port}")
        challenge = await socket.frame()
        assert isinstance(challenge, Challenge)
        yield socket, challenge


class TestOrigin:
    async def test_i9_a_hello_that_was_meant_for_a_relay_in_between_opens_nothing(
        self, relay: RelayProcess, people: People, laptop: SocketDevice
    ) -> None:
        """I9: a relay in between asked for its own host name, and handed on the device's proof for that."""
        evil = "evil.example:8000"
        async with greeted(relay, people, Host=evil) as (socket, challenge):
            await socket.say(hello(people, laptop.shell.device, challenge, evil))

            frame = await socket.frame()
            closed = await socket.ws.receive()

        assert isinstance(frame, Error)
        assert frame.code == "bad-proof"
        assert f"localhost:{relay.port}" in frame.words
        assert "--origin" in frame.words
        assert closed.data == Closing.NOT_LET_IN

    @pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
    async def test_without_a_word_it_is_known_by_this_machines_own_names_whatever_the_request_says(
        self, relay: RelayProcess, people: People, laptop: SocketDevice, name: str
    ) -> None:
        async with greeted(relay, people, Host="a-proxy-changed.it") as (socket, challenge):
            await socket.say(hello(people, laptop.shell.device, challenge, f"{name}:{relay.port}"))

            assert isinstance(await socket.frame(), Welcome)

    async def test_told_its_names_it_is_known_by_these_alone(self, people: People, tmp_path: Path) -> None:
        own = RelayProcess(tmp_path / "data", environment={"CARRYON_ORIGIN": "Relay.example, other.example:81"})
        await asyncio.to_thread(own.start)
        device = people.device("laptop")
        said: dict[str, str] = {}
        for name in ("relay.example", "other.example:81", f"localhost:{own.port}", "relay.example:81"):
            async with greeted(own, people) as (socket, challenge):
                await socket.ws.send_bytes(members(people))
                await socket.say(hello(people, device, challenge, name))
                said[name] = type(await socket.frame()).__name__
        await asyncio.to_thread(own.end)

        assert list(said.values()) == ["Welcome", "Welcome", "Error", "Error"]


class TestStrangers:
    async def test_i15_unfinished_frames_of_strangers_do_not_add_up(
        self, relay: RelayProcess, people: People, laptop: SocketDevice
    ) -> None:
        """I15: 30 connections that had proven nothing held 476 MiB of the relay's memory."""
        before = memory_of(relay)
        strangers = [await stranger(relay, os.urandom(16)) for _ in range(30)]
        frame = struct.pack(">BBQ", 0x82, 0x80 | 127, FRAME_BYTES) + bytes(4) + bytes(FRAME_BYTES - 1)

        async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
            with contextlib.suppress(ConnectionError):
                writer.write(frame)
                await writer.drain()
                return await reader.read()
            return b""

        async with asyncio.timeout(60):
            told = await asyncio.gather(*(send(*one) for one in strangers))

        assert all(len(one) == 0 or b"unfinished messages" in one for one in told)
        assert memory_of(relay) - before < 30 * STRANGER_UNREAD_BYTES_MAX
        await still_works(laptop)

    async def test_i15_unfinished_frames_of_members_do_not_add_up(
        self, relay: RelayProcess, people: People, laptop: SocketDevice
    ) -> None:
        """Whoever begins a notebook on an open relay is a member there: parts that make no frame count as what they are."""
        before = memory_of(relay)
        told: list[asyncio.Task[str]] = []
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(2 * ADDRESS_UNREAD_BYTES_MAX // FRAME_BYTES_MAX):
                member, challenge = await stack.enter_async_context(greeted(relay, people))
                await member.say(hello(people, laptop.shell.device, challenge, member.origin))
                assert isinstance(await member.frame(), Welcome)
                # Who reads only after the last part may find its connection reset, and the words with it.
                told.append(asyncio.create_task(closing_words(member.ws)))
                with contextlib.suppress(ConnectionError):
                    for part in messages(bytes(FRAME_BYTES_MAX))[:-1]:
                        await member.ws.send_bytes(part)
            async with asyncio.timeout(30):
                for words in asyncio.as_completed(told):
                    if "this address" in await words:
                        break
                else:
                    raise AssertionError("nobody was told that its address holds too much")

        assert memory_of(relay) - before < 2 * ADDRESS_UNREAD_BYTES_MAX
        await still_works(laptop)

    async def test_i15_silent_sockets_of_one_address_give_way_to_its_next_ones(
        self, relay: RelayProcess, people: People, laptop: SocketDevice
    ) -> None:
        """I15: 1,000 silent visitors kept a notebook's own devices out."""
        silent = [await stranger(relay, people.notebook) for _ in range(ADDRESS_DOOR_MAX * 3)]

        async with greeted(relay, people) as (socket, challenge):
            await socket.say(hello(people, laptop.shell.device, challenge, socket.origin))
            assert isinstance(await socket.frame(), Welcome)

        async with asyncio.timeout(30):
            told = await silent[0][0].read()
        assert b"said no hello" in told
        await still_works(laptop)
        for _, writer in silent:
            writer.close()

    async def test_i15_half_requests_end_soon_and_keep_nobody_out(self, people: People, tmp_path: Path) -> None:
        """I15: as many half requests as the process may have files open, and nobody could connect any more."""
        relay = RelayProcess(tmp_path / "data", files_max=300)
        await asyncio.to_thread(relay.start)
        laptop = SocketDevice(people, people.device("laptop"), relay.address)
        laptop.shell.start()
        await laptop.until(lambda shell: shell.live)
        halves = [await asyncio.open_connection("127.0.0.1", relay.port) for _ in range(400)]
        for _, writer in halves:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")

        async with aiohttp.ClientSession() as client, client.get(f"{relay.address}/healthz") as response:
            assert response.status == 200
        await still_works(laptop)
        async with asyncio.timeout(REQUEST_SECONDS_MAX * 3):
            for reader, _ in halves:
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
        for _, writer in halves:
            writer.close()
        await laptop.close()
        await asyncio.to_thread(relay.end)

    async def test_i15_records_of_a_stranger_are_on_no_disk(self, relay: RelayProcess, people: People) -> None:
        people.device("laptop")
        async with greeted(relay, people) as (socket, _):
            await socket.ws.send_bytes(encode(MembersRecords(tuple(one.encode() for one in people.members.records()))))
            await socket.say(Ping(1))
            assert await socket.frame() == Pong(1)

        assert kept(relay.data, "SELECT count(*) FROM records") == [(0,)]

    async def test_i15_what_comes_faster_than_its_pace_waits_and_is_answered(
        self, relay: RelayProcess, people: People, laptop: SocketDevice
    ) -> None:
        over = 1_000
        async with greeted(relay, people) as (socket, challenge):
            await socket.say(hello(people, laptop.shell.device, challenge, socket.origin))
            assert isinstance(await socket.frame(), Welcome)
            began = time.monotonic()
            for number in range(MESSAGES_AT_ONCE + over):
                await socket.say(Ping(number))
            for number in range(MESSAGES_AT_ONCE + over):
                assert await socket.frame() == Pong(number)

        assert time.monotonic() - began > 0.9 * over / MESSAGES_A_SECOND

    async def test_pings_of_websockets_own_are_answered(self, relay: RelayProcess, people: People) -> None:
        reader, writer = await stranger(relay, people.notebook)
        writer.write(b"\x89\x82" + bytes(4) + b"hi")

        async with asyncio.timeout(30):
            told = await reader.readuntil(b"\x8a\x02hi")

        assert b"challenge" in told
        writer.close()

    async def test_sigterm_ends_it_beside_half_requests_and_sockets_that_answer_nothing(
        self, relay: RelayProcess, laptop: SocketDevice, people: People
    ) -> None:
        halves = [await asyncio.open_connection("127.0.0.1", relay.port) for _ in range(20)]
        for _, writer in halves:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
        silent = [await stranger(relay, people.notebook) for _ in range(20)]

        code, _ = await asyncio.to_thread(relay.end)

        assert code == 0
        for _, writer in (*halves, *silent):
            writer.close()


class TestSettings:
    def test_names_come_by_argument_or_environment_with_commas_or_blanks(self) -> None:
        environment = {"CARRYON_ORIGIN": "relay.example other.example:81,[::1]:82"}

        told = settings_of(("--origin", "One.example", "--origin", "two.example:83,two.example:83"), environment, "1")

        assert told.origins == ("one.example", "two.example:83")
        assert settings_of((), environment, "1").origins == ("relay.example", "other.example:81", "[::1]:82")
        assert settings_of((), {}, "1").origins_at(80) == ("localhost", "127.0.0.1", "[::1]")
        assert settings_of((), {}, "1").origins_at(81) == ("localhost:81", "127.0.0.1:81", "[::1]:81")
        assert told.origins_at(81) == told.origins

    def test_a_trusted_proxy_comes_likewise(self) -> None:
        assert settings_of((), {"CARRYON_TRUSTED_PROXY": "127.0.0.1 ::1"}, "1").proxies == ("127.0.0.1", "::1")

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--origin", "https://relay.example"), "host and perhaps a port"),
            (("--origin", "relay.example/path"), "host and perhaps a port"),
            (("--origin", ",".join(f"name{number}.example" for number in range(17))), "17"),
            (("--trusted-proxy", "proxy.example"), "is an address"),
        ],
    )
    def test_what_is_no_name_is_refused_in_words(
        self, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            settings_of(arguments, {}, "1")

        assert words in capsys.readouterr().err
