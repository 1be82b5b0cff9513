"""What a tab was told, brought before the witness of the notebook that it is about.

A tab may show any notebook of its device. What it is told names notes, and a note is in one notebook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carryon.core.tabs.messages import ToTab

from tests.simulation.deeds import Deeds
from tests.simulation.device import Device
from tests.simulation.statuses import Statuses
from tests.simulation.tab import Tab
from tests.simulation.witness import Witness


class Watch:
    """The witnesses of all notebooks that are watched, by notebook."""

    def __init__(self) -> None:
        self.witnesses: dict[str, Witness] = {}
        self.deeds = Deeds()
        self.statuses = Statuses(self.witnesses)

    def saved(self, tab: Tab, messages: Sequence[Mapping[str, Any]]) -> None:
        """A tab was told that these are saved."""
        witnesses = self.of(tab.worker.device)
        for message in messages if witnesses else ():
            there = self._is_there(tab, witnesses, message)
            assert there, f"{tab.worker.device.name}: {message.get('name', 'an edit')} saved, and not there"
        for witness in witnesses:
            witness.owe(tab.worker.device)

    def sent(self, tab: Tab, message: Mapping[str, Any]) -> None:
        """Somebody pressed something in a tab."""
        device = tab.worker.device
        self.deeds.sent(tab, [one.holdings[device.name] for one in self.of(device)], message)

    def heard(self, tab: Tab, message: ToTab) -> None:
        """A core says something to a tab, in this moment."""
        if self.of(tab.worker.device):
            self.statuses.heard(tab, message)

    def shown(self, tab: Tab, note: str, update: bytes) -> None:
        """A tab was shown what others wrote. (What its own person pressed is shown to it at once.)"""
        witnesses = self.of(tab.worker.device)
        if witnesses and all(message["type"] == "edit" for message in tab.kept):
            there = any(one.has(tab.worker.device, note, update) for one in witnesses)
            assert there, f"{tab.worker.device.name}: shown too early"

    def look(self) -> None:
        """Hold everything against the disks as they are now."""
        for witness in self.witnesses.values():
            witness.look()

    def forget(self, device: Device) -> None:
        """A device's disks are gone, and with them the notebooks that only it could open."""
        for notebook, witness in tuple(self.witnesses.items()):
            if device.name in witness.holdings:
                witness.forget(device)
            if not witness.holdings:
                del self.witnesses[notebook]
        self.deeds.forget(device)

    def restored(self, device: Device) -> None:
        """A device's disks are older than they were: what was saved since is owed no more, but where others have it."""
        self.deeds.forget(device)
        for witness in self.of(device):
            witness.forget(device)
            witness.bodies.may_fork = True
            witness.watch(device)

    def copied(self, device: Device, twin: Device) -> None:
        """A device's profile lives twice from now on."""
        for witness in self.of(device):
            witness.bodies.may_fork = True
            witness.watch(twin)

    def _is_there(self, tab: Tab, witnesses: Sequence[Witness], message: Mapping[str, Any]) -> bool:
        device = tab.worker.device
        if message["type"] == "edit":
            return any(one.has(device, message["note"], message["update"]) for one in witnesses)
        notebooks = [one.holdings[device.name] for one in witnesses]
        core = tab.worker.core
        # What cannot be done is refused in words, and that is all that can be said of it.
        return self.deeds.done(device, notebooks, message) or bool(core and core.notebooks.shown.problems)

    def of(self, device: Device) -> list[Witness]:
        """The witnesses of the notebooks that a device has."""
        return [one for one in self.witnesses.values() if device.name in one.holdings]
