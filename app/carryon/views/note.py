"""The open note: its tools, title, folder, the place of the editor or the preview, and its own status.

1. The text in the editor's host is to be read until the editor is bound to the note: its first screenfuls only.
2. A note in the trash, and one in a notebook that can only be read, is shown and not edited.
3. A title or folder that two devices set apart from each other is a conflict: both are shown, one press settles it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from markupsafe import Markup

from carryon.notebook.commands import CreateNote, MoveNote, PinNote, RenameNote
from carryon.notebook.notebook import Notebook
from carryon.notes import markdown
from carryon.notes.fields import Field
from carryon.notes.note import Note
from carryon.notes.row import folder_shown_max
from carryon.views.action import Call, Outcome, Refused, Rule, Scene, flag, name, note_here, note_to_edit, title
from carryon.views.dates import counted, day_of, day_words, machine_time
from carryon.views.device import Device
from carryon.views.orders import ExportNote
from carryon.views.rendering import render
from carryon.views.route import query_of
from carryon.views.tab import TITLE_CHARACTERS_MAX, Tab, is_id

READ_CHARACTERS_MAX: Final = 6_000
CHOICES_MAX: Final = 12


class _Note(NamedTuple):
    note: str
    back: str
    title: str
    placeholder: str
    title_max: int
    titles: tuple[str, ...]
    folders: tuple[str, ...]
    trouble: str
    folder: str
    words: str
    pinned: bool
    trashed: bool
    can_edit: bool
    preview: bool
    status: str
    edited: str
    edited_time: str
    text: str
    shown: Markup


class _NoNote(NamedTuple):
    has_notes: bool
    fetching: bool
    missing: bool
    back: str


def view(notebook: Notebook, tab: Tab, device: Device) -> Markup:
    """Render the region `note` for the places that show notes."""
    back = query_of(replace(tab, note=None), several=len(device.notebooks) > 1) or "./"
    row = notebook.rows.get(tab.note) if tab.note else None
    if row is None:
        return render("no_note", _NoNote(bool(notebook.rows), device.fetching is not None, tab.note is not None, back))
    note = notebook.note(row.note)
    model = _Note(
        note=row.note,
        back=back,
        title=row.title if note is None else (notebook.title(note.id).value or "")[:TITLE_CHARACTERS_MAX],
        placeholder=row.title or "Untitled",
        title_max=TITLE_CHARACTERS_MAX,
        titles=_choices(notebook.title(note.id), TITLE_CHARACTERS_MAX) if note else (),
        # A move that is not durable leaves one value: it may end the question, and never shows what is nobody else's yet.
        folders=_choices(note.field("folder"), folder_shown_max) if note else (),
        trouble=device.note_trouble,
        folder=row.folder,
        words=counted(row.words, "word", "words"),
        pinned=row.pinned,
        trashed=row.trashed,
        can_edit=device.core == "ready" and not row.trashed,
        preview=tab.preview,
        status=device.note_status,
        edited=day_words(row.modified, day_of(device.now, device.offset), device.offset),
        edited_time=machine_time(row.modified),
        text=_read(notebook, note) if note and not tab.preview else "",
        shown=_preview(notebook, note) if note and tab.preview else Markup(""),
    )
    return render("note", model)


def _read(notebook: Notebook, note: Note) -> str:
    # As of the row: the editor shows what is typed, so that a key makes this region no other one.
    body = notebook.text(note.id)
    return (notebook.body(note.id) if body is None else body)[:READ_CHARACTERS_MAX]


def _choices(field: Field, characters_max: int) -> tuple[str, ...]:
    """Return the values that wait for somebody to choose, or none."""
    values = sorted({value[:characters_max] for _, value in field.values})
    return tuple(values[:CHOICES_MAX]) if len(values) > 1 else ()


def _preview(notebook: Notebook, note: Note) -> Markup:
    body = notebook.body(note.id)
    found = tuple((target, notebook.linked(target)) for target in _targets(body))
    return _rendered(body, found)


@lru_cache(maxsize=8)
def _targets(body: str) -> tuple[str, ...]:
    """Return what the links of a text name."""
    targets: dict[str, None] = {}

    def link_to(target: str) -> tuple[str, ...]:
        targets.setdefault(target)
        return ()

    markdown.render(body, link_to)
    return tuple(targets)


@lru_cache(maxsize=8)
def _rendered(body: str, found: tuple[tuple[str, tuple[str, ...]], ...]) -> Markup:
    # Raw HTML is off in the renderer, and its tests show that a note's text becomes no markup but the renderer's own.
    return Markup(markdown.render(body, dict(found).__getitem__))


def _create(scene: Scene) -> Outcome | Refused:
    if not is_id(scene.nonce):
        return Refused("A new note was asked for without an id for it.")
    folder = scene.tab.folder or "" if scene.tab.place == "notes" else ""
    tab = Tab(scene.tab.notebook, note=scene.nonce, folder=folder or None, rows=scene.tab.rows)
    # Given again it makes nothing, and is answered when the note is durable.
    return Outcome(
        tab, (CreateNote(scene.nonce, "", "", folder, ""),), (Call("focus", {"target": "title", "note": scene.nonce}),)
    )


def _close(scene: Scene) -> Outcome:
    return Outcome(replace(scene.tab, note=None))


def _rename(scene: Scene, note: str, value: str) -> Outcome:
    return Outcome(scene.tab, (RenameNote(note, value),))


def _move(scene: Scene, note: str, value: str) -> Outcome:
    return Outcome(scene.tab, (MoveNote(note, value),))


def _pin(scene: Scene, note: str, pinned: bool) -> Outcome:
    return Outcome(scene.tab, (PinNote(note, pinned),))


def _show_preview(scene: Scene, shown: bool) -> Outcome:
    return Outcome(replace(scene.tab, preview=shown))


def _export(scene: Scene, note: str) -> Outcome:
    return Outcome(scene.tab, (ExportNote(note),))


rules: Final[Mapping[str, Rule]] = {
    "note.create": Rule(_create, edits=True),
    "note.close": Rule(_close),
    "note.rename": Rule(_rename, {"note": note_to_edit, "value": title}, edits=True),
    "note.move": Rule(_move, {"note": note_to_edit, "value": name}, edits=True),
    "note.pin": Rule(_pin, {"note": note_to_edit, "pinned": flag}, edits=True),
    "note.preview": Rule(_show_preview, {"shown": flag}),
    "note.export": Rule(_export, {"note": note_here}),
}
