"""What a relay's room asks of its shell: plain values, carried out in the order given."""

from __future__ import annotations

from dataclasses import dataclass

from carryon_sync.protocol.closing import Closing
from carryon_sync.protocol.frames import Want
from carryon_sync.relay.ledger import Batch


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send one message to these connections; it is encoded once, so write it once to each."""

    connections: tuple[int, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close a connection, after what was delivered to it. → `left`, when it is closed"""

    connection: int
    code: Closing
    words: str


@dataclass(frozen=True, slots=True)
class Commit:
    """Commit a batch to the ledger. → `committed`; where that fails the room is dropped and everybody hung up."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class Read:
    """Read a page of the ledger. → `read`"""

    connection: int
    after: int
    bytes_max: int


@dataclass(frozen=True, slots=True)
class Find:
    """Look up in the ledger what is wanted. → `found`"""

    connection: int
    want: Want
    bytes_max: int


@dataclass(frozen=True, slots=True)
class Report:
    """Something for the relay's log: a word for machines, words for people; free of anything secret."""

    code: str
    words: str


RoomEffect = Deliver | HangUp | Commit | Read | Find | Report
