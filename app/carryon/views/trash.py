"""The trash: what moves there and back. Its list is `listing`, its notes are shown by `note`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from carryon.notebook.commands import RestoreNote, TrashNote
from carryon.views.action import Outcome, Rule, Scene, note_to_edit
from carryon.views.device import Toast
from carryon.views.legible import legible
from carryon.views.orders import DismissToast, ShowToast


def _trash_note(scene: Scene, note: str) -> Outcome:
    tab = replace(scene.tab, note=None) if scene.tab.note == note else scene.tab
    # A note that is not shown yet may be trashed again by the page that has made it.
    row = scene.notebook.rows.get(note)
    name = (row and legible(row.title)) or "Untitled"
    shown = name if len(name) <= 40 else f"{name[:39]}…"
    return Outcome(tab, (TrashNote(note), ShowToast(Toast(f"Moved “{shown}” to the trash", restore=note))))


def _restore_note(scene: Scene, note: str) -> Outcome:
    toast = scene.device.toast
    if toast is not None and toast.restore == note:
        tab = replace(scene.tab, note=note) if scene.tab.place == "notes" else scene.tab
        return Outcome(tab, (RestoreNote(note), DismissToast()))
    tab = replace(scene.tab, place="notes", folder=None, tag=None, query="", first=0, note=note)
    return Outcome(tab, (RestoreNote(note),))


rules: Final[Mapping[str, Rule]] = {
    "note.trash": Rule(_trash_note, {"note": note_to_edit}, edits=True),
    "note.restore": Rule(_restore_note, {"note": note_to_edit}, edits=True),
}
