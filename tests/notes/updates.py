"""Updates made by hand, byte by byte: what no library of ours writes, and what a member could send all the same."""

from __future__ import annotations

CLIENT = 5


def number(value: int) -> bytes:
    """Write a number of variable length."""
    written = b""
    while value > 127:
        written += bytes([value & 127 | 128])
        value >>= 7
    return written + bytes([value])


def text(value: str | bytes) -> bytes:
    """Write a text behind its length."""
    data = value if isinstance(value, bytes) else value.encode()
    return number(len(data)) + data


def in_root(root: str, kind: int, content: bytes, key: str | None = None) -> bytes:
    """Write a struct that lies in a root, under a key or at its end."""
    keyed = b"" if key is None else text(key)
    return bytes([kind | (0 if key is None else 32)]) + number(1) + text(root) + keyed + content


def behind(client: int, clock: int, kind: int, content: bytes) -> bytes:
    """Write a struct that stands behind another."""
    return bytes([kind | 128]) + number(client) + number(clock) + content


def update(*structs: bytes, client: int = CLIENT, clock: int = 0, deleted: bytes = b"\0") -> bytes:
    """Write an update of one client."""
    return number(1) + number(len(structs)) + number(client) + number(clock) + b"".join(structs) + deleted


def deletion(client: int, clock: int, length: int) -> bytes:
    """Write what is deleted, one stretch of it."""
    return number(1) + number(client) + number(1) + number(clock) + number(length)


def string(value: str) -> bytes:
    """Write one value, a string."""
    return number(1) + b"\x77" + text(value)


def nested(depth: int) -> bytes:
    """Write one value: lists in lists."""
    return number(1) + b"\x75\x01" * depth + b"\x7e"


WORDS = in_root("body", 4, text("words"))
TITLE = in_root("fields", 8, string("Title"), "title/5.1")

FIT: dict[str, bytes] = {
    "nothing": b"\0\0",
    "words": update(WORDS),
    "a field": update(TITLE),
    "words behind words": update(WORDS, behind(CLIENT, 4, 4, text("😀"))),
    "a collected stretch": update(bytes([0]) + number(3), WORDS),
    "deleted words": update(in_root("body", 1, number(4))),
    "words and what of them is deleted": update(WORDS, deleted=deletion(CLIENT, 1, 2)),
    "a root of a later release": update(in_root("attachments", 8, nested(3), "blob")),
    "a field that is no text": update(in_root("fields", 8, number(1) + b"\x7d\x05", "pinned/5.1")),
}
UNFIT: dict[str, bytes] = {
    "empty": b"",
    "no number": b"\xff\xff\xff\xff",
    "cut off": update(WORDS)[:-3],
    "more behind it": update(WORDS) + b"more",
    "a number too long": b"\xff" * 9 + b"\x01",
    "a text that is not UTF-8": update(in_root("body", 4, text(b"\xff\xfe"))),
    "words in the fields, without a key": update(in_root("fields", 4, text("words"))),
    "words under a key of the body": update(in_root("body", 4, text("words"), "key")),
    "a value in the body": update(in_root("body", 8, string("words"))),
    "a value behind words": update(WORDS, behind(CLIENT, 4, 8, string("words"))),
    "something embedded": update(in_root("body", 5, text("{}"))),
    "a format": update(in_root("body", 6, text("bold") + text("true"))),
    "JSON": update(in_root("fields", 2, number(1) + text("[]"), "title/5.1")),
    "a nested map": update(in_root("fields", 7, number(1), "title/5.1")),
    "a nested document": update(in_root("fields", 9, text("guid") + b"\x7e", "title/5.1")),
    "what lies in a nested type": update(WORDS, bytes([4]) + number(0) + number(CLIENT) + number(0) + text("x")),
    "a value five deep": update(in_root("fields", 8, nested(5), "title/5.1")),
    "a value of 100,000 lists": update(in_root("fields", 8, nested(100_000), "title/5.1")),
    "a value of very many parts": update(
        in_root("fields", 8, number(1) + b"\x75" + number(10_000) + b"\x7e" * 10_000, "title/5.1")
    ),
    "a value of no kind": update(in_root("fields", 8, number(1) + b"\x10", "title/5.1")),
    "a skipped stretch": update(bytes([10]) + number(5), WORDS),
    "a struct of no kind": update(in_root("body", 11, b"")),
    "a collected stretch without a length": update(bytes([0]) + number(0)),
    "words without a length": update(in_root("body", 4, text(""))),
    "a clock that wraps round": update(WORDS, clock=2**32 - 2),
    "a stretch that wraps round": update(bytes([0]) + number(2**32 - 1), WORDS),
    "a deletion that wraps round": update(WORDS, deleted=deletion(CLIENT, 1, 2**32 - 1)),
    "a client of 40 bits": update(WORDS, client=2**40),
    "a client twice": number(2) + update(WORDS)[1:-1] * 2 + b"\0",
    "what stands behind itself": update(behind(CLIENT, 0, 4, text("x"))),
    "what stands behind what comes later": update(behind(CLIENT, 1, 4, text("x")), WORDS),
}
