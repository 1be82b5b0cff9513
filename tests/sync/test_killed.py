"""A relay process that is killed at random moments of load: what it acked is there, and everybody goes on.

A moment is a number of acks or of bytes more: the disk, the stream and the greeting are each in the middle of
something then. The seed is printed, and read from CARRYON_SEED.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from carryon_sync.device.effects import Why
from carryon_sync.formats.running import RUNNING_START, run

from tests.sync.people import People
from tests.sync.sockets import RelayProcess, SocketDevice

KILLS = 20
TAGS = [bytes([number]) * 16 for number in range(5)]


class Disk:
    """What a killed process left in its folder, as the next one will find it."""

    def __init__(self, data: Path, copy: Path) -> None:
        copy.mkdir()
        for suffix in ("", "-wal"):
            source = data / f"relay.sqlite{suffix}"
            (copy / source.name).write_bytes(source.read_bytes() if source.exists() else b"")
        with contextlib.closing(sqlite3.connect(copy / "relay.sqlite")) as db:
            self.sound = db.execute("PRAGMA integrity_check").fetchall()
            rows: list[tuple[Any, ...]] = db.execute(
                "SELECT b.notebook, b.log, key - (no << 40), id, running FROM changes JOIN notebooks b ON b.no = changes.notebook"
                " ORDER BY key"
            ).fetchall()
        self.logs = {notebook: log for notebook, log, *_ in rows}
        self.places: dict[bytes, list[tuple[int, bytes, bytes]]] = {}
        for notebook, _, *place in rows:
            self.places.setdefault(notebook, []).append(tuple(place))  # type: ignore[arg-type]

    def goes_on_from(self, earlier: Disk | None) -> None:
        """Sequences have no gap, the running hash is that of the ids, and nothing of before was taken back."""
        assert self.sound == [("ok",)]
        for places in self.places.values():
            running = RUNNING_START
            for expected, (sequence, id, hashed) in enumerate(places, 1):
                running = run(running, (id,))
                assert (sequence, hashed) == (expected, running)
        for notebook, places in (earlier.places if earlier else {}).items():
            assert earlier is not None
            assert self.places[notebook][: len(places)] == places
            assert self.logs[notebook] == earlier.logs[notebook]


def writes(device: SocketDevice, chance: random.Random) -> None:
    """A burst: small changes, now and then a large one."""
    for _ in range(chance.randrange(1, 60)):
        size = 200_000 if chance.random() < 0.02 else chance.randrange(1, 3_000)
        device.shell.write(chance.randbytes(size), chance.choice(TAGS))


@pytest.mark.slow
async def test_killed_twenty_times_under_load_nothing_acked_is_lost_and_all_go_on(tmp_path: Path) -> None:
    seed = int(os.environ.get("CARRYON_SEED", "") or random.randrange(1 << 32))
    print(f"CARRYON_SEED={seed}")
    chance = random.Random(seed)
    relay = RelayProcess(tmp_path / "data")
    await asyncio.to_thread(relay.start)
    peoples = [People(f"killed {seed} {number}") for number in range(3)]
    devices = [
        SocketDevice(people, people.device(name), relay.address) for people in peoples for name in ("laptop", "phone")
    ]
    for device in devices:
        device.shell.start()
    disk: Disk | None = None

    for kill in range(KILLS):
        for device in devices:
            writes(device, chance)
        watched = chance.choice(devices)
        acked = len(watched.shell.acked) + chance.choice((0, 0, 1, 3, 10, 30))
        await watched.until(lambda shell, acked=acked: len(shell.acked) >= acked or not shell.outbox)  # type: ignore[misc]
        how = signal.SIGTERM if chance.random() < 0.2 else signal.SIGKILL
        code, said = await asyncio.to_thread(relay.end, how)
        assert code == (0 if how is signal.SIGTERM else -signal.SIGKILL), said
        before, disk = disk, Disk(relay.data, tmp_path / f"copy {kill}")
        disk.goes_on_from(before)
        held = {id for places in disk.places.values() for _, id, _ in places}
        assert {id for device in devices for id in device.shell.acked} <= held
        await asyncio.to_thread(relay.start)

    for people in peoples:
        together = [device for device in devices if device.shell.device.certificate.notebook == people.notebook]
        for device in together:
            whole = [set(one.shell.log) for one in together]
            await device.until(lambda shell: shell.live and not shell.outbox)
            await device.until(lambda shell, whole=whole: all(ids <= set(shell.log) for ids in whole))  # type: ignore[misc]
    assert all(device.shell.started_over == [Why.FIRST] for device in devices)
    for device in devices:
        await device.close()
    await asyncio.to_thread(relay.end)
    last = Disk(relay.data, tmp_path / "copy at the end")
    last.goes_on_from(disk)
    assert {id for device in devices for id in device.shell.log} == {
        id for places in last.places.values() for _, id, _ in places
    }
