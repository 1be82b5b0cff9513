"""What a note says, as one hash: two devices that hold the same changes of it and have another hash have diverged.

SHA-256 over, each behind its length in 8 bytes, big-endian: the body in UTF-8, then key and value of every field, ascending by
key: all values, not only those that win.
"""

from __future__ import annotations

import hashlib

from carryon.notes.note import Note


def content_digest(note: Note) -> bytes:
    """Return the hash of a note's text and fields."""
    parts = [note.body]
    for key, value in sorted(note.fields().items()):
        parts += (key, value)
    hashed = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        hashed.update(len(data).to_bytes(8, "big") + data)
    return hashed.digest()
