"""A small world for one rule: devices around a relay, on virtual time; the pieces are those of the simulation.

`@rule` makes a test of a coroutine that is given a `Home`; at its end nothing may have gone wrong that nobody caught, and no core
may have failed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import Parameter, signature
from random import Random
from typing import Any, Final

from carryon.core.acts.pairing import invite
from carryon.core.open_notebook import OpenNotebook
from carryon.core.tabs.messages import ToTab
from carryon.storage.memory_store import Commit, Fault, Read, Step
from carryon.storage.store import Add

from tests.simulation.device import ORIGIN, Device, Worker
from tests.simulation.holdings import Bodies, Holdings
from tests.simulation.network import Network
from tests.simulation.relay import Relay
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import run, until

SOON_S: Final = 30.0


class Home:
    """Devices by name, a relay, and what a test asks of them."""

    def __init__(self) -> None:
        self.network = Network()
        self.relay = Relay(ORIGIN, Random("relay").randbytes)
        self.network.hosts[ORIGIN] = self.relay
        self._tabs = 0
        self._devices: list[Device] = []
        # Whether a core may fail here, to be replaced by another one.
        self.may_fail = False

    @property
    def failures(self) -> list[str]:
        """Why cores failed, on all devices."""
        return [failure for device in self._devices for failure in device.failures]

    def device(self, name: str) -> Device:
        """A new device."""
        self._devices.append(Device(name, self.network, Random(name)))
        return self._devices[-1]

    async def tab(self, worker: Worker, query: str = "", fragment: str = "") -> Tab:
        """Open a tab and wait until its core is ready."""
        self._tabs += 1
        tab = Tab(worker, Random(f"tab {self._tabs}"), query, fragment).open()
        await until(lambda: tab.ready == "ready", "the core is ready", SOON_S)
        return tab

    async def begin(self, name: str = "Anna") -> Tab:
        """A new device with one tab, which shows its welcome note ready to type."""
        tab = await self.tab(self.device(name).worker())
        await until(lambda: tab.note, "the welcome note is open", SOON_S)
        return tab

    async def link(self, tab: Tab) -> str:
        """The secret of an invite that the relay knows."""
        await until(lambda: opened(tab).syncing.standing().live, "the relay is there", SOON_S)
        link = await invite(opened(tab))
        assert isinstance(link, str), link
        await self.quiet(tab)
        return link.partition("#")[2]

    async def join(self, tab: Tab, name: str) -> Tab:
        """A second device that has joined the notebook of a tab, with one tab of it."""
        joining = await self.tab(self.device(name).worker(), "?join", await self.link(tab))
        notebook = opened(tab).notebook.id
        joining.act("join.accept")
        await until(lambda: joining.saved and opened(joining).notebook.id == notebook, "joined", SOON_S)
        await self.together(tab, joining)
        return joining

    async def show(self, tab: Tab, note: str) -> None:
        """Open a note in a tab, once its list has it."""
        await until(lambda: note in opened(tab).notebook.rows, "the note is listed", SOON_S)
        tab.act("note.open", note=note)
        await until(lambda: tab.note == note, "the note is open", SOON_S)

    async def quiet(self, tab: Tab) -> None:
        """Wait until all of a device is on the relay."""
        tab.look()

        def is_quiet() -> bool:
            # A core that has just died is followed by another one.
            return tab.saved and tab.worker.core is not None and tab.ready == "ready" and rest(opened(tab))

        await until(is_quiet, "everything is on the relay", 120.0)

    async def together(self, *tabs: Tab) -> None:
        """Wait until the devices of these tabs hold the same changes, and the relay has them all."""

        def same() -> bool:
            ids = [frozenset(holdings(tab).ids) for tab in tabs]
            return all(rest(opened(tab)) for tab in tabs) and len({*ids, frozenset(self.ids(tabs[0]))}) == 1

        for tab in tabs:
            tab.look()
        await until(same, "the devices have the same", 240.0)

    def ids(self, tab: Tab) -> set[bytes]:
        """The changes of a tab's notebook on the relay."""
        return self.relay.ids(opened(tab).identity.notebook)


Rule = Callable[..., Coroutine[Any, Any, None]]


def rule(test: Rule) -> Callable[..., None]:
    """Run a test on virtual time; it is given a `Home`, and its other arguments by pytest."""

    @wraps(test)
    def on_virtual_time(**others: object) -> None:
        async def main() -> None:
            home = Home()
            await test(home=home, **others)
            assert home.may_fail or not home.failures, f"cores failed: {home.failures}"

        run(main())

    asked = [one for one in signature(test).parameters.values() if one.name != "home"]
    on_virtual_time.__signature__ = signature(test).replace(  # type: ignore[attr-defined]
        parameters=[Parameter(one.name, one.kind) for one in asked]
    )
    return on_virtual_time


def opened(tab: Tab) -> OpenNotebook:
    """The notebook that a tab shows, in its core."""
    core = tab.worker.core
    assert core is not None, f"the core of {tab.worker.device.name} is dead"
    [session] = [one for one in core.tabs if one.hello is not None and one.hello.tab == tab.name]
    return core.notebooks.of(session)


def holdings(tab: Tab) -> Holdings:
    """What the tab's device holds durably of the notebook that it shows."""
    return Holdings(tab.worker.device, Bodies(opened(tab).identity.keyring))


def rest(notebook: OpenNotebook) -> bool:
    """Whether everything of a device is in the log and on the relay."""
    standing = notebook.syncing.standing()
    return standing.live and standing.on_relay and not notebook.outgoing.waiting


def listen(tab: Tab, heard: Callable[[ToTab], None]) -> None:
    """Hear every message to a tab in the moment in which its core says it."""
    assert tab._port is not None, "a tab that is ready has a port"
    post = tab._port.post

    def both(message: ToTab) -> None:
        heard(message)
        post(message)

    tab._port.post = both  # type: ignore[method-assign]


def adds_to(step: Step, store: str) -> int:
    """How many records a step adds to a store."""
    operations = step.operations if isinstance(step, Commit) else ()
    return sum(isinstance(one, Add) and one.store == store for one in operations)


def fail_writes(device: Device, fault: Fault = Fault.FULL) -> None:
    """Let every commit of a device fail until `mend`."""
    device.faults = lambda _database, step: None if isinstance(step, Read) else fault


def at_step(device: Device, kind: type[Step], number: int, fault: Fault) -> Callable[[], bool]:
    """Let one step fail, the `number`-th of its kind from now on; tells whether it was reached."""
    left = number
    struck = False

    def strike(_: str, step: Step) -> Fault | None:
        nonlocal left, struck
        if not isinstance(step, kind) or struck:
            return None
        left -= 1
        if left >= 0:
            return None
        struck = True
        return fault

    device.faults = strike
    return lambda: struck


def mend(device: Device) -> None:
    """End the faults of a device's storage."""
    device.faults = lambda _database, _step: None
