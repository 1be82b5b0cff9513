"""What a relay keeps of a notebook, as a port: one contract, an adapter on SQLite and one in memory.

1. A commit is one transaction; what it returned is durable. Sequence numbers are given in it, from 1, without gaps, and
   the running hash moves with them.
2. A change is known by its id: the same id again has the place it had, and its bytes are not looked at. Another id at
   the same tag, author and n is a fork: kept, and reported.
3. Reading never shows what is not committed.
4. A notebook is kept from its first commit on, so whoever asks for one that is not there leaves nothing behind.

It is called by one caller at a time and may block: the shell calls it on a thread of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from carryon_sync.formats.change import Change
from carryon_sync.protocol.frames import Want


@dataclass(frozen=True, slots=True)
class Opened:
    """A notebook's state: the id and head of its log, all members' records in order, the newest receipt per device."""

    log: bytes
    head: int
    running: bytes
    records: tuple[bytes, ...]
    receipts: Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """A change as a ledger keeps it: the bytes as sent, and by what they are found."""

    id: bytes
    tag: bytes
    author: bytes
    n: int
    data: bytes


def entry_of(change: Change, data: bytes) -> Entry:
    """Return the entry of a decoded change and its bytes."""
    header = change.header
    return Entry(change.id, header.tag, header.author, header.n, data)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is committed together.

    `log` is the id that `open` gave, which a new notebook keeps. `records` are as (id, encoded), `forgotten` too: these
    replace kept ones; `receipts` are by certificate.
    """

    log: bytes
    records: tuple[tuple[bytes, bytes], ...] = ()
    forgotten: tuple[tuple[bytes, bytes], ...] = ()
    changes: tuple[Entry, ...] = ()
    receipts: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a change of a batch stands in the log, whether it is new there, and whether it forks a chain."""

    id: bytes
    sequence: int
    new: bool
    fork: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """The places of a batch's changes, in its order, and the head after it."""

    places: tuple[Place, ...]
    head: int
    running: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Changes after `after` in the log's order, by id, and the running hash at `after`; None beyond the head."""

    after: int
    running: bytes | None
    changes: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class FoundPage:
    """What of a want stands after its `after`, up to `reached`."""

    changes: tuple[bytes, ...]
    reached: int
    more: bool


class Ledger(Protocol):
    """Keep and read what relays keep, of any number of notebooks."""

    def open(self, notebook: bytes) -> Opened:
        """Return a notebook's state; one that was not known has the id of a new log."""
        ...

    def commit(self, batches: Mapping[bytes, Batch]) -> dict[bytes, Committed]:
        """Keep the batches of several opened notebooks in one durable transaction, all or none."""
        ...

    def page(self, notebook: bytes, after: int, bytes_max: int) -> Page:
        """Read on after `after`: at least one change, if there is one, at most about `bytes_max` and `ITEMS_MAX`."""
        ...

    def find(self, notebook: bytes, want: Want, bytes_max: int) -> FoundPage:
        """Read what is wanted, in the log's order: at least one change, if there is one, at most about `bytes_max`."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...
