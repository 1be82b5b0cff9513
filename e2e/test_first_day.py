"""What people do on the first day, without waiting: keys right after a press, undo, old files, a relay that is not there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import expect

from e2e.device import Device
from e2e.relay import Relay

# 2009-06-01 12:00 UTC.
OLD_S: Final = 1_243_857_600


def test_a_new_note_takes_every_key_from_its_press_on(relay: Relay, new_device: Callable[..., Device]) -> None:
    """Title, Enter, text, and that twice, with nothing waited for; each note has its own words, and undo of them."""
    tab = new_device().open(relay.url)
    keys = tab.page.keyboard

    tab.button("New note").click()
    keys.type("Shopping list\nmilk and bread")
    tab.button("New note").press("Enter")
    keys.type("Two words\nand more")
    tab.wait_saved()
    expect(tab.title).to_have_value("Two words")
    expect(tab.body).to_have_text("and more")

    tab.row("Shopping list").click()
    expect(tab.body).to_have_text("milk and bread")
    expect(tab.title).to_have_value("Shopping list")
    assert tab.list.get_by_role("link").count() == 3
    tab.body.click()
    keys.press("Control+z")
    expect(tab.body).not_to_have_text("milk and bread")


def test_imported_files_are_as_old_as_they_are(relay: Relay, new_device: Callable[..., Device], tmp_path: Path) -> None:
    """The browser hands a file's own time over: the note stands below the younger ones, with its year."""
    tab = new_device().open(relay.url)
    folder = tmp_path / "vault"
    folder.mkdir()
    for number in range(2):
        (folder / f"Old {number}.md").write_text("words")
        os.utime(folder / f"Old {number}.md", (OLD_S + number * 86_400, OLD_S + number * 86_400))

    assert tab.import_folder(folder) == 2
    tab.button("Done").click()

    expect(tab.list.get_by_role("link")).to_have_text(["Welcome", "Old 1", "Old 0"])
    expect(tab.list.get_by_role("listitem").last).to_contain_text("1 Jun 2009")


def test_a_relay_that_is_not_there_is_said_in_words(relay: Relay, new_device: Callable[..., Device]) -> None:
    """Without the number of a closing, which says nothing to anybody."""
    tab = new_device().open(relay.url)
    tab.place("Settings")
    settings = tab.page.get_by_role("region", name="Relay", exact=True)
    expect(settings).to_contain_text("Connected")

    relay.kill()

    expect(settings).to_contain_text("the relay cannot be reached; it is tried again by itself")
    relay.start()
    expect(settings).to_contain_text("Connected", timeout=90_000)
