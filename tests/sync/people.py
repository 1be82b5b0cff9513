"""Real keys and real records for the sync tests: a notebook, its root, its devices, their changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from carryon_sync.formats.change import NO_PREV, Change, Header, change_id, signed_bytes
from carryon_sync.formats.members import Members, SignedBy
from carryon_sync.formats.records import (
    NO_ID,
    NOBODY,
    ROOT,
    Certificate,
    Epoch,
    Invite,
    Out,
    Parent,
    Record,
    Revocation,
    Role,
    Root,
    Says,
    Wrap,
    fingerprint_of,
    notebook_of,
    wraps_hash,
)
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

WRAPS = (Wrap(ROOT, bytes(32), b"sealed keys"),)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def public_of(name: str) -> bytes:
    return key_of(name).public_key().public_bytes_raw()


def signed(record: Record, key: Ed25519PrivateKey) -> Record:
    return replace(record, signature=key.sign(record.signed))


@dataclass
class Device:
    """A certified device that chains changes; what it seals is the plain words."""

    name: str
    key: Ed25519PrivateKey
    certificate: Record
    author: bytes
    chains: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)

    def change(self, tag: bytes, words: bytes, author: bytes | None = None) -> Change:
        """Write the next change of this device's chain of a tag."""
        author = author or self.author
        n, prev = self.chains.get(author + tag, (0, NO_PREV))
        header = Header(self.certificate.notebook, tag, author, n + 1, prev)
        commit = hashlib.sha256(words).digest()
        id = change_id(header.encode(), commit)
        self.chains[author + tag] = (n + 1, id)
        ciphertext = words + bytes(48)
        signature = self.key.sign(signed_bytes(id, bytes(32), bytes(12), ciphertext))
        return Change(header, commit, bytes(32), bytes(12), ciphertext, signature)


class People:
    """One notebook with its root key, and whoever gets certified."""

    def __init__(self, name: str = "notebook") -> None:
        self.name = name
        self.root_key = key_of(f"{name} root")
        public = public_of(f"{name} root")
        self.notebook = notebook_of(public)
        self.members = Members(self.notebook)
        self.root = self.admit(signed(Record(self.notebook, (), ROOT, Root(public, bytes(32))), self.root_key))

    def admit(self, record: Record, *, late: bool = False) -> Record:
        """Add a record as a device would: checked, its signature verified."""
        admit(self.members, record, late=late)
        return record

    def key(self, name: str) -> Ed25519PrivateKey:
        """Return the key of a device or an invite of this notebook."""
        return key_of(f"{self.name} {name}")

    def public(self, name: str) -> bytes:
        """Return its public half."""
        return public_of(f"{self.name} {name}")

    def written(
        self, says: Says, by: Device | None = None, after: tuple[bytes, ...] | None = None, wraps: tuple[Wrap, ...] = ()
    ) -> Record:
        """Write a record signed by a device, or by the root, not yet admitted."""
        after = self.members.good_tips() if after is None else after
        record = self.proved(Record(self.notebook, after, ROOT if by is None else by.certificate.id, says))
        return replace(signed(record, self.root_key if by is None else by.key), wraps=wraps)

    def proved(self, record: Record) -> Record:
        """Put the proof by its own key into the first certificate of a device of this notebook."""
        says = record.says
        if not isinstance(says, Certificate) or says.supersedes != NO_ID:
            return record
        key = self.key(says.name.decode())
        return replace(record, says=replace(says, proof=key.sign(record.proved)))

    def says(self, name: str, role: Role, supersedes: bytes = NO_ID, frontiers: tuple[bytes, ...] = ()) -> Certificate:
        """Return what a certificate of a device by this name says; its sealed name is its name."""
        return Certificate(
            self.public(name),
            bytes(32),
            role,
            hashlib.sha256(name.encode()).digest()[:16],
            name.encode(),
            supersedes,
            frontiers,
        )

    def certificate(
        self,
        name: str,
        role: Role = Role.OWNER,
        by: Device | None = None,
        after: tuple[bytes, ...] | None = None,
        supersedes: bytes = NO_ID,
        frontiers: tuple[bytes, ...] = (),
    ) -> Record:
        """Write a certificate, not yet admitted, signed by a device, or by the root."""
        return self.written(self.says(name, role, supersedes, frontiers), by, after)

    def device(self, name: str, role: Role = Role.OWNER) -> Device:
        """Certify a device by the root."""
        return self.as_device(name, self.admit(self.certificate(name, role)))

    def as_device(self, name: str, certificate: Record) -> Device:
        """Return the device that holds this certificate's key."""
        author = fingerprint_of(self.public(name)) + hashlib.sha256(name.encode()).digest()[:8]
        return Device(name, self.key(name), certificate, author)

    def invite(
        self,
        by: Device,
        name: str = "invite",
        *,
        uses: int = 1,
        expires: int = 10**13,
        role: Role = Role.EDITOR,
        after: tuple[bytes, ...] | None = None,
    ) -> Record:
        """Write an invite, not yet admitted."""
        says = Invite(self.public(name), bytes(32), role, NOBODY, expires, uses, wraps_hash(WRAPS))
        return self.written(says, by, after, WRAPS)

    def joined(
        self,
        name: str,
        invite: Record,
        invite_name: str = "invite",
        role: Role = Role.EDITOR,
        after: tuple[bytes, ...] | None = None,
    ) -> Record:
        """Write the certificate of a device that joins by an invite, not yet admitted."""
        after = self.members.good_tips() if after is None else after
        record = self.proved(Record(self.notebook, after, invite.id, self.says(name, role)))
        return signed(record, self.key(invite_name))

    def epoch(
        self,
        *out: Record,
        by: Device | None = None,
        members: Members | None = None,
        invites: tuple[bytes, ...] = (),
        frontiers: tuple[bytes, ...] = (),
        after: tuple[bytes, ...] | None = None,
    ) -> Record:
        """Write an epoch by a device, or by the root, not yet admitted: all who stay have its key."""
        members = members or self.members
        gone = {record.says.signing for record in out if isinstance(record.says, Certificate)}
        staying = [one.id for one in members.devices() if one.role is not None and one.certificate.signing not in gone]
        says = Epoch(
            out=tuple(Out(record.id, frontiers) for record in out),
            invites=invites,
            parents=tuple(Parent(id, b"sealed") for id in members.epoch_heads()),
            wraps=tuple(Wrap(recipient, bytes(32), b"sealed") for recipient in (ROOT, *staying)),
        )
        return self.written(says, by, members.good_tips() if after is None else after)

    def revocation(self, invite: Record, by: Device | None = None, after: tuple[bytes, ...] | None = None) -> Record:
        """Write a revocation, not yet admitted."""
        return self.written(Revocation(invite.id), by, after)


def admit(members: Members, record: Record, *, late: bool = False) -> None:
    """Add a record as a device would: checked, its signature verified."""
    verdict = members.check(record)
    assert isinstance(verdict, SignedBy), verdict
    assert all(verify(*one) for one in record.signatures(verdict.public))
    members.add(record, late=late)


def held(notebook: bytes, records: Iterable[Record]) -> Members:
    """Hold these records, whatever order they come in: each when those it names are there."""
    members, left = Members(notebook), list(records)
    while left:
        ready = [record for record in left if isinstance(members.check(record), SignedBy)]
        assert ready, f"{len(left)} records never come in order: {members.check(left[0])}"
        admit(members, ready[0])
        left.remove(ready[0])
    return members
