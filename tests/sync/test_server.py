"""The relay process: real sockets, real files, real signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from carryon_sync.device.effects import Why
from carryon_sync.formats.ids import text_of
from carryon_sync.formats.rejected import Rejected
from carryon_sync.formats.running import RUNNING_START
from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.codec import encode
from carryon_sync.protocol.frames import (
    Ack,
    ByCertificate,
    Challenge,
    Changes,
    Frame,
    Got,
    Hello,
    MembersRecords,
    Ping,
    Push,
    Welcome,
    hello_signed,
)
from carryon_sync.protocol.parts import Reader
from carryon_sync.server.settings import Settings, settings_of

from tests.sync.people import Device, People
from tests.sync.sockets import CuttingProxy, RelayProcess, SocketDevice

Make = Callable[..., SocketDevice]


@pytest.fixture
def own_relay(tmp_path: Path) -> Iterator[RelayProcess]:
    """A relay of the test's own, to be killed."""
    process = RelayProcess(tmp_path / "data").start()
    yield process
    process.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelayProcess]:
    """One relay for all tests that do not stop it; each has a notebook of its own."""
    process = RelayProcess(tmp_path_factory.mktemp("relay") / "data").start()
    yield process
    process.end(signal.SIGKILL)


@pytest.fixture
def people(request: pytest.FixtureRequest) -> People:
    return People(request.node.nodeid)


@pytest_asyncio.fixture
async def device(people: People) -> AsyncIterator[Make]:
    made: list[SocketDevice] = []

    def make(address: str, name: str = "laptop") -> SocketDevice:
        one = SocketDevice(people, people.device(name), address)
        made.append(one)
        one.shell.start()
        return one

    yield make
    for one in made:
        await one.close()


class TestSync:
    async def test_two_devices_meet_at_a_real_relay(self, device: Make, relay: RelayProcess) -> None:
        laptop = device(relay.address)
        laptop.shell.write(b"one")
        phone = device(relay.address, "phone")
        phone.shell.write(b"two")

        for one in (laptop, phone):
            await one.until(lambda shell: shell.texts() == {b"one", b"two"} and not shell.outbox)

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "asked"])
    async def test_a10_stopped_in_a_burst_nothing_acked_is_lost_and_the_rest_is_sent_again(
        self, device: Make, own_relay: RelayProcess, how: signal.Signals
    ) -> None:
        laptop = device(own_relay.address)
        await laptop.until(lambda shell: shell.live)
        for burst in range(2):
            for number in range(200):
                laptop.shell.write(b"%d %d" % (burst, number) + bytes(500))
            acked = len(laptop.shell.acked)
            await laptop.until(lambda shell, acked=acked: len(shell.acked) > acked)  # type: ignore[misc]
            code, _ = await asyncio.to_thread(own_relay.end, how)
            assert code == (0 if how is signal.SIGTERM else -signal.SIGKILL)
            assert set(laptop.shell.acked) <= kept_ids(own_relay.data)
            await asyncio.to_thread(own_relay.start)

        await laptop.until(lambda shell: shell.live and not shell.outbox)
        assert kept_ids(own_relay.data) == set(laptop.shell.log)
        assert laptop.shell.started_over == [Why.FIRST]
        phone = device(own_relay.address, "phone")
        await phone.until(lambda shell: set(shell.log) == set(laptop.shell.log))

    async def test_b1_a_wiped_data_folder_is_refilled(self, device: Make, own_relay: RelayProcess) -> None:
        laptop = device(own_relay.address)
        for number in range(20):
            laptop.shell.write(b"%d" % number)
        await laptop.until(lambda shell: shell.live and not shell.outbox)
        await asyncio.to_thread(own_relay.end, signal.SIGKILL)
        own_relay.data.rename(own_relay.data.with_name("gone"))

        await asyncio.to_thread(own_relay.start)
        await laptop.until(lambda shell: shell.started_over == [Why.FIRST, Why.REPLACED])
        await laptop.until(lambda shell: shell.live and not shell.outbox)

        assert len(laptop.shell.log) == 20
        assert kept_ids(own_relay.data) == set(laptop.shell.log)

    async def test_a7_cut_at_every_byte_of_a_push_nothing_is_lost(self, people: People, tmp_path: Path) -> None:
        """A7: the connection ends after each single byte of what a live device sends for a change."""
        relay = RelayProcess(tmp_path / "data")
        proxy = await CuttingProxy(relay.port).start()
        relay.arguments = ("--origin", proxy.origin)
        await asyncio.to_thread(relay.start)
        laptop = SocketDevice(people, people.device("laptop"), proxy.address)
        laptop.shell.start()
        await laptop.until(lambda shell: shell.live and proxy.passed > 0)

        cut = 0
        while proxy.cuts == cut:
            proxy.cut_after_more(cut)
            laptop.shell.write(b"%d" % cut)
            await laptop.until(lambda shell: shell.live and not shell.outbox)
            cut += 1
        await laptop.close()
        await proxy.close()
        await asyncio.to_thread(relay.end)

        assert proxy.cuts > 300
        assert len(laptop.shell.log) == cut
        assert kept_ids(relay.data) >= set(laptop.shell.log)


def kept(data: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask a copy of a relay's file, for while it runs it holds its file alone."""
    copy = data / "copy.sqlite"
    for suffix in ("", "-wal"):
        source = (data / "relay.sqlite").with_name("relay.sqlite" + suffix)
        content = source.read_bytes() if source.exists() else b""
        copy.with_name(copy.name + suffix).write_bytes(content)
    with contextlib.closing(sqlite3.connect(copy)) as db:
        return db.execute(query).fetchall()


def kept_ids(data: Path) -> set[bytes]:
    return {id for (id,) in kept(data, "SELECT id FROM changes")}


class Socket:
    """A socket that says what a test says."""

    def __init__(self, people: People, ws: aiohttp.ClientWebSocketResponse, origin: str) -> None:
        self.ws = ws
        self.people = people
        self.origin = origin
        self._reader = Reader()

    async def frame(self) -> Frame:
        async with asyncio.timeout(30):
            while (frame := self._reader.read(await self.ws.receive_bytes())) in (None, Ping(0)):
                pass
        assert frame is not None and not isinstance(frame, Rejected)
        return frame

    async def say(self, frame: Frame) -> None:
        await self.ws.send_bytes(encode(frame))


@contextlib.asynccontextmanager
async def connected(relay: RelayProcess, people: People) -> AsyncIterator[Socket]:
    path = f"{relay.address}/sync/{text_of(people.notebook)}"
    async with aiohttp.ClientSession() as client, client.ws_connect(path, protocols=("carryon.1",)) as ws:
        yield Socket(people, ws, relay.address.removeprefix("http://"))


class TestPoison:
    @pytest.mark.parametrize("poison", [b"", b"\n", b"{}\n", b'{"frame":"push","items":[9]}\n', b"\xff" * 3000])
    async def test_h5_poison_ends_its_connection_in_words_and_no_other(
        self, relay: RelayProcess, people: People, device: Make, poison: bytes
    ) -> None:
        laptop = device(relay.address)
        await laptop.until(lambda shell: shell.live)
        async with connected(relay, people) as socket:
            assert isinstance(await socket.frame(), Challenge)
            await socket.ws.send_bytes(poison)
            assert type(await socket.frame()).__name__ == "Error"
            assert (await socket.ws.receive()).data == Closing.BROKEN

        laptop.shell.write(b"still here")
        await laptop.until(lambda shell: not shell.outbox)
        assert laptop._nonces == 1

    async def test_text_messages_and_oversized_ones_end_their_connection(
        self, relay: RelayProcess, people: People
    ) -> None:
        async with connected(relay, people) as socket:
            await socket.frame()
            await socket.ws.send_str("hello")
            assert (await socket.ws.receive()).data == Closing.BROKEN
        async with connected(relay, people) as socket:
            await socket.frame()
            with contextlib.suppress(ConnectionError):
                await socket.ws.send_bytes(bytes((16 << 20) + (64 << 10) + 1))
            assert (await socket.ws.receive()).data in (aiohttp.WSCloseCode.MESSAGE_TOO_BIG, None)

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"NONSENSE\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01",
            b"\0" * 100 + b"\r\n\r\n",
        ],
    )
    async def test_bad_http_is_refused_and_the_relay_lives(self, relay: RelayProcess, request_bytes: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(request_bytes)
        writer.write_eof()
        async with asyncio.timeout(30):
            answer = await reader.read()
        writer.close()
        assert answer == b"" or answer.split()[1] in (b"400", b"414", b"505")

        async with aiohttp.ClientSession() as client, client.get(f"{relay.address}/healthz") as response:
            assert response.status == 200

    async def test_a_device_that_reads_nothing_holds_nobody_up_and_loses_nothing(
        self, relay: RelayProcess, people: People, device: Make
    ) -> None:
        laptop = device(relay.address)
        await laptop.until(lambda shell: shell.live)
        async with connected(relay, people) as slow:
            challenge = await slow.frame()
            assert isinstance(challenge, Challenge)
            await slow.say(hello(people, laptop.shell.device, challenge, slow.origin))
            assert isinstance(await slow.frame(), Welcome)
            transport = slow.ws._response.connection.transport  # type: ignore[union-attr]
            transport.pause_reading()

            for number in range(200):
                laptop.shell.write(bytes([number]) * 50_000)
            await laptop.until(lambda shell: not shell.outbox)

            transport.resume_reading()
            got: list[bytes] = []
            while len(got) < 200:
                frame = await slow.frame()
                assert isinstance(frame, Changes)
                assert frame.since == len(got)
                got += [item for item in frame.items if isinstance(item, bytes)]
                await slow.say(Got(len(got)))
        assert got == list(laptop.shell.log.values())

    async def test_strangers_leave_nothing_behind(self, relay: RelayProcess, people: People) -> None:
        async with connected(relay, people) as socket:
            await socket.frame()

        notebooks = kept(relay.data, "SELECT notebook FROM notebooks")
        assert (people.notebook,) not in notebooks


class TestAcks:
    async def test_what_is_acked_is_on_the_disk_when_the_ack_arrives(self, relay: RelayProcess, people: People) -> None:
        laptop = people.device("laptop")
        async with connected(relay, people) as socket:
            challenge = await socket.frame()
            assert isinstance(challenge, Challenge)
            await socket.ws.send_bytes(members(people))
            await socket.say(hello(people, laptop, challenge, socket.origin))
            assert isinstance(await socket.frame(), Welcome)

            for number in range(10):
                change = laptop.change(bytes(16), b"%d" % number)
                await socket.say(Push((change.encode(),)))
                frame = await socket.frame()
                while not isinstance(frame, Ack):
                    frame = await socket.frame()
                assert change.id in kept_ids(relay.data)


class TestProcess:
    async def test_healthz_says_what_it_is(self, relay: RelayProcess) -> None:
        async with aiohttp.ClientSession() as client, client.get(f"{relay.address}/healthz") as response:
            about = await response.json()

        assert (about["service"], about["protocol"]) == ("carryon-relay", "carryon.1")
        assert relay.announced == f"Carryon's relay listens at {relay.address}/\n"

    def test_a_second_process_on_the_same_folder_is_refused_in_words(self, relay: RelayProcess) -> None:
        assert relay.process is not None

        code, said = RelayProcess(relay.data).start().end()

        assert code == 1
        assert f"in use by process {relay.process.pid}" in said

    def test_a_port_in_use_is_refused_in_words(self, relay: RelayProcess, tmp_path: Path) -> None:
        second = RelayProcess(tmp_path / "other")
        second.port = relay.port

        code, said = second.start().end()

        assert code == 1
        assert "--port" in said

    @pytest.mark.parametrize("fault", ["newer", "rotten"])
    def test_a_file_of_a_newer_release_or_none_at_all_is_refused_in_words(self, tmp_path: Path, fault: str) -> None:
        file = tmp_path / "relay.sqlite"
        if fault == "newer":
            with contextlib.closing(sqlite3.connect(file)) as db:
                db.execute("PRAGMA user_version = 99")
        else:
            file.write_bytes(b"this is no database" * 100)
        before = file.read_bytes()

        code, said = RelayProcess(tmp_path).start().end()

        assert code == 1
        assert ("format 99" if fault == "newer" else "cannot be opened") in said
        assert file.read_bytes() == before

    async def test_sigterm_hangs_up_in_words_and_ends_well(self, own_relay: RelayProcess, people: People) -> None:
        async with connected(own_relay, people) as socket:
            await socket.frame()
            (code, log), said = await asyncio.gather(asyncio.to_thread(own_relay.end), socket.ws.receive())

        assert code == 0
        assert said.data == Closing.GOING_AWAY
        assert "again" in str(said.extra)
        assert json.loads(log.splitlines()[0])["code"] == "stopping"

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--port", "http"), "0 to 65535"),
            (("--port", "65536"), "0 to 65535"),
            (("--site", "/nowhere"), "index.html"),
            (("--what",), "unrecognized"),
        ],
    )
    def test_a_wrong_argument_is_refused_in_words(
        self, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            settings_of(arguments, {}, "1")

        assert ended.value.code == 2
        assert words in capsys.readouterr().err

    def test_the_environment_says_the_same_and_arguments_win(self) -> None:
        environment = {"CARRYON_DATA": "there", "CARRYON_PORT": "81"}

        settings = settings_of(("--port", "82"), environment, "1")

        assert settings == Settings("127.0.0.1", 82, Path("there"), None)

    async def test_addresses_that_are_none_are_refused_in_words(self, relay: RelayProcess, people: People) -> None:
        notebook = text_of(people.notebook)
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        cases = [
            ("/sync/short", {}, 404, "26 characters"),
            (f"/sync/{notebook}", {}, 426, "carryon.1"),
            (f"/sync/{notebook}", upgrade | key, 426, "carryon.1"),
            (f"/sync/{notebook}", upgrade | key | {"Sec-WebSocket-Protocol": "chat"}, 426, "carryon.1"),
            ("/", {}, 404, "no site"),
        ]
        async with aiohttp.ClientSession() as client:
            for path, headers, status, words in cases:
                async with client.get(relay.address + path, headers=headers) as response:
                    assert (response.status, words in await response.text()) == (status, True)
            async with client.post(relay.address + "/healthz") as response:
                assert response.status == 405


def members(people: People) -> bytes:
    return encode(MembersRecords(tuple(record.encode() for record in people.members.records())))


def hello(people: People, device: Device, challenge: Challenge, origin: str) -> Frame:
    who = ByCertificate(device.certificate.id)
    unsigned = Hello(who, bytes(32), bytes(16), 0, RUNNING_START, people.members.tips(), bytes(64))
    return replace(unsigned, proof=device.key.sign(hello_signed(people.notebook, origin, challenge.nonce, unsigned)))
