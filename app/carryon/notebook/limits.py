"""How long what a person writes may be, and the words of why more is refused: before it is kept, with the number and the way out.

1. A body may have `body_bytes_max`, which a file to be imported may have too: what is exported can be imported. One that is longer,
   because two devices wrote in it apart, takes what makes it shorter.
2. An update may have `update_bytes_max`: a body at its limit with its fields. With all that a change adds to it, it stays below what a
   change may have, so what is kept can be folded, sealed, sent and read (`tests/core/test_limits.py` derives it).
"""

from __future__ import annotations

import re
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
from carryon.notes.note import BadUpdate, Note

body_bytes_max = 10_000_000  # as UTF-8
update_bytes_max = 12 << 20
title_characters_max = 500
folder_characters_max = 1_000
note_id = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def refusal(command: Command) -> str | None:
    """Return why a command cannot be carried out, whatever the notebook holds."""
    if not note_id.fullmatch(command.note):
        return f"{command.note[:40]!r} is no note's id."
    match command:
        case CreateNote(title=title, folder=folder, body=body):
            return _text_refusal(title, folder, body)
        case RenameNote(title=title):
            return _text_refusal(title, "", "")
        case MoveNote(folder=folder):
            return _text_refusal("", folder, "")
        case ReplaceBody(body=body):
            return _text_refusal("", "", body)
        case PinNote() | TrashNote() | RestoreNote():
            return None
    assert_never(command)


def _text_refusal(title: str, folder: str, body: str) -> str | None:
    for what, text, most in (("title", title, title_characters_max), ("folder", folder, folder_characters_max)):
        if len(text) > most:
            return f"The {what} has {len(text):,} characters, the limit is {most:,}: make it shorter."
    for what, text in (("title", title), ("folder", folder), ("text", body)):
        try:
            length = len(text.encode())
        except UnicodeEncodeError as fault:
            return f"The {what} holds half a character at {fault.start:,} (a lone surrogate): type it again."
        if length > body_bytes_max:
            return f"The {what} has {_size(length)}: split it."
    return None


def edit_refusal(note: Note, update: bytes) -> str | None:
    """Return why an update of an editor is too long, trying it on a copy where its own length does not tell."""
    if len(update) > update_bytes_max:
        return update_refusal(update)
    if note.body_bytes + len(update) <= body_bytes_max:
        return None
    trial = note.copy()
    try:
        trial.apply(update)
    except BadUpdate as fault:
        return fault.reason
    if body_bytes_max < trial.body_bytes > note.body_bytes:
        return f"the note would have {_size(trial.body_bytes)}: write on in another note"
    return None


def update_refusal(update: bytes) -> str:
    """Return the words for an update that is too long."""
    return f"this edit alone has {len(update) / 1e6:.1f} MB, the limit is {update_bytes_max / 1e6:.1f} MB: make it in parts"


def _size(length: int) -> str:
    return f"{length / 1e6:.1f} MB, the limit is {body_bytes_max / 1e6:.0f} MB"
