"""What an owner decides about others: put a device out, change what one may do, end an invite.

1. Each is one or a few members' records, kept before they leave; the relay hangs up on who is out as soon as it has them.
2. A removal, and a role that is lowered, names how far this device holds what the other one wrote: that counts, and what
   nobody in good standing went on from does not.
"""

from dataclasses import replace

from carryon_sync.formats.records import FrontierHead, Invite, Role, fingerprint_of
from carryon_sync.formats.rejected import Rejected

from carryon.core.open_notebook import OpenNotebook
from carryon.crypto.epochs import frontier_records
from carryon.crypto.notebook_keys import signed_record


async def remove_device(opened: OpenNotebook, certificate: bytes) -> Rejected | None:
    """Put the device with this certificate out, with a new key for all who stay. Raises StorageError."""
    identity = opened.identity
    refused = _refused(opened, certificate)
    if refused is not None:
        return refused
    heads = {certificate: await _written_by(opened, certificate)}
    if not await identity.begin_epoch(heads):
        return Rejected("The device could not be removed: its records changed meanwhile. Try again.")
    await _published(opened)
    return None


async def change_role(opened: OpenNotebook, certificate: bytes, role: Role) -> Rejected | None:
    """Let the device with this certificate do more, or less. Raises StorageError."""
    identity = opened.identity
    refused = _refused(opened, certificate)
    if refused is not None:
        return refused
    device = identity.members.device(certificate)
    assert device is not None and device.role is not None, "asked before"
    frontiers = []
    if role < device.role:
        heads = await _written_by(opened, certificate)
        primitives = identity.keyring, identity.secrets, identity.members
        frontiers = await frontier_records(*primitives, device.id, heads)
        await identity.learn([record.encode() for record in frontiers])
    says = replace(
        device.certificate,
        role=role,
        supersedes=device.id,
        frontiers=tuple(sorted(record.id for record in frontiers)),
    )
    record = await signed_record(
        identity.keyring.primitives,
        identity.signing,
        identity.notebook,
        identity.members.good_tips(),
        identity.certificate,
        says,
    )
    await identity.learn([record.encode()])
    await _published(opened)
    return None


async def revoke_invite(opened: OpenNotebook, invite: bytes) -> Rejected | None:
    """End an invite: nobody joins by it any more. Raises StorageError."""
    identity = opened.identity
    if not isinstance(identity.members.says(invite), Invite):
        return Rejected("There is no such invite.")
    if not identity.members.is_owner(identity.certificate):
        return Rejected("Only an owner of the notebook can withdraw an invite.")
    await identity.revoke(invite)
    await _published(opened)
    return None


def _refused(opened: OpenNotebook, certificate: bytes) -> Rejected | None:
    members, own = opened.identity.members, opened.identity.certificate
    if not members.is_owner(own):
        return Rejected("Only an owner of the notebook can do this.")
    device = members.device(certificate)
    if device is None or device.role is None:
        return Rejected("This device is not in the notebook.")
    return None if device.id != own else Rejected("A device does not do this to itself: use another one.")


async def _written_by(opened: OpenNotebook, certificate: bytes) -> tuple[FrontierHead, ...]:
    says = opened.identity.members.certificate(certificate)
    assert says is not None, "a device has a certificate"
    heads = await opened.log.changes.heads_by(fingerprint_of(says.signing))
    return tuple(FrontierHead(tag, link.author, link.n, link.id) for tag, link in heads)


async def _published(opened: OpenNotebook) -> None:
    await opened.receiving.members_changed()
    opened.syncing.members_kept()
