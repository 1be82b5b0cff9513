"""What must hold all along, whatever happens: the safety invariants of one notebook, checked from disks and from what tabs
were told.

1. What a tab was told to be saved is in its device's store in that moment, and after every crash: every row of the
   journal that was there when something was said to be saved is owed from then on, until it is in a change, and then
   for ever.
2. What a tab is shown of others is in its device's store: nobody answers to what could still be lost.
3. Every log, a device's and the relay's, is causal; no two changes have one id, or one place in a chain. (A relay that was
   rolled back is given what builds on what it lost, before the devices can see that: its log is causal no more.)
4. What the relay has committed once is on the relay or on a device for ever.
5. Nothing that a person wrote stands on the relay in clear.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from carryon_sync.formats.change import Change, decode_change
from carryon_sync.relay.memory_ledger import MemoryLedger

from tests.simulation.chronicle import Bodies, Chronicle
from tests.simulation.device import Device
from tests.simulation.holdings import Holdings
from tests.simulation.relay import Relay
from tests.simulation.texts import SECRET


@dataclass(frozen=True, slots=True)
class Written:
    """A row that was said to be saved, by which device."""

    device: str
    note: str
    update: bytes


@dataclass
class Witness:
    """Watches one notebook everywhere."""

    bodies: Bodies
    relay: Relay
    # A relay that lies may lose what it acked, and show anything.
    trusts_relay: bool = True
    holdings: dict[str, Holdings] = field(default_factory=dict)
    written: dict[Written, None] = field(default_factory=dict)
    acked: set[bytes] = field(default_factory=set)
    # Names of devices on their way in: nobody watches their disks before they are there.
    coming: set[str] = field(default_factory=set)
    _unlogged: dict[Written, None] = field(default_factory=dict)
    # What devices of a name held that do so no more.
    _held_once: dict[str, set[bytes]] = field(default_factory=dict)
    _ledger: MemoryLedger | None = None
    _has_rotted: bool = False
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

    # What tabs were told.

    def owe(self, device: Device) -> None:
        """Something was said to be saved: what lies in the journal of the device is owed from here on."""
        for row in self.holdings[device.name].journal():
            written = Written(device.name, row.note, row.update)
            if written not in self.written:
                self.written[written] = self._unlogged[written] = None

    def has(self, device: Device, note: str, update: bytes) -> bool:
        """Whether a device holds an update durably."""
        return self.holdings[device.name].holds(note, update)

    # What lies on disks.

    def look(self) -> None:
        """Hold everything against the disks as they are now."""
        rows = {name: holdings.journal() for name, holdings in self.holdings.items()}
        waiting = {(name, row.note, row.update) for name, those in rows.items() for row in those}
        for one in tuple(self._unlogged):
            holdings = self.holdings[one.device]
            holdings.read_on()
            if one.update in holdings.updates.get(one.note, ()):
                # It is in the log, which only grows.
                del self._unlogged[one]
            else:
                assert (one.device, one.note, one.update) in waiting, f"{one.device} has lost what was saved"
        self.look_at_relay()
        everywhere = self._relay_log.ids.union(*(one.ids for one in self.holdings.values()))
        assert self.acked <= everywhere or not self.trusts_relay, (
            f"{len(self.acked - everywhere)} acked changes are nowhere any more"
        )

    def lost(self) -> list[Written]:
        """What was said to be saved and is in no change of some device; at peace, when nothing lies in a journal."""
        logs = [holdings.updates for holdings in self.holdings.values()]
        return [one for one in self.written if any(one.update not in log.get(one.note, ()) for log in logs)]

    def lonely(self, without: str) -> bool:
        """Whether something that was acked would be gone with the disk of a device, or of the relay."""
        self.look()
        places = {name: one.ids for name, one in self.holdings.items()} | {"relay": self.relay.ids(self.notebook)}
        places.pop(without, None)
        return not self._owed() <= set[bytes]().union(*places.values())

    @property
    def _patched(self) -> bool:
        return self.relay.rolled_back or self._has_rotted or not self.trusts_relay

    def _owed(self) -> set[bytes]:
        if self.trusts_relay:
            return self.acked
        # What only a liar holds is held by nobody.
        return set[bytes]().union(*(one.entered for one in self.holdings.values()))

    def held_once(self, profile: str) -> set[bytes]:
        """All changes that devices of a name have ever held."""
        held = set(self._held_once.get(profile, ()))
        for holdings in self.holdings.values():
            if holdings.device.profile == profile:
                holdings.read_on()
                held |= holdings.chronicle.ids
        return held

    def rot(self, device: Device, store: str, random: Random) -> bool:
        """Turn over one bit of a record of a device, if there is one that is not the last copy of a change."""
        holdings = self.holdings[device.name]
        entries = holdings.entries(store)
        if store == "log":
            elsewhere = self.relay.ids(self.notebook)
            entries = [one for one in entries if isinstance(one.unique, tuple) and one.unique[3] in elsewhere]
        if not entries:
            return False
        if store == "log":
            # What cannot be read cannot be given to a relay that lost it, and what follows on it can.
            self._has_rotted = self._relay_log.patched = True
        holdings.read_on()
        holdings.rot(store, random.choice(entries), random)
        return True

    def forget(self, device: Device) -> None:
        """A device's disk is gone, and with it what was nowhere else."""
        gone = self.holdings.pop(device.name)
        self._held_once.setdefault(device.profile, set()).update(gone.chronicle.ids)
        # What only a liar holds is held by nobody.
        relays = self.relay.ids(self.notebook) if self.trusts_relay else set[bytes]()
        elsewhere = relays.union(*(one.ids for one in self.holdings.values()))
        there = self.bodies.updates(elsewhere)
        for one in tuple(self.written):
            if one.device == device.name:
                self._unlogged.pop(one, None)
                if (one.note, one.update) not in there:
                    del self.written[one]

    def look_at_relay(self) -> None:
        """Read on in the relay's log."""
        if self._ledger is not self.relay.ledger:
            # Another disk: its log begins anew.
            self._ledger = self.relay.ledger
            self._relay_log = Chronicle("the relay", self.bodies, patched=self._patched)
        for data in self.relay.entries(self.notebook, len(self._relay_log.ids)):
            assert SECRET.encode() not in data, "the relay can read what people write"
            change = decode_change(data)
            assert isinstance(change, Change), "the relay keeps changes"
            self._relay_log.read(change)
            self.acked.add(change.id)
