"""What a person orders of the notebook, as values, so that views make them without knowing how they are carried out.

1. A command names a note by its id; the note is in memory when the command is given (`Notebook.put_note`), but for
   CreateNote.
2. A command that is already true is no edit: giving one twice, or again after a restart, changes nothing.
3. A command that cannot be carried out is answered by the fact CommandRefused, with words for the person.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CreateNote:
    """Make a note under an id from outside. `source` tells where an imported text came from (importing.py), `created` when it
    was created, in ms since 1970, where that was before its words are from.
    """

    note: str
    title: str = ""
    body: str = ""
    folder: str = ""
    source: str = ""
    pinned: bool = False
    created: int | None = None


@dataclass(frozen=True, slots=True)
class RenameNote:
    """Set the title, which settles a conflict of titles."""

    note: str
    title: str


@dataclass(frozen=True, slots=True)
class MoveNote:
    """Put the note into a folder, a path of names with slashes between; empty is no folder."""

    note: str
    folder: str


@dataclass(frozen=True, slots=True)
class PinNote:
    """Keep the note at the top of the list, or no more."""

    note: str
    pinned: bool


@dataclass(frozen=True, slots=True)
class TrashNote:
    """Move the note to the trash: for as long as nobody elsewhere has written more than is known here."""

    note: str


@dataclass(frozen=True, slots=True)
class RestoreNote:
    """Take the note out of the trash."""

    note: str


@dataclass(frozen=True, slots=True)
class ReplaceBody:
    """Turn the body into another text by a small edit; `source`, where given, tells which file it came from."""

    note: str
    body: str
    source: str | None = None


Command = CreateNote | RenameNote | MoveNote | PinNote | TrashNote | RestoreNote | ReplaceBody
