"""Keep what is derived from the log (list rows, texts for the search, states of long notes) so that the next start is short.

1. Rows and texts lie in segments of `SEGMENT_NOTES` notes, in the order in which the notes came to be; a note stays in its segment, and
   only segments that changed are written again, when nothing has changed for `REST_S`.
2. What is written names the position of the log that it reflects, all of it, the segments too that were not written again; what came
   after is absorbed at the next start. What was mended in the log before that position is not: with it the rows' mark of mendings is an
   old one, and they are made anew. So a crash costs time, never words. The notebook tells of every row and text that became another
   one, whatever made it so: its segment is marked at once, and a mark goes only with the commit that wrote it.
3. All of it is encoded at one moment, at which everything in memory is in the journal or in the log (`at_rest`): a state that held an
   edit which was lost would keep the edit from being written when its tab sends it again. A note of which nothing is in the log yet is
   left out: another core that starts from the rows could not read it.
4. Nothing here is worth failing for: a write that fails is tried again after the next change, and what does not read is made anew.
"""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from carryon.core.log.documents import Documents
from carryon.notebook.notebook import Notebook
from carryon.notes.row import decode_rows, encode_rows
from carryon.storage.derived import Front, Segmented
from carryon.storage.errors import Moved, StorageError
from carryon.storage.layouts import NoteState
from carryon.storage.log import Log

REST_S: Final = 1.0
SEGMENT_NOTES: Final = 64
TAIL_MAX: Final = 480
PAGE_ENTRIES_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Encoded:
    """Segments as they were at a moment."""

    moment: int
    segments: Mapping[int, bytes]


class Marked:
    """The segments of one store that are to be written; a mark goes with the commit of what was encoded after it was set."""

    def __init__(self, store: Segmented, encoded: Callable[[list[str]], bytes]) -> None:
        self._store = store
        self._encoded = encoded
        self._moment = 0
        self._moments: dict[int, int] = {}

    def mark(self, segments: Collection[int]) -> None:
        """These are to be written."""
        self._moment += 1
        self._moments |= dict.fromkeys(segments, self._moment)

    def encode(self, notes: Mapping[int, list[str]]) -> Encoded:
        """Encode the marked segments as they are now."""
        marked = self._moments.keys() & notes.keys()
        return Encoded(self._moment, {segment: self._encoded(notes[segment]) for segment in marked})

    async def write(self, front: Front, encoded: Encoded) -> bool:
        """Write what was encoded; False when only the whole will do: nothing was stored yet, or another core wrote."""
        try:
            await self._store.write(front, encoded.segments)
        except Moved:
            self.mark(range(1, front.count + 1))
            return False
        for segment in encoded.segments:
            if self._moments[segment] <= encoded.moment:
                del self._moments[segment]
        return True


class Derived:
    """The derived stores of one open notebook."""

    def __init__(
        self,
        log: Log,
        notebook: Notebook,
        documents: Documents,
        reflected: Callable[[], tuple[int, bytes]],
        at_rest: Callable[[], AbstractAsyncContextManager[None]],
        tag_of: Callable[[str], bytes],
    ) -> None:
        """`reflected` gives the position of the log and the mark of mendings that memory reflects; `at_rest` holds it still."""
        self._log = log
        self._notebook = notebook
        self._documents = documents
        self._reflected = reflected
        self._at_rest = at_rest
        self._tag_of = tag_of
        self._rows = Marked(log.rows, self._encoded_rows)
        self._texts = Marked(log.texts, self._encoded_texts)
        self._rows_position = 0
        self._mendings = b""
        self._segment_by_note: dict[str, int] = {}
        # Notes of which nothing was in the log when rows and texts were written last.
        self._left_out: set[str] = set()
        self._changed = asyncio.Event()
        self.problem: str | None = None
        notebook.derived_by(self._mark)

    async def read_rows(self, mendings: bytes) -> int:
        """Put the stored rows into the notebook; give the position that they reflect, 0 when they must be made anew.

        They must where they have another mark of mendings.
        """
        self._mendings = mendings
        front = await self._front(self._log.rows)
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
        self._notebook.put_rows(row for rows in decoded for row in rows)
        self._rows_position = front.pos
        return front.pos

    async def read_texts(self) -> None:
        """Put the stored texts into the notebook, and read the notes whose text was not stored, or not as of the rows."""
        front = await self._front(self._log.texts)
        segments = None if front is None else await self._log.texts.read_segments()
        stale = set() if front is None else await self._changed_after(front.pos)
        for number, segment in enumerate(segments or (), 1):
            bodies: dict[str, str] = json.loads(segment)
            segments_here = {self._segment_by_note.get(note, number) for note in bodies}
            if segments_here != {number}:
                # It was written beside other rows than those that are here: one text of a note would stay behind another.
                self._texts.mark({number, *segments_here})
            unknown = (note for note in bodies.keys() - stale if self._notebook.text(note) is None)
            self._notebook.put_texts({note: bodies[note] for note in unknown})
            await asyncio.sleep(0)
        for note in [note for note in self._notebook.rows if self._notebook.text(note) is None]:
            await self._documents.use(note)
            self._notebook.refresh()
            if self._notebook.text(note) is None:
                # Of one that is not whole what can be read is looked through; one that cannot be read is found by its title.
                document = self._notebook.note(note)
                self._notebook.put_texts({note: document.body if document is not None else ""})

    async def _front(self, store: Segmented) -> Front | None:
        front = await store.read_front()
        return None if front is None or front.content != self._mendings else front

    def reflects(self, mendings: bytes) -> None:
        """Memory reflects this mark of mendings: it is to be written, if it is another one."""
        if mendings != self._mendings:
            self._mendings = mendings
            self._changed.set()

    async def _changed_after(self, pos: int) -> set[str]:
        """The notes that changed after a position, up to the one that the stored rows reflect."""
        if pos >= self._rows_position:
            return set()
        tags: set[bytes] = set()
        more = True
        while more and pos < self._rows_position:
            page = await self._log.changes.entries(pos, PAGE_ENTRIES_MAX)
            tags.update(entry.change.header.tag for entry in page.entries)
            pos, more = page.pos, page.more
        return {note for note in self._notebook.rows if self._tag_of(note) in tags}

    def _mark(self, note: str) -> None:
        segment = self._segment_by_note.setdefault(note, len(self._segment_by_note) // SEGMENT_NOTES + 1)
        self._rows.mark([segment])
        self._texts.mark([segment])
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
        async with self._at_rest():
            self._notebook.refresh()
            (pos, mendings), notes = self._reflected(), self._notes_by_segment()
            rows = self._rows.encode(notes)
            texts = self._texts.encode(notes) if self._notebook.texts_ready else None
            tails = self._long_tails()
            states = [self._state(note, pos) for note in tails]
        front = Front(pos, len(notes), mendings)
        whole = await self._rows.write(front, rows)
        if texts is not None:
            whole = await self._texts.write(front, texts) and whole
        if not whole:
            self._changed.set()
        if states:
            await self._log.states.write(states)
            self._documents.shortened(tails)

    def _long_tails(self) -> dict[str, int]:
        tails = self._documents.tails.items()
        long = {note: tail for note, tail in tails if tail > TAIL_MAX and self._notebook.note(note) is not None}
        return {note: tail for note, tail in long.items() if self._documents.is_whole(note)}

    def _state(self, note: str, pos: int) -> NoteState:
        document = self._notebook.note(note)
        assert document is not None, "only what is in memory has a long tail"
        writers = {number: bytes.fromhex(device) for number, device in document.writers.items()}
        return NoteState(note, pos, dict(self._documents.heads(note)), document.state(), writers)

    def _notes_by_segment(self) -> dict[int, list[str]]:
        left_out: set[str] = set()
        logged: list[str] = []
        for note in self._notebook.rows:
            is_logged = self._documents.is_logged(note)
            if note not in self._segment_by_note or (is_logged and note in self._left_out):
                self._mark(note)
            if is_logged:
                logged.append(note)
            else:
                left_out.add(note)
        self._left_out = left_out
        # A segment all of whose notes are gone is still one of those that are numbered.
        notes: dict[int, list[str]] = {n: [] for n in range(1, max(self._segment_by_note.values(), default=0) + 1)}
        for note in logged:
            notes[self._segment_by_note[note]].append(note)
        return notes

    def _encoded_rows(self, notes: list[str]) -> bytes:
        return encode_rows(self._notebook.rows[note] for note in notes)

    def _encoded_texts(self, notes: list[str]) -> bytes:
        # One that cannot be read has no text; the next start tries it again.
        readable = [note for note in notes if not self._documents.is_unreadable(note)]
        return json.dumps({note: self._notebook.text(note) for note in readable}, ensure_ascii=False).encode()
