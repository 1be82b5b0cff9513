"""Keys of records: one order in every adapter, that of IndexedDB.

1. A key is an integer, a text, bytes, or a tuple of keys. Integers come before texts, texts before bytes, bytes before
   tuples. Tuples are compared element by element; the shorter of two that agree comes first.
2. Integers are within ±(2⁵³ − 1), which JavaScript's numbers hold exactly. Texts are compared by their UTF-16 code
   units, as JavaScript does, and hold no lone surrogates. `True` and `False` are not keys.
3. `encode_key` keeps that order in bytes compared one by one (SQLite's BLOB):

       key      ::= integer | text | bytes | tuple
       integer  ::= 0x01, eight bytes: the integer + 2⁶³, big-endian
       text     ::= 0x02, escaped(CESU-8 of the text), 0x00      CESU-8 sorts as UTF-16 does
       bytes    ::= 0x03, escaped(bytes), 0x00
       tuple    ::= 0x04, the elements' keys, 0x00
       escaped  ::= each 0x00 written as 0x00 0xFF

   A byte after an ending 0x00 is a type, an end or nothing, so always below 0xFF.
4. Tuples lie in tuples at most `DEPTH_MAX` deep.
"""

from typing import TypeAlias

Key: TypeAlias = int | str | bytes | tuple["Key", ...]
Ordered: TypeAlias = tuple[int, "int | bytes | tuple[Ordered, ...]"]

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 16
_INTEGER, _TEXT, _BYTES, _TUPLE, _END = b"\x01", b"\x02", b"\x03", b"\x04", b"\x00"
_OFFSET = 2**63


def beneath(*prefix: Key) -> tuple[Key, Key]:
    """Give the inclusive range of the tuples that begin with a prefix and go on with something that is no tuple."""
    return prefix, (*prefix, ())


def order_of(key: Key) -> Ordered:
    """Give what Python's own comparison sorts as keys are sorted."""
    match key:
        case bool():
            raise AssertionError(f"{key} is not a key: keys are integers, texts, bytes and tuples of these")
        case int():
            assert -INTEGER_MAX <= key <= INTEGER_MAX, f"{key} is not a key: JavaScript cannot hold it exactly"
            return 1, key
        case str():
            return 2, key.encode("utf-16-be")
        case bytes():
            return 3, key
        case tuple():
            return 4, tuple(order_of(element) for element in key)


def encode_key(key: Key) -> bytes:
    """Write a key as bytes that sort as keys do."""
    match key:
        case bool():
            raise AssertionError(f"{key} is not a key: keys are integers, texts, bytes and tuples of these")
        case int():
            assert -INTEGER_MAX <= key <= INTEGER_MAX, f"{key} is not a key: JavaScript cannot hold it exactly"
            return _INTEGER + (key + _OFFSET).to_bytes(8, "big")
        case str():
            return _TEXT + _escaped(_cesu8(key)) + _END
        case bytes():
            return _BYTES + _escaped(key) + _END
        case tuple():
            return _TUPLE + b"".join(encode_key(element) for element in key) + _END


def decode_key(data: bytes) -> Key:
    """Read what `encode_key` wrote; a database that holds anything else is damaged (`ValueError`)."""
    key, end = _decoded(data, 0, DEPTH_MAX)
    if end != len(data):
        raise ValueError(f"key ends at byte {end} of {len(data)}")
    return key


def _decoded(data: bytes, at: int, depth: int) -> tuple[Key, int]:
    kind = data[at : at + 1]
    if kind == _INTEGER and at + 9 <= len(data):
        return int.from_bytes(data[at + 1 : at + 9], "big") - _OFFSET, at + 9
    if kind in (_TEXT, _BYTES):
        raw, end = _unescaped(data, at + 1)
        if kind == _BYTES:
            return raw, end
        return raw.decode("utf-8", "surrogatepass").encode("utf-16-be", "surrogatepass").decode("utf-16-be"), end
    if kind == _TUPLE and depth:
        elements: list[Key] = []
        at += 1
        while data[at : at + 1] != _END:
            element, at = _decoded(data, at, depth - 1)
            elements.append(element)
        return tuple(elements), at + 1
    raise ValueError(f"no key at byte {at} of {len(data)}")


def _cesu8(text: str) -> bytes:
    if text.isascii():
        return text.encode()
    units = text.encode("utf-16-be")
    return "".join(chr(int.from_bytes(units[at : at + 2], "big")) for at in range(0, len(units), 2)).encode(
        "utf-8", "surrogatepass"
    )


def _escaped(data: bytes) -> bytes:
    return data.replace(b"\x00", b"\x00\xff")


def _unescaped(data: bytes, at: int) -> tuple[bytes, int]:
    end = at
    while True:
        end = data.find(b"\x00", end)
        if end < 0:
            raise ValueError(f"key has no end after byte {at}")
        if data[end + 1 : end + 2] != b"\xff":
            return data[at:end].replace(b"\x00\xff", b"\x00"), end + 1
        end += 2
