"""The list of notes: a window on what a place, a folder, a tag or a search finds; each row one link named by its title.

1. Only the rows in view and some around them are rendered; where the window begins is rounded, so that a short scroll
   changes nothing.
2. A row is rendered again only when what it shows changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from markupsafe import Markup

from carryon.notebook.notebook import Notebook
from carryon.notebook.search import Hit
from carryon.notes.row import Row
from carryon.views.action import Outcome, Rule, Scene, note_here, search
from carryon.views.dates import counted, day_of, day_words, machine_time
from carryon.views.device import Device, Progress, fetched_words
from carryon.views.legible import UNNAMED, visible
from carryon.views.rendering import macro, render
from carryon.views.route import query_of
from carryon.views.tab import Tab

_step: Final = 10
"""The window begins at a multiple of it, and reaches at least as far beyond what is in view."""
ROWS_KEPT_MAX: Final = 1_000
"""Rendered rows that are kept: a few windows of a few tabs."""
_row_macro: Final = macro("row", "row")
_marked: Final = macro("row", "marked")


class _Wider(NamedTuple):
    href: str
    within: str
    words: str


class _Empty(NamedTuple):
    icon: str
    words: str
    advice: str
    wider: _Wider | None = None


class _List(NamedTuple):
    listing: str
    name: str
    how_many: str
    query: str
    hint: str
    fetching: Progress | None
    first: int
    before: int
    after: int
    total: int
    rows: tuple[Markup, ...]
    empty: _Empty | None


def view(notebook: Notebook, tab: Tab, device: Device) -> Markup:
    """Render the region `list`."""
    if tab.place not in ("notes", "trash"):
        return Markup("")
    listing = notebook.listed("trash" if tab.place == "trash" else "notes", tab.folder or "", tab.tag or "", tab.query)
    first, last = _window(tab, listing.total)
    href = _href_before_note(tab, device)
    today = day_of(device.now, device.offset)
    rows = []
    notes, hits = notebook.rows, listing.hits
    for position, note in enumerate(listing.ids[first:last], first + 1):
        row = notes[note]
        day = day_words(row.modified, today, device.offset)
        folder = "" if row.folder == tab.folder else row.folder
        rows.append(_row(row, hits.get(note), note == tab.note, href, day, folder, position, listing.total))
    model = _List(
        listing=query_of(replace(tab, note=None)),
        name=name_of(tab),
        how_many=counted(listing.total, "note", "notes"),
        query=tab.query,
        hint=_hint(notebook, tab, device),
        fetching=device.fetching if fetched_words(device.fetching) else None,
        first=first,
        before=first,
        after=listing.total - last,
        total=listing.total,
        rows=tuple(rows),
        empty=None if listing.total else _empty(notebook, tab, device),
    )
    return render("list", model)


@lru_cache(maxsize=ROWS_KEPT_MAX)
def _row(
    row: Row, hit: Hit | None, is_open: bool, href: str, day: str, folder: str, position: int, total: int
) -> Markup:
    title: str | Markup = row.title or "Untitled"
    snippet: str | Markup = row.snippet
    tasks = row.tasks_done + row.tasks_open
    if hit is not None:
        title, snippet = (_marked(hit.title) if row.title else title), _marked(hit.snippet)
    return _row_macro(
        row.note,
        href + row.note,
        is_open,
        title,
        not row.title,
        row.pinned,
        snippet,
        machine_time(row.modified),
        day,
        f"{row.tasks_done}/{tasks} done" if tasks else "",
        folder,
        position,
        total,
    )


def name_of(tab: Tab) -> str:
    """Return the name of what the list shows."""
    if tab.place == "trash":
        return "Trash"
    if tab.folder:
        return visible(tab.folder.rpartition("/")[2], UNNAMED)
    return f"#{tab.tag}" if tab.tag else "All notes"


def _window(tab: Tab, total: int) -> tuple[int, int]:
    first = min(tab.first, max(total - tab.rows, 0)) - _step
    first = max(first - first % _step, 0)
    return first, min(first + tab.rows + 3 * _step, total)


def _href_before_note(tab: Tab, device: Device) -> str:
    query = query_of(replace(tab, note=None), several=len(device.notebooks) > 1)
    return f"{query}&note=" if query else "?note="


def _hint(notebook: Notebook, tab: Tab, device: Device) -> str:
    fetched = fetched_words(device.fetching)
    if fetched:
        return f"{fetched[:1].upper()}{fetched[1:]}"
    if tab.query.strip() and not notebook.texts_ready:
        return "Titles and openings so far: the texts are still being read."
    return ""


def _empty(notebook: Notebook, tab: Tab, device: Device) -> _Empty:
    if device.fetching is not None and tab.place == "notes":
        return _Empty("join", "Not all notes are here yet", "They come by themselves while the relay can be reached.")
    if tab.query.strip():
        advice = 'Try fewer words, or "a phrase", tag:name, folder:name, -without.'
        return _Empty("search", "No note has this", advice, _wider(notebook, tab, device))
    if tab.place == "trash":
        return _Empty("trash", "The trash is empty", "What is moved here can be restored.")
    if tab.folder or tab.tag:
        return _Empty("notes", "No notes here", "")
    return _Empty(
        "notes", "No notes yet", "Begin one, or import a folder of Markdown. Everything stays on this device."
    )


def _wider(notebook: Notebook, tab: Tab, device: Device) -> _Wider | None:
    """Return where else there are notes that a search in a folder or tag has not found, or None."""
    if not tab.folder and not tab.tag:
        return None
    found = notebook.listed("notes", "", "", tab.query).total
    if not found:
        return None
    href = query_of(replace(tab, folder=None, tag=None), several=len(device.notebooks) > 1)
    return _Wider(href, name_of(tab), f"Show {counted(found, 'note', 'notes')} in all notes")


def _open_note(scene: Scene, note: str) -> Outcome:
    tab = scene.tab if scene.tab.place in ("notes", "trash") else Tab(scene.tab.notebook, rows=scene.tab.rows)
    is_trashed = scene.notebook.rows[note].trashed
    if is_trashed != (tab.place == "trash"):
        tab = replace(tab, place="trash" if is_trashed else "notes", folder=None, tag=None, query="", first=0)
    return Outcome(replace(tab, note=note, dialog=None))


def _widen(scene: Scene) -> Outcome:
    return Outcome(replace(scene.tab, folder=None, tag=None, first=0))


def _search(scene: Scene, value: str) -> Outcome:
    return Outcome(replace(scene.tab, query=value, first=0))


rules: Final[Mapping[str, Rule]] = {
    "note.open": Rule(_open_note, {"note": note_here}),
    "list.search": Rule(_search, {"value": search}),
    "list.widen": Rule(_widen),
}
