"""Members' records say who is in a notebook: a hash-linked, signed graph; here is its layout, and only here.

All integers are big-endian. `after` names the records its writer held as tips, so the graph cannot be thinned unseen.

    record       1   format: 1
                 1   kind                           1 root · 2 certificate · 3 invite · 4 epoch · 5 (reserved)
                 16  notebook                       first 16 bytes of SHA-256(root's signing key)
                 2   count of after, then ids 32    ascending; none in a root, at least one elsewhere
                 …   fields of the kind
                 64  signature                      over labelled("record", everything before)
                 …   wraps, in an invite only

    root         32  signing (Ed25519) · 32 agreement (X25519)         signs itself; the notebook's id is its proof
    certificate  32  signing · 32 agreement · 1 role · 2 length, name (sealed) · 32 issuer
    invite       32  signing · 32 agreement · 1 role · 8 expires (ms) · 4 uses · 32 SHA-256(wraps) · 32 issuer
    epoch        2   count of out, then ids 32 ascending · wraps · 2 length, old · 32 issuer

    wraps        2   count, then each: recipient 32 ‖ ephemeral 32 ‖ length 2 ‖ sealed; ascending by recipient

    role         1 reader · 2 editor · 3 owner
    issuer       id of the record whose key signed; 32 zero bytes for the root
    recipient    id of a certificate; 32 zero bytes for the root; in an invite, which has one wrap, 32 zero bytes too

1. A record's id is SHA-256 of all of it, an invite's wraps left out: whoever must forget them keeps the same record.
2. An invite's wraps are there and match their hash, or are gone: a count of 0.
3. `name`, `old` and `sealed` are opaque here; `carryon.crypto` makes and opens them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

from carryon_sync.formats.octets import Cursor, Malformed, ascending, labelled, u16, u32, u64
from carryon_sync.formats.rejected import Rejected

FORMAT = 1
RECORD_BYTES_MAX = 256 << 10
AFTER_MAX = 256
WRAPS_MAX = 2000
NAME_BYTES_MAX = 1 << 10
ROOT = bytes(32)

_ROOT, _CERTIFICATE, _INVITE, _EPOCH = 1, 2, 3, 4


class Role(IntEnum):
    """What a device may do; each role may do what those before it may."""

    READER = 1
    EDITOR = 2
    OWNER = 3


@dataclass(frozen=True, slots=True)
class Wrap:
    """A key sealed to one recipient."""

    recipient: bytes
    ephemeral: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Root:
    """The key that a notebook is named after."""

    notebook: bytes
    signing: bytes
    agreement: bytes
    signature: bytes = bytes(64)

    @property
    def after(self) -> tuple[bytes, ...]:
        """A root follows nothing."""
        return ()

    @property
    def signed(self) -> bytes:
        """What the root's own key signs."""
        return labelled("record", self._unsigned())

    @property
    def id(self) -> bytes:
        """The record's id."""
        return hashlib.sha256(self.encode()).digest()

    def encode(self) -> bytes:
        """Write the record as sent and stored."""
        return self._unsigned() + self.signature

    def _unsigned(self) -> bytes:
        return _opening(_ROOT, self.notebook, ()) + self.signing + self.agreement


@dataclass(frozen=True, slots=True)
class Certificate:
    """A device, by its keys, and what it may do."""

    notebook: bytes
    after: tuple[bytes, ...]
    signing: bytes
    agreement: bytes
    role: Role
    name: bytes
    issuer: bytes
    signature: bytes = bytes(64)

    @property
    def signed(self) -> bytes:
        """What the issuer's key signs."""
        return labelled("record", self._unsigned())

    @property
    def id(self) -> bytes:
        """The record's id."""
        return hashlib.sha256(self.encode()).digest()

    def encode(self) -> bytes:
        """Write the record as sent and stored."""
        return self._unsigned() + self.signature

    def _unsigned(self) -> bytes:
        opening = _opening(_CERTIFICATE, self.notebook, self.after)
        keys = self.signing + self.agreement + bytes((self.role,))
        return opening + keys + u16(len(self.name)) + self.name + self.issuer


@dataclass(frozen=True, slots=True)
class Invite:
    """A key whose holder may certify devices, until `expires` (ms since 1970) and for `uses` certificates."""

    notebook: bytes
    after: tuple[bytes, ...]
    signing: bytes
    agreement: bytes
    role: Role
    expires: int
    uses: int
    wraps_hash: bytes
    issuer: bytes
    signature: bytes
    wraps: tuple[Wrap, ...]

    @property
    def signed(self) -> bytes:
        """What the issuer's key signs."""
        return labelled("record", self._unsigned())

    @property
    def id(self) -> bytes:
        """The record's id, which does not depend on whether the wraps are still there."""
        return hashlib.sha256(self._unsigned() + self.signature).digest()

    def encode(self) -> bytes:
        """Write the record as sent and stored."""
        return self._unsigned() + self.signature + _wraps(self.wraps)

    def forgotten(self) -> Invite:
        """Return the same record without its wraps."""
        return replace(self, wraps=())

    def _unsigned(self) -> bytes:
        opening = _opening(_INVITE, self.notebook, self.after)
        keys = self.signing + self.agreement + bytes((self.role,))
        return opening + keys + u64(self.expires) + u32(self.uses) + self.wraps_hash + self.issuer


@dataclass(frozen=True, slots=True)
class Epoch:
    """A new content key for all who stay; the first one gives the tag key too and has no `old`."""

    notebook: bytes
    after: tuple[bytes, ...]
    out: tuple[bytes, ...]
    wraps: tuple[Wrap, ...]
    old: bytes
    issuer: bytes
    signature: bytes = bytes(64)

    @property
    def signed(self) -> bytes:
        """What the issuer's key signs."""
        return labelled("record", self._unsigned())

    @property
    def id(self) -> bytes:
        """The record's id."""
        return hashlib.sha256(self.encode()).digest()

    def encode(self) -> bytes:
        """Write the record as sent and stored."""
        return self._unsigned() + self.signature

    def _unsigned(self) -> bytes:
        opening = _opening(_EPOCH, self.notebook, self.after)
        return opening + _ids(self.out) + _wraps(self.wraps) + u16(len(self.old)) + self.old + self.issuer


Record = Root | Certificate | Invite | Epoch


def decode_record(data: bytes) -> Record | Rejected:
    """Read a member's record; who may have signed it is for `members.Members` to say."""
    if len(data) > RECORD_BYTES_MAX:
        return Rejected(f"a member's record has {len(data)} bytes, the limit is {RECORD_BYTES_MAX}")
    cursor = Cursor(data)
    try:
        record = _record(cursor)
        cursor.end()
    except Malformed as fault:
        return Rejected(f"not a member's record: {fault}")
    return record


def wraps_hash(wraps: Iterable[Wrap]) -> bytes:
    """Return the hash by which an invite names its wraps."""
    return hashlib.sha256(_wraps(wraps)).digest()


def notebook_of(signing: bytes) -> bytes:
    """Return the id of the notebook whose root has this public signing key."""
    return hashlib.sha256(signing).digest()[:16]


def fingerprint_of(signing: bytes) -> bytes:
    """Return the 8 bytes with which the authors of the device with this public signing key begin."""
    return hashlib.sha256(signing).digest()[:8]


def _record(cursor: Cursor) -> Record:
    found = cursor.u8("format")
    if found != FORMAT:
        raise Malformed(f"format {found} is not known here: a newer release wrote it, update this one")
    kind, notebook = cursor.u8("kind"), cursor.take(16, "notebook")
    after = _read_ids(cursor, "after", AFTER_MAX)
    if (kind == _ROOT) != (not after):
        raise Malformed(f"{len(after)} records before a record of kind {kind}")
    match kind:
        case 1:  # a root
            signing, agreement = cursor.take(32, "signing key"), cursor.take(32, "agreement key")
            return Root(notebook, signing, agreement, cursor.take(64, "signature"))
        case 2:  # a certificate
            return _certificate(cursor, notebook, after)
        case 3:  # an invite
            return _invite(cursor, notebook, after)
        case 4:  # an epoch
            return _epoch(cursor, notebook, after)
        case 5:  # a revocation
            raise Malformed("kind 5, a revocation, comes with a later release: update this one")
        case _:
            raise Malformed(f"kind {kind} is not known here: a newer release wrote it, update this one")


def _certificate(cursor: Cursor, notebook: bytes, after: tuple[bytes, ...]) -> Certificate:
    signing, agreement, role = cursor.take(32, "signing key"), cursor.take(32, "agreement key"), _role(cursor)
    length = cursor.u16("length of the name")
    if length > NAME_BYTES_MAX:
        raise Malformed(f"a sealed name has {length} bytes, the limit is {NAME_BYTES_MAX}")
    name, issuer = cursor.take(length, "name"), cursor.take(32, "issuer")
    return Certificate(notebook, after, signing, agreement, role, name, issuer, cursor.take(64, "signature"))


def _invite(cursor: Cursor, notebook: bytes, after: tuple[bytes, ...]) -> Invite:
    signing, agreement, role = cursor.take(32, "signing key"), cursor.take(32, "agreement key"), _role(cursor)
    expires, uses = cursor.u64("expiry"), cursor.u32("uses")
    hashed, issuer, signature = cursor.take(32, "hash"), cursor.take(32, "issuer"), cursor.take(64, "signature")
    wraps = _read_wraps(cursor)
    if wraps and wraps_hash(wraps) != hashed:
        raise Malformed("an invite's wrapped keys are not those it was signed with")
    return Invite(notebook, after, signing, agreement, role, expires, uses, hashed, issuer, signature, wraps)


def _epoch(cursor: Cursor, notebook: bytes, after: tuple[bytes, ...]) -> Epoch:
    out, wraps = _read_ids(cursor, "out", WRAPS_MAX), _read_wraps(cursor)
    old, issuer = cursor.take(cursor.u16("length of old"), "old key"), cursor.take(32, "issuer")
    return Epoch(notebook, after, out, wraps, old, issuer, cursor.take(64, "signature"))


def _opening(kind: int, notebook: bytes, after: tuple[bytes, ...]) -> bytes:
    return bytes((FORMAT, kind)) + notebook + _ids(after)


def _ids(ids: tuple[bytes, ...]) -> bytes:
    return u16(len(ids)) + b"".join(sorted(ids))


def _read_ids(cursor: Cursor, what: str, limit: int) -> tuple[bytes, ...]:
    count = cursor.u16(f"count of {what}")
    if count > limit:
        raise Malformed(f"{what} names {count} records, the limit is {limit}")
    ids = tuple(cursor.take(32, what) for _ in range(count))
    ascending(ids, what)
    return ids


def _wraps(wraps: Iterable[Wrap]) -> bytes:
    ordered = sorted(wraps, key=lambda wrap: wrap.recipient)
    each = (wrap.recipient + wrap.ephemeral + u16(len(wrap.sealed)) + wrap.sealed for wrap in ordered)
    return u16(len(ordered)) + b"".join(each)


def _read_wraps(cursor: Cursor) -> tuple[Wrap, ...]:
    count = cursor.u16("count of wraps")
    if count > WRAPS_MAX:
        raise Malformed(f"a key is wrapped {count} times, the limit is {WRAPS_MAX}")
    wraps = tuple(
        Wrap(cursor.take(32, "recipient"), cursor.take(32, "ephemeral"), cursor.take(cursor.u16("length"), "sealed"))
        for _ in range(count)
    )
    ascending([wrap.recipient for wrap in wraps], "recipients")
    return wraps


def _role(cursor: Cursor) -> Role:
    number = cursor.u8("role")
    if number not in Role.__members__.values():
        raise Malformed(f"role {number} is not known here")
    return Role(number)
