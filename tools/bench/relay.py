"""P12: what a relay spends on a change that it delivers, in processor time of its own process, beside the `ws` library alone.

Clients run in this process. What counts is the time that the relay's process has spent, so they may be slow.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import aiohttp
from carryon_sync.formats.ids import text_of
from carryon_sync.formats.running import RUNNING_START
from carryon_sync.protocol.codec import decode, encode
from carryon_sync.protocol.frames import (
    Ack,
    ByCertificate,
    Challenge,
    Changes,
    Hello,
    MembersRecords,
    Push,
    Welcome,
    hello_signed,
)

from tests.sync.people import Device, People
from tests.sync.sockets import RelayProcess
from tools.bench.figure import Figure
from tools.system import node

RECEIVERS: Final = 100
CHANGES: Final = 2_000
IN_FLIGHT: Final = 16
ROOMS: Final = 500
CHANGES_A_ROOM: Final = 60
CIPHERTEXT: Final = bytes(100)
WS: Final = Path(__file__).parent / "baselines" / "ws.mjs"


@dataclass(frozen=True, slots=True)
class Spent:
    """How many changes a relay took and delivered, and the seconds of processor time that it spent on them."""

    taken: int
    delivered: int
    seconds: float


def relay(folder: Path) -> Iterator[Figure]:
    """One room of a hundred, then five hundred rooms of two."""
    ours = _run(_our_room(folder / "room"))
    ws = _run(_ws_room())
    each, ws_each = (spent.seconds / spent.delivered * 1e6 for spent in (ours, ws))
    yield Figure(
        "P12",
        f"relay: processor time a delivered change, 1 room x {RECEIVERS}, {IN_FLIGHT} in flight",
        "µs",
        each,
        "≤ 1 µs",
        each <= 1,
        ws_each,
        "ws in Node, nothing kept",
    )
    rooms = _run(_our_rooms(folder / "rooms"))
    rate = rooms.taken / rooms.seconds
    yield Figure(
        "P12",
        f"relay: changes acked after commit a second of its processor, {ROOMS} rooms x 2",
        "a second",
        rate,
        "≥ 20,000",
        rate >= 20_000,
    )


def _run(work: Coroutine[None, None, Spent]) -> Spent:
    """Run in a thread of its own: Playwright has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _our_room(data: Path) -> Spent:
    process = RelayProcess(data).start()
    people = People("bench")
    device = people.device("laptop")
    changes = [device.change(bytes(16), CIPHERTEXT).encode() for _ in range(CHANGES)]
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
            pusher, *receivers = [await _enter(client, process, people, device) for _ in range(RECEIVERS + 1)]
            before = _seconds(process.process)
            await asyncio.gather(_push(pusher, changes), *(_receive(socket, CHANGES) for socket in receivers))
            return Spent(CHANGES, CHANGES * RECEIVERS, _seconds(process.process) - before)
    finally:
        process.end()


async def _our_rooms(data: Path) -> Spent:
    process = RelayProcess(data).start()
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
            work = []
            for number in range(ROOMS):
                people = People(f"bench {number}")
                device = people.device("laptop")
                changes = [device.change(bytes(16), CIPHERTEXT).encode() for _ in range(CHANGES_A_ROOM)]
                work.append(_push(await _enter(client, process, people, device), changes))
                work.append(_receive(await _enter(client, process, people, device), CHANGES_A_ROOM))
            before = _seconds(process.process)
            await asyncio.gather(*work)
            taken = ROOMS * CHANGES_A_ROOM
            return Spent(taken, taken, _seconds(process.process) - before)
    finally:
        process.end()


async def _ws_room() -> Spent:
    process = await asyncio.create_subprocess_exec(node(), WS, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    url = f"http://127.0.0.1:{int(await process.stdout.readline())}/room"
    device = People("bench").device("laptop")
    message = encode(Push((device.change(bytes(16), CIPHERTEXT).encode(),)))
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
            sockets = [await client.ws_connect(url, max_msg_size=0) for _ in range(RECEIVERS + 1)]
            received = asyncio.Semaphore(IN_FLIGHT)

            async def push() -> None:
                for _ in range(CHANGES):
                    await received.acquire()
                    await sockets[0].send_bytes(message)

            async def receive(socket: aiohttp.ClientWebSocketResponse, is_last: bool) -> None:
                for _ in range(CHANGES):
                    await socket.receive_bytes()
                    if is_last:
                        received.release()

            before = _seconds(process)
            readers = (receive(socket, number == RECEIVERS) for number, socket in enumerate(sockets) if number)
            await asyncio.gather(push(), *readers)
            return Spent(CHANGES, CHANGES * RECEIVERS, _seconds(process) - before)
    finally:
        process.terminate()
        await process.wait()


async def _enter(
    client: aiohttp.ClientSession, process: RelayProcess, people: People, device: Device
) -> aiohttp.ClientWebSocketResponse:
    url = f"{process.address}/sync/{text_of(people.notebook)}"
    socket = await client.ws_connect(url, protocols=("carryon.1",), max_msg_size=0)
    challenge = decode(await socket.receive_bytes())
    assert isinstance(challenge, Challenge), "a relay begins with a challenge"
    await socket.send_bytes(encode(MembersRecords(tuple(record.encode() for record in people.members.records()))))
    hello = Hello(
        ByCertificate(device.certificate.id),
        bytes(32),
        challenge.log,
        0,
        RUNNING_START,
        people.members.tips(),
        bytes(64),
    )
    origin = process.address.removeprefix("http://")
    proof = device.key.sign(hello_signed(people.notebook, origin, challenge.nonce, hello))
    await socket.send_bytes(encode(replace(hello, proof=proof)))
    while not isinstance(decode(await socket.receive_bytes()), Welcome):
        pass
    return socket


async def _push(socket: aiohttp.ClientWebSocketResponse, changes: Sequence[bytes]) -> None:
    sent = acked = 0
    while acked < len(changes):
        count = min(IN_FLIGHT - (sent - acked), len(changes) - sent)
        if count > 0:
            await socket.send_bytes(encode(Push(tuple(changes[sent : sent + count]))))
            sent += count
        frame = decode(await socket.receive_bytes())
        acked += len(frame.ids) if isinstance(frame, Ack) else 0


async def _receive(socket: aiohttp.ClientWebSocketResponse, count: int) -> None:
    received = 0
    while received < count:
        frame = decode(await socket.receive_bytes())
        received += len(frame.items) if isinstance(frame, Changes) else 0


def _seconds(process: subprocess.Popen[str] | asyncio.subprocess.Process | None) -> float:
    """The processor time that a process has spent, in s."""
    assert process is not None
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
