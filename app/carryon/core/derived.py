"""Keep what is derived from the log (list rows, texts for the search, states of long notes) so that the next start is short.

1. Rows and texts lie in segments of `SEGMENT_NOTES` notes, in the order in which the notes came to be; a note stays in its segment, and
   only segments that changed are written again, when nothing has changed for `REST_S`.
2. What is written names the position of the log that it reflects; what came after is absorbed at the next start. So a crash costs time,
   never words.
3. Nothing here is worth failing for: a write that fails is tried again after the next change, and what does not read is made anew.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from carryon.core.documents import Documents
from carryon.notebook.notebook import Notebook
from carryon.notes.row import decode_rows, encode_rows
from carryon.storage.derived import Front, Segmented
from carryon.storage.errors import Moved, StorageError
from carryon.storage.layouts import NoteState
from carryon.storage.log import Log

REST_S: Final = 1.0
SEGMENT_NOTES: Final = 64
TAIL_CHANGES_MAX: Final = 48


class Derived:
    """The derived stores of one open notebook."""

    def __init__(self, log: Log, notebook: Notebook, documents: Documents, absorbed: Callable[[], int]) -> None:
        """`absorbed` gives the position of the log that the notebook in memory reflects."""
        self._log = log
        self._notebook = notebook
        self._documents = documents
        self._absorbed = absorbed
        self._segment_by_note: dict[str, int] = {}
        self._dirty_rows: set[int] = set()
        self._dirty_texts: set[int] = set()
        self._changed = asyncio.Event()
        self.problem: str | None = None

    async def read_rows(self) -> int:
        """Put the stored rows into the notebook; give the position that they reflect, 0 when they must be made anew."""
        front = await self._log.rows.read_front()
        segments = None if front is None else await self._log.rows.read_segments()
        if front is None or segments is None:
            return 0
        try:
            decoded = [decode_rows(segment) for segment in segments]
        except ValueError:
            await self._log.rows.drop()
            return 0
        for number, rows in enumerate(decoded, 1):
            self._segment_by_note |= {row.note: number for row in rows}
            self._notebook.put_rows(rows)
        return front.pos

    async def read_texts(self) -> None:
        """Put the stored texts into the notebook, and read the notes whose text was not stored."""
        front = await self._log.texts.read_front()
        segments = None if front is None else await self._log.texts.read_segments()
        for segment in segments or ():
            bodies = {note: body for note, body in json.loads(segment).items() if self._notebook.text(note) is None}
            self._notebook.put_texts(bodies)
            await asyncio.sleep(0)
        for note in [note for note in self._notebook.rows if self._notebook.text(note) is None]:
            await self._documents.use(note)
            self._notebook.refresh()
            self.changed([note])

    def changed(self, notes: Iterable[str]) -> None:
        """The rows or texts of these notes have changed."""
        for note in notes:
            segment = self._segment_by_note.setdefault(note, len(self._segment_by_note) // SEGMENT_NOTES + 1)
            self._dirty_rows.add(segment)
            self._dirty_texts.add(segment)
        self._changed.set()

    async def run(self) -> None:
        """Write what changed, for ever; cancelled when the notebook closes."""
        while True:
            await self._changed.wait()
            while self._changed.is_set():
                self._changed.clear()
                await asyncio.sleep(REST_S)
            try:
                await self.write()
            except StorageError as error:
                self.problem = str(error)
            else:
                self.problem = None

    async def write(self) -> None:
        """Write the rows and texts that changed, and the states of notes with long tails."""
        self._notebook.refresh()
        pos, notes = self._absorbed(), self._notes_by_segment()
        rows = {segment: self._encoded_rows(notes[segment]) for segment in self._dirty_rows & notes.keys()}
        await self._write_segments(self._log.rows, pos, notes, rows, self._dirty_rows, self._encoded_rows)
        if self._notebook.texts_ready:
            texts = {segment: self._encoded_texts(notes[segment]) for segment in self._dirty_texts & notes.keys()}
            await self._write_segments(self._log.texts, pos, notes, texts, self._dirty_texts, self._encoded_texts)
        await self._write_states(pos)

    async def _write_segments(
        self,
        store: Segmented,
        pos: int,
        notes: Mapping[int, list[str]],
        segments: Mapping[int, bytes],
        dirty: set[int],
        encode: Callable[[list[str]], bytes],
    ) -> None:
        front = Front(pos, len(notes), b"")
        written = set(segments)
        try:
            await store.write(front, segments)
        except Moved:
            # Nothing was stored yet, or another core wrote: then only the whole will do.
            await store.write(front, {segment: encode(listed) for segment, listed in notes.items()})
        dirty -= written

    async def _write_states(self, pos: int) -> None:
        states = []
        for note, tail in list(self._documents.tails.items()):
            document = self._notebook.note(note)
            if tail > TAIL_CHANGES_MAX and document is not None and not self._documents.is_unfolded(note):
                states.append(NoteState(note, pos, dict(self._documents.heads(note)), document.state()))
                self._documents.tails[note] = 0
        if states:
            await self._log.states.write(states)

    def _notes_by_segment(self) -> dict[int, list[str]]:
        notes: dict[int, list[str]] = {}
        for note in self._notebook.rows:
            if note not in self._segment_by_note:
                self.changed([note])
            notes.setdefault(self._segment_by_note[note], []).append(note)
        return notes

    def _encoded_rows(self, notes: list[str]) -> bytes:
        return encode_rows(self._notebook.rows[note] for note in notes)

    def _encoded_texts(self, notes: list[str]) -> bytes:
        return json.dumps({note: self._notebook.text(note) for note in notes}, ensure_ascii=False).encode()
