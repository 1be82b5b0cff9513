"""The pycrdt side of the differential test: our own Note, driven by requests. Runs in CPython and in Pyodide.

A request is [verb, document, …]; the answer is what the verb says, bytes in base64:
    new d client                    an empty document
    load d client state             the document of a state
    splice d place cut text         replaces `cut` code points at place / 65,536 of the text; answers the update
    patch d start cut text          the same at a code point
    field d name value counter      sets a multi-value register; answers the update
    apply d update                  answers whether anything of it waits for predecessors
    text d · fields d · state d     what it holds; fields as {key: value}
    drop d                          forgets the document
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

from carryon.notes.note import Note

_notes: dict[str, Note] = {}


def answer(line: str) -> str:
    """Carry out a JSON list of requests, and return the JSON list of their answers."""
    return json.dumps([_answer(*request) for request in json.loads(line)])


def _answer(verb: str, document: str, *arguments: Any) -> object:
    match verb, arguments:
        case "new", (client,):
            _notes[document] = Note(document, client)
        case "load", (client, state):
            _notes[document] = Note.load(document, client, b64decode(state))
        case "drop", ():
            del _notes[document]
        case _:
            return _read_or_write(_notes[document], verb, arguments)
    return None


def _read_or_write(note: Note, verb: str, arguments: tuple[Any, ...]) -> object:
    match verb, arguments:
        case "splice", (place, cut, text):
            start = place * (len(note.body) + 1) // 65_536
            return _encoded(note.splice(start, min(len(note.body), start + cut), text))
        case "patch", (start, cut, text):
            return _encoded(note.splice(start, start + cut, text))
        case "field", (name, value, counter):
            return _encoded(note.set_field(name, value, counter))
        case "apply", (update,):
            note.apply(b64decode(update))
            return note.pending
        case "text", ():
            return note.body
        case "fields", ():
            return dict(sorted(pair for name in ("title", "folder") for pair in note.field(name).values))
        case "state", ():
            return _encoded(note.state())
    raise ValueError(f"no such request: {verb} {arguments}")


def _encoded(data: bytes) -> str:
    return b64encode(data).decode()
