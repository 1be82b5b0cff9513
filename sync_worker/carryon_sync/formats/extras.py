"""What the kinds beside an ordinary change say in clear: read and written here, in the layout of `change.py`.

A relay reads these to know what a checkpoint or a deletion stands in for; it cannot judge whether that is true: an attest of
a device that has replayed the changes says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from carryon_sync.formats.change import N_MAX, Header, Kind, Link
from carryon_sync.formats.octets import Cursor, Malformed, ascending, u16, u32, u64
from carryon_sync.formats.rejected import Rejected

NO_BASE = bytes(32)
COVERS_MAX = 1 << 14
SEGMENTS_MAX = 1 << 12


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A full state that stands in for what it covers, made on another one, with the segments that hold the covered changes."""

    covers: tuple[Link, ...]
    base: bytes = NO_BASE
    segments: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Write the extra; covers and segments are put in order here."""
        return _covers(self.covers) + self.base + u16(len(self.segments)) + b"".join(sorted(self.segments))


@dataclass(frozen=True, slots=True)
class Delete:
    """A note is gone, as far as it was known."""

    covers: tuple[Link, ...]

    def encode(self) -> bytes:
        """Write the extra; covers are put in order here."""
        return _covers(self.covers)


@dataclass(frozen=True, slots=True)
class Attest:
    """A device has replayed what a checkpoint covers, and found it the same, or not."""

    checkpoint: bytes
    same: bool

    def encode(self) -> bytes:
        """Write the extra."""
        return self.checkpoint + bytes((1 if self.same else 2,))


Extra = Checkpoint | Delete | Attest


def decode_extra(header: Header) -> Extra | Rejected | None:
    """Read what a header's kind says in clear; None for a change, and for a kind that is not known."""
    cursor = Cursor(header.extra)
    try:
        extra = _extra(header.kind, cursor)
        if extra is not None:
            cursor.end()
    except Malformed as fault:
        return Rejected(f"kind {header.kind} of a change does not say what it has to: {fault}")
    return extra


def _extra(kind: int, cursor: Cursor) -> Extra | None:
    match kind:
        case Kind.CHECKPOINT:
            covers, base = _read_covers(cursor), cursor.take(32, "base")
            count = cursor.u16("count of segments")
            if count > SEGMENTS_MAX:
                raise Malformed(f"{count} segments, the limit is {SEGMENTS_MAX}")
            segments = tuple(cursor.take(32, "segment") for _ in range(count))
            ascending(segments, "segments")
            return Checkpoint(covers, base, segments)
        case Kind.DELETE:
            return Delete(_read_covers(cursor))
        case Kind.ATTEST:
            checkpoint, result = cursor.take(32, "checkpoint"), cursor.u8("result")
            if result not in (1, 2):
                raise Malformed(f"a result is 1 or 2, not {result}")
            return Attest(checkpoint, result == 1)
        case _:
            return None


def _covers(covers: Iterable[Link]) -> bytes:
    ordered = sorted(covers, key=lambda link: link.author)
    return u32(len(ordered)) + b"".join(link.author + u64(link.n) + link.id for link in ordered)


def _read_covers(cursor: Cursor) -> tuple[Link, ...]:
    count = cursor.u32("count of covers")
    if count > COVERS_MAX:
        raise Malformed(f"{count} covers, the limit is {COVERS_MAX}")
    covers = tuple(Link(cursor.take(16, "author"), cursor.u64("n"), cursor.take(32, "id")) for _ in range(count))
    ascending([link.author for link in covers], "covers")
    if any(not 1 <= link.n <= N_MAX for link in covers):
        raise Malformed(f"n of a cover is 1 to {N_MAX}")
    return covers
