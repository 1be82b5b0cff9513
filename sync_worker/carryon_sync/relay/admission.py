"""Who a relay lets in: members' records checked from the root down, and the proof that a connection is a member's.

1. A record is taken when it is in order and its signature verifies, from whoever brings it: that is how a notebook, and
   a wiped relay, come to know their members.
2. A certificate by an expired invite is taken only from a member, or from somebody who brings the invite as well: then
   this relay is being refilled, and had no part in letting it in.
3. A hello by a certificate needs a device that is in; one by an invite needs an invite that is neither expired nor used
   up, and opens the members' records only.
4. What wrapped keys an invite carries is forgotten with its last use.

`verify(public, signature, message)` is Ed25519's; `date` is the relay's wall clock in ms since 1970.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from carryon_sync.formats.members import Held, Members, Missing, SignedBy
from carryon_sync.formats.records import Certificate, Invite, Record, decode_record
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.frames import ByCertificate, ByInvite, Hello, hello_signed

Verify = Callable[[bytes, bytes, bytes], bool]


@dataclass(frozen=True, slots=True)
class Taken:
    """A record that is new, and the invite that it used up."""

    record: Record
    used_up: Invite | None


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
        for data in records:
            record = decode_record(data)
            if not isinstance(record, Rejected) and isinstance(self.members.check(record), SignedBy):
                self.members.add(record)
            else:
                self.damaged += 1

    def take(self, data: bytes, brought: set[bytes], member: bool, date: int) -> Taken | Held | Rejected:
        """Take a record from a connection that has `brought` these invites, and may be a member's."""
        record = decode_record(data)
        if isinstance(record, Rejected):
            return record
        verdict = self.members.check(record)
        match verdict:
            case Held() | Rejected():
                return verdict
            case Missing(ids):
                return Rejected(f"a member's record names {len(ids)} others that are not here: send all, in order")
            case SignedBy(public):
                if not self._verify(public, record.signature, record.signed):
                    return Rejected("the signature of a member's record does not verify")
        if not member and self._expired(record, brought, date):
            return Rejected("the invite has expired: ask for a new one")
        self.members.add(record)
        return Taken(record, self._used_up(record))

    def let_in(self, hello: Hello, origin: str, nonce: bytes, date: int) -> NotLetIn | None:
        """Say why a hello is refused, or None where it is not."""
        match hello.who:
            case ByCertificate(id):
                certificate = self.members.certificate(id)
                if certificate is None:
                    return NotLetIn("unknown-device", "this relay does not know the device: it has to join first")
                if not self.members.may_connect(id):
                    return NotLetIn("removed-device", "the device was removed from the notebook")
                public = certificate.signing
            case ByInvite(signing):
                refused = self._invite_refused(signing, date)
                if refused is not None:
                    return refused
                public = signing
        if not self._verify(public, hello.proof, hello_signed(self.members.notebook, origin, nonce, hello)):
            words = f"the proof is not one for {origin}: a proxy before the relay has to pass on the Host header"
            return NotLetIn("bad-proof", words)
        return None

    def _invite_refused(self, signing: bytes, date: int) -> NotLetIn | None:
        invite = self.members.invite_with(signing)
        if invite is None:
            return NotLetIn("unknown-invite", "this relay does not know the invite: let the inviting device connect")
        if date >= invite.expires:
            return NotLetIn("expired-invite", "the invite has expired: ask for a new one")
        if not self.members.uses_left(invite):
            return NotLetIn("used-invite", "the invite was used already: ask for a new one")
        return None

    def _expired(self, record: Record, brought: set[bytes], date: int) -> bool:
        if not isinstance(record, Certificate) or record.issuer in brought:
            return False
        invite = self.members.get(record.issuer)
        return isinstance(invite, Invite) and date >= invite.expires

    def _used_up(self, record: Record) -> Invite | None:
        invite = self.members.get(record.issuer) if isinstance(record, Certificate) else None
        if not isinstance(invite, Invite) or self.members.uses_left(invite):
            return None
        return self.members.forget_wraps(invite.id)
