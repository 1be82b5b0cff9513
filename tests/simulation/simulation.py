"""One seed: people at several devices, faults of every kind, and then peace, in which everything must come together.

1. Safety: while people act and faults strike, the witness holds everything against the invariants.
2. Liveness: the faults end, everybody is online, nobody acts: within `PEACE_S` all devices, cores and tabs have the same
   notes, everything is on the relay and seen by all, and every status line says so.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from carryon.core.open_notebook import OpenNotebook
from carryon.notes.row import Row

from tests.simulation import people
from tests.simulation.device import Device
from tests.simulation.faults import LATE_JOINER, Faults
from tests.simulation.holdings import contains
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import check_unhandled, run, until
from tests.simulation.world import NAMES, World

EVENTS_MIN: Final = 220
EVENTS_MAX: Final = 300
BUSY: Final = 0.85
LOST: Final = "the connection to the database in memory was lost: try again"
"""What a core may fail of, to be replaced by one that has the connection again."""
BUSY_PAUSE_S: Final = 0.015
REST_S: Final = 0.8
LOOK_EVENTS: Final = 25
JOIN_S: Final = 20.0
PEACE_S: Final = 400.0
WORKERS_MAX: Final = 3
TABS_MAX: Final = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a seed came to; `digest` is equal for equal runs."""

    events: int
    faults: Counter[str]
    frames: int
    seconds: float
    digest: str


def simulate(seed: int) -> Outcome:
    """Run one seed; raises AssertionError, in words, when something does not hold."""
    return run(Simulation(seed).run())


class Simulation:
    """The course of one seed."""

    def __init__(self, seed: int) -> None:
        self._world = World(seed)
        self._random = self._world.random
        self._faults = Faults(self._world)
        self._joining: asyncio.Task[None] | None = None
        self._events = 0
        self._trace = sha256()

    async def run(self) -> Outcome:
        """Found, disturb, make peace, compare."""
        await self._world.found()
        for _ in range(self._random.choice((1, 1, 2, 3))):
            self._world.device()
        await self._disturb(self._random.randint(EVENTS_MIN, EVENTS_MAX))
        await self._make_peace()
        self._compare()
        seconds = asyncio.get_running_loop().time()
        self._note(f"{seconds}")
        return Outcome(self._events, self._faults.counts, self._world.network.frames, seconds, self._trace.hexdigest())

    # Safety.

    async def _disturb(self, events: int) -> None:
        while self._events < events:
            busy = self._random.random() < BUSY
            await asyncio.sleep(self._random.expovariate(1 / (BUSY_PAUSE_S if busy else REST_S)))
            check_unhandled(asyncio.get_running_loop())
            self._events += 1
            self._note(self._do_something())
            if self._events % LOOK_EVENTS == 0:
                self._world.witness.look()

    def _do_something(self) -> str:
        dice = self._random.random()
        if dice < 0.12:
            self._faults.strike()
            return "fault"
        if dice < 0.16:
            return self._open_or_close()
        if dice < 0.25 and self._joining is None and len(self._world.members) < len(self._world.devices):
            self._joining = asyncio.create_task(self._join())
            return "join"
        tabs = self._ready_tabs()
        if not tabs:
            return self._open_or_close()
        tab = self._random.choice(tabs)
        return f"{tab.name} {people.do_something(tab, self._random)}"

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

    async def _join(self) -> None:
        """Let a device join that does not belong yet; it may fail while faults strike, and be tried again."""
        try:
            [device] = [one for one in self._world.devices if one not in self._world.members][:1]
            host = self._random.choice(self._ready_tabs())
            secret = await self._world.invite(host)
            await self._world.join(device, secret, JOIN_S)
            if self._events > EVENTS_MIN // 2:
                self._faults.counts[LATE_JOINER] += 1
        except (AssertionError, IndexError) as reason:
            self._note(f"not joined: {reason}")
        finally:
            self._joining = None

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
        if self._random.random() < 0.7:
            for tab in world.tabs:
                tab.look()
        try:
            await until(lambda: not self._lacking(), "peace", PEACE_S)
        except AssertionError as late:
            raise AssertionError(f"{late}: {self._lacking()}") from late

    def _lacking(self) -> str:
        """What is still to come before everything is together, in words; empty when nothing is."""
        check_unhandled(asyncio.get_running_loop())
        world, witness = self._world, self._world.witness
        on_relay = world.relay.ids(witness.notebook)
        for device in world.members:
            holdings = witness.holdings[device.name]
            if holdings.ids != on_relay:
                return f"{device.name} has {len(holdings.ids)} changes, the relay {len(on_relay)}"
            for store in ("journal", "outbox", "waiting"):
                if holdings.entries(store):
                    return f"{len(holdings.entries(store))} wait in the {store} of {device.name}"
            for opened in self._opened(device):
                if opened.receiving.absorbed < len(on_relay):
                    return f"a core of {device.name} has absorbed {opened.receiving.absorbed} of {len(on_relay)}"
        for tab in world.tabs:
            if not tab.saved or tab.ready != "ready":
                return f"a tab of {tab.worker.device.name} waits for {len(tab.kept)} to be saved"
            expected = "Seen by" if len(world.members) > 1 else "On the relay"
            others = len(world.members) - 1
            if not tab.status.startswith(expected) or tab.status.count(",") + 1 < others:
                return f"a tab of {tab.worker.device.name} says {tab.status!r}"
        return ""

    def _compare(self) -> None:
        """Hold every core and tab of every device against one."""
        world = self._world
        failures = [failure for device in world.devices for failure in device.failures if failure != LOST]
        assert not failures, f"cores failed: {failures}"
        world.witness.look()
        first = world.witness.holdings[world.members[0].name].documents
        for written in world.witness.written:
            assert contains(first.get(written.note), written.update), f"what {written.device} had saved is lost"
        rows = None
        for device in world.members:
            for opened in self._opened(device):
                opened.notebook.refresh()
                theirs = dict(opened.notebook.rows)
                rows = theirs if rows is None else rows
                assert theirs == rows, f"rows differ on {device.name}: {difference(rows, theirs)}"
                for note, document in first.items():
                    held = opened.notebook.note(note)
                    text = opened.notebook.text(note) if held is None else held.body
                    assert text == document.body, f"{device.name} shows another text of {note}"
                    for name in ("title", "folder", "pinned", "trashed") if held else ():
                        assert held.field(name) == document.field(name), f"{device.name} has another {name} of {note}"
        for tab in world.tabs:
            if tab.note is not None:
                assert tab.text == first[tab.note].body, f"a tab of {tab.worker.device.name} shows another text"

    def _opened(self, device: Device) -> list[OpenNotebook]:
        cores = [worker.core for worker in device.workers if worker.core is not None]
        return [one for core in cores for one in core.notebooks.opened() if one.notebook.id == self._world.notebook]


def difference(one: Mapping[str, Row], other: Mapping[str, Row]) -> str:
    """What differs between the rows of two cores, in words."""
    found = [note for note in {**one, **other} if one.get(note) != other.get(note)]
    note, row, theirs = found[0], one.get(found[0]), other.get(found[0])
    if row is None or theirs is None:
        return f"{note} is listed in one of them only"
    fields = [name for name in row._fields if getattr(row, name) != getattr(theirs, name)]
    return f"{note}: " + ", ".join(f"{name} {getattr(row, name)!r} and {getattr(theirs, name)!r}" for name in fields)


assert len(NAMES) >= 4, "a seed has up to four devices"
