"""Addresses: a tab is the query of one page, so that a link, a reload and the browser's back lead where they should.

1. `?note=<id>` · `?at=trash|settings` · `?in=<notebook id>` · `?folder=<path>` · `?tag=<tag>` · `?q=<search>` ·
   `?join`; no query: all notes.
2. An address comes from outside: what has not the form it should have is left out, and what is unknown is shown as not
   there.
3. The fragment is not part of it: it holds secrets and never reaches the views.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final, cast
from urllib.parse import parse_qs, quote, urlencode

from carryon.views.tab import NAME_CHARACTERS_MAX, QUERY_CHARACTERS_MAX, Place, Tab, is_id

ADDRESSES_KEPT_MAX: Final = 2048
"""The sidebar alone shows some hundreds, and is made again after every edit."""
_parameters_max = 20


def route(query: str, tab: Tab) -> Tab:
    """Return the tab as the address says; `tab` gives the size of the window, and the notebook where none is named."""
    values = _values(query)
    note = values.get("note", "").upper()
    notebook = values.get("in", "").upper()
    routed = replace(
        tab,
        notebook=notebook if is_id(notebook) else tab.notebook,
        place=_place(values),
        note=note if is_id(note) else None,
        folder=values.get("folder", "")[:NAME_CHARACTERS_MAX] or None,
        tag=values.get("tag", "")[:NAME_CHARACTERS_MAX] or None,
        query=values.get("q", "")[:QUERY_CHARACTERS_MAX],
        dialog=None,
        copied=False,
    )
    # Back from a note the list stands where it stood.
    return routed if _listing(routed) == _listing(tab) else replace(routed, first=0)


@lru_cache(maxsize=ADDRESSES_KEPT_MAX)
def query_of(tab: Tab, *, several: bool = False) -> str:
    """Return the address of a tab, empty or beginning with `?`; `several` notebooks on a device: it says which one."""
    if tab.place == "join":
        return "?join"
    values = {
        "in": tab.notebook if several else "",
        "at": "" if tab.place == "notes" else tab.place,
        "folder": tab.folder or "",
        "tag": tab.tag or "",
        "q": tab.query,
        "note": tab.note or "",
    }
    query = urlencode({name: value for name, value in values.items() if value}, quote_via=quote)
    return f"?{query}" if query else ""


def is_step(before: Tab, after: Tab) -> bool:
    """Tell whether the browser's back leads from `after` to `before`; a search as it is typed is no step."""
    return any(getattr(before, name) != getattr(after, name) for name in ("notebook", "place", "note", "folder", "tag"))


def _listing(tab: Tab) -> tuple[str | None, ...]:
    return tab.notebook, tab.place, tab.folder, tab.tag, tab.query


def _values(query: str) -> dict[str, str]:
    try:
        parsed = parse_qs(query.removeprefix("?"), keep_blank_values=True, max_num_fields=_parameters_max)
    except ValueError:
        return {}  # More parameters than any address of ours: not ours.
    return {name: values[0] for name, values in parsed.items()}


def _place(values: dict[str, str]) -> Place:
    if "join" in values:
        return "join"
    at = values.get("at", "")
    return cast(Place, at) if at in ("trash", "settings") else "notes"
