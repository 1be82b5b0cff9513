"""One seed: people at several devices, faults of every kind, and then peace, in which everything must come together.

1. Safety: while people act and faults strike, the witnesses hold everything against the invariants.
2. Liveness: the faults end, everybody is online, nobody acts: within `PEACE_S` all devices, cores and tabs have the same
   notes, everything is on the relay and seen by all, and every status line says so (`peace`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from tests.simulation import people
from tests.simulation.bounds import small_bounds
from tests.simulation.faults import Faults
from tests.simulation.habits import ACT_WHILE_STARTING, SMALL_BOUNDS
from tests.simulation.memories import Memories
from tests.simulation.newcomer import Newcomer
from tests.simulation.peace import compare, lacking
from tests.simulation.replay import start_again
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import check_unhandled, run, until
from tests.simulation.world import NAMES, World

EVENTS_MIN: Final = 400
EVENTS_MAX: Final = 480
BUSY: Final = 0.85
BUSY_PAUSE_S: Final = 0.015
REST_S: Final = 0.8
LOOK_EVENTS: Final = 25
JOIN_S: Final = 60.0
PEACE_S: Final = 400.0
WORKERS_MAX: Final = 3
TABS_MAX: Final = 2
COMPANY: Final = (1, 1, 1, 2, 2, 3)
"""How many devices there are beside the first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a seed came to; `digest` is equal for equal runs."""

    events: int
    reached: Counter[str]
    members: int
    frames: int
    seconds: float
    digest: str


def simulate(seed: int, on: Collection[str] = ()) -> Outcome:
    """Run one seed, with what is `on` beside the rest; raises AssertionError, in words, when something does not hold."""
    simulation = Simulation(seed, on)
    with simulation.bounds():
        return run(simulation.run())


class Simulation:
    """The course of one seed."""

    def __init__(self, seed: int, on: Collection[str] = ()) -> None:
        self._world = World(seed, on)
        self._random = self._world.random
        self._faults = Faults(self._world)
        self._memories = Memories(self._world)
        self._joining: asyncio.Task[None] | None = None
        self._events = 0
        self._trace = sha256()

    def bounds(self) -> AbstractContextManager[None]:
        """The bounds of this seed."""
        return small_bounds(self._random) if self._world.follows(SMALL_BOUNDS) else nullcontext()

    async def run(self) -> Outcome:
        """Found, disturb, make peace, compare."""
        world = self._world
        await world.found()
        for _ in range(self._random.choice(COMPANY)):
            world.device()
        await self._disturb(self._random.randint(EVENTS_MIN, EVENTS_MAX))
        await self._make_peace()
        compare(world)
        await start_again(world)
        await self._until_peace()
        compare(world)
        seconds = asyncio.get_running_loop().time()
        self._note(f"{seconds}")
        counts, frames = world.tally.counts, world.network.frames
        return Outcome(self._events, counts, len(world.members), frames, seconds, self._trace.hexdigest())

    # Safety.

    async def _disturb(self, events: int) -> None:
        while self._events < events:
            busy = self._random.random() < BUSY
            await asyncio.sleep(self._random.expovariate(1 / (BUSY_PAUSE_S if busy else REST_S)))
            check_unhandled(asyncio.get_running_loop())
            self._events += 1
            self._note(self._do_something())
            self._look_at_statuses()
            if self._events % LOOK_EVENTS == 0:
                self._world.watch.look()

    def _do_something(self) -> str:
        dice = self._random.random()
        if dice < 0.10:
            return self._faults.strike()
        if dice < 0.14:
            return self._open_or_close()
        if dice < 0.20 and self._joining is None and len(self._world.members) < len(self._world.devices):
            self._joining = asyncio.create_task(self._join())
            return "join"
        tabs = self._ready_tabs()
        if self._world.follows(ACT_WHILE_STARTING):
            tabs = [tab for tab in self._world.tabs if tab.worker.device in self._world.members]
        if not tabs:
            return self._open_or_close()
        tab = self._random.choice(tabs)
        self._world.observe_shown(tab)
        did = people.do_something(tab, self._random, self._world.follows)
        self._world.tally.note("act", did)
        return f"{tab.name} {did}"

    def _open_or_close(self) -> str:
        device = self._random.choice(self._world.members)
        tabs = self._world.tabs_of(device)
        if len(tabs) > 1 and self._random.random() < 0.3:
            self._world.close_tab(self._random.choice(tabs))
            return "close"
        if tabs and self._random.random() < 0.3:
            self._random.choice(tabs).reload()
            return "reload"
        places = [worker for worker in device.workers if len(worker.tabs) < TABS_MAX]
        if len(device.workers) < WORKERS_MAX and (not places or self._random.random() < 0.4):
            places = [device.worker()]
        if places:
            self._world.open_tab(self._random.choice(places))
        return "open"

    async def _join(self, seconds: float = JOIN_S) -> None:
        """Let a device join that does not belong yet; it may fail while faults strike, and be tried again."""
        world = self._world
        try:
            device = next(one for one in world.devices if one not in world.members)
            newcomer = Newcomer(world, device, self._random)
            joined = await newcomer.join(seconds)
            if joined and self._events > EVENTS_MIN // 2:
                world.tally.note("path", "late joiner")
            self._note(f"{device.name} {'has joined' if joined else 'has not joined'}")
        finally:
            self._joining = None

    def _look_at_statuses(self) -> None:
        if self._world.tabs:
            tab = self._random.choice(self._world.tabs)
            self._world.watch.statuses.look(tab)
            self._memories.look(tab)
        self._world.watch.statuses.check()

    def _ready_tabs(self) -> list[Tab]:
        return [tab for tab in self._world.tabs if tab.ready == "ready" and tab.worker.device in self._world.members]

    def _note(self, words: str) -> None:
        self._trace.update(f"{asyncio.get_running_loop().time()} {words}\n".encode())

    # Liveness.

    async def _make_peace(self) -> None:
        world = self._world
        if self._joining is not None:
            await self._joining
        world.heal()
        for device in world.members:
            if not world.tabs_of(device):
                world.open_tab(device.workers[0] if device.workers else device.worker())
        await until(lambda: all(tab.ready == "ready" for tab in world.tabs), "every tab has a core", PEACE_S)
        while len(world.members) < len(world.devices):
            members = len(world.members)
            await self._join(PEACE_S)
            assert len(world.members) > members, "a device could not join in peace"
        if self._random.random() < 0.7:
            for tab in world.tabs:
                tab.look()
        await self._until_peace()

    async def _until_peace(self) -> None:
        world = self._world
        try:
            await until(lambda: not lacking(world), "peace", PEACE_S)
        except AssertionError as late:
            raise AssertionError(f"{late}: {lacking(world)}") from late
        world.watch.statuses.check()


assert len(NAMES) >= 1 + max(COMPANY), "every device has a name"
