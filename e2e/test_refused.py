"""What cannot be saved, in a real browser: it is said, its words can be taken along, and the note is written on."""

from collections.abc import Callable
from typing import Final

from playwright.sync_api import expect

from e2e.device import Device
from e2e.relay import Relay

PASTE: Final = """(count) => {
  const data = new DataTransfer();
  data.setData("text/plain", "a line of a very long text\\n".repeat(count));
  const editor = document.querySelector("carryon-editor").shadowRoot.querySelector(".cm-content");
  editor.focus();
  editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def test_a_paste_that_is_too_long_is_refused_with_its_number_and_the_note_goes_on(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """J12, J2: it is not saved, stays counted as such, and is copied or discarded; a reload loses neither it nor the rest."""
    tab = new_device().open(relay.url)
    tab.new_note("Long", "begins")
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    words = tab.page.get_by_role("textbox", name="Words that are not saved", exact=True)

    tab.page.evaluate(PASTE, 400_000)

    expect(words).to_be_visible(timeout=30_000)
    expect(tab.page.get_by_role("alert").filter(has_text="Not saved")).to_contain_text("10.8 MB, the limit is 10 MB")
    expect(tab.body).to_have_text("begins")
    tab.append(" and goes on")
    expect(tab.page.locator("html")).to_have_attribute("data-unsaved", "1")
    tab.button("Copy").click()
    tab.page.wait_for_function(
        "async () => (await navigator.clipboard.readText()).length === 400_000 * 27", timeout=20_000
    )
    tab.button("Discard").click()
    tab.wait_saved()
    expect(words).to_be_hidden()

    tab.page.reload()
    tab.wait_ready()
    expect(tab.body).to_have_text("begins and goes on")


def test_words_written_while_another_window_joins_a_notebook_are_kept(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """J1: each window has a core of its own; the one that joins deletes nothing in which the other one writes."""
    link = new_device().open(relay.url).invite()
    device = new_device(without_shared_worker=True)
    writing = device.open(relay.url)
    writing.open_note("Welcome")
    joining = device.open(link)

    joining.button("Join").click()
    expect(joining.row("Welcome")).to_be_visible()
    writing.append(" all my words")
    writing.wait_saved()
    writing.page.close()
    joining.page.reload()
    joining.wait_ready()

    notebooks = joining.page.get_by_role("list", name="Notebooks", exact=True).get_by_role("link")
    expect(notebooks).to_have_count(2)
    notebooks.filter(has_not=joining.page.locator("[aria-current]")).first.click()
    joining.find("all my words")
    expect(joining.row("Welcome")).to_be_visible()


def test_the_secret_of_an_invite_is_kept_nowhere_in_clear(relay: Relay, new_device: Callable[..., Device]) -> None:
    """I20: neither the first frame nor any storage of the page has it, whatever is opened and left while it is shown."""
    tab = new_device().open(relay.url)
    tab.new_note("In the frame")
    secret = tab.invite().partition("#")[2]
    for _ in range(3):
        tab.place("All notes")
        tab.place("Settings")
    tab.place("All notes")
    tab.open_note("In the frame")

    kept = tab.page.evaluate(
        """async () => {
          const texts = [JSON.stringify([{ ...sessionStorage }, { ...localStorage }, history.state])];
          while (!texts.join("").includes("In the frame"))
            for (const response of await (await caches.open("frames")).matchAll()) texts.push(await response.text());
          return texts.join("");
        }"""
    )

    assert "In the frame" in kept
    assert len(secret) > 60 and secret not in kept and "Invite link" not in kept
