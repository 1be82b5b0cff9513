"""Inviting a device by a link, and joining by it with nobody on the other side online.

    invite signing key      HKDF(seed in the link, salt: notebook, info: labelled("invite-signing")), an Ed25519 seed
    invite agreement key    HKDF(seed in the link, salt: notebook, info: labelled("invite-agreement")), an X25519 key

1. An owner signs the invite's record, which names these keys' public halves and holds the current epoch key and the
   tag key, wrapped to them. Whoever has the link has the keys.
2. The joining device makes keys of its own and signs its certificate with the invite's key. Nothing of the link is
   needed after that, and nothing of it is kept.
3. What `join` gives is kept before the certificate is sent: one whose keys are lost has used the invite for nothing.
4. Whether the invite is used up is judged by the records (`carryon_sync.formats.members`). A certificate that comes when the
   invite has expired waits for an owner's word: so a device whose clock is wrong refuses nobody for ever.
5. An invite with a person in it is for a device of that person; without one, for somebody new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from carryon_sync.formats.members import Members
from carryon_sync.formats.octets import labelled
from carryon_sync.formats.records import ROOT, Certificate, Invite, Record, Role, wraps_hash
from carryon_sync.formats.rejected import Rejected

from carryon.crypto.device_names import seal_name
from carryon.crypto.join_link import SEED_BYTES, JoinLink
from carryon.crypto.keyring import EpochKey
from carryon.crypto.notebook_keys import (
    PERSON_BYTES,
    Secrets,
    first_certificate,
    key_pairs,
    new_device_keys,
    signed_record,
)
from carryon.crypto.primitives import KEY_BYTES, KeyPair, Primitives, Random
from carryon.crypto.wrapping import FORMAT, INVITE_WRAP, unwrap, wrap

_ASK_AGAIN = "ask for a new invitation"


@dataclass(frozen=True, slots=True)
class InviteKeys:
    """The keys of an invite, derived from the seed in its link."""

    signing: KeyPair
    agreement: KeyPair


@dataclass(frozen=True, slots=True)
class Invited:
    """An invite: the record to publish, and the link to give to one person."""

    record: Record
    link: JoinLink


@dataclass(frozen=True, slots=True)
class Joined:
    """What a device that joined keeps, and the record it publishes."""

    secrets: Secrets
    certificate: Record


async def make_invite(
    primitives: Primitives,
    secrets: Secrets,
    after: Sequence[bytes],
    epoch: EpochKey,
    role: Role,
    person: bytes,
    expires: int,
    uses: int,
    relay: str,
    random: Random,
) -> Invited:
    """Invite `uses` devices until `expires` (ms since 1970), as an owner; `after` are the tips of the records that count.

    `epoch` is the current one; `person` is whose devices they are, `NOBODY` where whoever joins is somebody new.
    """
    link = JoinLink(secrets.notebook, random(SEED_BYTES), relay)
    keys = await invite_keys(primitives, link)
    wrapped = bytes([FORMAT]) + epoch.epoch + epoch.key + secrets.tag_key
    wraps = (await wrap(primitives, INVITE_WRAP, secrets.notebook, ROOT, keys.agreement.public, wrapped, random),)
    says = Invite(keys.signing.public, keys.agreement.public, role, person, expires, uses, wraps_hash(wraps))
    record = await signed_record(primitives, secrets.signing, secrets.notebook, after, secrets.certificate, says)
    return Invited(replace(record, wraps=wraps), link)


async def invite_keys(primitives: Primitives, link: JoinLink) -> InviteKeys:
    """Derive the keys of a link's invite: with them the joining device shows itself to the relay."""
    signing = await primitives.derive(link.seed, link.notebook, labelled("invite-signing"))
    agreement = await primitives.derive(link.seed, link.notebook, labelled("invite-agreement"))
    return InviteKeys(*await key_pairs(primitives, signing, agreement))


async def join(
    primitives: Primitives, keys: InviteKeys, members: Members, device_name: str, random: Random
) -> Joined | Rejected:
    """Open the keys wrapped to the invite and certify this device; `members` holds what the relay sent, verified."""
    record = members.invite_with(keys.signing.public)
    if record is None or not isinstance(invite := record.says, Invite):
        return Rejected(f"the relay does not know this invitation, it may have been withdrawn: {_ASK_AGAIN}")
    if not members.uses_left(record.id):
        return Rejected(f"this invitation was for {invite.uses} devices, or was withdrawn: {_ASK_AGAIN}")
    opened = await _opened(primitives, keys, record)
    if isinstance(opened, Rejected):
        return opened
    epoch, tag_key = opened
    if epoch.epoch not in members.epoch_heads():
        return Rejected(f"the notebook's keys were changed since this invitation was made: {_ASK_AGAIN}")
    signing, agreement = await new_device_keys(primitives, random)
    name = await seal_name(primitives, members.notebook, epoch.epoch, epoch.key, signing.public, device_name, random)
    person = invite.person if any(invite.person) else random(PERSON_BYTES)
    says = Certificate(signing.public, agreement.public, invite.role, person, name)
    certificate = await first_certificate(
        primitives, keys.signing, members.notebook, members.good_tips(), record.id, says, signing
    )
    secrets = Secrets(members.notebook, None, signing, agreement, certificate.id, tag_key, (epoch,))
    return Joined(secrets, certificate)


async def _opened(primitives: Primitives, keys: InviteKeys, invite: Record) -> tuple[EpochKey, bytes] | Rejected:
    if len(invite.wraps) != 1:
        return Rejected(f"the keys in this invitation are gone, which is so once it was used: {_ASK_AGAIN}")
    payload = await unwrap(primitives, INVITE_WRAP, invite.notebook, invite.wraps[0], keys.agreement)
    if payload is None or len(payload) != 1 + 3 * KEY_BYTES or payload[0] != FORMAT:
        return Rejected(f"the keys in this invitation do not open: {_ASK_AGAIN}")
    epoch, key, tag_key = (payload[start : start + KEY_BYTES] for start in (1, 1 + KEY_BYTES, 1 + 2 * KEY_BYTES))
    return EpochKey(epoch, key), tag_key
