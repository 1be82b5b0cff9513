"""What people did beside writing: notes created, renamed, moved, pinned, trashed and restored, files imported.

1. What was said to be saved is there, in that moment: the note, and the value among those of its field.
2. The last word on a field stands: a value is among those of the field in the end, where nobody else set the field while
   or after it was set. (Two sets that overlap may replace one another, or stand side by side: both are right. To set what
   is so already says nothing, also where it is so only for a core that has not heard of another core's set yet.)
3. An import takes notes out of the trash that are in it again: what was trashed before its end is owed no more.
4. What a device was told to be saved may go with its disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from carryon.notes.note import Note
from carryon.notes.row import clean_folder

from tests.simulation.device import Device
from tests.simulation.holdings import Holdings
from tests.simulation.process import Process
from tests.simulation.tab import Tab

FIELDS: Final[Mapping[str, str]] = {
    "note.rename": "title",
    "note.move": "folder",
    "note.pin": "pinned",
    "note.trash": "trashed",
    "note.restore": "trashed",
}
TRASHED: Final = "anything but empty"
IMPORT_S: Final = 60.0
HEARD_S: Final = 60.0
"""A core that stood still has heard of everything after so long."""


@dataclass(eq=False)
class Set:
    """One set of a field: when it was sent and when it was said to be saved, on which device, to which of its cores."""

    device: str
    process: Process | None
    value: str
    sent: float
    before: frozenset[str]
    told: float = inf
    owed: bool = False


@dataclass
class Deeds:
    """What was done, in all notebooks: a note is in one of them."""

    created: dict[str, str] = field(default_factory=dict)
    _sets: dict[tuple[str, str], list[Set]] = field(default_factory=dict)
    _imported: float = -inf

    def sent(self, tab: Tab, notebooks: Sequence[Holdings], message: Mapping[str, Any]) -> None:
        """Somebody pressed something."""
        name, now = FIELDS.get(message["name"]), asyncio.get_running_loop().time()
        if message["name"] == "import.files":
            self._imported = now
        if name is not None:
            note = message["args"]["note"]
            keys = {key for one in notebooks for key, _ in one.current(note).field(name).values}
            worker = tab.worker
            one = Set(worker.device.name, worker.process, value_of(message), now, frozenset(keys))
            self._sets.setdefault((note, name), []).append(one)

    def done(self, device: Device, notebooks: Sequence[Holdings], message: Mapping[str, Any]) -> bool:
        """Whether what was said to be saved is in one of the device's notebooks; then it is followed."""
        created, name = message["name"] == "note.create", FIELDS.get(message["name"])
        if not created and name is None:
            return True
        note = message["nonce"] if created else message["args"]["note"]
        holdings = next((one for one in notebooks if one.mentions(note, b"") is not None), None)
        if created and holdings is not None:
            self.created[note] = device.name
        if name is None:
            return holdings is not None
        # What was pressed for a note that died unsaved is refused, in words.
        return holdings is None or self._set(device, holdings, note, name, value_of(message))

    def forget(self, device: Device) -> None:
        """What only this device was told may be gone with it."""
        self.created = {note: owner for note, owner in self.created.items() if owner != device.name}
        for sets in self._sets.values():
            for one in sets:
                if one.device == device.name:
                    one.owed, one.told = False, inf

    def lost(self, documents: Mapping[str, Note]) -> list[str]:
        """What should have stood in the end and does not, in words."""
        words = [f"note {note}, which {owner} created" for note, owner in self.created.items() if note not in documents]
        for (note, name), sets in self._sets.items():
            last = _last_word(sets)
            if last is not None and last.value == TRASHED and last.sent < self._imported + IMPORT_S:
                continue
            if last is not None and note in documents and not _stands(documents[note], name, last.value):
                values = documents[note].field(name).values
                words.append(f"{name} {last.value!r} of {note}, which {last.device} set last: it is {values}")
        return words

    def _set(self, device: Device, holdings: Holdings, note: str, name: str, value: str) -> bool:
        mine = [one for one in self._sets[note, name] if one.device == device.name and one.value == value]
        one = next((one for one in mine if one.told == inf), mine[-1])
        one.told = asyncio.get_running_loop().time()
        document = holdings.current(note)
        # Who set it meanwhile, here or elsewhere, may have replaced it.
        others = [other for other in self._sets[note, name] if other is not one]
        stands = _stands(document, name, value)
        is_new = any(key not in one.before for key, _ in document.field(name).values)
        one.owed = stands and is_new
        unheard = [other for other in others if other.device == one.device and other.process is not one.process]
        return (
            stands
            or is_new
            or (value == TRASHED and one.sent < self._imported + IMPORT_S)
            or any(other.told > one.sent for other in others)
            or any(other.told > one.sent - HEARD_S for other in unheard)
            or device.local.has_lied
        )


def value_of(message: Mapping[str, Any]) -> str:
    """What an act sets its field to."""
    match message["name"]:
        case "note.rename":
            return " ".join(message["args"]["value"].splitlines()).strip()
        case "note.move":
            return clean_folder(" ".join(message["args"]["value"].splitlines()))
        case "note.pin":
            return "1" if message["args"]["pinned"] == "true" else "0"
        case "note.trash":
            return TRASHED
    return ""


def _stands(document: Note, name: str, value: str) -> bool:
    values = {value for _, value in document.field(name).values}
    if value == TRASHED:
        return any(values)
    default = "0" if name == "pinned" else ""
    return value in values or (value == default and not values)


def _last_word(sets: Iterable[Set]) -> Set | None:
    last = max(sets, key=lambda one: one.sent)
    return last if last.owed and all(one is last or one.told < last.sent for one in sets) else None
