"""What one tab shows, as a value: the address, the search, the window of the list, what is open.

1. A tab is changed by making another one; nothing else of the interface is remembered anywhere.
2. Text in it has been decoded (`route`, `actions`): ids have the form of ids, lengths are bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

Place = Literal["notes", "trash", "settings", "join"]
Panel = Literal["browse", "import"]
Pane = Literal["list", "note"]

ROWS_DEFAULT: Final = 30
ROWS_MAX: Final = 200
QUERY_CHARACTERS_MAX: Final = 500
NAME_CHARACTERS_MAX: Final = 500
"""A folder's, tag's or relay's name in an address or an action."""
TITLE_CHARACTERS_MAX: Final = 500

_id = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab. `first` is the first row of the list in view, `rows` how many fit; `dialog` is the panel that is open."""

    notebook: str
    place: Place = "notes"
    note: str | None = None
    folder: str | None = None
    tag: str | None = None
    query: str = ""
    first: int = 0
    rows: int = ROWS_DEFAULT
    preview: bool = False
    dialog: Panel | None = None
    copied: bool = False
    """The invite link has just been copied, which its button says until the next action."""


def scrolled(tab: Tab, first: int, rows: int) -> Tab:
    """Return the tab after its list was scrolled; numbers from outside are brought into their bounds."""
    return replace(tab, first=max(first, 0), rows=min(max(rows, 1), ROWS_MAX))


def answered(tab: Tab, call: str, ok: bool) -> Tab:
    """Return the tab after the window answered a call."""
    return replace(tab, copied=True) if call == "copy" and ok else tab


def pane_of(tab: Tab) -> Pane:
    """Tell which pane a screen with room for one shows."""
    return "list" if tab.note is None and tab.place in ("notes", "trash") else "note"


def is_id(text: str) -> bool:
    """Tell whether a text has the form of the id of a note or a notebook: 16 bytes in Crockford base 32."""
    return _id.fullmatch(text) is not None
