"""A change is a batch of updates of one note, numbered, chained, sealed and signed; here is its layout, and only here.

All integers are big-endian. A *link* is author 16 ‖ n 8 ‖ id 32.

    change       1   format: 1                      what is sent and stored; a change *is* its id, the envelope
                 32  id                             may be renewed
                 32  epoch                          id of the epoch's record
                 12  nonce
                 64  signature                      the author's device over signed_bytes(id, epoch, ciphertext)
                 …   header
                 …   ciphertext, to the end         AES-256-GCM of the plaintext, header as associated data

    header       1   format: 1                      in clear; the relay orders and finds changes by it
                 1   kind                           1 change · 2 checkpoint · 3 delete · 4 attest
                 16  notebook
                 16  tag                            opaque note id
                 16  author                         8 bytes of the device key's fingerprint ‖ 8 random
                 8   n                              from 1, per tag and author, at most 2^53 − 1
                 32  prev                           id of that author's previous change of this tag; zeros when n is 1
                 4   length of extra, then extra    what later kinds add; empty in a change

    plaintext    32  commit                         HMAC-SHA-256(commit key, commit_input(header, body))
                 …   body, raw deflate              ends by itself
                 …   padding, zeros                 to a length of 16, or of Padmé's rule beyond 128 bytes

    body         1   format: 1
                 16  note
                 8   time                           ms since 1970, signed: for people, never for order
                 4   apart                          seconds since the author's device last heard a relay
                 2   count of needs, then links     what changed since the author's last, ascending by author
                 2   count of seen, then each       log 16 ‖ sequence 8 ‖ running hash 32, ascending by log
                 4   count of updates, then each    length 4 ‖ bytes

1. id = SHA-256(header ‖ commit). Whoever opens a change recomputes it; the relay takes it as said.
2. Every encoding is canonical: what decodes encodes to the same bytes.
3. Nothing here encrypts, signs or verifies: that is `carryon.crypto`.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from carryon_sync.formats.octets import Cursor, Malformed, ascending, i64, labelled, u16, u32, u64
from carryon_sync.formats.rejected import Rejected

FORMAT = 1
N_MAX = 2**53 - 1
EXTRA_BYTES_MAX = 1 << 20
CHANGE_BYTES_MAX = 16 << 20
BODY_BYTES_MAX = 32 << 20
COMMIT_BYTES = 32
SEAL_BYTES = 16
NO_PREV = bytes(32)

_ENVELOPE = struct.Struct(">B32s32s12s64s")
_HEADER = struct.Struct(">BB16s16s16sQ32sI")
ENVELOPE_BYTES = _ENVELOPE.size
HEADER_BYTES_MIN = _HEADER.size

_PADDING_STEP = 16
_PADME_FROM = 128


class Kind(IntEnum):
    """What a change is; today's devices write `CHANGE` only."""

    CHANGE = 1
    CHECKPOINT = 2
    DELETE = 3
    ATTEST = 4


@dataclass(frozen=True, slots=True)
class Link:
    """One change by its place in its author's chain and by its id."""

    author: bytes
    n: int
    id: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """How far the author's device held a relay's log: the sequence number and the running hash there."""

    log: bytes
    sequence: int
    running: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What of a change travels in clear."""

    notebook: bytes
    tag: bytes
    author: bytes
    n: int
    prev: bytes
    kind: Kind = Kind.CHANGE
    extra: bytes = b""

    def encode(self) -> bytes:
        """Write the header as hashed, signed and sent."""
        assert 1 <= self.n <= N_MAX, f"n is 1 to {N_MAX}, not {self.n}"
        assert (self.n == 1) == (self.prev == NO_PREV), "the first change of a chain, and no other, has no prev"
        return b"".join(
            (
                bytes((FORMAT, self.kind)),
                _exactly(self.notebook, 16),
                _exactly(self.tag, 16),
                _exactly(self.author, 16),
                u64(self.n),
                _exactly(self.prev, 32),
                u32(len(self.extra)),
                self.extra,
            )
        )


@dataclass(frozen=True, slots=True)
class Body:
    """What of a change is sealed."""

    note: bytes
    time: int
    apart: int
    needs: tuple[Link, ...]
    seen: tuple[Seen, ...]
    updates: tuple[bytes, ...]

    def encode(self) -> bytes:
        """Write the body as committed to; needs and seen are put in order here."""
        parts = [bytes((FORMAT,)), _exactly(self.note, 16), i64(self.time), u32(self.apart), u16(len(self.needs))]
        for link in sorted(self.needs, key=lambda link: link.author):
            parts += (_exactly(link.author, 16), u64(link.n), _exactly(link.id, 32))
        parts.append(u16(len(self.seen)))
        for seen in sorted(self.seen, key=lambda seen: seen.log):
            parts += (_exactly(seen.log, 16), u64(seen.sequence), _exactly(seen.running, 32))
        parts.append(u32(len(self.updates)))
        for update in self.updates:
            parts += (u32(len(update)), update)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Change:
    """A sealed change as sent and stored."""

    header: Header
    id: bytes
    epoch: bytes
    nonce: bytes
    ciphertext: bytes
    signature: bytes

    def encode(self) -> bytes:
        """Write the change as sent and stored."""
        return b"".join(
            (
                bytes((FORMAT,)),
                _exactly(self.id, 32),
                _exactly(self.epoch, 32),
                _exactly(self.nonce, 12),
                _exactly(self.signature, 64),
                self.header.encode(),
                self.ciphertext,
            )
        )


def decode_change(data: bytes) -> Change | Rejected:
    """Read a sealed change; its id and signature are still to be checked by whoever can open it."""
    if len(data) > CHANGE_BYTES_MAX:
        return Rejected(f"a change has {len(data)} bytes, the limit is {CHANGE_BYTES_MAX}: split the edit")
    try:
        if len(data) < ENVELOPE_BYTES:
            raise Malformed(f"its envelope needs {ENVELOPE_BYTES} bytes, here are {len(data)}")
        format, id, epoch, nonce, signature = _ENVELOPE.unpack_from(data)
        _known(format, "change")
        header, end = _header(data, ENVELOPE_BYTES)
        ciphertext = data[end:]
        if len(ciphertext) < COMMIT_BYTES + SEAL_BYTES:
            raise Malformed(f"a ciphertext has at least {COMMIT_BYTES + SEAL_BYTES} bytes, not {len(ciphertext)}")
    except Malformed as fault:
        return Rejected(f"not a change: {fault}")
    return Change(header, id, epoch, nonce, ciphertext, signature)


def id_in(data: bytes) -> bytes | None:
    """Return the id that an encoded change claims, even where the rest of it is broken; None where it is cut off."""
    return data[1:33] if len(data) >= 33 else None


def decode_header(data: bytes) -> Header | Rejected:
    """Read a header that stands alone."""
    try:
        header, end = _header(data, 0)
        if end < len(data):
            raise Malformed(f"{len(data) - end} bytes follow the last field")
    except Malformed as fault:
        return Rejected(f"not a change's header: {fault}")
    return header


def decode_body(data: bytes) -> Body | Rejected:
    """Read an opened body."""
    cursor = Cursor(data)
    try:
        _known(cursor.u8("format"), "body")
        note, time, apart = cursor.take(16, "note"), cursor.i64("time"), cursor.u32("apart")
        needs = tuple(_link(cursor) for _ in range(cursor.u16("count of needs")))
        ascending([link.author for link in needs], "needs")
        seen = tuple(_seen(cursor) for _ in range(cursor.u16("count of seen")))
        ascending([one.log for one in seen], "seen")
        updates = tuple(cursor.take(cursor.u32("length"), "update") for _ in range(cursor.u32("count of updates")))
        cursor.end()
    except Malformed as fault:
        return Rejected(f"not a change's body: {fault}")
    return Body(note, time, apart, needs, seen, updates)


def commit_input(header: bytes, body: bytes) -> bytes:
    """Lay out what the commit's HMAC covers."""
    return labelled("commit", header, body)


def change_id(header: bytes, commit: bytes) -> bytes:
    """Return the id of the change with this encoded header and this commit."""
    return hashlib.sha256(header + _exactly(commit, COMMIT_BYTES)).digest()


def signed_bytes(id: bytes, epoch: bytes, ciphertext: bytes) -> bytes:
    """Lay out what the author's device signs."""
    return labelled("change", _exactly(id, 32), _exactly(epoch, 32), hashlib.sha256(ciphertext).digest())


def plaintext_of(commit: bytes, body: bytes) -> bytes:
    """Put commit and body together as they are sealed: the body compressed, the whole padded."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    plaintext = b"".join((_exactly(commit, COMMIT_BYTES), deflater.compress(body), deflater.flush()))
    return plaintext + bytes(padded_length(len(plaintext)) - len(plaintext))


def split_plaintext(plaintext: bytes) -> tuple[bytes, bytes] | Rejected:
    """Take commit and body apart; a body that would unpack beyond `BODY_BYTES_MAX` is refused, not unpacked."""
    if len(plaintext) <= COMMIT_BYTES:
        return Rejected(f"a change's plaintext has more than {COMMIT_BYTES} bytes, not {len(plaintext)}")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = inflater.decompress(plaintext[COMMIT_BYTES:], BODY_BYTES_MAX)
    except zlib.error as fault:
        return Rejected(f"a change's body does not unpack: {fault}")
    if inflater.unconsumed_tail:
        return Rejected(f"a change's body unpacks to more than {BODY_BYTES_MAX} bytes")
    if not inflater.eof:
        return Rejected("a change's body is cut off")
    padding = inflater.unused_data
    if padding.strip(b"\0"):
        return Rejected("a change's padding is not zeros")
    if padded_length(len(plaintext) - len(padding)) != len(plaintext):
        return Rejected(f"a change's padding has {len(padding)} bytes, which is not its rule")
    return plaintext[:COMMIT_BYTES], body


def padded_length(length: int) -> int:
    """Return the length to pad to: a multiple of 16, and beyond 128 bytes Padmé, which adds at most 12 %.

    Padmé (Nikitin and others, "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019)
    leaves O(log log length) bits of the length to be seen.
    """
    step = _PADDING_STEP
    if length > _PADME_FROM:
        exponent = length.bit_length() - 1
        step = max(step, 1 << exponent - exponent.bit_length())
    return -(-length // step) * step


def _header(data: bytes, at: int) -> tuple[Header, int]:
    """Read the header that begins at `at`, and where it ends: by one unpacking, for a relay reads very many."""
    end = at + HEADER_BYTES_MIN
    if end > len(data):
        raise Malformed(f"its header needs {HEADER_BYTES_MIN} bytes, here are {len(data) - at}")
    format, kind, notebook, tag, author, n, prev, length = _HEADER.unpack_from(data, at)
    _known(format, "header")
    if kind not in _KINDS:
        raise Malformed(f"kind {kind} is not known here: a newer release wrote it")
    if not 1 <= n <= N_MAX:
        raise Malformed(f"n is 1 to {N_MAX}, not {n}")
    if (n == 1) != (prev == NO_PREV):
        raise Malformed(f"change {n} of a chain and its prev do not go together")
    if length > EXTRA_BYTES_MAX:
        raise Malformed(f"extra has {length} bytes, the limit is {EXTRA_BYTES_MAX}")
    if length and kind == Kind.CHANGE:
        raise Malformed(f"a change has no extra, here are {length} bytes")
    if end + length > len(data):
        raise Malformed(f"extra needs {length} bytes, {len(data) - end} are left")
    return Header(notebook, tag, author, n, prev, _KINDS[kind], data[end : end + length]), end + length


_KINDS = {int(kind): kind for kind in Kind}


def _link(cursor: Cursor) -> Link:
    link = Link(cursor.take(16, "author"), cursor.u64("n"), cursor.take(32, "id"))
    if not 1 <= link.n <= N_MAX:
        raise Malformed(f"n of a need is 1 to {N_MAX}, not {link.n}")
    return link


def _seen(cursor: Cursor) -> Seen:
    return Seen(cursor.take(16, "log"), cursor.u64("sequence"), cursor.take(32, "running hash"))


def _known(format: int, what: str) -> None:
    if format != FORMAT:
        raise Malformed(f"format {format} of a {what} is not known here: a newer release wrote it, update this one")


def _exactly(field: bytes, length: int) -> bytes:
    assert len(field) == length, f"a field of {length} bytes has {len(field)}"
    return field
