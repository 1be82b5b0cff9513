"""Reads what an update says of itself before pycrdt is given it, because pycrdt believes what it is told.

An update is Yjs' of version 1 (`encoding.js`, `ContentType.js` and their neighbours in yjs 13). Numbers are of variable
length: seven bits a byte, the low ones first, the eighth bit on all but the last.

    update      count of clients, then each: count of structs · client · clock of the first · structs
                then what is deleted: count of clients, then each: client · count of ranges · (clock · length) each
    struct      1 byte, whose low five bits say what it is:
                0 collected      length
                1 deleted        item, then length
                3 bytes          item, then length ‖ bytes
                4 text           item, then length ‖ UTF-8; counted in UTF-16 units
                8 values         item, then count, then each value
    item        bit 128: the (client · clock) that it stands behind · bit 64: that it stands before ·
                with neither: 1 ‖ name of its root, and with bit 32 its key there
    value       127 undefined · 126 null · 125 integer · 124 and 123 and 122 numbers of 4, 8, 8 bytes · 121 no · 120 yes ·
                119 length ‖ UTF-8 · 118 count, then each: length ‖ key, value · 117 count, then each value ·
                116 length ‖ bytes

1. Everything else is unfit: nested types and documents, embedded things and formats, JSON, skipped stretches, a client
   twice. No note of ours holds them, and one of each kind has ended a core, torn a text or moved its offsets.
2. A root `body` holds text, without a key; what stands behind or before something is text too. A value anywhere is at
   most `depth_max` deep and has at most `parts_max` parts: pycrdt decodes values by recursion, without a bound.
3. Lengths of nothing, clocks beyond `clock_max` and clients beyond 32 bits are unfit: pycrdt lets them wrap round.
4. What an item stands beside comes before it: `needs` says what of other clients, and of what is deleted, must be here.

It changes nothing and knows no document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

client_max: Final = 2**32 - 1
clock_max: Final = 2**31 - 1
structs_max: Final = 500_000
depth_max: Final = 4
parts_max: Final = 1_000

_number_bytes_max: Final = 8
_body: Final = "body"
_collected: Final = 0
_behind, _before, _keyed = 128, 64, 32
_fixed: Final = {127: 0, 126: 0, 124: 4, 123: 8, 122: 8, 121: 0, 120: 0}
_integer, _string, _object, _list, _binary = 125, 119, 118, 117, 116


class Unfit(Exception):
    """The bytes are no update that a note can be given, and why."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an update says: per client the clocks that it brings, from the first to behind the last; and per client the
    clock up to which that client must be held for it, by the update itself or before.
    """

    spans: Mapping[int, tuple[int, int]]
    needs: Mapping[int, int]

    def lacks(self, clocks: Mapping[int, int]) -> bool:
        """Tell whether a document that reaches to `clocks` lacks something that must come before."""
        if any(first > clocks.get(client, 0) for client, (first, _) in self.spans.items()):
            return True
        return any(
            clock > max(clocks.get(client, 0), self.spans.get(client, (0, 0))[1])
            for client, clock in self.needs.items()
        )

    def advances(self, clocks: Mapping[int, int]) -> tuple[int, ...]:
        """Return the clients under which it brings something that a document reaching to `clocks` does not have."""
        return tuple(client for client, (_, end) in self.spans.items() if end > clocks.get(client, 0))


def read_update(data: bytes) -> Reading:
    """Read an update as far as it is to be trusted, or raise Unfit."""
    cursor = _Cursor(data)
    spans: dict[int, tuple[int, int]] = {}
    left = structs_max
    for _ in range(cursor.number()):
        count, client, first = cursor.number(), cursor.client(), cursor.number()
        left -= count
        if left < 0:
            raise Unfit(f"it has more than {structs_max:,} parts")
        if client in spans:
            raise Unfit(f"the client number {client} stands twice in it")
        end = first
        for _ in range(count):
            end += cursor.struct(client, end)
            if end > clock_max:
                raise Unfit(f"its clock goes beyond {clock_max}")
        if end > first:
            spans[client] = first, end
    for _ in range(cursor.number()):
        client = cursor.client()
        for _ in range(cursor.number()):
            cursor.need(client, cursor.number() + cursor.number())
    if cursor.at != len(data):
        raise Unfit(f"{len(data) - cursor.at} bytes follow its end")
    return Reading(spans, cursor.needs)


def read_numbers(data: bytes) -> list[int]:
    """Read numbers of variable length up to the end, as a state vector is made of."""
    cursor, numbers = _Cursor(data), []
    while cursor.at < len(data):
        numbers.append(cursor.number())
    return numbers


class _Cursor:
    """Reads an update from its beginning; every method takes what it names."""

    def __init__(self, data: bytes) -> None:
        self.at = 0
        self.needs: dict[int, int] = {}
        self._data = data

    def number(self) -> int:
        value = shift = 0
        data, at = self._data, self.at
        for byte in data[at : at + _number_bytes_max]:
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                self.at = at
                return value
            shift += 7
        raise Unfit("it is cut off" if at == len(data) else "it holds a number that is too long")

    def client(self) -> int:
        client = self.number()
        if client > client_max:
            raise Unfit(f"the client number {client} does not fit 32 bits")
        return client

    def need(self, client: int, clock: int) -> None:
        if clock > clock_max:
            raise Unfit(f"it names a clock beyond {clock_max}")
        if clock > self.needs.get(client, 0):
            self.needs[client] = clock

    def struct(self, client: int, clock: int) -> int:
        """Take one struct, which begins at a clock, and return how many clocks it takes."""
        info = self.byte()
        what = info & 31
        length = self.number() if what == _collected else self._item(info, what, client, clock)
        if length < 1:
            raise Unfit("a part of it has no length")
        return length

    def _item(self, info: int, what: int, client: int, clock: int) -> int:
        for side in (_behind, _before):
            if info & side:
                beside, at = self.client(), self.number()
                if beside == client and at >= clock:
                    raise Unfit("a part of it stands beside one that comes later")
                self.need(beside, at + 1)
        is_text = bool(info & (_behind | _before))
        if not is_text:
            is_text = self._is_in_body(info)
        match what:
            case 1:  # deleted
                return self.number()
            case 4:  # text
                return self._counted_text()
            case 3 if not is_text:  # bytes
                self.skip(self.number())
                return 1
            case 8 if not is_text:  # values
                count = self.number()
                self._values(count, depth_max, parts_max)
                return count
        raise Unfit(f"a part of it is of kind {what}{', in a text' if is_text else ''}, which notes do not hold")

    def _is_in_body(self, info: int) -> bool:
        if self.number() != 1:
            raise Unfit("a part of it lies in a type that is nested in another")
        root, keyed = self.text(), bool(info & _keyed)
        if keyed:
            self.text()
        if (root == _body) == keyed and root in (_body, "fields"):
            raise Unfit(f"it uses the root {root!r} as another type than it is")
        return root == _body

    def _counted_text(self) -> int:
        text = self.text()
        return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2

    def _values(self, count: int, depth: int, left: int) -> int:
        """Take so many values, none deeper than `depth`; return how many parts may still come."""
        left -= count
        if left < 0:
            raise Unfit(f"a value of it has more than {parts_max:,} parts")
        if depth == 0 and count:
            raise Unfit(f"a value of it is more than {depth_max} deep")
        for _ in range(count):
            kind = self.byte()
            if kind in _fixed:
                self.skip(_fixed[kind])
            elif kind == _integer:
                self.number()
            elif kind == _string:
                self.text()
            elif kind == _binary:
                self.skip(self.number())
            elif kind == _list:
                left = self._values(self.number(), depth - 1, left)
            elif kind == _object:
                left = self._entries(self.number(), depth - 1, left)
            else:
                raise Unfit(f"a value of it is of kind {kind}, which is none")
        return left

    def _entries(self, count: int, depth: int, left: int) -> int:
        if count > left:
            raise Unfit(f"a value of it has more than {parts_max:,} parts")
        for _ in range(count):
            self.text()
            left = self._values(1, depth, left)
        return left

    def byte(self) -> int:
        self.skip(1)
        return self._data[self.at - 1]

    def text(self) -> str:
        length = self.number()
        self.skip(length)
        try:
            return self._data[self.at - length : self.at].decode()
        except UnicodeDecodeError as fault:
            raise Unfit("a text of it is not UTF-8") from fault

    def skip(self, length: int) -> None:
        self.at += length
        if self.at > len(self._data):
            raise Unfit("it is cut off")
