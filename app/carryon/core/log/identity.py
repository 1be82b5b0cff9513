"""Who this device is in a notebook: its keys, and the members it knows; all sealing and opening of changes goes by here.

A change opens only if its author's device has a certificate among the members. Whether that device may write is asked here too, by what
the change itself says that its author knew of the members: so a reader's change is refused on every device, whoever passes it on.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from carryon_sync.formats.change import UNDERSTOOD, Body, Change
from carryon_sync.formats.ids import raw_of, text_of
from carryon_sync.formats.members import Members
from carryon_sync.formats.records import (
    AFTER_MAX,
    FrontierHead,
    Invite,
    Revocation,
    Role,
    Says,
    Witness,
    fingerprint_of,
)
from carryon_sync.formats.rejected import Rejected

from carryon.core.log.membership import Admitted, admit
from carryon.crypto.epochs import make_epoch, open_epochs
from carryon.crypto.keyring import Keyring
from carryon.crypto.notebook_keys import Secrets, signed_record
from carryon.crypto.primitives import KeyPair, Random
from carryon.crypto.sealing import Draft, Locked, Received, open_changes, renew_changes, seal_changes
from carryon.storage.members import Members as KeptMembers

TIPS_MAX: Final = 256
ENDS_MAX: Final = 16


class Unreadable(Exception):
    """What this device holds does not open: a fault of its keys or its disk."""


@dataclass(frozen=True, slots=True)
class Early:
    """A change that may be in order once more members' records, or keys, are here; why it is not yet."""

    reason: str


class Identity:
    """This device in one notebook."""

    def __init__(
        self,
        secrets: Secrets,
        keyring: Keyring,
        members: Members,
        kept: KeptMembers,
        random: Random,
    ) -> None:
        """`kept` are the members' records that this device keeps, which another core may add to."""
        self.secrets = secrets
        self.keyring = keyring
        self.members = members
        self.random = random
        # Called when records are kept that were known before: other cores and the relay are to have them.
        self.published: Callable[[], None] = lambda: None
        self._kept = kept
        self._is_kept = True
        self.changed = asyncio.Event()
        self._learning = asyncio.Lock()

    @property
    def notebook(self) -> bytes:
        """The notebook's id, 16 bytes."""
        return self.keyring.notebook

    @property
    def signing(self) -> KeyPair:
        """This device's signing key."""
        return self.secrets.signing

    @property
    def certificate(self) -> bytes:
        """The id of this device's newest certificate."""
        device = self.members.device(self.secrets.certificate)
        return self.secrets.certificate if device is None else device.id

    def tag(self, note: str) -> bytes:
        """The opaque id of a note."""
        return self.keyring.tag(note_bytes(note))

    def is_own(self, author: bytes) -> bool:
        """Whether an author is one of this device's."""
        return author[:8] == fingerprint_of(self.signing.public)

    async def learn(self, records: Sequence[bytes]) -> Admitted:
        """Take in records that came now, keep them, and open the keys that they bring. Raises StorageError."""
        async with self._learning:
            admitted = await admit(self.members, self.keyring.primitives, records)
            if admitted.records:
                self._is_kept = False
            # Also what a full disk refused before: a relay gives no record again that the hello names as held.
            await self._keep()
            await self._look_again()
            return admitted

    async def _keep(self) -> None:
        await self._kept.add([record.encode() for record in self.members.records()])
        self._is_kept = True

    async def witness(self) -> bool:
        """Say as an owner that whom this device invited came in time, and tie loose ends; whether there was anything to say."""
        members = self.members
        ends = members.good_tips()
        if not members.is_owner(self.certificate) or (
            not members.unwitnessed(self.certificate) and len(ends) <= ENDS_MAX
        ):
            return False
        return await self._declare(Witness(), ends[:AFTER_MAX])

    def expired_invites(self, now: int) -> list[bytes]:
        """The ids of this owner's own open invites that have expired by its clock (`now` in ms since 1970)."""
        members, own = self.members, self.signing.public
        if not members.is_owner(self.certificate):
            return []
        return [
            record.id
            for record in members.records()
            if isinstance(record.says, Invite) and record.says.expires <= now and members.uses_left(record.id)
            if (issuer := members.certificate(record.issuer)) is not None and issuer.signing == own
        ]

    async def revoke(self, invite: bytes) -> bool:
        """Withdraw an invite as an owner; whether that holds. Raises StorageError."""
        return await self._declare(Revocation(invite), self.members.good_tips()[:AFTER_MAX])

    async def _declare(self, says: Says, after: Sequence[bytes]) -> bool:
        record = await signed_record(
            self.keyring.primitives, self.signing, self.notebook, after, self.certificate, says
        )
        admitted = await self.learn([record.encode()])
        return bool(admitted.records)

    async def begin_epoch(self, out: Mapping[bytes, Sequence[FrontierHead]]) -> bool:
        """Begin an epoch as an owner, without those who are put out; whether it holds. Raises StorageError."""
        made = await make_epoch(self.keyring, self.secrets, self.members, out, self.random)
        admitted = await self.learn([record.encode() for record in made.records])
        return len(admitted.records) == len(made.records)

    async def read_kept(self) -> bool:
        """Take in the records that this device keeps, which other cores may have added to; whether there were any."""
        admitted = await admit(self.members, self.keyring.primitives, await self._kept.records())
        if admitted.records:
            await self._look_again()
        return bool(admitted.records)

    async def _look_again(self) -> None:
        await open_epochs(self.keyring, self.secrets, self.members)
        self.wake()

    def wake(self) -> None:
        """Have everybody look who waits for records or keys."""
        # Whoever waits holds the event that was there: it is woken by what comes after it looked, and by nothing older.
        self.changed.set()
        self.changed = asyncio.Event()

    async def seal(self, drafts: Sequence[Draft]) -> list[Change]:
        """Seal and sign changes, which say what this device knows of the members. Raises StorageError.

        They name only records that this device keeps: what others cannot get from it would hold these changes up for ever.
        """
        while not self._is_kept:
            async with self._learning:
                await self._keep()
            self.published()
        tips = self.members.good_tips()[:TIPS_MAX]
        knowing = [replace(draft, body=replace(draft.body, tips=tips)) for draft in drafts]
        return await seal_changes(self.keyring, self.signing, knowing, self.random)

    async def renewed(self, changes: Sequence[Change]) -> list[Change]:
        """Put changes of this device's own into envelopes of the current epoch; others, and newer ones, stay as they are."""
        current = self.keyring.current
        old = [one for one in changes if self.is_own(one.header.author) and one.has_body and one.epoch != current]
        fresh = await renew_changes(self.keyring, self.signing, old, self.random) if old else []
        by_id = {change.id: change for change in fresh}
        return [by_id.get(change.id, change) for change in changes]

    async def open(self, changes: Sequence[Change]) -> list[Body | Rejected | Early]:
        """Verify and open changes, and ask whether their authors might write them; the answers stand in their order."""
        bodies = await self._opened(changes)
        return [
            self._judged(change, body) if isinstance(body, Body) else body
            for change, body in zip(changes, bodies, strict=True)
        ]

    async def read(self, changes: Sequence[Change]) -> list[Body]:
        """Open changes of this device's own log, all of which have opened before. Raises Unreadable."""
        bodies: list[Body] = []
        opened = await self._opened(changes)
        if any(isinstance(body, Early) for body in opened):
            # Another core of this device has met the author's device, or an epoch.
            await self.read_kept()
            opened = await self._opened(changes)
        for change, body in zip(changes, opened, strict=True):
            if not isinstance(body, Body):
                raise Unreadable(
                    f"a change of {len(change.ciphertext)} bytes in this device's log does not open: {body.reason}"
                )
            bodies.append(body)
        return bodies

    def is_ended(self, author: bytes, tips: Sequence[bytes]) -> bool:
        """Whether an author's device was out, or might not write any more, and a change that names these tips does not know of that."""
        return self.members.frontier(author, tips) is not None

    async def _opened(self, changes: Sequence[Change]) -> list[Body | Rejected | Early]:
        certificates = [self.members.certificate_of(change.header.author) for change in changes]
        received = [
            Received(change, certificate.signing)
            for change, certificate in zip(changes, certificates, strict=True)
            if certificate is not None
        ]
        opened = iter(await open_changes(self.keyring, received))
        answers: list[Body | Rejected | Early] = []
        for change, certificate in zip(changes, certificates, strict=True):
            body = None if certificate is None else next(opened)
            match body:
                case None:
                    answers.append(Early(f"change {change.id.hex()[:8]} is by a device that no record certifies"))
                case Locked(epoch):
                    words = f"change {change.id.hex()[:8]} is of epoch {epoch.hex()[:8]}, whose key is not here"
                    answers.append(Early(words))
                case Body() if change.header.kind not in UNDERSTOOD:
                    # It has its place in the order, and what it says is for a release that knows it.
                    answers.append(replace(body, updates=()))
                case _:
                    answers.append(body)
        return answers

    def _judged(self, change: Change, body: Body) -> Body | Rejected | Early:
        name = f"change {change.id.hex()[:8]}"
        if any(tip not in self.members for tip in body.tips):
            return Early(f"{name} names members' records that are not here")
        role = self.members.role_known(change.header.author, body.tips)
        if role is None:
            return Rejected(f"{name} is by a device that was no member of the notebook as far as it knew")
        if role < Role.EDITOR:
            return Rejected(f"{name} is by a device that may only read")
        return body


def note_bytes(note: str) -> bytes:
    """The 16 bytes of a note's id, which has been decoded at the door."""
    raw = raw_of(note)
    assert not isinstance(raw, Rejected), f"{note!r} is no id of a note"
    return raw


def note_text(note: bytes) -> str:
    """The 26 characters of a note's id."""
    return text_of(note)
