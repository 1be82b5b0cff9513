"""The journeys that each engine goes: a flight, and two tabs on one note."""

from collections.abc import Callable
from typing import Final

from e2e.engines.device import WAIT_SECONDS, Device
from e2e.relay import Relay
from tests.js.driving import until, until_equal

BESIDE: Final = "The key lies beside the notes"
LETTERS: Final = "abcdefghijkl"


def test_words_survive_a_flight_and_reach_a_second_device(relay: Relay, new_browser: Callable[[], Device]) -> None:
    """Load, write; server killed and network cut; reload, new tab, relaunch: the words are there, and more are; then a second device."""
    laptop = new_browser()
    tab = laptop.open(relay.url)
    tab.wait_offline_ready()
    tab.new_note("Boarding pass", "Seat 14A")
    relay.kill()
    laptop.cut_network(is_cut=True)

    tab.reload()
    until(lambda: "Seat 14A" in tab.body, WAIT_SECONDS)
    tab.append(" over Greenland")
    tab.wait_saved()
    second = laptop.open(relay.url)
    second.open_note("Boarding pass")
    until(lambda: "Seat 14A over Greenland" in second.body, WAIT_SECONDS)
    second.append(" from the second tab")
    second.wait_saved()
    until(lambda: "from the second tab" in tab.body, WAIT_SECONDS)
    assert tab.status.startswith("Saved on this device")
    if laptop.engine.keeps_a_profile:
        laptop.close()
        laptop.launch()
        laptop.cut_network(is_cut=True)
        tab = laptop.open(relay.url)
        tab.open_note("Boarding pass")
        until(lambda: "Seat 14A over Greenland from the second tab" in tab.body, WAIT_SECONDS)

    relay.start()
    laptop.cut_network(is_cut=False)
    until(lambda: tab.status.startswith("On the relay"), WAIT_SECONDS)
    link = tab.invite()
    phone = new_browser()
    phone_tab = phone.open(link)
    phone_tab.press("Join")
    until(lambda: "Boarding pass" in phone_tab.rows, WAIT_SECONDS)
    phone_tab.open_note("Boarding pass")
    until(lambda: "Seat 14A over Greenland from the second tab" in phone_tab.body, WAIT_SECONDS)


def test_two_tabs_in_one_note_merge_every_key_once(relay: Relay, new_browser: Callable[[], Device]) -> None:
    """Two tabs write into one note in turn, without waiting; both show the same text, with each key in it once."""
    device = new_browser()
    first = device.open(relay.url)
    first.new_note("Shared", "0")
    second = device.open(relay.url)
    second.open_note("Shared")

    for key in LETTERS:
        first.append(key)
        second.append(key.upper())
    for tab in (first, second):
        tab.wait_saved()

    written = sorted("0" + LETTERS + LETTERS.upper())
    for tab in (first, second):
        until_equal(lambda tab=tab: sorted(tab.body.strip()), written, WAIT_SECONDS)  # type: ignore[misc]
    assert first.body == second.body


def test_settings_say_where_the_key_lies(relay: Relay, new_browser: Callable[[], Device]) -> None:
    """Where the engine keeps no key object the notebook starts all the same, and Settings says that the key lies beside the notes."""
    device = new_browser()

    tab = device.open(f"{relay.url}?at=settings")

    until(lambda: "Storage" in tab.text('[aria-label="Storage"]'), WAIT_SECONDS)
    assert (BESIDE in tab.text('[aria-label="Storage"]')) == (not device.engine.keeps_key_objects)
