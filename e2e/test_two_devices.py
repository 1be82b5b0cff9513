"""Two devices at work at once, with nothing wrong between them."""

from collections.abc import Callable
from typing import Final

from playwright.sync_api import expect

from e2e.device import Device, Tab
from e2e.relay import Relay

TYPED: Final = "the quick brown fox jumps over the lazy dog and home again"
# As a fast typist writes: a change is on its way while the next letter comes.
PAUSE_MS: Final = 60


def type_on(tab: Tab, text: str) -> None:
    """Press key after key at the end of the open note."""
    tab.body.click()
    tab.page.keyboard.press("Control+End")
    tab.page.keyboard.type(text, delay=PAUSE_MS)


def test_letter_by_letter_what_one_types_is_on_the_other(relay: Relay, new_device: Callable[..., Device]) -> None:
    """Both have the note open: each letter goes at once, in both directions, and both cores run on."""
    one = new_device().open(relay.url)
    one.new_note("Watched")
    other = new_device().open(one.invite())
    other.button("Join").click()
    one.place("All notes")
    expect(other.row("Watched")).to_be_visible()
    for tab in (one, other):
        tab.open_note("Watched")

    type_on(one, TYPED)
    expect(other.body).to_have_text(TYPED)
    type_on(other, f", {TYPED}")

    expect(one.body).to_have_text(f"{TYPED}, {TYPED}")
    for tab in (one, other):
        tab.wait_ready()
        tab.wait_saved()
