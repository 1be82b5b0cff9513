"""Devices around one relay, and the notebooks on them: set up, taken apart by faults, healed.

1. Everything random comes from one seed, by a generator per device and tab: what one does, does not move another's dice.
2. One notebook is everybody's: `members` are the devices that have it. A device may have another one beside it, its own.
3. Each notebook has a witness; a tab talks to all of them through `watch`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from random import Random
from typing import Final

from carryon.core.acts.pairing import invite
from carryon.core.open_notebook import OpenNotebook
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon.storage.errors import StorageError
from carryon_sync.formats.rejected import Rejected
from carryon_sync.relay.memory_ledger import MemoryLedger

from tests.simulation.device import ORIGIN, Device, Worker
from tests.simulation.habits import COMMITS_GO_ON, HOSTILE_RELAY, SEEN_BY, SLOW_MACHINES, Habit
from tests.simulation.holdings import Bodies
from tests.simulation.hostile_relay import HostileRelay
from tests.simulation.network import Network
from tests.simulation.tab import Tab
from tests.simulation.tally import Tally
from tests.simulation.virtual_loop import until
from tests.simulation.watch import Watch
from tests.simulation.witness import Witness

TRIED_SHARE: Final = 0.6
PEACEFUL_DISK_S: Final = 0.005
PACES: Final = ((0.002, 0.0005), (0.02, 0.002), (0.1, 0.01))
"""How long a step of the disk, and a call of the crypto, take in the mean, in seconds."""
NAMES: Final = ("Anna's laptop", "Bert's phone", "Cleo's tablet", "Dora's desktop")


class World:
    """Devices, tabs, a relay, and who watches them."""

    def __init__(self, seed: int, on: Collection[str] = ()) -> None:
        """`on` names kinds of faults and habits that are off otherwise."""
        self.seed = seed
        self.on = on
        self.random = Random(f"{seed}")
        self.tally = Tally()
        self.network = Network()
        self.network.tally = self.tally
        self.relay = HostileRelay(ORIGIN, Random(f"{seed} relay"), self.tally)
        self.relay_before: MemoryLedger | None = None
        self.network.hosts[ORIGIN] = self.relay
        self.devices: list[Device] = []
        self.members: list[Device] = []
        self.tabs: list[Tab] = []
        self.watch = Watch()
        self.notebook = ""
        self._opened = 0
        self.hostile = self.follows(HOSTILE_RELAY)
        # Whether all devices have been started again after peace.
        self.started_again = False
        self.watch.statuses.seen_by = self.follows(SEEN_BY)
        self._paces = self.random.choice(PACES) if self.follows(SLOW_MACHINES) else (0.0, 0.0)
        self._commits_go_on = self.follows(COMMITS_GO_ON)

    @property
    def witness(self) -> Witness:
        """Who watches the notebook that is everybody's."""
        return self.watch.witnesses[self.notebook]

    def device(self) -> Device:
        """One more device, without a process yet."""
        name = NAMES[len(self.devices)]
        device = Device(name, self.network, Random(f"{self.seed} {name}"))
        device.tally = self.tally
        device.disk_s, device.crypto_s = self._paces
        device.commits_go_on = self._commits_go_on
        self.devices.append(device)
        return device

    def open_tab(self, worker: Worker, query: str = "", fragment: str = "") -> Tab:
        """Open a tab of a worker."""
        self._opened += 1
        tab = Tab(worker, Random(f"{self.seed} tab {self._opened}"), query, fragment, self.watch)
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

    def end(self, device: Device) -> None:
        """Everything that runs on a device dies at once."""
        for tab in self.tabs_of(device):
            self.close_tab(tab, crash=True)
        for worker in tuple(device.workers):
            worker.kill()
            device.workers.remove(worker)

    def later(self, seconds: float, callback: Callable[..., object], *args: object) -> None:
        """Do something after a while, whatever happens meanwhile."""
        asyncio.get_running_loop().call_later(seconds, callback, *args)

    def follows(self, habit: Habit) -> bool:
        """Whether a habit is followed at this chance."""
        share = habit.share or (TRIED_SHARE if habit.name in self.on else 0.0)
        follows = self.random.random() < share
        if follows:
            self.tally.note("habit", habit.name)
        return follows

    # Who belongs.

    async def found(self) -> None:
        """Start the first device, which makes the notebook."""
        device = self.device()
        tab = self.open_tab(device.worker())
        await until(lambda: tab.ready == "ready", "the first device is ready")
        self.notebook = self.observe(tab)
        self.members.append(device)

    def observe(self, tab: Tab) -> str:
        """Watch the notebook that a tab shows, and give its id."""
        assert tab.worker.core is not None, "a core that is ready runs"
        [opened] = [one for one in tab.worker.core.notebooks.opened() if one.notebook.id == tab.notebook]
        keyring = opened.secrets.keyring(CryptographyPrimitives())
        witness = Witness(Bodies(keyring), self.relay, trusts_relay=not self.hostile)
        self.watch.witnesses[opened.notebook.id] = witness
        witness.watch(tab.worker.device)
        return opened.notebook.id

    def observe_shown(self, tab: Tab) -> None:
        """Watch also what a tab shows in the place of what cannot be opened: another notebook of its device."""
        core = tab.worker.core
        is_open = core is not None and any(one.notebook.id == tab.notebook for one in core.notebooks.opened())
        if is_open and tab.ready == "ready" and tab.notebook not in self.watch.witnesses:
            self.observe(tab)

    def joined(self, device: Device) -> None:
        """A device has everybody's notebook from now on."""
        self.members.append(device)
        self.witness.watch(device)
        self.witness.coming.discard(device.profile)

    async def invite(self, tab: Tab) -> str:
        """Make an invite where a tab is; gives the secret of its link. Raises AssertionError, in words."""
        worker = tab.worker
        assert worker.process is not None and worker.core is not None, "an invite is made by a core that runs"
        opened = [one for one in worker.core.notebooks.opened() if one.notebook.id == self.notebook]
        assert opened, "an invite is made where the notebook is open"
        link: list[str | Rejected] = []

        async def make() -> None:
            try:
                link.append(await invite(opened[0]))
            except StorageError as error:
                link.append(Rejected(str(error)))

        await asyncio.wait([worker.process.run(make())])
        assert link and isinstance(link[0], str), f"no invite was made: {link}"
        return link[0].partition("#")[2]

    def opened(self, device: Device, notebook: str) -> list[OpenNotebook]:
        """A notebook in every core of a device that has it open."""
        cores = [worker.core for worker in device.workers if worker.core is not None]
        return [one for core in cores for one in core.notebooks.opened() if one.notebook.id == notebook]

    def leads(self, tab: Tab) -> bool:
        """Whether a tab's core talks to the relay about everybody's notebook."""
        core = tab.worker.core
        opened = [] if core is None else [one for one in core.notebooks.opened() if one.notebook.id == self.notebook]
        return any(one.syncing._link is not None for one in opened)

    # What is lost, and healed.

    def lonely(self, without: str) -> bool:
        """Whether something that was acked would be gone with the disk of a device, or of the relay."""
        return any(witness.lonely(without) for witness in self.watch.witnesses.values())

    def evict(self, device: Device) -> None:
        """A device without a process loses its storage: it is new, and does not belong any more."""
        self.members.remove(device)
        self.watch.forget(device)
        device.lose_storage()

    def copy(self, device: Device) -> None:
        """Copy a device's profile to another machine, and open it there."""
        name = f"{device.name} (copy {len(self.devices)})"
        twin = Device(name, self.network, Random(f"{self.seed} {name}"))
        twin.tally, twin.profile, twin.key = self.tally, device.profile, device.key
        twin.disk_s, twin.crypto_s = self._paces
        twin.commits_go_on = self._commits_go_on
        twin.restore(device.photograph())
        self.devices.append(twin)
        self.members.append(twin)
        self.watch.copied(device, twin)
        self.open_tab(twin.worker())

    def heal(self) -> None:
        """End every fault that lasts."""
        self.relay.start()
        self.relay.dies = None
        if self.hostile:
            self.relay.repent()
        self.network.offline.clear()
        for wire in self.network.wires:
            wire.cut_after = None
        for device in self.devices:
            self.network.hurry(device.name)
            self.network.widen(device.name)
            device.mend()
            device.disk_s = min(device.disk_s, PEACEFUL_DISK_S)
            for worker in device.workers:
                if worker.process is not None:
                    worker.process.thaw()
            if len(self.members) < len(self.devices):
                # An invite of a device that lives ten years ago has expired before it is used; people see why.
                device.skew_ms = 0
