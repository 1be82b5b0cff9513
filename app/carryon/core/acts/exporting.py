"""Give a notebook, or one note of it, as files, and say in words what of it could not be read."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from carryon.core.log.documents import UNREADABLE
from carryon.core.open_notebook import OpenNotebook
from carryon.notebook.exporting import Export, file_name, not_readable, not_whole, paths_of, report_name
from carryon.storage.quarantine import Kind
from carryon.views.device import Progress

EXPORT_NAME: Final = "Carryon.zip"
PROGRESS_NOTES: Final = 64
NAMED_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Exported:
    """A file for the window to save, and the words of what is not in it as it should be, or none."""

    name: str
    media: str
    data: bytes
    problem: str | None


async def export_notebook(opened: OpenNotebook, tab: str, progressed: Callable[[Progress | None], None]) -> Exported:
    """Give all notes as a zip of Markdown; those that cannot be read are named in it and in the words.

    They are as of one moment, with what the `tab` has written and could not save yet.
    """
    await opened.texts_read
    opened.notebook.refresh()
    with opened.notebook.seen_by(tab):
        rows = dict(opened.notebook.rows)
        texts = {note: opened.notebook.text(note) for note in rows}
    paths = paths_of(rows.values())
    export = Export()
    for done, (note, path) in enumerate(paths.items(), 1):
        text = texts[note]
        if text is None or opened.documents.is_unreadable(note):
            export.say(path, not_readable)
        else:
            export.add(path, rows[note], text)
            if _is_cut(opened, note):
                export.say(path, not_whole)
        if done % PROGRESS_NOTES == 0:
            progressed(Progress(done, len(paths), "Exporting"))
            await asyncio.sleep(0)
    progressed(None)
    return Exported(EXPORT_NAME, "application/zip", export.finish(), _problem(export))


async def export_note(opened: OpenNotebook, tab: str, note: str) -> Exported | str:
    """Give one note as Markdown, as a tab sees it, or the words of why there is none to give."""
    if not await opened.documents.use(note):
        return UNREADABLE
    opened.notebook.refresh()
    with opened.notebook.seen_by(tab):
        row, body = opened.notebook.rows.get(note), opened.notebook.body(note)
    if row is None:
        return "This note is not in this notebook any more."
    problem = f"{row.title or 'Untitled'}: {not_whole}." if _is_cut(opened, note) else None
    return Exported(file_name(row), "text/markdown", body.encode(), problem)


def _is_cut(opened: OpenNotebook, note: str) -> bool:
    return any(item.kind in (Kind.DAMAGED, Kind.UNREAD) for item in opened.attention.of_note(note))


def _problem(export: Export) -> str | None:
    if not export.report:
        return None
    named = "; ".join(f"{path} is {words}" for path, words in export.report[:NAMED_MAX])
    more = len(export.report) - NAMED_MAX
    return f"The export is not whole. {named}{f'; and {more:,} more' if more > 0 else ''}. {report_name} in the zip names all."
