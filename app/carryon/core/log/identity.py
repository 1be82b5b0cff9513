"""Who this device is in a notebook: its certificate and keys, and the members it knows; all sealing and opening of changes goes by here.

A change opens only if its author's device has a certificate among the members. Whether that device may write is asked here too, so that
a reader's changes are refused on every device, not only at the relay.
"""

from collections.abc import Awaitable, Callable, Sequence

from carryon_sync.formats.change import Body, Change
from carryon_sync.formats.ids import raw_of, text_of
from carryon_sync.formats.members import Members
from carryon_sync.formats.rejected import Rejected

from carryon.core.log.membership import admit
from carryon.crypto.keyring import Keyring
from carryon.crypto.primitives import KeyPair, Random
from carryon.crypto.sealing import Draft, Received, open_changes, seal_changes


class Unreadable(Exception):
    """What this device holds does not open: a fault of its keys or its disk."""


class Identity:
    """This device in one notebook."""

    def __init__(
        self,
        certificate: bytes,
        signing: KeyPair,
        keyring: Keyring,
        members: Members,
        random: Random,
        records: Callable[[], Awaitable[Sequence[bytes]]],
    ) -> None:
        """`records` reads the members' records that this device keeps, which another core may have added to."""
        self.certificate = certificate
        self.signing = signing
        self.keyring = keyring
        self.members = members
        self.random = random
        self._records = records

    @property
    def notebook(self) -> bytes:
        """The notebook's id, 16 bytes."""
        return self.keyring.notebook

    def tag(self, note: str) -> bytes:
        """The opaque id of a note."""
        return self.keyring.tag(note_bytes(note))

    async def seal(self, drafts: Sequence[Draft]) -> list[Change]:
        """Seal and sign changes."""
        return await seal_changes(self.keyring, self.signing, drafts, self.random)

    async def open(self, changes: Sequence[Change]) -> list[Body | Rejected]:
        """Verify and open changes; the answers stand in their order."""
        certificates = [self.members.certificate_of(change.header.author) for change in changes]
        received = [
            Received(change, certificate.signing)
            for change, certificate in zip(changes, certificates, strict=True)
            if certificate is not None
        ]
        opened = iter(await open_changes(self.keyring, received))
        return [
            next(opened)
            if certificate is not None
            else Rejected(f"change {change.id.hex()[:8]} is by a device that no record certifies")
            for change, certificate in zip(changes, certificates, strict=True)
        ]

    async def read(self, changes: Sequence[Change]) -> list[Body]:
        """Open changes of this device's own log, all of which have opened before. Raises Unreadable."""
        bodies: list[Body] = []
        if any(self.members.certificate_of(change.header.author) is None for change in changes):
            # Another core of this device has met the author's device.
            await admit(self.members, self.keyring.primitives, await self._records())
        for change, body in zip(changes, await self.open(changes), strict=True):
            if isinstance(body, Rejected):
                raise Unreadable(
                    f"a change of {len(change.ciphertext)} bytes in this device's log does not open: {body.reason}"
                )
            bodies.append(body)
        return bodies


def note_bytes(note: str) -> bytes:
    """The 16 bytes of a note's id, which has been decoded at the door."""
    raw = raw_of(note)
    assert not isinstance(raw, Rejected), f"{note!r} is no id of a note"
    return raw


def note_text(note: bytes) -> str:
    """The 26 characters of a note's id."""
    return text_of(note)
