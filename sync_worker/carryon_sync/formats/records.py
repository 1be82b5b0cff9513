"""Members' records say who is in a notebook: a hash-linked, signed graph; here is its layout, and only here.

All integers are big-endian. `after` names the records its writer held as tips, so the graph cannot be thinned unseen.

    record       1   format: 2
                 1   kind                           1–127 must be understood, 128–255 may be passed over
                 16  notebook                       first 16 bytes of SHA-256(root's signing key)
                 2   count of after, then ids 32    ascending; none in a root, at least one elsewhere
                 32  issuer                         id of the record whose key signed; 32 zero bytes for the root
                 4   length of what the kind says, then that
                 64  signature                      over labelled("record", everything before)
                 4   length of wraps, then wraps    in an invite; nothing elsewhere

    kind  says
    1 root         32 signing (Ed25519) · 32 agreement (X25519)       signs itself; the notebook's id is its proof
    2 certificate  32 signing · 32 agreement · 1 role · 16 person · 2 length, name (sealed) · 32 supersedes · frontiers ·
                   64 proof, where it supersedes none
    3 invite       32 signing · 32 agreement · 1 role · 16 person · 8 expires (ms) · 4 uses · 32 SHA-256(wraps)
    4 epoch        2 count of out, then each: certificate 32 ‖ frontiers; ascending by certificate
                   invites that end with it, as ids · 2 count of parents, then each: epoch 32 ‖ 2 length, sealed key;
                   ascending by epoch · wraps
    5 revocation   32 invite
    6 frontier     32 certificate · 4 count of heads, then each: tag 16 ‖ author 16 ‖ n 8 ‖ id 32; ascending
    7 witness      nothing: its `after` says what an owner has seen in time, and ties loose ends together

    ids, frontiers  2 count, then ids 32, ascending; frontiers are ids of frontier records
    wraps           2 count, then each: recipient 32 ‖ ephemeral 32 ‖ length 2 ‖ sealed; ascending by recipient
    role            1 reader · 2 editor · 3 owner
    person          16 bytes, random: whose device it is; in an invite zeros where whoever joins is somebody new
    supersedes      the former certificate of the same device, for a new name or role; 32 zero bytes in its first
    proof           by the certified key itself, over labelled("certificate", all up to the signature, the proof as zeros):
                    nobody certifies a key of somebody else
    recipient       id of a certificate; 32 zero bytes for the root; in an invite, which has one wrap, 32 zero bytes too

1. A record's id is SHA-256 of all of it up to the signature: whoever must forget an invite's wraps keeps the same record.
2. An invite's wraps are there and match their hash, or are gone: a length of 0.
3. `name`, parents' keys and `sealed` are opaque here; `carryon.crypto` makes and opens them.
4. A kind that is not known keeps its bytes (`UnknownSays`): it is held, named, forwarded and verified like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import IntEnum

from carryon_sync.formats.octets import Cursor, Malformed, ascending, labelled, u16, u32, u64
from carryon_sync.formats.rejected import Rejected

FORMAT = 2
RECORD_BYTES_MAX = 256 << 10
AFTER_MAX = 256
WRAPS_MAX = 2000
OUT_MAX = 256
PARENTS_MAX = 256
INVITES_MAX = 1024
FRONTIERS_MAX = 1024
HEADS_MAX = 3600
NAME_BYTES_MAX = 1 << 10
PASSED_OVER_FROM = 128
ROOT = bytes(32)
NO_ID = bytes(32)
NOBODY = bytes(16)
NO_PROOF = bytes(64)


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

    signing: bytes
    agreement: bytes

    kind = 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """A device, by its keys, whose it is, and what it may do; `frontiers` are there where it lowers the role."""

    signing: bytes
    agreement: bytes
    role: Role
    person: bytes
    name: bytes
    supersedes: bytes = NO_ID
    frontiers: tuple[bytes, ...] = ()
    proof: bytes = NO_PROOF

    kind = 2


@dataclass(frozen=True, slots=True)
class Invite:
    """A key whose holder may certify devices, until `expires` (ms since 1970) and for `uses` certificates."""

    signing: bytes
    agreement: bytes
    role: Role
    person: bytes
    expires: int
    uses: int
    wraps_hash: bytes

    kind = 3


@dataclass(frozen=True, slots=True)
class Out:
    """A device that is out, by one of its certificates, and the frontier records of what it had written."""

    certificate: bytes
    frontiers: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Parent:
    """An epoch that this one follows, and its key sealed under the new one."""

    epoch: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Epoch:
    """A new content key for all who stay; the first one gives the tag key too and has no parents."""

    out: tuple[Out, ...]
    invites: tuple[bytes, ...]
    parents: tuple[Parent, ...]
    wraps: tuple[Wrap, ...]

    kind = 4


@dataclass(frozen=True, slots=True)
class Revocation:
    """An invite that certifies nobody any more."""

    invite: bytes

    kind = 5


@dataclass(frozen=True, slots=True)
class FrontierHead:
    """How far one author's chain of one tag was held by whoever removed its device."""

    tag: bytes
    author: bytes
    n: int
    id: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """Heads of a device's chains, as held by who writes this; an epoch or a certificate names it."""

    certificate: bytes
    heads: tuple[FrontierHead, ...]

    kind = 6


@dataclass(frozen=True, slots=True)
class Witness:
    """An owner's word that it has seen what this names."""

    kind = 7


@dataclass(frozen=True, slots=True)
class UnknownSays:
    """What a kind says that this release does not know."""

    kind: int
    data: bytes


Says = Root | Certificate | Invite | Epoch | Revocation | Frontier | Witness | UnknownSays


@dataclass(frozen=True, slots=True)
class Record:
    """A member's record: what all kinds have, and what its own kind says."""

    notebook: bytes
    after: tuple[bytes, ...]
    issuer: bytes
    says: Says
    signature: bytes = bytes(64)
    wraps: tuple[Wrap, ...] = ()
    id: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Compute the id, which many ask for."""
        object.__setattr__(self, "id", hashlib.sha256(self._unsigned() + self.signature).digest())

    @property
    def signed(self) -> bytes:
        """What the issuer's key signs."""
        return labelled("record", self._unsigned())

    @property
    def proved(self) -> bytes:
        """What the certified key signs in a device's first certificate."""
        assert isinstance(self.says, Certificate), "only a certificate certifies a key"
        return labelled("certificate", replace(self, says=replace(self.says, proof=NO_PROOF))._unsigned())

    def signatures(self, issuer: bytes) -> tuple[tuple[bytes, bytes, bytes], ...]:
        """Return all that is to be verified, as public key, signature and message, where the issuer has this public key."""
        by_issuer = (issuer, self.signature, self.signed)
        if isinstance(self.says, Certificate) and self.says.supersedes == NO_ID:
            return by_issuer, (self.says.signing, self.says.proof, self.proved)
        return (by_issuer,)

    def encode(self) -> bytes:
        """Write the record as sent and stored."""
        detached = _wraps(self.wraps) if self.wraps else b""
        return self._unsigned() + self.signature + u32(len(detached)) + detached

    def forgotten(self) -> Record:
        """Return the same record without an invite's wraps."""
        return replace(self, wraps=())

    def named(self) -> tuple[bytes, ...]:
        """Return the ids of the records that this one names, the root's zeros left out."""
        return tuple(id for id in (*self.after, self.issuer, *_named(self.says)) if id not in (ROOT, NO_ID))

    def _unsigned(self) -> bytes:
        says = _written(self.says)
        opening = bytes((FORMAT, self.says.kind)) + self.notebook + _ids(self.after)
        return opening + self.issuer + u32(len(says)) + says


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
    if len(record.encode()) != len(data):
        return Rejected("not a member's record: it has another spelling than its own")
    return record


def record_id(data: bytes) -> bytes | None:
    """Return the id of an encoded record, or None where it does not read."""
    record = decode_record(data)
    return None if isinstance(record, Rejected) else record.id


def notebook_of(signing: bytes) -> bytes:
    """Return the id of the notebook whose root has this public signing key."""
    return hashlib.sha256(signing).digest()[:16]


def wraps_hash(wraps: Iterable[Wrap]) -> bytes:
    """Return the hash by which an invite is bound to its wraps."""
    return hashlib.sha256(_wraps(wraps)).digest()


def fingerprint_of(signing: bytes) -> bytes:
    """Return the 8 bytes with which the authors of the device with this public signing key begin."""
    return hashlib.sha256(signing).digest()[:8]


def _named(says: Says) -> tuple[bytes, ...]:
    match says:
        case Certificate(supersedes=supersedes, frontiers=frontiers):
            return (supersedes, *frontiers)
        case Epoch(out, invites, parents, wraps):
            gone = (id for one in out for id in (one.certificate, *one.frontiers))
            kept = (wrap.recipient for wrap in wraps)
            return (*gone, *invites, *(parent.epoch for parent in parents), *kept)
        case Revocation(invite):
            return (invite,)
        case Frontier(certificate=certificate):
            return (certificate,)
        case _:
            return ()


def _written(says: Says) -> bytes:
    match says:
        case Root(signing, agreement):
            return signing + agreement
        case Certificate():
            keys = says.signing + says.agreement + bytes((says.role,)) + says.person
            proof = says.proof if says.supersedes == NO_ID else b""
            return keys + u16(len(says.name)) + says.name + says.supersedes + _ids(says.frontiers) + proof
        case Invite():
            keys = says.signing + says.agreement + bytes((says.role,)) + says.person
            return keys + u64(says.expires) + u32(says.uses) + says.wraps_hash
        case Epoch(out, invites, parents, wraps):
            gone = sorted(out, key=lambda one: one.certificate)
            older = sorted(parents, key=lambda one: one.epoch)
            return b"".join(
                (
                    u16(len(gone)),
                    *(one.certificate + _ids(one.frontiers) for one in gone),
                    _ids(invites),
                    u16(len(older)),
                    *(one.epoch + u16(len(one.sealed)) + one.sealed for one in older),
                    _wraps(wraps),
                )
            )
        case Revocation(invite):
            return invite
        case Frontier(certificate, heads):
            ordered = sorted(heads, key=_head_key)
            written = (head.tag + head.author + u64(head.n) + head.id for head in ordered)
            return certificate + u32(len(ordered)) + b"".join(written)
        case Witness():
            return b""
        case UnknownSays(data=data):
            return data


def _record(cursor: Cursor) -> Record:
    found = cursor.u8("format")
    if found == 1:
        raise Malformed("format 1 is of an early trial release, which no release after it reads")
    if found != FORMAT:
        raise Malformed(f"format {found} is not known here: a newer release wrote it, update this one")
    kind, notebook = cursor.u8("kind"), cursor.take(16, "notebook")
    if not kind:
        raise Malformed("kind 0 is no kind")
    after = _read_ids(cursor, "after", AFTER_MAX)
    if (kind == Root.kind) != (not after):
        raise Malformed(f"{len(after)} records before a record of kind {kind}")
    issuer = cursor.take(32, "issuer")
    says = _says(kind, cursor.take(cursor.u32("length of what it says"), "what it says"))
    signature = cursor.take(64, "signature")
    detached = cursor.take(cursor.u32("length of wraps"), "wraps")
    return Record(notebook, after, issuer, says, signature, _detached(says, detached))


def _detached(says: Says, data: bytes) -> tuple[Wrap, ...]:
    if not data:
        return ()
    if not isinstance(says, Invite):
        raise Malformed(f"a record of kind {says.kind} has no wraps behind its signature")
    cursor = Cursor(data)
    wraps = _read_wraps(cursor)
    cursor.end()
    if wraps_hash(wraps) != says.wraps_hash:
        raise Malformed("an invite's wrapped keys are not those it was signed with")
    return wraps


def _says(kind: int, data: bytes) -> Says:
    read = _READERS.get(kind)
    if read is None:
        return UnknownSays(kind, data)
    cursor = Cursor(data)
    says = read(cursor)
    cursor.end()
    return says


def _root(cursor: Cursor) -> Root:
    return Root(cursor.take(32, "signing key"), cursor.take(32, "agreement key"))


def _certificate(cursor: Cursor) -> Certificate:
    signing, agreement, role = cursor.take(32, "signing key"), cursor.take(32, "agreement key"), _role(cursor)
    person, length = cursor.take(16, "person"), cursor.u16("length of the name")
    if length > NAME_BYTES_MAX:
        raise Malformed(f"a sealed name has {length} bytes, the limit is {NAME_BYTES_MAX}")
    name, supersedes = cursor.take(length, "name"), cursor.take(32, "supersedes")
    frontiers = _read_ids(cursor, "frontiers", FRONTIERS_MAX)
    proof = cursor.take(64, "proof") if supersedes == NO_ID else NO_PROOF
    return Certificate(signing, agreement, role, person, name, supersedes, frontiers, proof)


def _invite(cursor: Cursor) -> Invite:
    signing, agreement, role = cursor.take(32, "signing key"), cursor.take(32, "agreement key"), _role(cursor)
    person, expires, uses = cursor.take(16, "person"), cursor.u64("expiry"), cursor.u32("uses")
    return Invite(signing, agreement, role, person, expires, uses, cursor.take(32, "hash"))


def _epoch(cursor: Cursor) -> Epoch:
    out = tuple(
        Out(cursor.take(32, "out"), _read_ids(cursor, "frontiers", FRONTIERS_MAX))
        for _ in range(_count(cursor, "out", OUT_MAX))
    )
    ascending([one.certificate for one in out], "out")
    invites = _read_ids(cursor, "invites", INVITES_MAX)
    parents = tuple(
        Parent(cursor.take(32, "parent"), cursor.take(cursor.u16("length"), "sealed key"))
        for _ in range(_count(cursor, "parents", PARENTS_MAX))
    )
    ascending([one.epoch for one in parents], "parents")
    return Epoch(out, invites, parents, _read_wraps(cursor))


def _frontier(cursor: Cursor) -> Frontier:
    certificate, count = cursor.take(32, "certificate"), cursor.u32("count of heads")
    if count > HEADS_MAX:
        raise Malformed(f"a frontier has {count} heads, the limit is {HEADS_MAX}: write several")
    heads = tuple(
        FrontierHead(cursor.take(16, "tag"), cursor.take(16, "author"), cursor.u64("n"), cursor.take(32, "id"))
        for _ in range(count)
    )
    ascending([_head_key(head) for head in heads], "heads")
    return Frontier(certificate, heads)


_READERS: dict[int, Callable[[Cursor], Says]] = {
    Root.kind: _root,
    Certificate.kind: _certificate,
    Invite.kind: _invite,
    Epoch.kind: _epoch,
    Revocation.kind: lambda cursor: Revocation(cursor.take(32, "invite")),
    Frontier.kind: _frontier,
    Witness.kind: lambda cursor: Witness(),
}


def _head_key(head: FrontierHead) -> bytes:
    return head.tag + head.author


def _ids(ids: Iterable[bytes]) -> bytes:
    ordered = sorted(ids)
    return u16(len(ordered)) + b"".join(ordered)


def _count(cursor: Cursor, what: str, limit: int) -> int:
    count = cursor.u16(f"count of {what}")
    if count > limit:
        raise Malformed(f"{what} names {count} records, the limit is {limit}")
    return count


def _read_ids(cursor: Cursor, what: str, limit: int) -> tuple[bytes, ...]:
    ids = tuple(cursor.take(32, what) for _ in range(_count(cursor, what, limit)))
    ascending(ids, what)
    return ids


def _wraps(wraps: Iterable[Wrap]) -> bytes:
    ordered = sorted(wraps, key=lambda wrap: wrap.recipient)
    each = (wrap.recipient + wrap.ephemeral + u16(len(wrap.sealed)) + wrap.sealed for wrap in ordered)
    return u16(len(ordered)) + b"".join(each)


def _read_wraps(cursor: Cursor) -> tuple[Wrap, ...]:
    count = _count(cursor, "wraps", WRAPS_MAX)
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
