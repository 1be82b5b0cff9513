"""A member by hand: joins a notebook by its link and pushes changes that no release of ours would write."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import aiohttp
from carryon.core.log.membership import admit
from carryon.core.relays.relay_link import origin_of, socket_url
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon.crypto.invites import invite_keys, join
from carryon.crypto.join_link import decode_link
from carryon.crypto.primitives import KeyPair
from carryon.crypto.sealing import Draft, new_author, seal_change
from carryon_sync.formats.change import CHANGE_BYTES_MAX, NO_PREV, Body, Header
from carryon_sync.formats.members import Members
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.codec import decode, encode
from carryon_sync.protocol.frames import (
    PROTOCOL,
    Ack,
    ByCertificate,
    ByInvite,
    Challenge,
    Error,
    Frame,
    Hello,
    MembersRecords,
    Push,
    Welcome,
    hello_signed,
)

Socket = aiohttp.ClientWebSocketResponse


def push_as_member(link: str, updates: Sequence[tuple[bytes, bytes]]) -> None:
    """Join by a link and push a change for each (note, update); beside the loop of the test's own browser."""
    with ThreadPoolExecutor(1) as apart:
        apart.submit(lambda: asyncio.run(_push(link, updates))).result()


async def _push(text: str, updates: Sequence[tuple[bytes, bytes]]) -> None:
    primitives = CryptographyPrimitives()
    link = decode_link(text)
    assert not isinstance(link, Rejected), link
    url, origin = socket_url(link.relay, link.notebook).replace("ws", "http", 1), origin_of(link.relay)
    keys, members = await invite_keys(primitives, link), Members(link.notebook)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url, protocols=(PROTOCOL,), max_msg_size=2 * CHANGE_BYTES_MAX) as socket:
            await _greet(socket, link.notebook, origin, ByInvite(keys.signing.public), keys.signing)
            while not isinstance(frame := await _received(socket), Welcome | Error):
                if isinstance(frame, MembersRecords):
                    await admit(members, primitives, frame.records)
        joined = await join(primitives, keys, members, "Eve", os.urandom)
        assert not isinstance(joined, Rejected), joined
        signing, keyring = joined.secrets.signing, joined.secrets.keyring(primitives)
        async with session.ws_connect(url, protocols=(PROTOCOL,), max_msg_size=2 * CHANGE_BYTES_MAX) as socket:
            own = MembersRecords((joined.certificate.encode(),))
            await _greet(socket, link.notebook, origin, ByCertificate(joined.certificate.id), signing, own)
            while not isinstance(await _received(socket), Welcome):
                continue
            for note, update in updates:
                author = new_author(signing.public, os.urandom)
                header = Header(keyring.notebook, keyring.tag(note), author, 1, NO_PREV)
                body = Body(note, 5, 0, (), (), (update,), tips=(joined.certificate.id,))
                change = await seal_change(keyring, signing, Draft(header, body), os.urandom)
                await socket.send_bytes(encode(Push((change.encode(),))))
                while not isinstance(frame := await _received(socket), Ack):
                    assert not isinstance(frame, Error), frame


async def _greet(
    socket: Socket, notebook: bytes, origin: str, who: ByCertificate | ByInvite, signing: KeyPair, *before: Frame
) -> None:
    challenge = await _received(socket)
    assert isinstance(challenge, Challenge), challenge
    hello = Hello(who, os.urandom(32), bytes(16), 0, bytes(32), (), b"")
    message = hello_signed(notebook, origin, challenge.nonce, hello)
    [proof] = await CryptographyPrimitives().sign(signing.private, [message])
    for frame in (*before, replace(hello, proof=proof)):
        await socket.send_bytes(encode(frame))


async def _received(socket: Socket) -> Frame:
    frame = decode((await asyncio.wait_for(socket.receive(), 20)).data)
    assert not isinstance(frame, Rejected), frame
    return frame
