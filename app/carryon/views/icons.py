"""The signs of the interface: strokes on a grid of 24, drawn in the colour of the text around them.

A sign never stands for words that are nowhere: what carries one has an accessible name besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from markupsafe import Markup

_strokes: Final[Mapping[str, str]] = {
    "alert": "M12 4 2.8 19.5h18.4L12 4ZM12 10v4.5M12 17v.1",
    "back": "M14.5 5.5 8 12l6.5 6.5",
    "browse": "M4 6.5h16M4 12h16M4 17.5h10",
    "check": "m5 12.5 4.5 4.5L19 7.5",
    "close": "m6.5 6.5 11 11M17.5 6.5l-11 11",
    "device": "M5.5 5h13v10h-13V5ZM2.5 18.5h19",
    "export": "M12 15V4M8 7.5 12 3.5l4 4M5 12v7.5h14V12",
    "eye": "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z"
    "M12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6Z",
    "folder": "M3.5 18.5v-13h6l2 2.5h9v10.5h-17Z",
    "import": "M12 4v11M8 11.5l4 4 4-4M5 12v7.5h14V12",
    "join": "M9.5 14.5 14.5 9.5M8 11l-3 3a3.5 3.5 0 0 0 5 5l3-3M16 13l3-3a3.5 3.5 0 0 0-5-5l-3 3",
    "keep": "M12 3.5 5 6v5.5c0 4 3 7 7 9 4-2 7-5 7-9V6l-7-2.5Z",
    "new": "M20 13v6.5H4.5V4H11M9.5 14.5l.8-3.3L18 3.5l2.5 2.5-7.7 7.7-3.3.8Z",
    "notebook": "M6 3.5h12.5v17H6v-17ZM9.5 3.5v17M4 8h3.5M4 12h3.5M4 16h3.5",
    "notes": "M6 3.5h12v17H6v-17ZM9 8h6M9 12h6M9 16h3.5",
    "pin": "M9 3.5h6l-.8 6.5 3.3 3.5h-11L9.8 10 9 3.5ZM12 13.5v7",
    "restore": "M4.5 5v5h5M5 10a7.5 7.5 0 1 1-.5 4.5",
    "search": "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.5 15.5l5 5",
    "settings": "M4 7.5h9M18.5 7.5H20M4 16.5h1.5M11 16.5h9"
    "M15.8 9.8a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6ZM8.2 18.8a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6Z",
    "tag": "M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16",
    "trash": "M4.5 6.5h15M9.5 6.5v-3h5v3M6.5 6.5l1 14h9l1-14M10.3 10.5v6M13.7 10.5v6",
}
_turning: Final = {"back"}
"""Signs that point along the line and turn where text runs from right to left."""


def icon(name: str) -> Markup:
    """Return the sign of this name as inline SVG, hidden from those who listen."""
    return _drawn[name]


def _draw(name: str, strokes: str) -> Markup:
    turns = Markup(" data-turns") if name in _turning else ""
    markup = '<svg class="icon"{} viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d="{}"/></svg>'
    return Markup(markup).format(turns, strokes)


_drawn: Final = {name: _draw(name, strokes) for name, strokes in _strokes.items()}
