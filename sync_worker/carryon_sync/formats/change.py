"""A change is a batch of updates of one note, numbered, chained, sealed and signed; here is its layout, and only here.

All integers are big-endian. A *link* is author 16 ‖ n 8 ‖ id 32.

    change       1   format: 2                      what is sent and stored
                 32  epoch                          id of the epoch's record
                 12  nonce
                 64  signature                      the author's device over signed_bytes(id, epoch, nonce, ciphertext)
                 …   header
                 32  commit                         HMAC-SHA-256(commit key, commit_input(header, body))
                 …   ciphertext, to the end         AES-256-GCM of the packed body, header ‖ commit as associated data

    header       1   format: 2                      in clear; the relay orders and finds changes by it
                 1   kind                           1–127 must be understood, 128–255 may be passed over
                 16  notebook
                 16  tag                            opaque note id
                 16  author                         8 bytes of the device key's fingerprint ‖ 8 random
                 8   n                              from 1, per tag and author, at most 2^53 − 1
                 32  prev                           id of that author's previous change of this tag; zeros when n is 1
                 4   length of extra, then extra    what the kind says in clear

    kind         extra
    1 change     nothing
    2 checkpoint 4 count of covers, then links ascending by author · 32 base: id of the checkpoint it was made on, or zeros
                 2 count of segments, then ids 32 ascending
    3 delete     4 count of covers, then links ascending by author
    4 attest     32 id of a checkpoint · 1 result: 1 the same · 2 differs
                 no body: epoch, nonce and commit are zeros, the ciphertext is empty

    packed       …   body, raw deflate              ends by itself
                 …   padding, zeros                 to a length of 16, or of Padmé's rule beyond 128 bytes

    body         1   format: 2
                 16  note
                 8   time                           ms since 1970, signed: for people, never for order
                 4   apart                          seconds since the author's device last heard a relay
                 2   count of tips, then ids 32     tips of the members' records that the author knew, ascending: what says
                                                    whether it might write
                 2   count of needs, then links     what changed since the author's last, ascending by author
                 2   count of seen, then each       log 16 ‖ sequence 8 ‖ running hash 32, ascending by log; sequences are
                                                    multiples of 64
                 4   count of updates, then each    length 4 ‖ bytes; 4,096 at most
                 4   length of more, then more      what the kind says under seal; nothing in a change

1. A change *is* its id, SHA-256(header ‖ commit): whoever holds the change computes it, nobody says it. The envelope (epoch,
   nonce, signature, ciphertext) may be renewed by its author.
2. A change of a kind that is not known is held, ordered, forwarded and verified like any other, by what all kinds have.
3. Every encoding is canonical: what decodes encodes to the same bytes.
4. Nothing here encrypts, signs or verifies: that is `carryon.crypto`.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

from carryon_sync.formats.octets import Cursor, Malformed, ascending, i64, labelled, u16, u32, u64
from carryon_sync.formats.rejected import Rejected
from carryon_sync.formats.running import MARK_STEP

FORMAT = 2
N_MAX = 2**53 - 1
EXTRA_BYTES_MAX = 1 << 20
CHANGE_BYTES_MAX = 16 << 20
BODY_BYTES_MAX = 32 << 20
UPDATES_MAX = 4096  # empty ones deflate to next to nothing: without it 30 KB took seconds to read
COMMIT_BYTES = 32
SEAL_BYTES = 16
NO_PREV = bytes(32)
NO_COMMIT = bytes(COMMIT_BYTES)
PASSED_OVER_FROM = 128

_ENVELOPE = struct.Struct(">B32s12s64s")
_HEADER = struct.Struct(">BB16s16s16sQ32sI")
ENVELOPE_BYTES = _ENVELOPE.size
HEADER_BYTES_MIN = _HEADER.size

_PADDING_STEP = 16
_PADME_FROM = 128


class Kind(IntEnum):
    """What a change is, of the kinds that have a layout; today's devices write `CHANGE`, and understand no other."""

    CHANGE = 1
    CHECKPOINT = 2
    DELETE = 3
    ATTEST = 4


UNDERSTOOD = frozenset({int(Kind.CHANGE)})


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
    kind: int = Kind.CHANGE
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
    tips: tuple[bytes, ...] = ()
    more: bytes = b""

    def encode(self) -> bytes:
        """Write the body as committed to; tips, needs and seen are put in order here."""
        parts = [bytes((FORMAT,)), _exactly(self.note, 16), i64(self.time), u32(self.apart), u16(len(self.tips))]
        parts += (_exactly(tip, 32) for tip in sorted(self.tips))
        parts.append(u16(len(self.needs)))
        for link in sorted(self.needs, key=lambda link: link.author):
            parts += (_exactly(link.author, 16), u64(link.n), _exactly(link.id, 32))
        parts.append(u16(len(self.seen)))
        for seen in sorted(self.seen, key=lambda seen: seen.log):
            parts += (_exactly(seen.log, 16), u64(seen.sequence), _exactly(seen.running, 32))
        parts.append(u32(len(self.updates)))
        for update in self.updates:
            parts += (u32(len(update)), update)
        parts += (u32(len(self.more)), self.more)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Change:
    """A change as sent and stored."""

    header: Header
    commit: bytes
    epoch: bytes
    nonce: bytes
    ciphertext: bytes
    signature: bytes
    id: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Compute the id, which many ask for."""
        object.__setattr__(self, "id", change_id(self.header.encode(), self.commit))

    @property
    def bound(self) -> bytes:
        """What the ciphertext is bound to: the header and the commit."""
        return self.header.encode() + self.commit

    @property
    def has_body(self) -> bool:
        """Say whether there is a body under the seal."""
        return bool(self.ciphertext)

    def encode(self) -> bytes:
        """Write the change as sent and stored."""
        return b"".join(
            (
                bytes((FORMAT,)),
                _exactly(self.epoch, 32),
                _exactly(self.nonce, 12),
                _exactly(self.signature, 64),
                self.header.encode(),
                _exactly(self.commit, COMMIT_BYTES),
                self.ciphertext,
            )
        )


def decode_change(data: bytes) -> Change | Rejected:
    """Read a change; its signature is still to be checked, by whoever knows its author."""
    if len(data) > CHANGE_BYTES_MAX:
        return Rejected(f"a change has {len(data)} bytes, the limit is {CHANGE_BYTES_MAX}: split the edit")
    try:
        if len(data) < ENVELOPE_BYTES:
            raise Malformed(f"its envelope needs {ENVELOPE_BYTES} bytes, here are {len(data)}")
        format, epoch, nonce, signature = _ENVELOPE.unpack_from(data)
        _known(format, "change")
        header, end = _header(data, ENVELOPE_BYTES)
        commit, ciphertext = data[end : end + COMMIT_BYTES], data[end + COMMIT_BYTES :]
        if len(commit) < COMMIT_BYTES:
            raise Malformed(f"its commit needs {COMMIT_BYTES} bytes, here are {len(commit)}")
        _check_body_is_there(header, commit, epoch + nonce, ciphertext)
    except Malformed as fault:
        return Rejected(f"not a change: {fault}")
    return Change(header, commit, epoch, nonce, ciphertext, signature)


def id_in(data: bytes) -> bytes | None:
    """Return the id of an encoded change, even where what is sealed in it is broken; None where it has none."""
    try:
        _, end = _header(data, ENVELOPE_BYTES)
    except Malformed:
        return None
    bound = data[ENVELOPE_BYTES : end + COMMIT_BYTES]
    return hashlib.sha256(bound).digest() if len(bound) == end - ENVELOPE_BYTES + COMMIT_BYTES else None


def must_be_understood(kind: int) -> bool:
    """Say whether whoever does not know this kind, and this release does not, must not write beside it."""
    return kind not in UNDERSTOOD and kind < PASSED_OVER_FROM


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
        tips = tuple(cursor.take(32, "tip") for _ in range(cursor.u16("count of tips")))
        ascending(tips, "tips")
        needs = tuple(_link(cursor) for _ in range(cursor.u16("count of needs")))
        ascending([link.author for link in needs], "needs")
        seen = tuple(_seen(cursor) for _ in range(cursor.u16("count of seen")))
        ascending([one.log for one in seen], "seen")
        count = cursor.u32("count of updates")
        if count > UPDATES_MAX:
            raise Malformed(f"a change has {count} updates, the limit is {UPDATES_MAX}: write several")
        updates = tuple(cursor.take(cursor.u32("length"), "update") for _ in range(count))
        more = cursor.take(cursor.u32("length of more"), "more")
        cursor.end()
    except Malformed as fault:
        return Rejected(f"not a change's body: {fault}")
    return Body(note, time, apart, needs, seen, updates, tips, more)


def commit_input(header: bytes, body: bytes) -> bytes:
    """Lay out what the commit's HMAC covers."""
    return labelled("commit", header, body)


def change_id(header: bytes, commit: bytes) -> bytes:
    """Return the id of the change with this encoded header and this commit."""
    return hashlib.sha256(header + _exactly(commit, COMMIT_BYTES)).digest()


def signed_bytes(id: bytes, epoch: bytes, nonce: bytes, ciphertext: bytes) -> bytes:
    """Lay out what the author's device signs."""
    sealed = hashlib.sha256(_exactly(nonce, 12) + ciphertext).digest()
    return labelled("change", _exactly(id, 32), _exactly(epoch, 32), sealed)


def packed(body: bytes) -> bytes:
    """Return an encoded body as it is sealed: compressed, and padded."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    plaintext = deflater.compress(body) + deflater.flush()
    return plaintext + bytes(padded_length(len(plaintext)) - len(plaintext))


def unpacked(plaintext: bytes, bytes_max: int = BODY_BYTES_MAX) -> bytes | Rejected:
    """Return the encoded body of what was sealed; one that would unpack beyond `bytes_max` is refused, not unpacked."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = inflater.decompress(plaintext, bytes_max)
    except zlib.error as fault:
        return Rejected(f"a change's body does not unpack: {fault}")
    if inflater.unconsumed_tail:
        return Rejected(f"a change's body unpacks to more than {bytes_max} bytes")
    if not inflater.eof:
        return Rejected("a change's body is cut off")
    padding = inflater.unused_data
    if padding.strip(b"\0"):
        return Rejected("a change's padding is not zeros")
    if padded_length(len(plaintext) - len(padding)) != len(plaintext):
        return Rejected(f"a change's padding has {len(padding)} bytes, which is not its rule")
    return body


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
        raise Malformed(f"its header needs {HEADER_BYTES_MIN} bytes, here are {max(0, len(data) - at)}")
    format, kind, notebook, tag, author, n, prev, length = _HEADER.unpack_from(data, at)
    _known(format, "header")
    if not kind:
        raise Malformed("kind 0 is no kind")
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
    return Header(notebook, tag, author, n, prev, kind, data[end : end + length]), end + length


def _link(cursor: Cursor) -> Link:
    link = Link(cursor.take(16, "author"), cursor.u64("n"), cursor.take(32, "id"))
    if not 1 <= link.n <= N_MAX:
        raise Malformed(f"n of a need is 1 to {N_MAX}, not {link.n}")
    return link


def _seen(cursor: Cursor) -> Seen:
    seen = Seen(cursor.take(16, "log"), cursor.u64("sequence"), cursor.take(32, "running hash"))
    if seen.sequence % MARK_STEP:
        raise Malformed(f"a running hash is named at multiples of {MARK_STEP}, not at {seen.sequence}")
    return seen


def _check_body_is_there(header: Header, commit: bytes, sealed_by: bytes, ciphertext: bytes) -> None:
    if header.kind == Kind.ATTEST or (header.kind not in Kind.__members__.values() and not ciphertext):
        if ciphertext or commit != NO_COMMIT or any(sealed_by):
            raise Malformed("a change without a body has no epoch, nonce, commit or ciphertext")
    elif len(ciphertext) <= SEAL_BYTES or commit == NO_COMMIT:
        raise Malformed(
            f"a body is there: a ciphertext of more than {SEAL_BYTES} bytes, here are {len(ciphertext)}, and a commit"
        )


def _known(format: int, what: str) -> None:
    if format == 1:
        raise Malformed(f"format 1 of a {what} is of an early trial release, which no release after it reads")
    if format != FORMAT:
        raise Malformed(f"format {format} of a {what} is not known here: a newer release wrote it, update this one")


def _exactly(field: bytes, length: int) -> bytes:
    assert len(field) == length, f"a field of {length} bytes has {len(field)}"
    return field
