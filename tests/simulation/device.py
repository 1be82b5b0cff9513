"""A simulated device: disks that outlive everything, a clock of its own, and workers that run the real core.

1. A worker is what a SharedWorker of one release is, or the dedicated worker of one tab: it runs one core at a time. The
   first tab starts it, a tab that finds it dead starts the next one, and it ends with its last tab.
2. Everything that a core asks of its machine (`carryon.core.environment`) is here; nothing of the core is replaced.
3. Disk and crypto take the time that `disk_s` and `crypto_s` say, in the mean; 0 is no time at all.
4. `faults` is asked before every step of every store, with the name of the database. A core that fails with words is
   dead from then on, as one that nobody can talk to any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from carryon.core.core import Core
from carryon.core.environment import Environment, Frame, Place
from carryon.core.tabs.messages import ToTab
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon.crypto.file_at_rest import FileAtRest
from carryon.storage.memory_store import Fault, MemoryDisk, MemoryStore, Step
from carryon.storage.store import Stored

from tests.simulation.drive import Drive, DriveStore
from tests.simulation.local_device import LocalChannel, LocalDevice, LocalLocks
from tests.simulation.network import Network, Wire
from tests.simulation.port import Port
from tests.simulation.process import Process
from tests.simulation.relay import EPOCH_MS
from tests.simulation.slow_primitives import SlowPrimitives
from tests.simulation.tally import Tally

NOTICED_S: Final = 0.05
SITE: Final = "http://relay.test:8000/"
ORIGIN: Final = "relay.test:8000"

DiskFaults = Callable[[str, Step], Fault | None]


class Terminal(Protocol):
    """A tab, as its worker knows it."""

    def take(self, message: ToTab) -> None:
        """Hear the core."""

    def connected(self, port: Port) -> None:
        """There is a core, at the other end of this port."""


@dataclass(frozen=True, slots=True)
class PickedFile:
    """A file that a person chose."""

    path: str
    data: bytes
    modified: int | None = None

    @property
    def bytes_count(self) -> int:
        return len(self.data)

    async def read(self) -> bytes:
        return self.data


class Device:
    """One browser profile."""

    def __init__(
        self, name: str, network: Network, random: Random, *, site: str = SITE, relays: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.site = site
        self.relays = relays
        self.network = network
        self.random = random
        self.disks: dict[str, MemoryDisk] = {}
        self.key = random.randbytes(32)
        self.skew_ms = 0
        self.local = LocalDevice()
        self.workers: list[Worker] = []
        self.faults: DiskFaults = lambda _database, _step: None
        self.disk_s = self.crypto_s = 0.0
        # Whether a commit is made whose caller was cancelled.
        self.commits_go_on = False
        self.tally = Tally()
        # The disks as they were at some time, for who puts them back.
        self.before: dict[str, MemoryDisk] | None = None
        # Copies of a profile are one device to everybody else.
        self.profile = name
        self.frames: list[Frame] = []
        self.persisted = False
        self.key_lies_beside = False
        self.failures: list[str] = []
        self._processes = 0
        self._drives: dict[str, Drive] = {}
        self._paces = Random(f"{name} paces")

    @property
    def at_rest(self) -> FileAtRest:
        """What seals at rest under the device's key, and takes no time."""
        return FileAtRest(CryptographyPrimitives(), self.key, self.random.randbytes)

    def worker(self) -> Worker:
        """One more worker; its first tab starts it."""
        self.workers.append(Worker(self))
        return self.workers[-1]

    def now(self) -> int:
        """The device's wall clock, ms since 1970."""
        return EPOCH_MS + self.skew_ms + int(asyncio.get_running_loop().time() * 1000)

    def process(self) -> Process:
        """One more process."""
        self._processes += 1
        process = Process(f"{self.name} {self._processes}")
        process.at_death(lambda: self.local.died(process))
        return process

    def environment(self, process: Process) -> Environment:
        """The machine as one process sees it."""

        primitives = (
            SlowPrimitives(CryptographyPrimitives(), self._compute) if self.crypto_s else CryptographyPrimitives()
        )

        async def open_store(name: str, stores: Sequence[Stored]) -> DriveStore:
            disk = self.disks.setdefault(name, MemoryDisk(stores))
            store = MemoryStore(disk, lambda step: self._fault(process, name, step))
            drive = self._drives.setdefault(name, Drive(lambda: self._pace(self.disk_s)))
            return DriveStore(store, drive, self.tally, goes_on=lambda: self.commits_go_on)

        async def connect(url: str, protocol: str) -> Wire:
            return await self.network.connect(self.name, process, url)

        async def is_relay(address: str) -> bool | None:
            return await self.network.is_relay(self.name, address)

        async def keep_frame(frame: Frame) -> None:
            self.frames = [frame]

        async def is_persisted() -> bool:
            return self.persisted

        def channel(name: str, heard: Callable[[Mapping[str, str | int]], None]) -> LocalChannel:
            return LocalChannel(self.local, process, name, heard)

        def chosen_file(file: object, path: str) -> PickedFile:
            if isinstance(file, PickedFile):
                return file
            assert isinstance(file, bytes), "tests choose bytes"
            return PickedFile(path, file)

        return Environment(
            place=Place(self.site, "simulated", self.name, self.relays),
            now=self.now,
            random=self.random.randbytes,
            primitives=primitives,
            at_rest=FileAtRest(primitives, self.key, self.random.randbytes),
            locks=LocalLocks(self.local, process),
            open_store=open_store,
            channel=channel,
            connect=connect,
            is_relay=is_relay,
            chosen_file=chosen_file,
            keep_frame=keep_frame,
            is_persisted=is_persisted,
            key_lies_beside=self.key_lies_beside,
        )

    def mend(self) -> None:
        """End the faults of the storage."""
        self.faults = lambda _database, _step: None

    def photograph(self) -> dict[str, MemoryDisk]:
        """A copy of all disks as they are now."""
        return {name: disk.copy() for name, disk in self.disks.items()}

    def restore(self, disks: Mapping[str, MemoryDisk]) -> None:
        """Put other disks into the place of those that are here; only without a process."""
        assert not any(worker.process for worker in self.workers), f"{self.name} is running"
        self.disks = dict(disks)

    def lose_storage(self) -> None:
        """The browser evicts everything; only a device without a process can lose it."""
        assert not any(worker.process for worker in self.workers), f"{self.name} is running"
        self.disks.clear()
        self.key = self.random.randbytes(32)
        # A copied one is a device of its own from now on.
        self.profile = self.name
        self.before = None
        self.frames.clear()
        self.persisted = False

    def _pace(self, mean: float) -> float:
        return self._paces.uniform(0.0, 2 * mean) if mean else 0.0

    async def _compute(self) -> None:
        await asyncio.sleep(self._pace(self.crypto_s))

    def _fault(self, process: Process, database: str, step: Step) -> Fault | None:
        if not process.alive:
            return Fault.CRASH_BEFORE
        fault = self.faults(database, step)
        if fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
            process.kill()
        return fault


class Worker:
    """Where one core at a time runs, and the tabs that talk to it."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.tabs: list[Terminal] = []
        self.process: Process | None = None
        self.core: Core | None = None
        self.starts = 0
        self._outside = copy_context()

    def join(self, tab: Terminal) -> None:
        """Connect a tab; starts a core where none lives."""
        self.tabs.append(tab)
        if self.process is None:
            self._start()
        elif self.core is not None:
            self._attach(tab)

    def leave(self, tab: Terminal) -> None:
        """A tab is gone; the worker ends with its last one."""
        self.tabs.remove(tab)
        if not self.tabs:
            self.kill()

    def kill(self) -> None:
        """The process dies; its tabs find out a moment later, and start the next."""
        if self.process is not None:
            self.process.kill()

    def _start(self) -> None:
        self.starts += 1
        self.process = self.device.process()
        self.process.at_death(self._died)
        self.process.run(self._run(self.process))

    async def _run(self, process: Process) -> None:
        core = Core(self.device.environment(process))

        def open_doors() -> None:
            if process.alive:
                self.core = core
                for tab in self.tabs:
                    self._attach(tab)

        try:
            await core.run(open_doors)
        except BaseExceptionGroup:
            if process.alive:
                # On a full disk there is nothing to begin with; a person is told so, and frees some.
                if core.notebooks.current:
                    self.device.failures.append(core.fault or "")
                # It has told its tabs: they have the time to hear it.
                await asyncio.sleep(NOTICED_S)
                process.kill()

    def _attach(self, tab: Terminal) -> None:
        assert self.process is not None and self.core is not None, "a core that runs takes tabs"
        port = Port(self.process, tab.take, self._outside)
        self.process.context().run(self.core.attach, port.taken)
        tab.connected(port)

    def _died(self) -> None:
        self.process = self.core = None
        asyncio.get_running_loop().call_later(NOTICED_S, self._start_again, context=self._outside)

    def _start_again(self) -> None:
        if self.tabs and self.process is None:
            self._start()
