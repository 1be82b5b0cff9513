"""What a member could send: changes that are rightly sealed and signed, and hold what nobody can read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random

from carryon.core.log.identity import note_bytes
from carryon.crypto.sealing import Draft, new_author, seal_change
from carryon_sync.formats.change import NO_PREV, Body, Change, Header, Link

from tests.core.home import Home, holdings, opened, rest
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until


async def sealed(tab: Tab, note: str, *updates: bytes, needs: Sequence[Link] = ()) -> Change:
    """A change of a note by a tab's device, under an author of its own."""
    identity = opened(tab).identity
    random = Random(hashlib.sha256(b"".join((note.encode(), *updates, *(one.id for one in needs)))).digest())
    author = new_author(identity.signing.public, random.randbytes)
    header = Header(identity.notebook, identity.tag(note), author, 1, NO_PREV)
    body = Body(note_bytes(note), 5, 0, tuple(needs), (), updates, tips=identity.members.good_tips())
    return await seal_change(identity.keyring, identity.signing, Draft(header, body), random.randbytes)


async def send(tab: Tab, *changes: Change) -> None:
    """Have a tab's device hold these changes and push them, as if another of its cores had made them."""
    there = opened(tab)
    await there.receiving.receive([change.encode() for change in changes], None, None)
    there.syncing.appended([(there.log.changes.position, change.header.tag) for change in changes])


def ids_in_log(tab: Tab) -> set[bytes]:
    """The changes of a device's log, unread: the witness of the simulation reads no poison."""
    return {entry.unique[3] for entry in holdings(tab).entries("log")}  # type: ignore[index, misc]


async def together(home: Home, *tabs: Tab) -> None:
    """Wait until the devices of these tabs and the relay hold the same changes."""
    for tab in tabs:
        tab.look()

    def same() -> bool:
        held = [ids_in_log(tab) for tab in tabs]
        return all(tab.saved and rest(opened(tab)) for tab in tabs) and all(ids == home.ids(tabs[0]) for ids in held)

    await until(same, "the devices have the same", 240.0)
