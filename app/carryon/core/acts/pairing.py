"""Bring a second device in: make an invite on one, join with its link on the other.

1. The link's secret never reaches a view or a log: it is kept here until it was used or declined.
2. Joining keeps the new keys before the certificate leaves the device: one whose keys are lost would have used the invite for nothing.
3. The certificate goes to the relay as the first record of the session that follows.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from carryon_sync.device.effects import Close, JoiningEffect, NotJoined, Send, Sign, StoreMembers
from carryon_sync.device.effects import Joined as RecordsHere
from carryon_sync.device.joining import Joining
from carryon_sync.formats.members import Members, SignedBy
from carryon_sync.formats.records import Role
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.frames import PROTOCOL

from carryon.core.environment import ConnectionFailed, Ended, Environment, Socket
from carryon.core.log.membership import admit
from carryon.core.open_notebook import OpenNotebook
from carryon.core.relays.relay_link import origin_of, socket_url
from carryon.crypto.device_names import open_name
from carryon.crypto.invites import InviteKeys, Joined, invite_keys, join, make_invite
from carryon.crypto.join_link import JoinLink, encode_link
from carryon.crypto.keyring import EpochKey
from carryon.crypto.notebook_keys import Secrets

INVITE_MS: Final = 24 * 60 * 60 * 1000
PATIENCE_S: Final = 30.0
LOST: Final = "the connection to the relay was lost"


@dataclass(frozen=True, slots=True)
class NewMember:
    """What a device holds that has just joined: its secrets, all records (its own certificate last), and where they came from."""

    secrets: Secrets
    records: tuple[bytes, ...]
    relay: str
    inviter: str


async def invite(opened: OpenNotebook) -> str | Rejected:
    """Make an invite for one device and return its link."""
    relay = opened.syncing.address
    if not relay:
        return Rejected("A device joins by way of a relay: connect one first, below.")
    environment, identity = opened.environment, opened.identity
    members, keyring = identity.members, identity.keyring
    own, key = members.certificate(identity.certificate), keyring.key_of(keyring.current)
    assert own is not None and key is not None, "this device is certified, and holds the epoch that it writes in"
    if not members.is_owner(identity.certificate):
        return Rejected("This device may not invite others: an owner of the notebook can.")
    invited = await make_invite(
        environment.primitives,
        opened.secrets,
        members.good_tips(),
        EpochKey(keyring.current, key),
        Role.OWNER,
        own.person,
        environment.now() + INVITE_MS,
        1,
        relay,
        environment.random,
    )
    admitted = await identity.learn([invited.record.encode()])
    assert admitted.records, f"an invite of our own is in order: {admitted.refused}"
    opened.syncing.members_kept()
    return encode_link(environment.place.site, invited.link)


async def join_notebook(environment: Environment, link: JoinLink) -> NewMember | Rejected:
    """Fetch the members' records with the invite's key, and certify this device."""
    keys = await invite_keys(environment.primitives, link)
    try:
        async with asyncio.timeout(PATIENCE_S):
            socket = await environment.connect(socket_url(link.relay, link.notebook), PROTOCOL)
        try:
            fetched = await _fetch_records(environment, link, keys, socket)
        finally:
            socket.close(1000, "the records are here")
    except (ConnectionFailed, TimeoutError):
        return Rejected(
            f"The relay {origin_of(link.relay)} cannot be reached: check the network, then press Join again."
        )
    if isinstance(fetched, Rejected):
        return fetched
    members, records = fetched
    joined = await join(environment.primitives, keys, members, environment.place.device_name, environment.random)
    if isinstance(joined, Rejected):
        return joined
    own = joined.certificate.encode()
    checked = members.check(joined.certificate)
    if not isinstance(checked, SignedBy):
        return Rejected(f"This invitation cannot be used: {checked}")
    return NewMember(joined.secrets, (*records, own), link.relay, await _inviter(environment, members, joined))


async def _fetch_records(
    environment: Environment, link: JoinLink, keys: InviteKeys, socket: Socket
) -> tuple[Members, tuple[bytes, ...]] | Rejected:
    members = Members(link.notebook)
    records: list[bytes] = []
    machine = Joining(link.notebook, keys.signing.public, origin_of(link.relay), environment.random(32))
    while True:
        # On a thin link the records take as long as they take: what ends it is silence.
        async with asyncio.timeout(PATIENCE_S):
            said = await socket.receive()
        effects = list(machine.disconnected(said.words or LOST) if isinstance(said, Ended) else machine.received(said))
        while effects:
            effect: JoiningEffect = effects.pop(0)
            match effect:
                case Send(message):
                    socket.send(message)
                case Sign(message):
                    [proof] = await environment.primitives.sign(keys.signing.private, [message])
                    effects = [*machine.signed(proof), *effects]
                case StoreMembers(received):
                    records += (await admit(members, environment.primitives, received)).records
                case RecordsHere():
                    return members, tuple(records)
                case NotJoined(_, words):
                    return Rejected(f"This device could not join: {words}")
                case Close():
                    pass


async def _inviter(environment: Environment, members: Members, joined: Joined) -> str:
    invited = members.get(joined.certificate.issuer)
    certificate = None if invited is None else members.certificate(invited.issuer)
    if certificate is None:
        return ""
    name = await open_name(joined.secrets.keyring(environment.primitives), certificate)
    return "" if isinstance(name, Rejected) else name
