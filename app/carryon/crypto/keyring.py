"""The keys of one notebook that a device holds, and what is derived from them.

    tag of a note    HMAC-SHA256(tag key, labelled("tag", notebook, note)), its first 16 bytes
    commit key       HKDF(epoch key, salt: notebook, info: labelled("commit-key", epoch))
    content key      HKDF(epoch key, salt: notebook, info: labelled("content-key", epoch, author))
    receipt key      HKDF(epoch key, salt: notebook, info: labelled("receipt-key", epoch, certificate))
    parent key       HKDF(epoch key, salt: notebook, info: labelled("parent-key", parent epoch))
    name key         HKDF(epoch key, salt: notebook, info: labelled("name-key"))

1. Every key has one purpose, one notebook and one epoch: a thing moved to another place meets another key.
2. Writing uses one epoch, the current one, which the members' records name; reading uses any whose key is held.
3. The name key knows no epoch id: the first certificate, with its sealed name, is signed before the first epoch's
   record, which wraps the key to it.
4. At most `DERIVED_KEYS_MAX` derived keys are kept, the least recently used go first.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from dataclasses import dataclass, field

from carryon_sync.formats.octets import labelled

from carryon.crypto.primitives import KEY_BYTES, Primitives

DERIVED_KEYS_MAX = 1024
TAG_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class EpochKey:
    """An epoch's key, by the id of the epoch's record."""

    epoch: bytes
    key: bytes = field(repr=False)


class Keyring:
    """The opened keys of a notebook."""

    def __init__(self, primitives: Primitives, notebook: bytes, tag_key: bytes, epochs: tuple[EpochKey, ...]) -> None:
        assert epochs, "a notebook has an epoch from its first record on"
        assert len(tag_key) == KEY_BYTES, f"a tag key has {KEY_BYTES} bytes, not {len(tag_key)}"
        self.notebook = notebook
        self.primitives = primitives
        self._tag_key = tag_key
        self._epochs = {epoch.epoch: epoch.key for epoch in epochs}
        self._current = epochs[-1].epoch
        self._derived: OrderedDict[tuple[bytes, bytes], bytes] = OrderedDict()

    @property
    def epochs(self) -> tuple[bytes, ...]:
        """The ids of the epochs whose keys are held."""
        return tuple(self._epochs)

    @property
    def current(self) -> bytes:
        """The id of the epoch that new things are sealed in."""
        return self._current

    def add(self, epoch: EpochKey) -> None:
        """Hold one more epoch's key."""
        self._epochs[epoch.epoch] = epoch.key

    def write_in(self, epoch: bytes) -> None:
        """Seal in this epoch, which must be held, from now on."""
        assert epoch in self._epochs, "only an epoch whose key is held is written in"
        self._current = epoch

    def key_of(self, epoch: bytes) -> bytes | None:
        """Give an epoch's key, None where it is not held."""
        return self._epochs.get(epoch)

    @property
    def tag_key(self) -> bytes:
        """The key of the notes' tags."""
        return self._tag_key

    def tag(self, note: bytes) -> bytes:
        """Give the opaque id by which the relay knows this note."""
        message = labelled("tag", self.notebook, note)
        return hmac.digest(self._tag_key, message, "sha256")[:TAG_ID_BYTES]

    async def commit_key(self, epoch: bytes) -> bytes:
        """Give the HMAC key of the commits numbered in this epoch, which must be held."""
        return await self._key(epoch, labelled("commit-key", epoch))

    async def content_key(self, epoch: bytes, author: bytes) -> bytes:
        """Give the key of an author's changes in this epoch, which must be held."""
        return await self._key(epoch, labelled("content-key", epoch, author))

    async def receipt_key(self, epoch: bytes, certificate: bytes) -> bytes:
        """Give the key of a device's receipts in this epoch, which must be held."""
        return await self._key(epoch, labelled("receipt-key", epoch, certificate))

    async def name_key(self, epoch: bytes) -> bytes:
        """Give the key of the device names sealed in this epoch, which must be held."""
        return await name_key(self.primitives, self.notebook, self._epochs[epoch])

    async def _key(self, epoch: bytes, info: bytes) -> bytes:
        place = (epoch, info)
        key = self._derived.get(place)
        if key is None:
            key = await self.primitives.derive(self._epochs[epoch], self.notebook, info)
        self._derived[place] = key
        self._derived.move_to_end(place)
        if len(self._derived) > DERIVED_KEYS_MAX:
            self._derived.popitem(last=False)
        return key


async def name_key(primitives: Primitives, notebook: bytes, epoch_key: bytes) -> bytes:
    """Derive the key of device names (rule 3)."""
    return await primitives.derive(epoch_key, notebook, labelled("name-key"))
