"""The words that an update brings, for when the update itself cannot be kept: read from its bytes, without a document.

An update is, in Yjs' first encoding, with integers of variable length (seven bits a byte, the low ones first):

    update    count of clients, then each: count of structs · client · clock · structs; the deletions follow, without words
    struct    one byte, whose low five bits say the kind:
              0, 10  a gap: length
              else   an item: [origin: client · clock, if bit 8] [right origin: client · clock, if bit 7]; with neither of them its
                     parent: 1 · name of a root, or 0 · client · clock, then [key, if bit 6]; last its content
    content   kind 1: length deleted · kind 4: a text · kind 8: count, then each 119 · a text (a field's value)
    text      length in bytes · UTF-8

1. Insertions come out in the order in which one client wrote them; the values of fields are no words of the note.
2. Bytes are foreign: where they are no such update the words end.
"""

from __future__ import annotations

from typing import Final

GAPS: Final = (0, 10)
DELETED, TEXT, VALUES, TEXT_VALUE = 1, 4, 8, 119
NUMBER_BITS_MAX: Final = 63
KIND, KEY, RIGHT, ORIGIN = 0x1F, 0x20, 0x40, 0x80


class _NoUpdate(Exception):
    """These bytes are no update of a note from here on."""


class _Reader:
    """What is left to read of an update."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        if self._at >= len(self._data):
            raise _NoUpdate
        self._at += 1
        return self._data[self._at - 1]

    def number(self) -> int:
        value = shift = 0
        while (byte := self.byte()) > 127:
            value |= (byte & 127) << shift
            shift += 7
            if shift > NUMBER_BITS_MAX:
                raise _NoUpdate
        return value | byte << shift

    def id(self) -> None:
        self.number(), self.number()

    def text(self) -> str:
        length = self.number()
        text = self._data[self._at : self._at + length]
        self._at += length
        return text.decode("utf-8", "replace")


def text_written(update: bytes) -> str:
    """Return the text that an update inserts, one insertion after the other."""
    texts: list[str] = []
    reader = _Reader(update)
    try:
        for _ in range(reader.number()):
            count, _client, _clock = reader.number(), reader.number(), reader.number()
            texts += (_struct(reader) for _ in range(count))
    except _NoUpdate:
        # What was read by then is what there is.
        return "".join(texts)
    return "".join(texts)


def _struct(reader: _Reader) -> str:
    info = reader.byte()
    kind = info & KIND
    if kind in GAPS:
        reader.number()
        return ""
    if info & ORIGIN:
        reader.id()
    if info & RIGHT:
        reader.id()
    if not info & (ORIGIN | RIGHT):
        _parent(reader, has_key=bool(info & KEY))
    if kind == TEXT:
        return reader.text()
    if kind == DELETED:
        reader.number()
    elif kind == VALUES:
        for _ in range(reader.number()):
            _value(reader)
    else:
        raise _NoUpdate
    return ""


def _parent(reader: _Reader, *, has_key: bool) -> None:
    if reader.number():
        reader.text()
    else:
        reader.id()
    if has_key:
        reader.text()


def _value(reader: _Reader) -> None:
    if reader.byte() != TEXT_VALUE:
        raise _NoUpdate
    reader.text()
