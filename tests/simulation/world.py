"""One notebook on several devices around one relay: set up, extended by joining, taken apart by faults, healed.

1. Everything random comes from one seed, by a generator per device and tab: what one does, does not move another's dice.
2. A device joins as people do, by opening a link in a tab and pressing Join. (The link itself is asked of the core: the
   page would draw a code of it, which takes longer than all the rest.)
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final

from carryon.core.acts.pairing import invite
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon.storage.errors import StorageError
from carryon_sync.formats.rejected import Rejected

from tests.simulation.device import ORIGIN, Device, Worker
from tests.simulation.holdings import Bodies
from tests.simulation.network import Network
from tests.simulation.relay import Relay
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until
from tests.simulation.witness import Witness

NAMES: Final = ("Anna's laptop", "Bert's phone", "Cleo's tablet", "Dora's desktop")


class World:
    """Devices, tabs, a relay and a witness."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(f"{seed}")
        self.network = Network()
        self.relay = Relay(ORIGIN, Random(f"{seed} relay").randbytes)
        self.network.hosts[ORIGIN] = self.relay
        self.devices: list[Device] = []
        self.members: list[Device] = []
        self.tabs: list[Tab] = []
        self.witness: Witness
        self.notebook = ""
        self._opened = 0

    def device(self) -> Device:
        """One more device, without a process yet."""
        name = NAMES[len(self.devices)]
        self.devices.append(Device(name, self.network, Random(f"{self.seed} {name}")))
        return self.devices[-1]

    def open_tab(self, worker: Worker, query: str = "", fragment: str = "") -> Tab:
        """Open a tab of a worker."""
        self._opened += 1
        witness = self.witness if worker.device in self.members else None
        tab = Tab(worker, Random(f"{self.seed} tab {self._opened}"), query, fragment, witness)
        self.tabs.append(tab)
        return tab.open()

    def close_tab(self, tab: Tab, *, crash: bool = False) -> None:
        """Let a tab leave, or die."""
        self.tabs.remove(tab)
        if crash:
            tab.crash()
        else:
            tab.close()
        if not tab.worker.tabs:
            tab.worker.device.workers.remove(tab.worker)

    def tabs_of(self, device: Device) -> list[Tab]:
        """The tabs of a device."""
        return [tab for tab in self.tabs if tab.worker.device is device]

    async def found(self) -> None:
        """Start the first device, which makes the notebook."""
        device = self.device()
        tab = self.open_tab(device.worker())
        await until(lambda: tab.ready == "ready", "the first device is ready")
        assert tab.worker.core is not None, "a core that is ready runs"
        [opened] = tab.worker.core.notebooks.opened()
        self.notebook = opened.notebook.id
        self.witness = Witness(Bodies(opened.secrets.keyring(CryptographyPrimitives())), self.relay)
        self._belongs(device)

    async def invite(self, tab: Tab) -> str:
        """Make an invite where a tab is; gives the secret of its link."""
        worker = tab.worker
        assert worker.process is not None and worker.core is not None, "an invite is made by a core that runs"
        [opened] = [one for one in worker.core.notebooks.opened() if one.notebook.id == self.notebook]
        link: list[str | Rejected] = []

        async def make() -> None:
            try:
                link.append(await invite(opened))
            except StorageError as error:
                link.append(Rejected(str(error)))

        await asyncio.wait([worker.process.run(make())])
        assert link and isinstance(link[0], str), f"no invite was made: {link}"
        return link[0].partition("#")[2]

    async def join(self, device: Device, secret: str, seconds: float) -> None:
        """Open an invite's link on a device that has no tab, and press Join until it has joined."""
        tab = self.open_tab(device.worker(), "?join", secret)
        try:
            await until(lambda: tab.ready == "ready", f"{device.name} is ready", seconds)
            tab.act("join.accept")
            await until(lambda: tab.ready == "ready" and self.notebook in self._known(tab), "joined", seconds)
        except AssertionError:
            self.close_tab(tab)
            raise
        self._belongs(device)

    def evict(self, device: Device) -> None:
        """A device without a process loses its storage: it is new, and does not belong any more."""
        self.members.remove(device)
        self.witness.forget(device)
        device.lose_storage()

    def heal(self) -> None:
        """End every fault that lasts."""
        self.relay.start()
        self.relay.dies = None
        self.network.offline.clear()
        for wire in self.network.wires:
            wire.cut_after = None
        for device in self.devices:
            self.network.hurry(device.name)
            device.faults = lambda _database, _step: None

    def _belongs(self, device: Device) -> None:
        self.members.append(device)
        self.witness.watch(device)
        for tab in self.tabs_of(device):
            tab.witness = self.witness

    def _known(self, tab: Tab) -> list[str]:
        core = tab.worker.core
        return [opened.notebook.id for opened in core.notebooks.opened()] if core is not None else []
