"""What goes wrong: one random fault of a kind, which lasts for a while or strikes once.

1. Every kind counts only when it took place; one that would take the last copy of something acked does not.
2. What lasts ends by itself; `World.heal` ends the rest.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from carryon.storage.memory_store import Commit, Fault, Read, Step
from carryon_sync.relay.memory_ledger import MemoryLedger

from tests.simulation.device import Device
from tests.simulation.world import World

LATE_JOINER: Final = "late joiner"
YEARS_MS: Final = 10 * 365 * 86_400_000
LOST_STEPS: Final = 3


class Faults:
    """Lets faults strike, and counts them by kind."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = Random(f"{world.seed} faults")
        self._photograph: MemoryLedger | None = None
        self.counts: Counter[str] = Counter()

    def strike(self) -> None:
        """Let one fault of a random kind strike, if it can."""
        kind, strike = self._random.choice(KINDS)
        if strike(self):
            self.counts[kind] += 1

    # Processes.

    def _core_crash(self) -> bool:
        running = [worker for device in self._world.devices for worker in device.workers if worker.process]
        if running:
            self._random.choice(running).kill()
        return bool(running)

    def _crash_at_commit(self, fault: Fault) -> bool:
        device = self._random.choice(self._world.members)
        after = self._random.randrange(6)

        def strike(_: str, step: Step) -> Fault | None:
            nonlocal after
            if not isinstance(step, Commit):
                return None
            after -= 1
            if after >= 0:
                return None
            device.faults = lambda _database, _step: None
            return fault

        device.faults = strike
        return True

    def _core_crash_before_commit(self) -> bool:
        return self._crash_at_commit(Fault.CRASH_BEFORE)

    def _core_crash_after_commit(self) -> bool:
        return self._crash_at_commit(Fault.CRASH_AFTER)

    def _tab_crash(self) -> bool:
        tabs = [tab for tab in self._world.tabs if tab.worker.device in self._world.members]
        if len(tabs) < 2:
            return False
        self._world.close_tab(self._random.choice(tabs), crash=True)
        return True

    # The network.

    def _offline(self) -> bool:
        device = self._random.choice(self._world.members)
        self._world.network.go_offline(device.name, told=self._random.random() < 0.5)
        self._later(self._random.uniform(0.5, 20.0), self._world.network.go_online, device.name)
        return True

    def _loss(self) -> bool:
        wires = self._world.network.wires
        if wires:
            self._random.choice(wires).cut_after = self._random.randrange(8)
        return bool(wires)

    def _duplication(self) -> bool:
        wires = self._world.network.wires
        if wires:
            wire = self._random.choice(wires)
            if self._random.random() < 0.5:
                wire.cut(told=True, straggle=True)
            else:
                wire.echo = True
        return bool(wires)

    def _delay(self) -> bool:
        device = self._random.choice(self._world.members)
        network = self._world.network
        network.slow[device.name] = latency = self._random.uniform(0.2, 5.0)
        for wire in network.of(device.name):
            wire.latency = latency
        self._later(self._random.uniform(1.0, 10.0), network.hurry, device.name)
        return True

    # The relay.

    def _relay_crash(self) -> bool:
        if not self._world.relay.up:
            return False
        self._world.relay.crash()
        self._restart_relay()
        return True

    def _relay_crash_before_commit(self) -> bool:
        self._world.relay.dies = "before"
        self._restart_relay()
        return True

    def _relay_crash_after_commit(self) -> bool:
        self._world.relay.dies = "after"
        self._restart_relay()
        return True

    def _restart_relay(self) -> None:
        self._later(self._random.uniform(1.0, 8.0), self._world.relay.start)

    def _relay_wiped(self) -> bool:
        if self._world.witness.lonely(without="relay"):
            return False
        self._world.relay.wipe()
        return True

    def _relay_rolled_back(self) -> bool:
        older, self._photograph = self._photograph, self._world.relay.photograph()
        if older is None or self._world.witness.lonely(without="relay"):
            return False
        self._world.relay.roll_back(older)
        return True

    # Devices.

    def _storage_full(self) -> bool:
        return self._storage_fails(Fault.FULL, self._random.uniform(0.2, 8.0))

    def _storage_fails_once(self) -> bool:
        device = self._random.choice(self._world.members)
        left = self._random.randint(1, LOST_STEPS)

        def strike(_: str, step: Step) -> Fault | None:
            nonlocal left
            left -= 1
            if left <= 0:
                device.faults = lambda _database, _step: None
            return Fault.LOST

        device.faults = strike
        return True

    def _storage_fails(self, fault: Fault, seconds: float) -> bool:
        device = self._random.choice(self._world.members)
        device.faults = lambda _database, step: None if isinstance(step, Read) else fault
        self._later(seconds, _mend, device)
        return True

    def _storage_answer_lost(self) -> bool:
        return self._crash_at_commit(Fault.LOST_AFTER)

    def _storage_lost(self) -> bool:
        world = self._world
        device = self._random.choice(world.members)
        if len(world.members) < 2 or world.witness.lonely(without=device.name):
            return False
        for tab in world.tabs_of(device):
            world.close_tab(tab, crash=True)
        for worker in tuple(device.workers):
            worker.kill()
            device.workers.remove(worker)
        world.evict(device)
        return True

    def _clock_jump(self) -> bool:
        device = self._random.choice(self._world.members)
        device.skew_ms = self._random.choice((-YEARS_MS, YEARS_MS, -3_600_000, 86_400_000, 0))
        return True

    def _later(self, seconds: float, callback: Callable[..., object], *args: object) -> None:
        asyncio.get_running_loop().call_later(seconds, callback, *args)


def _mend(device: Device) -> None:
    device.faults = lambda _database, _step: None


KINDS: Final[Sequence[tuple[str, Callable[[Faults], bool]]]] = (
    ("core crash", Faults._core_crash),
    ("core crash before commit", Faults._core_crash_before_commit),
    ("core crash after commit", Faults._core_crash_after_commit),
    ("tab crash", Faults._tab_crash),
    ("device offline", Faults._offline),
    ("loss", Faults._loss),
    ("duplication", Faults._duplication),
    ("delay", Faults._delay),
    ("relay crash", Faults._relay_crash),
    ("relay crash before commit", Faults._relay_crash_before_commit),
    ("relay crash after commit", Faults._relay_crash_after_commit),
    ("relay wiped", Faults._relay_wiped),
    ("relay rolled back", Faults._relay_rolled_back),
    ("storage full", Faults._storage_full),
    ("storage connection lost", Faults._storage_fails_once),
    ("storage answer lost", Faults._storage_answer_lost),
    ("storage lost", Faults._storage_lost),
    ("clock jump", Faults._clock_jump),
)
