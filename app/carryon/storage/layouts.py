"""The stores of a notebook's database and the layout of every record in them; nobody else reads or writes these bytes.

Every value is *plain* or *sealed*. Integers are big-endian; a text is its length in 2 bytes, then UTF-8; a link is
author 16 ‖ n 8 ‖ id 32.

    plain        1   format: 1
                 4   CRC-32 of the payload          finds rot, no forger: what matters is sealed or signed inside
                 …   payload
    sealed       1   format: 1
                 …   what the at-rest sealer made of the payload, bound to "<store>/<key>"

    store        key                   payload                                                            plain/sealed
    journal      (author, number)      text note · 8 time in ms, signed · 4 apart in s · 2 count of base, links · update     s
                                       sealed for "journal/<author in hex>/<number>"; number: turn × 2³² + count
    log          pos, from 1;          the change as sent. Positions have no gaps; append order                       p
                 second key (tag, author, n, id)
    heads        (tag, author)         8 n · 32 id      the author's furthest change; of a fork the greatest id       p
    members      number;               the record as sent. In causal order                                            p
                 second key id
    outbox       (relay, pos)          32 id · 16 tag   what the relay has not shown                                  p
    acks         (relay, tag)          8 sequence       the furthest change of the tag that the relay showed          p
    receipts     (relay, certificate)  the receipt as sent                                                            p
    waiting      id                    the change as sent: its predecessors are not here yet                          p
    quarantine   number;               text reason · data                                                             p
                 second key            (kind, tag, id of a change), of bytes that are none (kind, SHA-256 of data),
                                       ("damaged", store, key), of the log with the second key there behind it, or
                                       ("seen", second key of what a person has dismissed). No data: only named
    rows         0                     8 pos reflected · 4 count of segments · the mark of mendings   "rows/0"
                 segment, from 1       list rows                                                      "rows/<number>"
    texts        as rows               folded texts for the search                                    "texts/<number>"
    states       (note, 0)             1 format: 2 · 8 pos reflected · 2 count of heads, links ·      "states/<note>"
                                       4 count of clients, each 4 number · 8 device · document state
                                       numbers above 0 are for keyframes
    meta         "generation"          16 random · 1 state: 0 open · 1 closed, a newer generation has taken over      p
                 "fence"               8 token          of the core that leads the session                            p
                 "relays"              2 count, texts   whose outboxes every change enters                            p
                 ("relay", relay)      16 log · 8 sequence · 32 running hash     how far the relay's log is held      p
                 ("hole", relay, id)   as ("relay", relay)    how far that log is held before a change not here       p
                 ("refill", relay)     8 next pos · 8 last pos    what is still to be put into its outbox             p
                 ("author", author)    1 state: 0 in use · 1 retired             authors of this device               p
                 ("mark", relay, seq)  16 log · 8 sequence · 32 running hash     at every 64th place of the relay's log      p
                 ("journal", author)   8 turn           of the journal that wrote last as this author                 p
                 ("fork", tag)         8 pos            of the newest change beside another of its number             p
                 ("fetch", tag)        nothing: the tag is to be fetched, its waiting changes were dropped            p
                 "mended"              the mark of mendings: nothing, sealed anew with each of them    sealed "meta/mended"
                 ("kept", name)        what the core keeps under a name                        sealed "meta/kept/<name>"

The stores `segments`, `blobs` and `events` hold nothing yet: a database's stores are fixed by its generation, and these
belong to this one.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from carryon_sync.formats.change import Change, Link, Seen, decode_change
from carryon_sync.formats.octets import Cursor, Malformed, i64, u16, u32, u64
from carryon_sync.formats.rejected import Rejected

from carryon.storage.keys import Key
from carryon.storage.store import Stored

FORMAT = 1
GENERATION = 2

STORES = (
    Stored("journal"),
    Stored("log", paired=True),
    Stored("heads"),
    Stored("members", numbered=True, paired=True),
    Stored("outbox"),
    Stored("acks"),
    Stored("receipts"),
    Stored("waiting"),
    Stored("quarantine", numbered=True, paired=True),
    Stored("rows"),
    Stored("texts"),
    Stored("states"),
    Stored("segments"),
    Stored("blobs"),
    Stored("events", numbered=True),
    Stored("meta"),
)

_MARK = bytes((FORMAT,))
_STATE_MARK = b"\2"


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One edit that is not yet in a change: by whom, of which note, on what they had been shown (`base`), when."""

    author: bytes
    note: str
    base: tuple[Link, ...]
    time: int
    apart: int
    update: bytes


@dataclass(frozen=True, slots=True)
class NoteState:
    """A document's state, the position of the log it reflects, the heads of its note there, and whose each of its client
    numbers is (8 bytes of the device's fingerprint).
    """

    note: str
    pos: int
    heads: Mapping[bytes, Link]
    state: bytes
    writers: Mapping[int, bytes] = field(default_factory=dict)


def plain(payload: bytes) -> bytes:
    """Frame a payload that is kept in clear."""
    return _MARK + u32(zlib.crc32(payload)) + payload


def unplain(value: bytes) -> bytes | None:
    """Give the payload of a plain value, or None if it is damaged or of another format."""
    payload = value[5:]
    return payload if value[:5] == _MARK + u32(zlib.crc32(payload)) else None


def sealed(data: bytes) -> bytes:
    """Frame what the at-rest sealer made."""
    return _MARK + data


def unsealed(value: bytes) -> bytes | None:
    """Give what the at-rest sealer made, or None if the value is of another format."""
    return value[1:] if value[:1] == _MARK else None


def second_key_of(change: Change) -> tuple[bytes, bytes, int, bytes]:
    """Give a change's second key in the log."""
    header = change.header
    return header.tag, header.author, header.n, change.id


def log_value(change: Change) -> bytes:
    """Write a change for the log or for `waiting`."""
    return plain(change.encode())


def change_in(value: bytes, second_key: Key | None = None) -> Change | None:
    """Read a change of the log or of `waiting`, or None if it is damaged or not the one of this second key."""
    payload = unplain(value)
    change = Rejected("damaged") if payload is None else decode_change(payload)
    if isinstance(change, Rejected) or (second_key is not None and second_key_of(change) != second_key):
        return None
    return change


def head_value(link: Link) -> bytes:
    """Write a head."""
    return plain(u64(link.n) + link.id)


def head_in(value: bytes, author: bytes) -> Link | None:
    """Read a head, or None if it is damaged."""
    payload = unplain(value)
    if payload is None or len(payload) != 40:
        return None
    return Link(author, int.from_bytes(payload[:8], "big"), payload[8:])


def number_value(number: int) -> bytes:
    """Write a number that stands alone."""
    return plain(u64(number))


def number_in(value: bytes) -> int | None:
    """Read a number that stands alone, or None if it is damaged."""
    payload = unplain(value)
    return None if payload is None or len(payload) != 8 else int.from_bytes(payload, "big")


def numbers_value(first: int, last: int) -> bytes:
    """Write two numbers."""
    return plain(u64(first) + u64(last))


def numbers_in(value: bytes) -> tuple[int, int] | None:
    """Read two numbers, or None if they are damaged."""
    payload = unplain(value)
    if payload is None or len(payload) != 16:
        return None
    return int.from_bytes(payload[:8], "big"), int.from_bytes(payload[8:], "big")


def seen_value(seen: Seen) -> bytes:
    """Write how far a relay's log is held."""
    return plain(seen.log + u64(seen.sequence) + seen.running)


def seen_in(value: bytes) -> Seen | None:
    """Read how far a relay's log is held, or None if it is damaged."""
    payload = unplain(value)
    if payload is None or len(payload) != 56:
        return None
    return Seen(payload[:16], int.from_bytes(payload[16:24], "big"), payload[24:])


def mark_value(random: bytes, *, closed: bool = False) -> bytes:
    """Write the mark of a generation, open or closed."""
    return plain(random + bytes((closed,)))


def is_closed(value: bytes) -> bool:
    """Say whether a mark closes its generation; a damaged one still tells its database from another, and is open."""
    payload = unplain(value)
    return payload is not None and payload[16:] == b"\1"


def texts_value(texts: Sequence[str]) -> bytes:
    """Write a list of texts."""
    return plain(u16(len(texts)) + b"".join(_text(text) for text in texts))


def texts_in(value: bytes) -> tuple[str, ...] | None:
    """Read a list of texts, or None if it is damaged."""
    payload = unplain(value)
    if payload is None:
        return None
    cursor = Cursor(payload)
    try:
        return tuple(_taken_text(cursor) for _ in range(cursor.u16("count of texts")))
    except (Malformed, UnicodeDecodeError):
        return None


def quarantine_value(reason: str, data: bytes) -> bytes:
    """Write what is in quarantine, and why."""
    return plain(_text(reason) + data)


def quarantine_in(value: bytes) -> tuple[str, bytes]:
    """Read what is in quarantine, and why; what is damaged itself says so."""
    cursor = Cursor(unplain(value) or b"")
    try:
        return _taken_text(cursor), cursor.rest()
    except (Malformed, UnicodeDecodeError):
        return "the record of it is damaged itself", b""


def journal_payload(row: JournalRow) -> bytes:
    """Write a journal row, to be sealed."""
    return b"".join((_text(row.note), i64(row.time), u32(row.apart), _links(row.base), row.update))


def journal_in(payload: bytes, author: bytes) -> JournalRow | None:
    """Read an opened journal row, or None if it is damaged."""
    cursor = Cursor(payload)
    try:
        note, time, apart = _taken_text(cursor), cursor.i64("time"), cursor.u32("apart")
        return JournalRow(author, note, _taken_links(cursor), time, apart, cursor.rest())
    except (Malformed, UnicodeDecodeError):
        return None


def state_payload(state: NoteState) -> bytes:
    """Write a note's state, to be sealed."""
    assert all(len(device) == 8 for device in state.writers.values()), "a device is named by 8 bytes"
    writers = b"".join(u32(client) + device for client, device in state.writers.items())
    heads = _links(tuple(state.heads.values()))
    return b"".join((_STATE_MARK, u64(state.pos), heads, u32(len(state.writers)), writers, state.state))


def state_in(payload: bytes, note: str) -> NoteState | None:
    """Read an opened state, or None if it is damaged or of another format."""
    cursor = Cursor(payload)
    try:
        if cursor.take(1, "format") != _STATE_MARK:
            return None
        pos, links = cursor.u64("pos"), _taken_links(cursor)
        writers = {cursor.u32("client"): cursor.take(8, "device") for _ in range(cursor.u32("count of clients"))}
        return NoteState(note, pos, {link.author: link for link in links}, cursor.rest(), writers)
    except Malformed:
        return None


def front_payload(pos: int, count: int, front: bytes) -> bytes:
    """Write the first record of a segmented store, to be sealed."""
    return u64(pos) + u32(count) + front


def front_in(payload: bytes) -> tuple[int, int, bytes] | None:
    """Read position, count of segments and content of an opened first record, or None if it is damaged."""
    if len(payload) < 12:
        return None
    return int.from_bytes(payload[:8], "big"), int.from_bytes(payload[8:12], "big"), payload[12:]


def _text(text: str) -> bytes:
    data = text.encode()
    return u16(len(data)) + data


def _taken_text(cursor: Cursor) -> str:
    return cursor.take(cursor.u16("length of text"), "text").decode()


def _links(links: Sequence[Link]) -> bytes:
    return u16(len(links)) + b"".join(link.author + u64(link.n) + link.id for link in links)


def _taken_links(cursor: Cursor) -> tuple[Link, ...]:
    return tuple(
        Link(cursor.take(16, "author"), cursor.u64("n"), cursor.take(32, "id"))
        for _ in range(cursor.u16("count of links"))
    )
