"""Bring chosen files into a notebook, a batch of notes at a time, with progress, a report, and an end when the person says so.

1. A new note goes into the log as one change at once, not by way of the journal: that is durable too, and a third of the work.
2. What a file brings has the file's own time, in the row and in the change, so that every device shows its age; none lies in the future.
3. When the disk is full or the database lost, the notes of the batch go to the journal, whose writer keeps them and says so, and the
   import ends with words. A batch whose outcome is not known is given once more first: made before, it is not made twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from carryon_sync.formats.change import NO_PREV, Body, Header
from carryon_sync.formats.ids import text_of

from carryon.core.acts.acted import commanded
from carryon.core.environment import ChosenFile, FileUnreadable
from carryon.core.log.identity import note_bytes
from carryon.core.open_notebook import OpenNotebook
from carryon.crypto.sealing import Draft
from carryon.notebook.commands import CreateNote
from carryon.notebook.facts import CommandRefused, NoteEdited
from carryon.notebook.importing import (
    Import,
    LeftOut,
    NoteFile,
    Read,
    Refused,
    file_bytes_max,
    read_file,
    zip_bytes_max,
)
from carryon.notebook.unsaved import NOBODY
from carryon.storage.changes import LogEntry
from carryon.storage.errors import Lost, StorageError
from carryon.storage.log import Fold
from carryon.views.device import ImportReport, Progress

BATCH_NOTES: Final = 32


@dataclass(slots=True)
class Importing:
    """One import under way."""

    opened: OpenNotebook
    progressed: Callable[[Progress], None]
    offset: int
    cancelled: bool = False
    _refused: list[tuple[str, str]] = field(default_factory=list)
    _left: list[tuple[str, str]] = field(default_factory=list)
    _batch: list[tuple[CreateNote, int]] = field(default_factory=list)
    _done: int = 0
    _total: int = 0

    async def run(self, files: Sequence[ChosenFile]) -> ImportReport:
        """Import the files; the report says what became of each that is not a note now."""
        await self.opened.texts_read
        self.opened.notebook.refresh()
        importing = Import(self.opened.notebook, lambda: text_of(self.opened.environment.random(16)))
        self._total = len(files)
        for file in files:
            reads = await self._read(file)
            self._total += len(reads) - 1
            for read in reads:
                if self.cancelled:
                    break
                await self._take(importing, read)
        async with self.opened.unlogged:
            await self._write_batch()
        tally = importing.tally
        return ImportReport(
            imported=tally.created,
            updated=tally.updated + tally.restored,
            unchanged=tally.unchanged,
            refused=tuple(self._refused),
            left=tuple(self._left),
            cancelled=self.cancelled,
            beside=tally.beside,
        )

    async def _read(self, file: ChosenFile) -> list[Read]:
        is_zip = "/" not in file.path and file.path.lower().endswith(".zip")
        limit = zip_bytes_max if is_zip else file_bytes_max
        if file.bytes_count > limit:
            return [
                Refused(
                    file.path, f"it is {file.bytes_count / 1e6:.1f} MB, the limit is {limit / 1e6:.0f} MB: split it"
                )
            ]
        try:
            return list(read_file(file.path, await file.read(), file.modified, self.offset))
        except FileUnreadable as error:
            return [Refused(file.path, str(error))]

    async def _take(self, importing: Import, read: Read) -> None:
        self._done += 1
        match read:
            case Refused(path, reason):
                self._refused.append((path, reason))
            case LeftOut(path, reason):
                self._left.append((path, reason))
            case NoteFile():
                now = self.opened.now()
                # A time before 1970 is no file's: it is what some systems write who know none.
                time = min(read.time, now) if read.time is not None and read.time > 0 else now
                for command in importing.commands(read):
                    if isinstance(command, CreateNote):
                        self._batch.append((command, time))
                    else:
                        problem = await commanded(self.opened, None, command, time)
                        if problem:
                            self._refused.append((read.path, problem))
        if len(self._batch) >= BATCH_NOTES:
            async with self.opened.unlogged:
                await self._write_batch()
            self.progressed(Progress(self._done, self._total, "Importing"))

    async def _write_batch(self) -> None:
        batch, self._batch = self._batch, []
        opened = self.opened
        drafts: list[Draft] = []
        edits: dict[str, NoteEdited] = {}
        for command, time in batch:
            facts = opened.notebook.act(command, time, NOBODY)
            self._refused += [(command.title, fact.reason) for fact in facts if isinstance(fact, CommandRefused)]
            edits |= {fact.note: fact for fact in facts if isinstance(fact, NoteEdited)}
        for note, edit in edits.items():
            identity = opened.identity
            header = Header(identity.notebook, identity.tag(note), opened.author.id, 1, NO_PREV)
            drafts.append(
                Draft(
                    header,
                    Body(
                        note_bytes(note),
                        edit.time,
                        opened.syncing.apart(),
                        (),
                        tuple(opened.syncing.seen()),
                        (edit.update,),
                    ),
                )
            )
        if not drafts:
            return
        changes = await opened.identity.seal(drafts)
        try:
            entries = await self._fold([Fold(change, None) for change in changes])
        except StorageError:
            rows = [opened.journal_row(edit, {}) for edit in edits.values()]
            opened.writer.put(rows, opened.journalled)
            # Now that somebody waits for them: a document that is idle may be let go.
            for note in edits:
                opened.documents.created(note)
            raise
        opened.wrote(entries)
        for note in edits:
            opened.notebook.saved(note)
            opened.notebook.drop_note(note)
        opened.tabs.dirty(opened.sessions())

    async def _fold(self, folds: Sequence[Fold]) -> Sequence[LogEntry]:
        await self.opened.keep_author()
        try:
            return await self.opened.log.fold(folds)
        except Lost:
            return await self.opened.log.fold(folds)
