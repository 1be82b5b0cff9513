"""The open notebook in memory: commands and updates go in, facts come out, and the list is always there to be shown.

1. Documents are in memory only as long as the core keeps them (`put_note`, `drop_note`); rows and texts of all notes
   always are.
2. An edit costs what its note's CRDT costs: `edit`, `absorb` and `act` mark the note's row as stale and return.
   `refresh` derives the stale rows (linear in each note) when the core is at rest, a few times a second; whatever was
   asked of the list before that shows the older row. `act` refreshes the note of its command itself, so that a button
   answers at once. Rows and texts are those of what is durable (`saved`); its maker alone may be shown more (unsaved.py).
3. An update that cannot be applied changes nothing that is kept: a document it may have torn is dropped, and the fact
   says so. Of a change of somebody else what can be read is taken (`absorb`); what cannot is named by the document
   (`Note.unread`).
4. Everything that was true already is no edit: no update, no fact. So a tab may send again what it does not know to
   be saved.
5. What is too long is refused before it is kept: a body beyond `body_bytes_max`, but for one that was longer and gets shorter; an
   update beyond `update_bytes_max`, which is what a sealed change surely holds. Whatever others wrote is absorbed at any length.
6. `created` and `modified` are times of people's clocks, for showing only. `modified` is the latest time at which words
   changed, body or title; pin, folder and trash leave it, here and on every device that hears of them. So an edit of
   those takes no later time into a change that words are waiting to go into. The core gives no time that lies in its
   own future.

It keeps nothing on disk, knows no tabs and no relay, and never reads a clock. The caller gives a client number that
nobody used before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import assert_never

from carryon.notebook.commands import (
    Command,
    CreateNote,
    MoveNote,
    PinNote,
    RenameNote,
    ReplaceBody,
    RestoreNote,
    TrashNote,
)
from carryon.notebook.facts import CommandRefused, Fact, NoteAbsorbed, NoteEdited, RowChanged, UpdateRefused
from carryon.notebook.limits import edit_refusal, refusal, update_bytes_max, update_refusal
from carryon.notebook.listing import Index, Listing, Place
from carryon.notebook.unsaved import NOBODY, Unsaved
from carryon.notes.fields import Field
from carryon.notes.note import BadUpdate, Note
from carryon.notes.row import Heads, Row, clean_folder, row_of, trashed_value

_device_digits = 16


@dataclass(slots=True)
class _Open:
    note: Note
    created: int
    modified: int
    heads: Heads
    # Whether `created` is the time of a first change, which other devices know too.
    has_begun: bool = False

    def begin(self, time: int) -> None:
        """Take the time of a first change; of several (a copied profile writes one of its own), the earliest counts everywhere."""
        self.created = min(self.created, time) if self.has_begun else time
        self.has_begun = True

    def wrote(self, note_id: str, update: bytes, now: int) -> NoteEdited:
        """Note that a person changed the document, which tells whether words."""
        if not self.note.words_changed:
            # Every device takes the latest time of a note's changes for its age, in whatever order they come.
            return NoteEdited(note_id, update, min(now, self.modified))
        self.modified = max(self.modified, now)
        return NoteEdited(note_id, update, now)


class Notebook:
    """One notebook, written by one core start."""

    def __init__(self, notebook_id: str, client: int, name: str, author: str = "") -> None:
        """`author` is the chain this core writes, in hexadecimal; it may change while the notebook is open."""
        self.id = notebook_id
        self.client = client
        self.name = name
        self.author = author
        self.device = device_of(author)
        self._index = Index()
        self._open: dict[str, _Open] = {}
        self._stale: set[str] = set()
        self._unsaved = Unsaved(self._index, self._derive)
        self._derived: Callable[[str], None] = lambda _note: None
        self._counter = 0

    @property
    def rows(self) -> Mapping[str, Row]:
        """All rows by note."""
        return self._index.rows

    @property
    def texts_ready(self) -> bool:
        """Whether the search knows the text of every note."""
        return len(self._index.bodies) == len(self._index.rows)

    def derived_by(self, derived: Callable[[str], None]) -> None:
        """Name who is told of each note whose row or text became another one, whatever made it so."""
        self._derived = derived

    def note(self, note_id: str) -> Note | None:
        """Return a note's document, where it is in memory."""
        opened = self._open.get(note_id)
        return opened.note if opened else None

    def text(self, note_id: str) -> str | None:
        """Return a note's body as the search knows it, which is behind an edit until `refresh`."""
        return self._index.bodies.get(note_id)

    def body(self, note_id: str) -> str:
        """Return the body of a note in memory as it is, or as the search knows it for who may not see more."""
        return (self.text(note_id) or "") if self._unsaved.hides(note_id) else self._open[note_id].note.body

    def title(self, note_id: str) -> Field:
        """Return the title of a note in memory, with all that it holds where devices differ."""
        return self._unsaved.title(note_id) or self._open[note_id].note.field("title")

    def seen_by(self, tab: str) -> AbstractContextManager[None]:
        """Show a tab also what it has made itself and is not durable, until this ends; change nothing meanwhile."""
        return self._unsaved.seen_by(tab)

    def sees(self, tab: str, note_id: str) -> bool:
        """Tell whether there is a note, for a tab."""
        return note_id in self.rows or (note_id in self._open and not self._unsaved.hides(note_id, tab))

    def is_unsaved(self, note_id: str) -> bool:
        """Tell whether something of a note in memory is not durable."""
        return note_id in self._open and note_id in self._unsaved

    def saved(self, note_id: str) -> list[Fact]:
        """Take it that the first edit of a note that has a maker and was not durable is durable."""
        return self._refreshed(note_id) if self._unsaved.saved(note_id) else []

    def put_rows(self, rows: Iterable[Row]) -> None:
        """Take the stored rows, at a start."""
        self._index.put_rows(rows)

    def put_texts(self, bodies: Mapping[str, str]) -> None:
        """Take the stored bodies of notes whose rows are here, for the search."""
        for note_id, body in bodies.items():
            if note_id in self._index.rows:
                self._index.put_text(note_id, body)

    def put_note(
        self,
        note: Note,
        created: int,
        modified: int,
        heads: Heads,
        *,
        whole: bool = True,
        has_begun: bool = True,
    ) -> None:
        """Take a document into memory. Its row is derived anew at the next `refresh`; `has_begun` says that a change has created it.

        Where the document is not the `whole` note, its row and text stay what they were until something is written.
        """
        self._open[note.id] = _Open(note, created, modified, heads, has_begun)
        if whole or note.id not in self.rows:
            self._changed(note.id)

    def renumber(self, note_id: str, client: int) -> None:
        """Write a note in memory as another client from now on; nobody used its number before."""
        opened = self._open[note_id]
        opened.note = opened.note.renumbered(client)

    def put_heads(self, note_id: str, heads: Heads, time: int, *, first: bool) -> None:
        """Take a note's heads after this device's own edits were numbered; `time` stands in that change.

        The `first` change of a note says when it was created: every other device knows it from there.
        """
        opened = self._open.get(note_id)
        if opened is not None:
            opened.heads = heads
            if first:
                opened.begin(time)
            self._changed(note_id)

    def put_created(self, note_id: str, time: int) -> None:
        """Take the time of a first change of a note, which was made elsewhere."""
        opened = self._open.get(note_id)
        if opened is not None:
            opened.begin(time)
            self._changed(note_id)

    def drop_note(self, note_id: str) -> list[Fact]:
        """Let a document go; its row and text stay, and are derived before."""
        facts = self._refreshed(note_id)
        self._open.pop(note_id, None)
        return facts

    def discard_note(self, note_id: str) -> None:
        """Let a document go that is not listed and is not to be."""
        assert note_id not in self.rows, f"note {note_id} is listed"
        self._open.pop(note_id, None)
        self._stale.discard(note_id)

    def act(self, command: Command, now: int, maker: str | None = None) -> list[Fact]:
        """Carry out a person's command; `now` in milliseconds since 1970.

        Until it is `saved` it is shown to its `maker`, a tab, alone; without one it is durable.
        """
        reason = refusal(command)
        if reason is not None:
            return [CommandRefused(reason)]
        if isinstance(command, CreateNote):
            return self._create(command, now, maker)
        opened = self._open.get(command.note)
        if opened is None:
            assert command.note not in self.rows, f"note {command.note} must be in memory before it is changed"
            return [CommandRefused(f"There is no note {command.note} in this notebook.")]
        self._counter += 1
        title = opened.note.field("title")
        update = self._write(opened, command)
        if not update:
            self._unsaved.given_again(command.note, command, maker or NOBODY)
            return []
        if len(update) > update_bytes_max:
            # It has been written into the document, which is therefore let go.
            self._tear(command.note)
            return [CommandRefused(f"This was not done: {update_refusal(update)}.")]
        self._changed(command.note)
        if maker is not None:
            self._unsaved.made(command.note, command, maker, title)
        return [opened.wrote(command.note, update, now), *self._refreshed(command.note)]

    def given_again(self, command: Command, maker: str) -> None:
        """A person has given a command once more that was carried out and may not be durable; see `act` for its maker."""
        self._unsaved.given_again(command.note, command, maker)

    def edit(self, note_id: str, update: bytes, now: int, maker: str | None = None) -> list[Fact]:
        """Take an edit that a person made in a tab's own replica; see `act` for its maker."""
        opened = self._open.get(note_id)
        if opened is None:
            assert note_id not in self.rows, f"note {note_id} must be in memory before it is edited"
            return [UpdateRefused(note_id, f"There is no note {note_id} in this notebook.", dropped=False)]
        reason = edit_refusal(opened.note, update)
        if reason is not None:
            return [UpdateRefused(note_id, reason, dropped=False)]
        try:
            new = opened.note.apply(update, wait=False)
        except BadUpdate as fault:
            return [self._refused(note_id, fault)]
        if not new:
            self._unsaved.given_again(note_id, update, maker or NOBODY)
            return []
        self._changed(note_id)
        if maker is not None:
            self._unsaved.made(note_id, update, maker)
        return [opened.wrote(note_id, new, now)]

    def absorb(
        self,
        note_id: str,
        updates: Sequence[bytes],
        time: int,
        heads: Heads,
        *,
        change: bytes = b"",
        author: str | None = None,
    ) -> list[Fact]:
        """Take a change of somebody else, or of another core, that follows on what is held, and the heads after it.

        `change` names it, `author` (hexadecimal) wrote it: this core's own, where none is given.
        """
        opened = self._open.get(note_id)
        if opened is None:
            assert note_id not in self.rows, f"note {note_id} must be in memory before it absorbs a change"
            opened = self._open[note_id] = _Open(Note(note_id, self.client, self.device), time, time, heads)
        try:
            new = opened.note.absorb(change, self.device if author is None else device_of(author), updates)
        except BadUpdate as fault:
            return [self._refused(note_id, fault)]
        opened.heads = heads
        if new or change not in opened.note.unread:
            opened.modified = max(opened.modified, time)
            self._changed(note_id)
        return [NoteAbsorbed(note_id, update) for update in new]

    def refresh(self) -> list[Fact]:
        """Derive the rows and texts of all notes that changed since, and return what changed in the list."""
        return [fact for note_id in sorted(self._stale) for fact in self._refreshed(note_id)]

    def listed(self, place: Place, folder: str, tag: str, query: str) -> Listing:
        """Return the notes that a place shows: in a folder, with a tag, found by a query; empty texts ask for all."""
        return self._index.listed(place, folder, tag, query)

    def folders(self) -> Mapping[str, int]:
        """Return how many notes each folder holds, with the folders in it."""
        return self._index.folders()

    def tags(self) -> Mapping[str, int]:
        """Return how many notes have each tag."""
        return self._index.tags()

    def counts(self) -> Mapping[Place, int]:
        """Return how many notes each place holds."""
        return self._index.counts()

    def linked(self, target: str) -> tuple[str, ...]:
        """Return the notes that a link in a text may mean; several are an ambiguous link."""
        return self._index.linked(target)

    def _create(self, command: CreateNote, now: int, maker: str | None) -> list[Fact]:
        if command.note in self._open or command.note in self.rows:
            self._unsaved.given_again(command.note, command, maker or NOBODY)
            return []
        note = Note(command.note, self.client, self.device)
        asked = {
            "title": command.title,
            "folder": clean_folder(command.folder),
            "source": command.source,
            "pinned": "1" if command.pinned else "",
            "created": "" if command.created is None else str(command.created),
        }
        self._counter += 1
        # A title is set even when it is empty: a change without an edit would tell nobody that there is a note.
        fields = {name: value for name, value in asked.items() if value or name == "title"}
        update = note.write(self._counter, body=command.body, fields=fields)
        self.put_note(note, now, now, {}, has_begun=False)
        if maker is not None:
            self._unsaved.made(command.note, command, maker, note.field("title"))
        return [self._open[command.note].wrote(command.note, update, now), *self._refreshed(command.note)]

    def _write(self, opened: _Open, command: Command) -> bytes:
        note, counter = opened.note, self._counter
        match command:
            case RenameNote(title=title):
                return note.set_field("title", title, counter)
            case MoveNote(folder=folder):
                return _set_unless_default(note, "folder", clean_folder(folder), "", counter)
            case PinNote(pinned=pinned):
                return _set_unless_default(note, "pinned", "1" if pinned else "0", "0", counter)
            case TrashNote():
                row = row_of(note, opened.created, opened.modified, opened.heads)
                return (
                    b"" if row.trashed else note.set_field("trashed", trashed_value(self.author, opened.heads), counter)
                )
            case RestoreNote():
                return _set_unless_default(note, "trashed", "", "", counter)
            case ReplaceBody(body=body, source=source):
                return note.write(counter, body=body, fields={} if source is None else {"source": source})
            case CreateNote():
                raise AssertionError("a note is created before it is written")
        assert_never(command)

    def _changed(self, note_id: str) -> None:
        self._stale.add(note_id)
        self._unsaved.changed(note_id)

    def _tear(self, note_id: str) -> None:
        del self._open[note_id]
        self._stale.discard(note_id)

    def _refused(self, note_id: str, fault: BadUpdate) -> UpdateRefused:
        if fault.torn:
            self._tear(note_id)
        return UpdateRefused(note_id, fault.reason, dropped=fault.torn)

    def _refreshed(self, note_id: str) -> list[Fact]:
        """Derive one row if it is stale and may be shown; its text goes to the search."""
        if note_id not in self._stale or note_id in self._unsaved:
            return []
        self._stale.discard(note_id)
        row, body = self._row_and_body(note_id)
        changed = self.rows.get(note_id) != row
        if changed:
            self._index.put_row(row)
        if self._index.put_text(note_id, body) or changed:
            self._derived(note_id)
        return [RowChanged(note_id, row)] if changed else []

    def _row_and_body(self, note_id: str) -> tuple[Row, str]:
        opened = self._open[note_id]
        return row_of(opened.note, opened.created, opened.modified, opened.heads), opened.note.body

    def _derive(self, note_id: str) -> tuple[Row, str] | None:
        return self._row_and_body(note_id) if note_id in self._open else None


def device_of(author: str) -> str:
    """Return the device that writes as an author, both in hexadecimal: an author begins with its device's fingerprint."""
    return author[:_device_digits]


def _set_unless_default(note: Note, name: str, value: str, default: str, counter: int) -> bytes:
    if value == default and not note.field(name).values:
        return b""
    return note.set_field(name, value, counter)
