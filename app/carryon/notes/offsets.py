"""Converts between the three ways to count a text, because pycrdt counts UTF-8 bytes, Python code points, and Yjs and
the DOM UTF-16 units.

1. Nobody else converts, and nobody slices a text with an offset of another unit.
2. An offset beyond the text or inside a character is refused, never rounded: pycrdt would panic or write into the
   middle of a character.

It does not know documents. All functions are linear in the text before the offset; an ASCII text costs nothing.
"""

from __future__ import annotations


class BadOffset(ValueError):
    """An offset names no place between two characters of the text."""


def utf8_of_point(text: str, point: int) -> int:
    """Return the offset in UTF-8 bytes of the offset `point` in code points."""
    _check(text, point)
    return point if text.isascii() else len(text[:point].encode())


def utf16_of_point(text: str, point: int) -> int:
    """Return the offset in UTF-16 units of the offset `point` in code points."""
    _check(text, point)
    return point if text.isascii() else len(text[:point].encode("utf-16-le")) // 2


def point_of_utf8(text: str, offset: int) -> int:
    """Return the offset in code points of the offset `offset` in UTF-8 bytes."""
    if text.isascii():
        _check(text, offset)
        return offset
    return _point(text.encode(), offset, "utf-8", offset)


def point_of_utf16(text: str, unit: int) -> int:
    """Return the offset in code points of the offset `unit` in UTF-16 units."""
    if text.isascii():
        _check(text, unit)
        return unit
    return _point(text.encode("utf-16-le"), unit * 2, "utf-16-le", unit)


def _check(text: str, offset: int) -> None:
    if not 0 <= offset <= len(text):
        raise BadOffset(f"offset {offset} is outside of the text, which has {len(text)} characters")


def _point(encoded: bytes, end: int, encoding: str, offset: int) -> int:
    if not 0 <= end <= len(encoded):
        raise BadOffset(f"offset {offset} is outside of the text, which has {len(encoded)} bytes in {encoding}")
    try:
        return len(encoded[:end].decode(encoding))
    except UnicodeDecodeError as fault:
        raise BadOffset(f"offset {offset} lies inside a character") from fault
