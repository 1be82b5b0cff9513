"""The quiet checklist: what is worth doing once there is something to lose, and why. It goes when it is done."""

from __future__ import annotations

from typing import Final, NamedTuple

from carryon.notebook.notebook import Notebook
from carryon.views.device import Device


class Item(NamedTuple):
    """Something worth doing, and why."""

    icon: str
    what: str
    why: str


_notes_min: Final = 2
"""A welcome note alone is nothing to lose."""
_keep_storage: Final = Item(
    "keep",
    "Keep the storage",
    "A browser that runs out of room may clear what sites have stored. It can be asked to leave these notes alone.",
)
_second_device: Final = Item(
    "device",
    "Add a second device",
    "These notes live on this device only. On a second one they are safe when this one is lost.",
)


def open_items(notebook: Notebook, device: Device) -> tuple[Item, ...]:
    """Return what is left to do."""
    if notebook.counts()["notes"] < _notes_min:
        return ()
    items = [] if device.persisted else [_keep_storage]
    return tuple([*items, _second_device] if len(device.devices) < 2 else items)
