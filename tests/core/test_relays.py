"""Which relays a page may talk to, as its core says it: the site's own, and those that the site was built for."""

from __future__ import annotations

from random import Random

import pytest
from carryon.core.relays.relay_link import socket_origin
from carryon_sync.protocol.closing import Closing

from tests.core.home import Home, opened, rest, rule
from tests.simulation.relay import Relay
from tests.simulation.tab import Tab
from tests.simulation.virtual_loop import until

ELSEWHERE = "relay.elsewhere:9000"
ADDRESS = f"http://{ELSEWHERE}/"


async def built_for(home: Home, *relays: str) -> Tab:
    """A device whose site was built for other relays, and one such relay on the network."""
    home.network.hosts[ELSEWHERE] = Relay(ELSEWHERE, Random("elsewhere").randbytes)
    device = home.device("Anna")
    device.relays = relays
    tab = await home.tab(device.worker())
    await home.quiet(tab)
    return tab


@rule
async def test_a_relay_that_the_site_was_built_for_is_connected(home: Home) -> None:
    """What the page's policy allows, Settings takes; the notes are there too, and a second device joins by it."""
    tab = await built_for(home, f"ws://{ELSEWHERE}")

    tab.act("relay.connect", address=ADDRESS.rstrip("/"))

    await until(lambda: opened(tab).syncing.address == ADDRESS, "it is connected", 5.0)
    await home.quiet(tab)
    relay = home.network.hosts[ELSEWHERE]
    assert isinstance(relay, Relay)
    assert relay.ids(opened(tab).identity.notebook) == home.ids(tab)


@pytest.mark.parametrize("relays", [(), ("ws://relay.elsewhere",), (f"wss://{ELSEWHERE}",)])
@rule
async def test_a_relay_that_the_site_was_not_built_for_is_refused_in_words(home: Home, relays: tuple[str, ...]) -> None:
    """Another port or an encrypted socket is another origin; the relay that was there stays."""
    tab = await built_for(home, *relays)
    before = opened(tab).syncing.address

    tab.act("relay.connect", address=ADDRESS)

    await until(lambda: "not a relay that this site may talk to" in str(tab.regions), "it says why", 5.0)
    assert opened(tab).syncing.address == before


@rule
async def test_an_invitation_by_a_relay_that_the_site_was_not_built_for_is_refused_in_words(home: Home) -> None:
    """The link is whole, and this page could not use it: it says so before anybody presses Join."""
    inviting = await built_for(home, f"ws://{ELSEWHERE}")
    inviting.act("relay.connect", address=ADDRESS)
    await until(lambda: opened(inviting).syncing.address == ADDRESS, "it is connected", 5.0)
    secret = await home.link(inviting)

    invited = await home.tab(home.device("Bert").worker(), "?join", secret)

    assert "not a relay that this site may talk to" in str(invited.regions)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Relay.Example/some/where/", "wss://relay.example"),
        ("https://relay.example:443/", "wss://relay.example"),
        ("http://localhost:8001/", "ws://localhost:8001"),
        ("http://[::1]:8001/", "ws://[::1]:8001"),
    ],
)
def test_an_address_has_the_origin_that_a_build_writes(address: str, origin: str) -> None:
    """The same words on both sides: `tests/tools/test_site.py` has the build's."""
    assert socket_origin(address) == origin


@rule
async def test_why_a_relay_could_not_store_stays_on_the_screen_until_it_stores(home: Home) -> None:
    """J16: connecting again is no answer to it; the status says where to look."""
    tab = await home.begin()
    await home.quiet(tab)
    tab.go("?at=settings")
    words = "the relay could not store this (disk full): nothing is lost, it will be sent again"
    [wire] = home.network.of("Anna")

    wire.hang_up(Closing.FAILED, words)
    await until(lambda: not wire.standing and home.network.of("Anna"), "it connects again", 30.0)
    await until(lambda: rest(opened(tab)), "it is live", 5.0)

    await until(lambda: "see Settings" in tab.status, "the status says where to look", 1.0)
    assert words in str(tab.regions)
    note = tab.act("note.create")
    await until(lambda: tab.note == note, "a note is written")
    await home.quiet(tab)
    await until(lambda: opened(tab).syncing.standing().words == "", "it holds no more", 5.0)


@rule
async def test_a_relay_that_cannot_be_reached_is_said_in_words_for_people(home: Home) -> None:
    """J16: no numbers that mean nothing; and the words go when it is reached."""
    tab = await home.begin()
    await home.quiet(tab)
    tab.go("?at=settings")
    [wire] = home.network.of("Anna")

    wire.cut()

    await until(
        lambda: "the connection to the relay was lost; it is tried again by itself" in str(tab.regions), "said", 5.0
    )
    await until(lambda: opened(tab).syncing.standing().words == "", "it holds no more", 60.0)
