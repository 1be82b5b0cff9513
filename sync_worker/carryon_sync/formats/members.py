"""Who is in a notebook, and what they may do, follows from its records alone, at the relay as on every device.

1. The root is the key that hashes to the notebook's id; everything else is signed by something already held.
2. Certificates are signed by the root, an owner's certificate or an invite; invites and epochs by an owner, the root
   included. A certificate by an invite has the invite's role.
3. A record is judged when it comes, against what is held then: record order decides who used an invite up, and a
   device that is out signs nothing more.
4. Expiry is a matter of clocks and therefore of the relay's door alone (`room.py`): a device whose clock is wrong
   must not refuse its peers.
5. A device key is certified once; its fingerprint then names its authors.

It verifies no signature: `check` names the key, the caller verifies, then calls `add`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from carryon_sync.formats.records import (
    ROOT,
    Certificate,
    Epoch,
    Invite,
    Record,
    Role,
    Root,
    fingerprint_of,
    notebook_of,
)
from carryon_sync.formats.rejected import Rejected

RECORDS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class SignedBy:
    """The record is in order if this public key signed it."""

    public: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """The record is here already."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The record names records that are not here yet."""

    ids: tuple[bytes, ...]


class Members:
    """The records held of one notebook, in the order they came, which is causal."""

    def __init__(self, notebook: bytes) -> None:
        self.notebook = notebook
        self.root: Root | None = None
        self._records: dict[bytes, Record] = {}
        self._tips: set[bytes] = set()
        self._by_fingerprint: dict[bytes, bytes] = {}
        self._invites_by_key: dict[bytes, bytes] = {}
        self._used: dict[bytes, int] = {}
        self._out: set[bytes] = set()

    def check(self, record: Record) -> SignedBy | Held | Missing | Rejected:
        """Say whether a record may be added, and whose signature it must carry."""
        if record.notebook != self.notebook:
            return Rejected(f"the record is of notebook {record.notebook.hex()}, here is {self.notebook.hex()}")
        if record.id in self._records:
            return Held()
        if len(self._records) >= RECORDS_MAX:
            return Rejected(f"the notebook has {RECORDS_MAX} members' records, which is the limit")
        if isinstance(record, Root):
            return self._check_root(record)
        missing = tuple(id for id in _named(record) if id not in self._records)
        if missing or self.root is None:
            return Missing(missing or record.after)
        match record:
            case Certificate():
                return self._check_certificate(record)
            case Invite():
                return self._signed_by_owner(record.issuer)
            case Epoch():
                return self._check_epoch(record)

    def add(self, record: Record) -> None:
        """Take in a record that `check` was content with and whose signature was verified."""
        verdict = self.check(record)
        assert isinstance(verdict, SignedBy), f"an unchecked record: {verdict}"
        id = record.id
        self._records[id] = record
        self._tips -= set(record.after)
        self._tips.add(id)
        match record:
            case Root():
                self.root = record
            case Certificate():
                self._by_fingerprint[fingerprint_of(record.signing)] = id
                if record.issuer in self._records and isinstance(self._records[record.issuer], Invite):
                    self._used[record.issuer] = self._used.get(record.issuer, 0) + 1
            case Invite():
                self._invites_by_key[record.signing] = id
            case Epoch():
                self._out |= set(record.out)

    def forget_wraps(self, invite: bytes) -> Invite:
        """Drop the wrapped keys of an invite that is used up, and return what is left of it."""
        record = self._records[invite]
        assert isinstance(record, Invite), "only an invite's wraps are forgotten"
        self._records[invite] = record.forgotten()
        return record.forgotten()

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, id: bytes) -> bool:
        return id in self._records

    def get(self, id: bytes) -> Record | None:
        """Return the record with this id."""
        return self._records.get(id)

    def records(self) -> tuple[Record, ...]:
        """Return all records, each after those it names."""
        return tuple(self._records.values())

    def tips(self) -> tuple[bytes, ...]:
        """Return the ids of the records that no other record follows, ascending."""
        return tuple(sorted(self._tips))

    def without(self, known: Iterable[bytes]) -> tuple[Record, ...]:
        """Return what somebody lacks who holds `known` and all that they follow, each after those it names."""
        held: set[bytes] = set()
        open_ids = [id for id in known if id in self._records]
        while open_ids:
            id = open_ids.pop()
            if id not in held:
                held.add(id)
                open_ids += _named(self._records[id])
        return tuple(record for id, record in self._records.items() if id not in held)

    def certificate(self, id: bytes) -> Certificate | None:
        """Return the certificate with this id."""
        record = self._records.get(id)
        return record if isinstance(record, Certificate) else None

    def certificate_of(self, author: bytes) -> Certificate | None:
        """Return the certificate of the device that an author belongs to, also when that device is out."""
        id = self._by_fingerprint.get(author[:8])
        return None if id is None else self.certificate(id)

    def certificates(self) -> Iterator[Certificate]:
        """Go through all devices ever certified."""
        return (record for record in self._records.values() if isinstance(record, Certificate))

    def epochs(self) -> tuple[Epoch, ...]:
        """Return all epochs, in record order; the last is the current one."""
        return tuple(record for record in self._records.values() if isinstance(record, Epoch))

    def invite_with(self, signing: bytes) -> Invite | None:
        """Return the invite with this public signing key."""
        id = self._invites_by_key.get(signing)
        record = None if id is None else self._records[id]
        return record if isinstance(record, Invite) else None

    def uses_left(self, invite: Invite) -> int:
        """Return how many more devices the invite may certify."""
        return max(0, invite.uses - self._used.get(invite.id, 0))

    def may_connect(self, certificate: bytes) -> bool:
        """Say whether the device with this certificate is in."""
        return self.certificate(certificate) is not None and certificate not in self._out

    def may_write(self, certificate: bytes) -> bool:
        """Say whether the device with this certificate may write changes."""
        held = self.certificate(certificate)
        return held is not None and certificate not in self._out and held.role >= Role.EDITOR

    def _check_root(self, record: Root) -> SignedBy | Rejected:
        if notebook_of(record.signing) != self.notebook:
            return Rejected("the root's key is not the one that this notebook is named after")
        if self.root is not None:
            return Rejected("the notebook has another record of its root already")
        return SignedBy(record.signing)

    def _check_certificate(self, record: Certificate) -> SignedBy | Rejected:
        if fingerprint_of(record.signing) in self._by_fingerprint:
            return Rejected("this device's key has a certificate already")
        issuer = self._records.get(record.issuer)
        if not isinstance(issuer, Invite):
            return self._signed_by_owner(record.issuer)
        if issuer.issuer in self._out:
            return Rejected("the device that made the invite was removed: ask for a new invite")
        if record.role != issuer.role:
            return Rejected(f"the invite is for role {issuer.role.name}, the certificate says {record.role.name}")
        if not self.uses_left(issuer):
            return Rejected(f"the invite was used {issuer.uses} times, which is all it allows: ask for a new one")
        return SignedBy(issuer.signing)

    def _check_epoch(self, record: Epoch) -> SignedBy | Rejected:
        recipients = (wrap.recipient for wrap in record.wraps if wrap.recipient != ROOT)
        if any(self.certificate(id) is None for id in (*record.out, *recipients)):
            return Rejected("an epoch names devices by their certificates, and one of these ids is another record's")
        if bool(record.old) != bool(self.epochs()):
            return Rejected("the first epoch, and no other, comes without an old key")
        return self._signed_by_owner(record.issuer)

    def _signed_by_owner(self, issuer: bytes) -> SignedBy | Rejected:
        if issuer == ROOT:
            assert self.root is not None, "checked before: a record needs its root"
            return SignedBy(self.root.signing)
        certificate = self.certificate(issuer)
        if certificate is None or certificate.role != Role.OWNER:
            return Rejected("the record is not signed by an owner of the notebook")
        if issuer in self._out:
            return Rejected("the record is signed by a device that was removed")
        return SignedBy(certificate.signing)


def _named(record: Record) -> tuple[bytes, ...]:
    """Return the ids of the records that must be held before this one."""
    match record:
        case Root():
            return ()
        case Certificate(issuer=issuer) | Invite(issuer=issuer):
            more: tuple[bytes, ...] = ()
        case Epoch(issuer=issuer):
            more = (*record.out, *(wrap.recipient for wrap in record.wraps if wrap.recipient != ROOT))
    return (*record.after, *more, *(() if issuer == ROOT else (issuer,)))
