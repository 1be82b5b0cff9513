"""Joining: an invitation that lies open in two tabs of one device, and the records of those that have joined."""

from __future__ import annotations

import asyncio

from carryon.core.core import FRAME_S
from carryon.core.log.membership import admit
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon.crypto.join_link import JoinLink, decode_link
from carryon.storage.store import Range
from carryon_sync.formats.members import Members

from tests.core.home import Home, opened, rule
from tests.simulation.device import ORIGIN
from tests.simulation.network import Wire
from tests.simulation.virtual_loop import until

ALL = Range(False, None, None, None, False)


class Silent:
    """A relay that takes connections and never says a word."""

    up = True

    def __init__(self) -> None:
        self.has_company = False

    def joined(self, wire: Wire, path: str) -> None:
        """Somebody connects."""
        self.has_company = True

    def received(self, wire: Wire, data: bytes) -> None:
        """Somebody speaks."""

    def left(self, wire: Wire) -> None:
        """Somebody has gone."""


@rule
async def test_a_join_that_fails_after_another_tab_declined_it_ends_in_words(home: Home) -> None:
    """The core lives on, and the one that pressed Join reads why it did not."""
    secret = await home.link(await home.begin())
    worker = home.device("Bert").worker()
    pressing = await home.tab(worker, "?join", secret)
    declining = await home.tab(worker, "?join", secret)
    silent = Silent()
    home.network.hosts[ORIGIN] = silent

    pressing.act("join.accept")
    await until(lambda: silent.has_company, "it is tried", 5.0)
    declining.act("join.decline")
    await until(lambda: declining.saved, "it is declined", 5.0)

    await until(lambda: pressing.saved and "cannot be reached" in str(pressing.regions), "it says why", 60.0)
    [welcome] = opened(declining).notebook.rows
    await home.show(declining, welcome)
    declining.type("still here")
    await until(lambda: declining.saved and "still here" in declining.text, "its core takes an edit", 5.0)


@rule
async def test_members_are_known_whatever_the_order_of_their_records(home: Home) -> None:
    """After a lost write a store holds a record before one that it names; who has joined is no stranger then."""
    tab = await home.begin()
    await home.join(tab, "Bert")
    records = await opened(tab).log.members.records()
    assert len(records) > 2
    members = Members(opened(tab).identity.notebook)

    admitted = await admit(members, CryptographyPrimitives(), records[::-1])

    assert (sorted(admitted.records), admitted.refused) == (sorted(records), ())
    alone = await admit(Members(opened(tab).identity.notebook), CryptographyPrimitives(), records[-1:])
    assert (alone.records, len(alone.refused)) == ((), 1)


@rule
async def test_an_invitation_is_the_tab_s_that_was_opened_with_it(home: Home) -> None:
    """I17: what one tab shows, and joins, no other tab's link changes."""
    anna, eve = await home.begin("Anna"), await home.begin("Eve")
    worker = home.device("Bert").worker()
    tab = await home.tab(worker, "?join", await home.link(anna))
    shown = tab.regions["note"]
    other = await home.tab(worker, "?join", await home.link(eve))
    assert opened(anna).notebook.id[:6] in shown and opened(eve).notebook.id[:6] in other.regions["note"]
    broken = await home.tab(worker, "?join", "no link at all")
    assert "join.accept" not in broken.regions["note"]
    broken.act("join.decline")
    await until(lambda: broken.saved, "it is declined")

    assert tab.regions["note"] == shown
    tab.act("join.accept")

    await until(lambda: tab.saved and opened(tab).notebook.id == opened(anna).notebook.id, "joined", 60.0)


@rule
async def test_the_secret_of_an_invitation_lies_nowhere_on_a_device(home: Home) -> None:
    """I20: neither on the one that made it nor on the one that was opened with it: no frame and no record has it in clear."""
    anna = await home.begin("Anna")
    secret = await home.link(anna)
    anna.act("device.add")
    await until(lambda: "Invite link" in anna.regions.get("note", ""), "it is shown")
    shown = anna.regions["note"].split("?join#")[1].split('"')[0]
    for place in ("notes", "settings", "notes", "settings"):
        # A picture for the next start is due a moment after notes were shown, when Settings are.
        anna.act("place.open", place=place)
        await asyncio.sleep(FRAME_S * 0.8)
    await asyncio.sleep(2 * FRAME_S)
    bert = await home.tab(home.device("Bert").worker(), "?join", secret)
    await asyncio.sleep(2 * FRAME_S)

    for tab, link in ((anna, shown), (bert, secret)):
        device = tab.worker.device
        records = [entry for disk in device.disks.values() for store in disk.stores for entry in disk.read(store, ALL)]
        decoded = decode_link(link)
        assert isinstance(decoded, JoinLink)
        assert not any(
            word in entry.value
            for entry in records
            for word in (link.encode(), decoded.seed, decoded.seed.hex().encode())
        )
        assert link not in str(device.frames)
    assert [frame["place"] for frame in anna.worker.device.frames] == ["notes"]
