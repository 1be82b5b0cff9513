"""The sidebar, which is a bar at the foot of a small screen: places, folders, tags, notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from markupsafe import Markup

from carryon.notebook.notebook import Notebook
from carryon.views import checklist
from carryon.views.action import Outcome, Refused, Rule, Scene, flag, name, notebook_here, place
from carryon.views.device import Device
from carryon.views.legible import UNNAMED, visible
from carryon.views.orders import SwitchNotebook
from carryon.views.rendering import render
from carryon.views.route import query_of
from carryon.views.tab import Place, Tab

FOLDERS_MAX: Final = 500
TAGS_MAX: Final = 100
"""Tags that are shown, the most used ones; the others are found by search."""
_depth_max: Final = 3


class _Item(NamedTuple):
    href: str
    name: str
    value: str
    notes: int
    current: bool
    depth: int = 0


class _Nav(NamedTuple):
    name: str
    browse: bool
    notes: _Item
    trash: _Item
    settings: _Item
    notebooks: tuple[_Item, ...]
    folders: tuple[_Item, ...]
    tags: tuple[_Item, ...]
    reminders: int
    can_edit: bool


def view(notebook: Notebook, tab: Tab, device: Device) -> Markup:
    """Render the region `nav`."""
    several = len(device.notebooks) > 1
    home = Tab(tab.notebook)
    in_notes = tab.place == "notes"
    counts = notebook.counts()
    model = _Nav(
        name=notebook.name,
        browse=tab.dialog == "browse",
        notes=_place("All notes", home, several, counts["notes"], in_notes and not tab.folder and not tab.tag),
        trash=_place("Trash", replace(home, place="trash"), several, counts["trash"], tab.place == "trash"),
        settings=_place("Settings", replace(home, place="settings"), several, 0, tab.place == "settings"),
        notebooks=_notebooks(tab, device) if several else (),
        folders=tuple(_folder(each, count, tab, several) for each, count in _tree(notebook.folders())),
        tags=tuple(_tag(each, count, tab, several) for each, count in _most_used(notebook.tags())),
        reminders=len(checklist.open_items(notebook, device)),
        can_edit=device.core == "ready",
    )
    return render("nav", model)


def _place(words: str, tab: Tab, several: bool, count: int, current: bool) -> _Item:
    return _Item(query_of(tab, several=several) or "./", words, tab.place, count, current)


def _notebooks(tab: Tab, device: Device) -> tuple[_Item, ...]:
    return tuple(
        _Item(query_of(Tab(each), several=True), words, each, 0, each == tab.notebook)
        for each, words in device.notebooks
    )


def _folder(folder: str, count: int, tab: Tab, several: bool) -> _Item:
    parts = folder.split("/")
    href = query_of(Tab(tab.notebook, folder=folder), several=several)
    current = tab.place == "notes" and tab.folder == folder
    return _Item(href, visible(parts[-1], UNNAMED), folder, count, current, min(len(parts) - 1, _depth_max))


def _tag(tag: str, count: int, tab: Tab, several: bool) -> _Item:
    href = query_of(Tab(tab.notebook, tag=tag), several=several)
    return _Item(href, tag, tag, count, tab.place == "notes" and tab.tag == tag)


def _tree(folders: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return folders in the order of a tree."""
    return sorted(folders.items(), key=lambda item: item[0].casefold().split("/"))[:FOLDERS_MAX]


def _most_used(tags: Mapping[str, int]) -> list[tuple[str, int]]:
    kept = sorted(tags.items(), key=lambda item: -item[1])[:TAGS_MAX]
    return sorted(kept, key=lambda item: item[0].casefold())


def _open_place(scene: Scene, place: Place, folder: str, tag: str) -> Outcome:
    window = Tab(scene.tab.notebook, rows=scene.tab.rows, preview=scene.tab.preview)
    return Outcome(replace(window, place=place, folder=folder or None, tag=tag or None))


def _browse(scene: Scene, shown: bool) -> Outcome:
    return Outcome(replace(scene.tab, dialog="browse" if shown else None))


def _switch(scene: Scene, notebook: str) -> Outcome | Refused:
    return Outcome(Tab(notebook, rows=scene.tab.rows), (SwitchNotebook(notebook),))


rules: Final[Mapping[str, Rule]] = {
    "place.open": Rule(_open_place, {"place": place, "folder": name, "tag": name}),
    "place.browse": Rule(_browse, {"shown": flag}),
    "notebook.switch": Rule(_switch, {"notebook": notebook_here}),
}
