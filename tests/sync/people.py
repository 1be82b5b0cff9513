"""Real keys and real records for the sync tests: a notebook, its root, its devices, their changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TypeVar

from carryon_sync.formats.change import NO_PREV, Change, Header, change_id, signed_bytes
from carryon_sync.formats.members import Members, SignedBy
from carryon_sync.formats.records import (
    ROOT,
    Certificate,
    Epoch,
    Invite,
    Role,
    Root,
    Wrap,
    fingerprint_of,
    notebook_of,
    wraps_hash,
)
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

R = TypeVar("R", Root, Certificate, Invite, Epoch)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def signed(record: R, key: Ed25519PrivateKey) -> R:
    return replace(record, signature=key.sign(record.signed))


@dataclass
class Device:
    """A certified device that chains changes; what it seals is the plain words."""

    name: str
    key: Ed25519PrivateKey
    certificate: Certificate
    author: bytes
    chains: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)

    def change(self, tag: bytes, words: bytes, author: bytes | None = None) -> Change:
        """Write the next change of this device's chain of a tag."""
        author = author or self.author
        n, prev = self.chains.get(author + tag, (0, NO_PREV))
        header = Header(self.certificate.notebook, tag, author, n + 1, prev)
        id = change_id(header.encode(), hashlib.sha256(words).digest())
        self.chains[author + tag] = (n + 1, id)
        ciphertext = words + bytes(48)
        return Change(
            header, id, bytes(32), bytes(12), ciphertext, self.key.sign(signed_bytes(id, bytes(32), ciphertext))
        )


class People:
    """One notebook with its root key, and whoever gets certified."""

    def __init__(self, name: str = "notebook") -> None:
        self.root_key = key_of(f"{name} root")
        public = self.root_key.public_key().public_bytes_raw()
        self.notebook = notebook_of(public)
        self.members = Members(self.notebook)
        self.root = self.admit(signed(Root(self.notebook, public, bytes(32)), self.root_key))
        self.name = name

    def admit(self, record: R) -> R:
        """Add a record as a device would: checked, its signature verified."""
        verdict = self.members.check(record)
        assert isinstance(verdict, SignedBy), verdict
        assert verify(verdict.public, record.signature, record.signed)
        self.members.add(record)
        return record

    def certificate(
        self,
        name: str,
        role: Role = Role.OWNER,
        issuer: bytes = ROOT,
        key: Ed25519PrivateKey | None = None,
        after: tuple[bytes, ...] | None = None,
    ) -> Certificate:
        """Write a certificate, not yet admitted, signed by `key` (the root's unless told)."""
        public = key_of(f"{self.name} {name}").public_key().public_bytes_raw()
        after = self.members.tips() if after is None else after
        unsigned = Certificate(self.notebook, after, public, bytes(32), role, name.encode(), issuer)
        return signed(unsigned, key or self.root_key)

    def device(self, name: str, role: Role = Role.OWNER) -> Device:
        """Certify a device by the root."""
        return self.as_device(name, self.admit(self.certificate(name, role)))

    def as_device(self, name: str, certificate: Certificate) -> Device:
        """Return the device that holds this certificate's key."""
        author = fingerprint_of(certificate.signing) + hashlib.sha256(name.encode()).digest()[:8]
        return Device(name, key_of(f"{self.name} {name}"), certificate, author)

    def invite(self, by: Device, name: str = "invite", *, uses: int = 1, expires: int = 10**13) -> Invite:
        """Write an invite for an editor, not yet admitted."""
        public = key_of(f"{self.name} {name}").public_key().public_bytes_raw()
        wraps = (Wrap(ROOT, bytes(32), b"sealed keys"),)
        issuer, tips = by.certificate.id, self.members.tips()
        hashed, unsigned = wraps_hash(wraps), bytes(64)
        invite = Invite(
            self.notebook, tips, public, bytes(32), Role.EDITOR, expires, uses, hashed, issuer, unsigned, wraps
        )
        return signed(invite, by.key)

    def joined(self, name: str, invite: Invite, invite_name: str = "invite", role: Role = Role.EDITOR) -> Certificate:
        """Write the certificate of a device that joins by an invite, not yet admitted."""
        return self.certificate(name, role, invite.id, key_of(f"{self.name} {invite_name}"))

    def epoch(self, *out: bytes, old: bytes = b"") -> Epoch:
        """Write an epoch by the root, not yet admitted."""
        wraps = (Wrap(ROOT, bytes(32), b"sealed"),)
        return signed(Epoch(self.notebook, self.members.tips(), out, wraps, old, ROOT), self.root_key)
