"""Who a relay lets in: members' records checked from the root down, and the proof that a connection is a member's.

1. A record is taken when it is in order and its signature verifies, from whoever brings it: that is how a notebook, and
   a wiped relay, come to know their members.
2. A certificate by an invite that has expired is neither kept nor passed on, and lets nobody in, until an owner brings it or
   a record of an owner names it: that this relay is new, or was wiped, makes nobody a member.
3. A hello by a certificate needs a device that is in; one by an invite needs an invite that is neither expired, used up nor
   ended, and opens the members' records only.
4. What wrapped keys an invite carries is forgotten with its last use, or with its end.
5. What a connection pushes for another author than its own device carries that author's signature, which is verified here:
   so nobody can put something else in the place of a change. Its own changes are its own affair.

`verify(public, signature, message)` is Ed25519's; `date` is the relay's wall clock in ms since 1970.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from carryon_sync.formats.change import Change, signed_bytes
from carryon_sync.formats.members import Held, Members, Missing, SignedBy
from carryon_sync.formats.records import (
    ROOT,
    Certificate,
    Epoch,
    Invite,
    Record,
    Revocation,
    Root,
    decode_record,
    fingerprint_of,
)
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.frames import ByCertificate, ByInvite, Hello, hello_signed

LATE_MAX = 256

Verify = Callable[[bytes, bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be kept and passed on of a new record, encoded by id, and the invites whose wraps are forgotten."""

    kept: tuple[tuple[bytes, bytes], ...]
    forgotten: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class NotLetIn:
    """Why a hello is refused: a word for machines, words for people."""

    code: str
    words: str


class Admission:
    """The members of one notebook as a relay knows them."""

    def __init__(self, notebook: bytes, records: tuple[bytes, ...], verify: Verify) -> None:
        """Begin with the records kept, which were verified when they came.

        One that does not read any more, and what builds on it, is left out: the devices' tips will bring it again.
        """
        self.members = Members(notebook)
        self.damaged = 0
        self._verify = verify
        self._late: dict[bytes, bytes] = {}
        self._wrapped: set[bytes] = set()
        for data in records:
            record = decode_record(data)
            if not isinstance(record, Rejected) and isinstance(self.members.check(record), SignedBy):
                self._add(record, late=False)
            else:
                self.damaged += 1

    def is_by_owner(self, data: bytes) -> bool:
        """Say whether a record is the root's or an owner's, if it is what it says."""
        record = decode_record(data)
        if isinstance(record, Rejected):
            return False
        return record.issuer == ROOT or isinstance(record.says, Root) or self.members.is_owner(record.issuer)

    def take(self, data: bytes, by: bytes | None, date: int) -> Taken | Held | Rejected:
        """Take a record from a connection, which was let in as the device with the certificate `by`, or not yet."""
        record = decode_record(data)
        if isinstance(record, Rejected):
            return record
        verdict = self.members.check(record)
        match verdict:
            case Held() if record.id in self._late and by is not None and self.members.is_owner(by):
                return self._vouched(record.id)
            case Held() | Rejected():
                return verdict
            case Missing(ids):
                return Rejected(f"a member's record names {len(ids)} others that are not here: send all, in order")
            case SignedBy(public):
                if not all(self._verify(*one) for one in record.signatures(public)):
                    return Rejected("the signature of a member's record does not verify")
        late = self._has_expired(record, date) and not (by is not None and self.members.is_owner(by))
        if late and len(self._late) >= LATE_MAX:
            return Rejected("the invite has expired: ask for a new one")
        self._add(record, late=late)
        if late:
            self._late[record.id] = data
        return Taken(self._in_time(() if late else ((record.id, data),)), self._forget(record))

    def let_in(self, hello: Hello, origin: str, nonce: bytes, date: int) -> NotLetIn | None:
        """Say why a hello is refused, or None where it is not."""
        match hello.who:
            case ByCertificate(id):
                device = self.members.device(id)
                if device is None:
                    return NotLetIn("unknown-device", "this relay does not know the device: it has to join first")
                if self.members.is_late(id):
                    words = "the invite had expired when the device came: let a device of an owner connect"
                    return NotLetIn("expired-invite", words)
                if device.role is None:
                    return NotLetIn("removed-device", "the device was removed from the notebook")
                public = device.certificate.signing
            case ByInvite(signing):
                refused = self._invite_refused(signing, date)
                if refused is not None:
                    return refused
                public = signing
        if not self._verify(public, hello.proof, hello_signed(self.members.notebook, origin, nonce, hello)):
            return NotLetIn("bad-proof", f"the proof is not one for {origin}")
        return None

    def refused(self, change: Change, by: bytes) -> str | None:
        """Say why the device with the certificate `by` may not push a change, as far as its author is concerned."""
        author = self.members.certificate_of(change.header.author)
        if author is None:
            return "the change is by a device that no members' record certifies"
        pusher = self.members.certificate(by)
        if pusher is not None and fingerprint_of(pusher.signing) == change.header.author[:8]:
            return None
        message = signed_bytes(change.id, change.epoch, change.nonce, change.ciphertext)
        if not self._verify(author.signing, change.signature, message):
            return "the change is another device's, and is not signed by it"
        return None

    def _vouched(self, id: bytes) -> Taken:
        self.members.in_time(id)
        return Taken(self._in_time(()), ())

    def _in_time(self, kept: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[bytes, bytes], ...]:
        """Add, in front, the late certificates that somebody has vouched for by now."""
        vouched = tuple((id, data) for id, data in self._late.items() if not self.members.is_late(id))
        for id, _ in vouched:
            del self._late[id]
        return (*vouched, *kept)

    def _invite_refused(self, signing: bytes, date: int) -> NotLetIn | None:
        record = self.members.invite_with(signing)
        if record is None or not isinstance(record.says, Invite):
            return NotLetIn("unknown-invite", "this relay does not know the invite: let the inviting device connect")
        if date >= record.says.expires:
            return NotLetIn("expired-invite", "the invite has expired: ask for a new one")
        if not self.members.uses_left(record.id):
            return NotLetIn("used-invite", "the invite was used already, or withdrawn: ask for a new one")
        return None

    def _has_expired(self, record: Record, date: int) -> bool:
        says = self.members.says(record.issuer)
        return isinstance(record.says, Certificate) and isinstance(says, Invite) and date >= says.expires

    def _forget(self, record: Record) -> tuple[Record, ...]:
        """Forget the wraps of invites that nobody can use any more, now that this record is here."""
        if not isinstance(record.says, Certificate | Epoch | Revocation):
            return ()
        over = [id for id in self._wrapped if not self.members.uses_left(id)]
        self._wrapped.difference_update(over)
        return tuple(self.members.forget_wraps(id) for id in sorted(over))

    def _add(self, record: Record, *, late: bool) -> None:
        self.members.add(record, late=late)
        if record.wraps:
            self._wrapped.add(record.id)
