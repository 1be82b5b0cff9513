"""Frames to messages and back: the only reader of what a peer sends, bounded in every length, raising for nothing.

The layout stands in `frames.py`; this is its one implementation, used by the device and by the relay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from carryon_sync.formats.change import CHANGE_BYTES_MAX
from carryon_sync.formats.octets import Cursor, Malformed, u64
from carryon_sync.formats.records import RECORD_BYTES_MAX
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.frames import (
    FRAME_BYTES_MAX,
    ITEMS_MAX,
    LINE_BYTES_MAX,
    NUMBER_MAX,
    PART_BYTES,
    PARTS_MAX,
    RECEIPT_BYTES_MAX,
    TIPS_MAX,
    WANTED_NUMBERS_MAX,
    WANTS_MAX,
    WORDS_CHARACTERS_MAX,
    Ack,
    ByCertificate,
    ByInvite,
    Challenge,
    Changes,
    Error,
    Found,
    Frame,
    Got,
    Hello,
    IdAlone,
    MembersRecords,
    Part,
    Ping,
    Pong,
    Push,
    Range,
    Receipt,
    Unknown,
    Want,
    Welcome,
)

# An error's words may be nothing but brackets; a line itself has a handful.
BRACKETS_MAX = WORDS_CHARACTERS_MAX + 24
DEPTH_MAX = 8
# A string as a whole, closed or not, or a bracket.
_PARTS = re.compile(r'"(?:[^"\\]|\\.?)*"?|[\[\]{}]', re.DOTALL)


def encode(frame: Frame) -> bytes:
    """Write a frame as one message."""
    match frame:
        case Challenge():
            return _line("challenge", nonce=frame.nonce, log=frame.log, tips=frame.tips[:TIPS_MAX])
        case Hello(who=who):
            named = {"certificate": who.id} if isinstance(who, ByCertificate) else {"invite": who.signing}
            position = {"log": frame.log, "cursor": frame.cursor, "running": frame.running}
            return _line("hello", frame.proof, **named, nonce=frame.nonce, **position, tips=frame.tips[:TIPS_MAX])
        case Welcome():
            position = {"log": frame.log, "head": frame.head, "running": frame.running, "since": frame.since}
            return _line(
                "welcome",
                **position,
                frame_bytes=frame.frame_bytes,
                window_bytes=frame.window_bytes,
                offers=frame.offers,
            )
        case MembersRecords(records):
            return _line("members", *records, items=[len(record) for record in records])
        case Changes(since, items):
            lengths = [0 if isinstance(item, IdAlone) else len(item) for item in items]
            behind = (item.id if isinstance(item, IdAlone) else item for item in items)
            return _line("changes", *behind, since=since, items=lengths)
        case Got(cursor):
            return _line("got", cursor=cursor)
        case Push(changes):
            return _line("push", *changes, items=[len(change) for change in changes])
        case Ack(sequences, ids):
            return _line("ack", *ids, sequences=sequences)
        case Want():
            counts = {"tags": len(frame.tags), "ranges": len(frame.ranges), "ids": len(frame.ids)}
            ranges = (one.tag + one.author + u64(one.first) + u64(one.last) for one in frame.ranges)
            return _line("want", *frame.tags, *ranges, *frame.ids, no=frame.no, after=frame.after, **counts)
        case Found(no, changes, reached, more):
            lengths = [len(change) for change in changes]
            return _line("found", *changes, no=no, items=lengths, reached=reached, more=more)
        case Receipt(certificate, sealed):
            return _line("receipt", sealed, certificate=certificate)
        case Error(code, words, ids):
            return _line("error", *ids, code=code, words=words[:WORDS_CHARACTERS_MAX], ids=len(ids))
        case Ping(no):
            return _line("ping", no=no)
        case Pong(no):
            return _line("pong", no=no)
        case Part(no, of, data):
            return _line("part", data, no=no, of=of)
        case Unknown(name):
            return _line(name)


def decode(data: bytes) -> Frame | Rejected:
    """Read one message."""
    if len(data) > FRAME_BYTES_MAX:
        return Rejected(f"a frame has {len(data)} bytes, the limit is {FRAME_BYTES_MAX}")
    end = data.find(b"\n", 0, LINE_BYTES_MAX + 1)
    if end < 0:
        return Rejected(f"a frame begins with a line of at most {LINE_BYTES_MAX} bytes, and this one does not")
    # In Pyodide, JSON some thousand levels deep ends the interpreter itself, where nothing can be caught any more.
    brackets = data.count(b"[", 0, end) + data.count(b"{", 0, end)
    if brackets > BRACKETS_MAX:
        return Rejected(f"a frame's line has {brackets} opening brackets, the limit is {BRACKETS_MAX}")
    try:
        # As text: of bytes, `json` guesses an encoding of its own.
        text = data[:end].decode()
        if _depth(text) > DEPTH_MAX:
            return Rejected(f"a frame's line is more than {DEPTH_MAX} deep")
        line = json.loads(text)
    except ValueError:
        return Rejected("a frame's line is not JSON")
    if not isinstance(line, dict) or not isinstance(line.get("frame"), str):
        return Rejected('a frame\'s line is an object with its name under "frame"')
    name = line["frame"]
    read = _READERS.get(name)
    if read is None:
        return Unknown(name[:WORDS_CHARACTERS_MAX])
    behind = Cursor(data[end + 1 :])
    try:
        frame = read(_Line(line), behind)
        behind.end()
    except Malformed as fault:
        return Rejected(f"not a frame {name}: {fault}")
    return frame


def _depth(line: str) -> int:
    """Return how deep the brackets of a line go: JSON is read by recursion, and in Pyodide a deep one ends the interpreter."""
    depth = deepest = 0
    for part in _PARTS.findall(line) if line.count("[") + line.count("{") > DEPTH_MAX else ():
        depth += (part in "[{") - (part in "]}")
        deepest = max(deepest, depth)
    return deepest


class _Line:
    """The frame's line, read key by key with the type and the limit that each has."""

    def __init__(self, line: dict[str, Any]) -> None:
        self._line = line

    def __contains__(self, key: str) -> bool:
        return key in self._line

    def number(self, key: str) -> int:
        return _number(self._line.get(key), key)

    def numbers(self, key: str, limit: int) -> list[int]:
        return [_number(one, key) for one in self._list(key, limit)]

    def octets(self, key: str, length: int) -> bytes:
        return _octets(self._line.get(key), key, length)

    def ids(self, key: str, limit: int) -> tuple[bytes, ...]:
        return tuple(_octets(one, key, 32) for one in self._list(key, limit))

    def count(self, key: str, limit: int) -> int:
        number = self.number(key)
        if number > limit:
            raise Malformed(f"{key} is {number}, the limit is {limit}")
        return number

    def text(self, key: str) -> str:
        text = self._line.get(key)
        if not isinstance(text, str):
            raise Malformed(f"{key} is not a text")
        return text[:WORDS_CHARACTERS_MAX]

    def texts(self, key: str, limit: int) -> tuple[str, ...]:
        texts = self._list(key, limit)
        if not all(isinstance(text, str) for text in texts):
            raise Malformed(f"{key} is not a list of texts")
        return tuple(texts)

    def truth(self, key: str) -> bool:
        truth = self._line.get(key)
        if not isinstance(truth, bool):
            raise Malformed(f"{key} is neither true nor false")
        return truth

    def _list(self, key: str, limit: int) -> list[Any]:
        found = self._line.get(key)
        if not isinstance(found, list):
            raise Malformed(f"{key} is not a list")
        if len(found) > limit:
            raise Malformed(f"{key} has {len(found)} entries, the limit is {limit}")
        return found


def _challenge(line: _Line, behind: Cursor) -> Challenge:
    return Challenge(line.octets("nonce", 32), line.octets("log", 16), line.ids("tips", TIPS_MAX))


def _hello(line: _Line, behind: Cursor) -> Hello:
    by_certificate = "certificate" in line
    who = ByCertificate(line.octets("certificate", 32)) if by_certificate else ByInvite(line.octets("invite", 32))
    nonce, log, running = line.octets("nonce", 32), line.octets("log", 16), line.octets("running", 32)
    cursor, tips = line.number("cursor"), line.ids("tips", TIPS_MAX)
    return Hello(who, nonce, log, cursor, running, tips, behind.take(64, "proof"))


def _welcome(line: _Line, behind: Cursor) -> Welcome:
    log, head, running = line.octets("log", 16), line.number("head"), line.octets("running", 32)
    since, frame_bytes, window_bytes = line.number("since"), line.number("frame_bytes"), line.number("window_bytes")
    return Welcome(log, head, running, since, frame_bytes, window_bytes, line.texts("offers", 100))


def _members(line: _Line, behind: Cursor) -> MembersRecords:
    return MembersRecords(_items(line, behind, RECORD_BYTES_MAX))


def _changes(line: _Line, behind: Cursor) -> Changes:
    lengths = line.numbers("items", ITEMS_MAX)
    items = tuple(behind.take(length, "item") if length else IdAlone(behind.take(32, "id")) for length in lengths)
    return Changes(line.number("since"), items)


def _got(line: _Line, behind: Cursor) -> Got:
    return Got(line.number("cursor"))


def _push(line: _Line, behind: Cursor) -> Push:
    return Push(_items(line, behind, CHANGE_BYTES_MAX))


def _ack(line: _Line, behind: Cursor) -> Ack:
    sequences = tuple(line.numbers("sequences", ITEMS_MAX))
    return Ack(sequences, tuple(behind.take(32, "id") for _ in sequences))


def _want(line: _Line, behind: Cursor) -> Want:
    no, after = line.number("no"), line.number("after")
    tags = tuple(behind.take(16, "tag") for _ in range(line.count("tags", WANTS_MAX)))
    ranges = tuple(_range(behind) for _ in range(line.count("ranges", WANTS_MAX)))
    ids = tuple(behind.take(32, "id") for _ in range(line.count("ids", WANTS_MAX)))
    numbers = sum(one.last - one.first + 1 for one in ranges)
    if numbers > WANTED_NUMBERS_MAX:
        raise Malformed(f"the ranges hold {numbers} numbers, the limit is {WANTED_NUMBERS_MAX}")
    return Want(no, after, tags, ranges, ids)


def _range(behind: Cursor) -> Range:
    one = Range(behind.take(16, "tag"), behind.take(16, "author"), behind.u64("first"), behind.u64("last"))
    if one.last > NUMBER_MAX:
        raise Malformed(f"a range ends at {NUMBER_MAX} at most")
    if one.first > one.last:
        raise Malformed(f"a range from {one.first} to {one.last} holds nothing")
    return one


def _found(line: _Line, behind: Cursor) -> Found:
    changes = _items(line, behind, CHANGE_BYTES_MAX)
    return Found(line.number("no"), changes, line.number("reached"), line.truth("more"))


def _receipt(line: _Line, behind: Cursor) -> Receipt:
    sealed = behind.rest()
    if len(sealed) > RECEIPT_BYTES_MAX:
        raise Malformed(f"a receipt has {len(sealed)} bytes, the limit is {RECEIPT_BYTES_MAX}")
    return Receipt(line.octets("certificate", 32), sealed)


def _error(line: _Line, behind: Cursor) -> Error:
    ids = tuple(behind.take(32, "id") for _ in range(line.count("ids", ITEMS_MAX)))
    return Error(line.text("code"), line.text("words"), ids)


def _ping(line: _Line, behind: Cursor) -> Ping:
    return Ping(line.number("no"))


def _pong(line: _Line, behind: Cursor) -> Pong:
    return Pong(line.number("no"))


def _part(line: _Line, behind: Cursor) -> Part:
    no, of, data = line.number("no"), line.count("of", PARTS_MAX), behind.rest()
    if not no < of or of < 2 or not 0 < len(data) <= PART_BYTES:
        raise Malformed(f"part {no} of {of} has {len(data)} bytes: a part has 1 to {PART_BYTES}, the first of two is 0")
    return Part(no, of, data)


_READERS: dict[str, Callable[[_Line, Cursor], Frame]] = {
    "challenge": _challenge,
    "hello": _hello,
    "welcome": _welcome,
    "members": _members,
    "changes": _changes,
    "got": _got,
    "push": _push,
    "ack": _ack,
    "want": _want,
    "found": _found,
    "receipt": _receipt,
    "error": _error,
    "ping": _ping,
    "pong": _pong,
    "part": _part,
}


def _items(line: _Line, behind: Cursor, limit: int) -> tuple[bytes, ...]:
    lengths = line.numbers("items", ITEMS_MAX)
    over = max(lengths, default=0)
    if over > limit:
        raise Malformed(f"an item has {over} bytes, the limit is {limit}")
    return tuple(behind.take(length, "item") for length in lengths)


def _number(value: object, key: str) -> int:
    if type(value) is not int or not 0 <= value <= NUMBER_MAX:
        raise Malformed(f"{key} is not a number from 0 to {NUMBER_MAX}")
    return value


def _octets(value: object, key: str, length: int) -> bytes:
    if not isinstance(value, str) or len(value) != 2 * length:
        raise Malformed(f"{key} is not {length} bytes in hex")
    try:
        octets = bytes.fromhex(value)
    except ValueError:
        octets = b""
    if octets.hex() != value:
        raise Malformed(f"{key} is not {length} bytes in lower-case hex")
    return octets


def _line(name: str, /, *behind: bytes, **keys: object) -> bytes:
    line = {"frame": name} | {key: _plain(value) for key, value in keys.items()}
    return b"".join((json.dumps(line, separators=(",", ":")).encode(), b"\n", *behind))


def _plain(value: object) -> object:
    """Write bytes as hex, also in a list; all else is JSON as it is."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Sequence) and value and isinstance(value[0], bytes):
        return [one.hex() for one in value]
    return value
