"""What has happened in the notebook, as values: the journal keeps edits, tabs are shown all of it."""

from __future__ import annotations

from dataclasses import dataclass

from carryon.notes.row import Row


@dataclass(frozen=True, slots=True)
class NoteEdited:
    """This core's person wrote: the update belongs into the journal with its time, and after that into every tab."""

    note: str
    update: bytes
    time: int


@dataclass(frozen=True, slots=True)
class NoteAbsorbed:
    """Somebody else, or another core, wrote: the update belongs into the tabs only."""

    note: str
    update: bytes


@dataclass(frozen=True, slots=True)
class RowChanged:
    """The list knows something else of the note."""

    note: str
    row: Row


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A command changed nothing; the reason is for the person."""

    reason: str


@dataclass(frozen=True, slots=True)
class UpdateRefused:
    """An edit could not be applied, or came before what it needs. Where `dropped`, the document was torn and is no longer
    in memory: load it again, without what tore it.
    """

    note: str
    reason: str
    dropped: bool


Fact = NoteEdited | NoteAbsorbed | RowChanged | CommandRefused | UpdateRefused
