"""What somebody who comes from another notebook would stumble over: the focus, the way back, and where a note begins."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import expect

from e2e.device import Device
from e2e.relay import Relay

PANE: Final = '[data-region="note"]'
SCROLL: Final = "document.querySelector('.note-page').scrollTop"
LONG: Final = "\n".join(f"line {number}" for number in range(300))


def test_a_title_that_is_typed_without_a_rest_is_kept_meanwhile(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """What is typed without a rest is kept all the same, long before its end."""
    tab = new_device().open(relay.url)
    tab.button("New note").click()
    expect(tab.title).to_be_focused()
    tab.wait_saved()

    tab.page.keyboard.type("Slow and steadily on", delay=300)

    # No key has rested for long, and the first ones are five seconds old.
    assert tab.list.get_by_role("link", name=re.compile("^Slow")).count()


def test_another_note_opens_at_its_beginning(relay: Relay, new_device: Callable[..., Device]) -> None:
    """What one has read of one note says nothing about the next: its title must be in view."""
    tab = new_device().open(relay.url)
    tab.new_note("First", LONG)
    tab.new_note("Second", LONG)
    tab.row("First").click()
    expect(tab.title).to_have_value("First")
    tab.page.evaluate(f"{SCROLL} = 3000")

    tab.row("Second").click()
    expect(tab.title).to_have_value("Second")
    expect(tab.body).to_contain_text("line 3")

    expect(tab.title).to_be_in_viewport()


def test_the_preview_and_back_leave_the_focus_in_the_text(relay: Relay, new_device: Callable[..., Device]) -> None:
    """Ctrl Alt P twice while writing: what is typed next goes on where it was."""
    tab = new_device().open(relay.url)
    tab.new_note("Looked at", "one ")
    tab.body.click()
    tab.page.keyboard.press("Control+End")

    tab.page.keyboard.press("Control+Alt+p")
    expect(tab.body).to_be_hidden()
    tab.page.keyboard.press("Control+Alt+p")
    expect(tab.body).to_be_visible()
    tab.page.keyboard.type("two")

    expect(tab.body).to_have_text("one two", timeout=3_000)


def test_escape_from_the_import_leads_back_to_its_button(relay: Relay, new_device: Callable[..., Device]) -> None:
    """By keyboard: a dialog that is closed gives the focus back to what opened it."""
    tab = new_device().open(relay.url)
    tab.button("Import").focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_label("Files to import", exact=True)).to_be_focused()

    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_label("Files to import", exact=True)).to_have_count(0)

    expect(tab.button("Import")).to_be_focused(timeout=3_000)


def test_undo_of_a_trashing_leads_the_focus_into_the_note(relay: Relay, new_device: Callable[..., Device]) -> None:
    """The note is back and open; the focus must not stay in an empty corner of the page."""
    tab = new_device().open(relay.url)
    tab.new_note("Back again", "words")
    tab.button("Move to trash").press("Enter")
    tab.button("Undo").press("Enter")
    expect(tab.title).to_have_value("Back again")
    expect(tab.button("Undo")).to_have_count(0)

    expect(tab.page.locator(PANE)).to_be_focused()


def test_arrow_up_leads_from_the_text_back_into_the_title(relay: Relay, new_device: Callable[..., Device]) -> None:
    """Arrow down leads from the title into the text; the way back is the same key turned round."""
    tab = new_device().open(relay.url)
    tab.new_note("Up there", "one line")
    tab.title.press("ArrowDown")
    expect(tab.body).to_be_focused()

    tab.page.keyboard.press("ArrowUp")

    expect(tab.title).to_be_focused(timeout=3_000)


def test_on_a_phone_the_focus_goes_with_the_pane(relay: Relay, new_device: Callable[..., Device]) -> None:
    """By keyboard or a screen reader: into the note that was opened, and back to its row; never into nothing."""
    tab = new_device(width=375, height=667).open(relay.url)
    tab.page.goto(relay.url + "?q=")
    tab.wait_ready()
    tab.page.get_by_role("link", name="Back", exact=True).or_(tab.row("Welcome")).first.wait_for()
    if not tab.list.is_visible():
        tab.page.get_by_role("link", name="Back", exact=True).click()
    tab.row("Welcome").press("Enter")
    expect(tab.title).to_be_visible()
    expect(tab.page.locator(PANE)).to_be_focused()
    tab.page.get_by_role("link", name="Back", exact=True).press("Enter")

    expect(tab.row("Welcome")).to_be_focused()


def test_escape_closes_browse(relay: Relay, new_device: Callable[..., Device]) -> None:
    """On a tablet or at 200 %: what a press has laid over the list goes with Escape."""
    tab = new_device(width=820, height=800).open(relay.url)
    tab.button("Browse").press("Enter")
    expect(tab.list).to_be_hidden()

    tab.page.keyboard.press("Escape")

    expect(tab.list).to_be_visible(timeout=3_000)


def test_on_a_phone_the_list_is_there_after_back(
    relay: Relay, new_device: Callable[..., Device], tmp_path: Path
) -> None:
    """Far down in the list a note is opened, and the browser's back pressed: the row stands where it stood, and not an empty screen."""
    tab = new_device(width=375, height=667).open(relay.url)
    for number in range(150):
        (tmp_path / "vault").mkdir(exist_ok=True)
        (tmp_path / "vault" / f"Note {number:03}.md").write_text("words")
    if not tab.list.is_visible():
        tab.page.get_by_role("link", name="Back", exact=True).click()
    tab.button("Browse").click()
    assert tab.import_folder(tmp_path / "vault") == 150
    tab.button("Done").click()
    tab.page.get_by_role("link", name="All notes", exact=True).click()
    expect(tab.list).to_be_visible()
    tab.page.evaluate("document.querySelector('.list-scroll').scrollTop = 72 * 100")
    tab.row("Note 050").click()
    expect(tab.title).to_have_value("Note 050")
    # The core has answered whatever the page has said meanwhile.
    tab.append(" and more")
    tab.wait_saved()

    tab.page.go_back()

    expect(tab.row("Note 050")).to_be_in_viewport()


def test_the_ring_of_what_has_the_focus_is_whole(relay: Relay, new_device: Callable[..., Device]) -> None:
    """Trashed by keyboard: the pane has the focus, and of its ring there is a red line between the panes."""
    tab = new_device(width=1440, height=900).open(relay.url)
    tab.new_note("Gone", "words")
    tab.button("Move to trash").press("Enter")
    expect(tab.page.locator(PANE)).to_be_focused()

    clipped = tab.page.evaluate("""() => {
      const focused = document.activeElement;
      const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(focused);
      if (outlineStyle === "none") return "";
      const out = parseFloat(outlineWidth) + parseFloat(outlineOffset);
      const { left, right, top, bottom } = focused.getBoundingClientRect();
      const isWhole = left >= out && top >= out && right + out <= innerWidth && bottom + out <= innerHeight;
      return isWhole ? "" : `${focused.localName} ${focused.dataset.region ?? ""}: ${left} ${top} ${right} ${bottom}, ring ${out}`;
    }""")
    assert clipped == ""


def test_the_new_invite_has_the_focus(relay: Relay, new_device: Callable[..., Device]) -> None:
    """Add a device by keyboard: the link and its Copy are where one is then, not the top of Settings."""
    tab = new_device().open(relay.url)
    tab.place("Settings")
    tab.button("Add a device").press("Enter")
    expect(tab.page.get_by_role("textbox", name="Invite link", exact=True)).to_be_visible()

    expect(tab.button("Copy")).to_be_focused()
