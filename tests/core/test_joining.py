"""Joining: an invitation that lies open in two tabs of one device, and the records of those that have joined."""

from __future__ import annotations

from carryon.core.log.membership import admit
from carryon.crypto.cryptography_primitives import CryptographyPrimitives
from carryon_sync.formats.members import Members

from tests.core.home import Home, opened, rule
from tests.simulation.device import ORIGIN
from tests.simulation.network import Wire
from tests.simulation.virtual_loop import until


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
