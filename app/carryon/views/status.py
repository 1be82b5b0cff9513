"""The one sentence that says how safe the last words are, on every place, from evidence only."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from markupsafe import Markup

from carryon.views.device import Device, Level, Status
from carryon.views.rendering import render

LATE_WORDS = "Not saved"
"""What a tab says by itself when its edits have waited for more than a second."""


class _Status(NamedTuple):
    level: Level
    words: str
    late: str


def view(device: Device) -> Markup:
    """Render the region `status`."""
    return render("status", _Status(device.status.level, words_of(device.status), LATE_WORDS))


def words_of(status: Status) -> str:
    """Return a status in words; it begins with its level."""
    match status.level:
        case "unsaved":
            begin = "Not saved"
        case "saved":
            begin = "Saved on this device"
        case "relay":
            begin = "On the relay"
        case "seen":
            begin = f"Seen by {', '.join(status.seen_by)}" if status.seen_by else "On the relay"
        case _:
            assert_never(status.level)
    return f"{begin} · {status.words}" if status.words else begin
