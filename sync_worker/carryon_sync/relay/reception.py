"""A room's reception: which of the members' records that are brought are taken and kept, and who is let in by them.

1. A proof is good for one of the names that the relay is configured to have, whatever a request said of itself: one
   relay cannot use a hello that was meant for it at another one.
2. Records that come while nobody here has proven anything are believed, for each is signed up to the root, but kept
   only once somebody has: strangers leave nothing behind.
3. All records of a notebook together are bounded in bytes; `Members` bounds their number.
4. Who was let in is in as long as the records say so.
"""

from __future__ import annotations

from collections.abc import Sequence

from carryon_sync.formats.change import Change
from carryon_sync.formats.members import Members
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.frames import ByCertificate, Hello
from carryon_sync.relay.admission import Admission, NotLetIn, Taken, Verify
from carryon_sync.relay.door import MEMBERS_BYTES_MAX
from carryon_sync.relay.pending import Pending
from carryon_sync.relay.visitor import Visitor

REMOVED = NotLetIn("removed-device", "the device was removed from the notebook")


class Reception:
    """The members of one notebook at a relay known by these `origins`: host and port, as devices' addresses have them."""

    def __init__(self, notebook: bytes, records: tuple[bytes, ...], origins: Sequence[str], verify: Verify) -> None:
        self._admission = Admission(notebook, records, verify)
        self._origins = origins
        self._unproven = Pending()
        self._bytes = sum(map(len, records))
        self.unproven_bytes = 0
        self._date = 0

    @property
    def members(self) -> Members:
        """Return the members as they are known now."""
        return self._admission.members

    def take(
        self, visitor: Visitor, records: tuple[bytes, ...], pending: Pending | None, now: int, date: int
    ) -> tuple[str, ...]:
        """Take records into what is `pending`, None where nobody has proven anything; say why others are refused."""
        kept = self._unproven if pending is None else pending
        refused: dict[str, None] = {}
        for data in records:
            # Who is no owner cannot use up the place of the record that puts it out.
            limit = MEMBERS_BYTES_MAX if self._admission.is_by_owner(data) else MEMBERS_BYTES_MAX // 2
            if self._bytes + len(data) > limit:
                refused[f"the members' records have {self._bytes} bytes already, the limit is {limit}"] = None
                continue
            taken = self._admission.take(data, visitor.certificate, date)
            if isinstance(taken, Rejected):
                refused[taken.reason] = None
            elif isinstance(taken, Taken):
                visitor.waits_from = now
                self._bytes += len(data)
                self.unproven_bytes += len(data) if pending is None else 0
                kept.records += ((visitor.connection, id, encoded) for id, encoded in taken.kept)
                kept.forgotten += ((record.id, record.encode()) for record in taken.forgotten)
        return tuple(refused)

    def let_in(self, visitor: Visitor, hello: Hello, date: int) -> NotLetIn | None:
        """Say why a hello is refused, or None where it is not."""
        self._date = date
        for origin in self._origins:
            refused = self._admission.let_in(hello, origin, visitor.nonce, date)
            if refused is None or refused.code != "bad-proof":
                return refused
        names = ", ".join(self._origins)
        words = f"the proof is not for this relay, which is known as {names}: connect to it by one of these names, or"
        return NotLetIn("bad-proof", f"{words} start it with --origin and the name that devices use")

    def refused(self, change: Change, by: bytes) -> str | None:
        """Say why the device with this certificate may not push a change, as far as its author is concerned."""
        return self._admission.refused(change, by)

    def proven(self, pending: Pending) -> None:
        """Keep what waited for a proof: somebody was let in."""
        pending.records += self._unproven.records
        pending.forgotten += self._unproven.forgotten
        self._unproven, self.unproven_bytes = Pending(), 0

    def out(self, visitor: Visitor) -> NotLetIn | None:
        """Say why a visitor that was let in may not be in any more, or None where it may."""
        match visitor.hello:
            case None:
                return None
            case Hello(who=ByCertificate(id)):
                return None if self.members.may_connect(id) else REMOVED
            case hello:
                return self.let_in(visitor, hello, self._date)
