"""What must hold all along, whatever happens: the safety invariants, checked from disks and from what tabs were told.

1. What a tab was told to be saved is in its device's store in that moment, and after every crash.
2. What a tab is shown of others is in its device's store: nobody answers to what could still be lost.
3. Every log, a device's and the relay's, is causal; no two changes have one id, or one place in a chain. (A relay that was
   rolled back is given what builds on what it lost, before the devices can see that: its log is causal no more.)
4. What the relay has committed once is on the relay or on a device for ever.
5. Nothing that a person wrote stands on the relay in clear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from carryon_sync.formats.change import Change, decode_change
from carryon_sync.relay.memory_ledger import MemoryLedger

from tests.simulation.device import Device
from tests.simulation.holdings import Bodies, Chronicle, Holdings, contains
from tests.simulation.relay import Relay
from tests.simulation.tab import Tab

SECRET: Final = "quagga"
"""Stands in everything that people write in a simulation."""
GONE: Final = "a device whose disk is gone"


@dataclass(frozen=True, slots=True)
class Written:
    """An edit that was said to be saved, by which device."""

    device: str
    note: str
    update: bytes


@dataclass
class Witness:
    """Watches one notebook everywhere."""

    bodies: Bodies
    relay: Relay
    holdings: dict[str, Holdings] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)
    acked: set[bytes] = field(default_factory=set)
    _unlogged: list[Written] = field(default_factory=list)
    _ledger: MemoryLedger | None = None
    _relay_log: Chronicle = field(init=False)

    def __post_init__(self) -> None:
        self._relay_log = Chronicle("the relay", self.bodies)

    @property
    def notebook(self) -> bytes:
        """The notebook that is watched."""
        return self.bodies.keyring.notebook

    def watch(self, device: Device) -> None:
        """Watch one more device, or one that begins again."""
        self.holdings[device.name] = Holdings(device, self.bodies)

    def saved(self, tab: Tab, messages: Sequence[Mapping[str, Any]]) -> None:
        """A tab was told that these are saved."""
        name = tab.worker.device.name
        holdings = self.holdings[name]
        for message in messages:
            if message["type"] == "edit":
                assert holdings.holds(message["note"], message["update"]), f"{name}: saved, and not there"
                written = Written(name, message["note"], message["update"])
                self.written.append(written)
                self._unlogged.append(written)
            elif message["name"] in ("note.rename", "note.move") and message["args"]["value"]:
                note, words = message["args"]["note"], message["args"]["value"].encode()
                # What was pressed for a note that died unsaved is refused, in words.
                assert holdings.mentions(note, words) is not False, f"{name}: {message['name']} saved, not there"

    def shown(self, tab: Tab, note: str, update: bytes) -> None:
        """A tab was shown what others wrote. (What its own person pressed is shown to it at once.)"""
        if all(message["type"] == "edit" for message in tab.kept):
            assert self.holdings[tab.worker.device.name].holds(note, update), (
                f"{tab.worker.device.name}: shown too early"
            )

    def look(self) -> None:
        """Hold everything against the disks as they are now."""
        for device, holdings in self.holdings.items():
            here = [one for one in self._unlogged if one.device == device]
            assert all(holdings.holds(one.note, one.update) for one in here), f"{device} has lost what was saved"
            if not holdings.journal():
                # All of it is in the log, which only grows.
                self._unlogged = [one for one in self._unlogged if one.device != device]
        self._look_at_relay()

    def lonely(self, without: str) -> bool:
        """Whether something that was acked would be gone with the disk of a device, or of the relay."""
        self.look()
        places = {name: one.ids for name, one in self.holdings.items()} | {"relay": self.relay.ids(self.notebook)}
        del places[without]
        return not self.acked <= set[bytes]().union(*places.values())

    def forget(self, device: Device) -> None:
        """A device's disk is gone, and with it what was nowhere else."""
        del self.holdings[device.name]
        self._unlogged = [one for one in self._unlogged if one.device != device.name]
        elsewhere = set[bytes]().union(self.relay.ids(self.notebook), *(one.ids for one in self.holdings.values()))
        documents = self.bodies.documents(elsewhere)
        # What outlives its device does so on others (two may have deleted the same letters), and may go with the last of them.
        ownerless = [replace(one, device=GONE) for one in self.written if one.device in (device.name, GONE)]
        self.written = [one for one in self.written if one.device not in (device.name, GONE)]
        self.written += [one for one in ownerless if contains(documents.get(one.note), one.update)]

    def _look_at_relay(self) -> None:
        if self._ledger is not self.relay.ledger:
            # Another disk: its log begins anew.
            self._ledger = self.relay.ledger
            self._relay_log = Chronicle("the relay", self.bodies, patched=self.relay.rolled_back)
        for data in self.relay.entries(self.notebook)[len(self._relay_log.ids) :]:
            assert SECRET.encode() not in data, "the relay can read what people write"
            change = decode_change(data)
            assert isinstance(change, Change), "the relay keeps changes"
            self._relay_log.read(change)
        self.acked |= self._relay_log.ids
        everywhere = self._relay_log.ids.union(*(one.ids for one in self.holdings.values()))
        assert self.acked <= everywhere, f"{len(self.acked - everywhere)} acked changes are nowhere any more"
