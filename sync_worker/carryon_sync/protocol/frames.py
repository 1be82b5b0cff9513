"""A frame is one message of the protocol `carryon.1`: one line of JSON, a newline, the opaque bytes it announces.

It travels as one binary WebSocket message. Bytes that are short and named stand in the line, in lower-case hex; what is
long or many stands behind the line, one after the other, in the order below. Numbers are integers, 0 to 2^53 − 1.

    frame      line                                                       behind the line
    challenge  nonce (32), log (16), tips [ids of members' records]       –
    hello      certificate (32) or invite (its signing key, 32), nonce    proof (64)
               (32), log (16), cursor, running (32), tips
    welcome    log, head, running, since, frame_bytes, window_bytes,      –
               offers [words]
    members    items [length …]                                           records
    changes    since, items [length, or 0 for an id alone …]              changes, and ids (32) where the length is 0
    got        cursor                                                     –
    push       items [length …]                                           changes
    ack        sequences [number …]                                       ids (32), as many
    want       no, after, tags, ranges, ids (three counts)                tags (16), then ranges: tag 16 ‖ author 16 ‖
                                                                          first 8 ‖ last 8, then ids (32)
    found      no, items [length …], reached, more                        changes
    receipt    certificate (32)                                           the sealed receipt, to the end
    error      code (word), words, ids (count)                            ids (32)
    ping pong  no                                                         –
    part       no, of                                                     a part of a frame, from 0 (`parts.py`)

1. Every length has a named limit here; what breaks one is `Rejected`; so is a byte too few or too many (`codec.py`).
   Tips alone are cut at their limit by who writes them: who names fewer is sent more than it lacks, and no worse.
2. Keys of the line that are not known are passed over. A frame that is not known is `Unknown`: the other side is newer.
3. In `changes`, sequence numbers count up from `since` + 1. An id alone stands for a change that the receiver pushed on
   this connection, or that a checkpoint stands in for: it counts in the running hash and needs no bytes.
4. The proof of `hello` is a signature over `hello_signed(…)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from carryon_sync.formats.change import CHANGE_BYTES_MAX
from carryon_sync.formats.octets import labelled

PROTOCOL: Final = "carryon.1"
LINE_BYTES_MAX = 64 << 10
FRAME_BYTES_MAX = CHANGE_BYTES_MAX + LINE_BYTES_MAX
PART_BYTES = 32 << 10
PARTS_MAX = -(-FRAME_BYTES_MAX // PART_BYTES)
ITEMS_MAX = 2048
TIPS_MAX = 256
WANTS_MAX = 256
WANTED_NUMBERS_MAX = 256
RECEIPT_BYTES_MAX = 64 << 10
WORDS_CHARACTERS_MAX = 1000
NUMBER_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Challenge:
    nonce: bytes
    log: bytes
    tips: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ByCertificate:
    """The device says hello with its own key."""

    id: bytes


@dataclass(frozen=True, slots=True)
class ByInvite:
    """A device that wants to join says hello with the invite's key."""

    signing: bytes


@dataclass(frozen=True, slots=True)
class Hello:
    who: ByCertificate | ByInvite
    nonce: bytes
    log: bytes
    cursor: int
    running: bytes
    tips: tuple[bytes, ...]
    proof: bytes


@dataclass(frozen=True, slots=True)
class Welcome:
    """`since` is where the stream begins: the cursor of the hello, or 0 where the relay knows it differently."""

    log: bytes
    head: int
    running: bytes
    since: int
    frame_bytes: int
    window_bytes: int
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MembersRecords:
    records: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class IdAlone:
    """A place in the relay's order whose change the receiver does not need."""

    id: bytes


@dataclass(frozen=True, slots=True)
class Changes:
    since: int
    items: tuple[bytes | IdAlone, ...]


@dataclass(frozen=True, slots=True)
class Got:
    cursor: int


@dataclass(frozen=True, slots=True)
class Push:
    changes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Ack:
    sequences: tuple[int, ...]
    ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """Changes `first` to `last` of an author's chain of a tag."""

    tag: bytes
    author: bytes
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Want:
    """Ask for what stands after `after` in the relay's order: all of these tags, these ranges, these ids."""

    no: int
    after: int
    tags: tuple[bytes, ...] = ()
    ranges: tuple[Range, ...] = ()
    ids: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Answer want `no` up to sequence number `reached`; where there is more, ask again after it."""

    no: int
    changes: tuple[bytes, ...]
    reached: int
    more: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    certificate: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Error:
    code: str
    words: str
    ids: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Ping:
    no: int


@dataclass(frozen=True, slots=True)
class Pong:
    no: int


@dataclass(frozen=True, slots=True)
class Part:
    """Part `no` of the `of` parts of a frame that is too large for one message."""

    no: int
    of: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame of a newer release."""

    name: str


Frame = (
    Challenge
    | Hello
    | Welcome
    | MembersRecords
    | Changes
    | Got
    | Push
    | Ack
    | Want
    | Found
    | Receipt
    | Error
    | Ping
    | Pong
    | Part
    | Unknown
)


def hello_signed(notebook: bytes, origin: str, relay_nonce: bytes, hello: Hello) -> bytes:
    """Lay out what a hello's proof signs; `origin` is the relay's host and port as the device addressed it.

    Both nonces make it fresh, the origin keeps one relay from passing it on to another.
    """
    match hello.who:
        case ByCertificate(id):
            kind, who = b"certificate", id
        case ByInvite(signing):
            kind, who = b"invite", signing
    return labelled("hello", notebook, origin.encode(), relay_nonce, hello.nonce, kind, who)
