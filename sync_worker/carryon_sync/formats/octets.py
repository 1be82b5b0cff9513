"""Every binary format here reads its fields through one bounded cursor and signs them under one labelled layout.

1. Integers are big-endian and of fixed width; bytes of varying length have their length in front.
2. A list that is a set stands in strictly ascending order: one value has one encoding.
3. `Cursor` raises `Malformed`, and only the `decode_…` function that made the cursor catches it and answers `Rejected`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise

_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")
_U64 = struct.Struct(">Q")
_I64 = struct.Struct(">q")


class Malformed(Exception):
    """The bytes do not have the layout that their decoder expects."""


class Cursor:
    """Read fields from the front of `data`, never beyond its end."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int, what: str) -> bytes:
        """Read `length` bytes."""
        end = self._at + length
        if end > len(self._data):
            raise Malformed(f"{what} needs {length} bytes, {len(self._data) - self._at} are left")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def u8(self, what: str) -> int:
        """Read one byte as a number."""
        return self.take(1, what)[0]

    def u16(self, what: str) -> int:
        """Read two bytes as a number."""
        return int(_U16.unpack(self.take(2, what))[0])

    def u32(self, what: str) -> int:
        """Read four bytes as a number."""
        return int(_U32.unpack(self.take(4, what))[0])

    def u64(self, what: str) -> int:
        """Read eight bytes as a number."""
        return int(_U64.unpack(self.take(8, what))[0])

    def i64(self, what: str) -> int:
        """Read eight bytes as a signed number."""
        return int(_I64.unpack(self.take(8, what))[0])

    def rest(self) -> bytes:
        """Read all that is left."""
        return self.take(len(self._data) - self._at, "the rest")

    def end(self) -> None:
        """Refuse bytes after the last field."""
        left = len(self._data) - self._at
        if left:
            raise Malformed(f"{left} bytes follow the last field")


def u16(number: int) -> bytes:
    """Write a number in two bytes."""
    return _U16.pack(number)


def u32(number: int) -> bytes:
    """Write a number in four bytes."""
    return _U32.pack(number)


def u64(number: int) -> bytes:
    """Write a number in eight bytes."""
    return _U64.pack(number)


def i64(number: int) -> bytes:
    """Write a signed number in eight bytes."""
    return _I64.pack(number)


def ascending(keys: Sequence[bytes], what: str) -> None:
    """Refuse a set whose members are not in strictly ascending order."""
    if any(left >= right for left, right in pairwise(keys)):
        raise Malformed(f"{what} are not in ascending order, each once")


def labelled(purpose: str, *fields: bytes) -> bytes:
    """Lay out what a signature or a MAC covers: `carryon/<purpose>/1`, then each field behind its length in 4 bytes.

    A purpose has no slash, so a label ends at its third slash and the one character after it: no two of (purpose,
    fields) share a layout.
    """
    assert purpose and "/" not in purpose, "a purpose is one word"
    return b"".join(_labelled(purpose, fields))


def _labelled(purpose: str, fields: Iterable[bytes]) -> Iterable[bytes]:
    yield f"carryon/{purpose}/1".encode("ascii")
    for field in fields:
        yield _U32.pack(len(field))
        yield field
