"""Epochs: a new content key for all who stay, and the keys of the epochs that a device was not told of by an invite.

    parent's key    nonce (12 bytes, random) · ciphertext, AES-256-GCM under the parent key (`keyring`) of the new epoch,
                    associated data: labelled("parent-key", notebook, parent)

1. Whoever opens an epoch opens all that it follows: parents' keys are sealed under the new one. So whoever joins late reads
   everything, and whoever is out reads nothing new.
2. An epoch that puts somebody out names what it had written (frontier records), and ends every invite that is still open:
   an invite's link holds the former key.
3. Two epochs beside each other are followed by one over both, with the union of who is out: the records say when (`Members.needs_epoch`).
4. The key of a device's newest certificate opens its wrap; nothing of a later epoch is kept but the records themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from carryon_sync.formats.members import Members
from carryon_sync.formats.octets import labelled
from carryon_sync.formats.records import (
    HEADS_MAX,
    INVITES_MAX,
    ROOT,
    Epoch,
    Frontier,
    FrontierHead,
    Invite,
    Out,
    Parent,
    Record,
    Wrap,
)

from carryon.crypto.keyring import EpochKey, Keyring
from carryon.crypto.notebook_keys import Secrets, signed_record
from carryon.crypto.primitives import KEY_BYTES, NONCE_BYTES, Plain, Random, Sealed
from carryon.crypto.wrapping import EPOCH_WRAP, FORMAT, unwrap, wrap


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """The records to publish, in this order, the epoch last, and its key."""

    records: tuple[Record, ...]
    key: EpochKey


async def make_epoch(
    keyring: Keyring,
    secrets: Secrets,
    members: Members,
    out: Mapping[bytes, Sequence[FrontierHead]],
    random: Random,
) -> NewEpoch:
    """Write an epoch as an owner; `out` are who is put out with it, by certificate, and what of their writing is held."""
    frontiers: list[Record] = []
    gone: list[Out] = []
    for certificate, heads in out.items():
        written = await frontier_records(keyring, secrets, members, certificate, heads)
        frontiers += written
        gone.append(Out(certificate, tuple(sorted(record.id for record in written))))
    epoch_key = random(KEY_BYTES)
    parents = [id for id in members.epoch_heads() if keyring.key_of(id) is not None]
    says = Epoch(
        out=tuple(gone),
        invites=_invites(members),
        parents=tuple([await _parent(keyring, id, epoch_key, random) for id in parents]),
        wraps=tuple(await _wraps(keyring, members, epoch_key, set(out), random)),
    )
    after = {*members.good_tips(), *(record.id for record in frontiers)} - {id for one in frontiers for id in one.after}
    record = await signed_record(
        keyring.primitives, secrets.signing, keyring.notebook, tuple(after), secrets.certificate, says
    )
    return NewEpoch((*frontiers, record), EpochKey(record.id, epoch_key))


async def frontier_records(
    keyring: Keyring, secrets: Secrets, members: Members, certificate: bytes, heads: Sequence[FrontierHead]
) -> list[Record]:
    """Write what is held of a device's chains, in as many records as it takes."""
    ordered = sorted(heads, key=lambda head: (head.tag, head.author))
    pages = [ordered[start : start + HEADS_MAX] for start in range(0, len(ordered), HEADS_MAX)]
    return [
        await signed_record(
            keyring.primitives,
            secrets.signing,
            keyring.notebook,
            members.good_tips(),
            secrets.certificate,
            Frontier(certificate, tuple(page)),
        )
        for page in pages
    ]


async def open_epochs(keyring: Keyring, secrets: Secrets, members: Members) -> int:
    """Open what the records have for this device, and write in the epoch that they name; give how many keys are new."""
    held = len(keyring.epochs)
    own = {id for id, says in members.certificates() if says.signing == secrets.signing.public}
    for id in members.epochs():
        if keyring.key_of(id) is None:
            key = await _unwrapped(keyring, secrets, own, members.epoch(id).wraps)
            if key is not None:
                keyring.add(EpochKey(id, key))
    unopened = [id for id in members.epochs() if keyring.key_of(id) is not None]
    while unopened:
        id = unopened.pop()
        for parent in members.epoch(id).parents:
            if keyring.key_of(parent.epoch) is None and await _open_parent(keyring, id, parent):
                unopened.append(parent.epoch)
    current = [id for id in members.epoch_heads() if keyring.key_of(id) is not None]
    if current:
        keyring.write_in(current[-1])
    return len(keyring.epochs) - held


def _invites(members: Members) -> tuple[bytes, ...]:
    """Return those that were not ended before, the newest where an epoch has no room for all.

    One that is used up is among them: it is a key in the hands of who had the link.
    """
    invites = [record.id for record in members.records() if isinstance(record.says, Invite)]
    return tuple(sorted([id for id in invites if not members.is_ended(id)][-INVITES_MAX:]))


async def _wraps(
    keyring: Keyring, members: Members, epoch_key: bytes, out: set[bytes], random: Random
) -> Iterable[Wrap]:
    assert members.root is not None, "a notebook's records begin with its root"
    gone = {held.signing for id in out if (held := members.certificate(id)) is not None}
    recipients = {ROOT: members.root.agreement} | {
        device.id: device.certificate.agreement
        for device in members.devices()
        if device.role is not None and device.certificate.signing not in gone
    }
    keys = bytes([FORMAT]) + epoch_key + keyring.tag_key
    return [
        await wrap(keyring.primitives, EPOCH_WRAP, keyring.notebook, recipient, public, keys, random)
        for recipient, public in recipients.items()
    ]


async def _parent(keyring: Keyring, parent: bytes, epoch_key: bytes, random: Random) -> Parent:
    key = await _parent_key(keyring, parent, epoch_key)
    secret, nonce = keyring.key_of(parent), random(NONCE_BYTES)
    assert secret is not None, "only epochs that are held are followed"
    [ciphertext] = await keyring.primitives.seal([Plain(key, nonce, secret, _associated(keyring, parent))])
    return Parent(parent, nonce + ciphertext)


async def _open_parent(keyring: Keyring, epoch: bytes, parent: Parent) -> bool:
    epoch_key = keyring.key_of(epoch)
    assert epoch_key is not None, "an epoch that is held"
    key = await _parent_key(keyring, parent.epoch, epoch_key)
    nonce, ciphertext = parent.sealed[:NONCE_BYTES], parent.sealed[NONCE_BYTES:]
    [secret] = await keyring.primitives.open([Sealed(key, nonce, ciphertext, _associated(keyring, parent.epoch))])
    if secret is None or len(secret) != KEY_BYTES:
        return False
    keyring.add(EpochKey(parent.epoch, secret))
    return True


async def _parent_key(keyring: Keyring, parent: bytes, epoch_key: bytes) -> bytes:
    return await keyring.primitives.derive(epoch_key, keyring.notebook, labelled("parent-key", parent))


def _associated(keyring: Keyring, parent: bytes) -> bytes:
    return labelled("parent-key", keyring.notebook, parent)


async def _unwrapped(keyring: Keyring, secrets: Secrets, own: set[bytes], wraps: Sequence[Wrap]) -> bytes | None:
    for one in wraps:
        if one.recipient in own:
            keys = await unwrap(keyring.primitives, EPOCH_WRAP, keyring.notebook, one, secrets.agreement)
            if keys is not None and len(keys) == 1 + 2 * KEY_BYTES and keys[0] == FORMAT:
                return keys[1 : 1 + KEY_BYTES]
    return None
