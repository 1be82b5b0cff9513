"""Ids are 16 bytes to machines and 26 characters to people and URLs; this module is the only bridge.

1. The text is Crockford's base 32: 128 bits, most significant first, two zero bits in front, upper case.
2. Reading takes lower case, and I, L as 1 and O as 0, as Crockford's alphabet asks; U is never a digit.
3. One id has one text: a first character above 7 would need more than 128 bits and is refused.
"""

from __future__ import annotations

from carryon_sync.formats.rejected import Rejected

ID_BYTES = 16
TEXT_CHARACTERS = 26

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = {character: value for value, character in enumerate(_ALPHABET)}
_DIGITS |= {character.lower(): value for character, value in _DIGITS.items()}
_DIGITS |= {"I": 1, "i": 1, "L": 1, "l": 1, "O": 0, "o": 0}


def text_of(raw: bytes) -> str:
    """Write an id of 16 bytes as 26 characters."""
    assert len(raw) == ID_BYTES, f"an id has {ID_BYTES} bytes, not {len(raw)}"
    number = int.from_bytes(raw, "big")
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def raw_of(text: str) -> bytes | Rejected:
    """Read an id's 26 characters."""
    if len(text) != TEXT_CHARACTERS:
        return Rejected(f"an id has {TEXT_CHARACTERS} characters, not {len(text)}")
    number = 0
    for character in text:
        digit = _DIGITS.get(character)
        if digit is None:
            return Rejected(f"{character!r} is not a character of an id")
        number = number << 5 | digit
    if number >> 128:
        return Rejected(f"an id's first character is 0 to 7, not {text[0]!r}")
    return number.to_bytes(ID_BYTES, "big")
