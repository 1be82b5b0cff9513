"""The journey that Carryon is for: import, fly without any network, land, share, be apart, and meet again."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import expect

from e2e.device import Device, Tab
from e2e.relay import Relay

NOTES: Final = 225
# Words of at least this many letters that stand in a note, looked for in the relay's folder.
WORD_LETTERS_MIN: Final = 7


def vault_notes(vault: Path) -> dict[str, bytes]:
    """The sample's notes by path."""
    return {str(path.relative_to(vault)): path.read_bytes() for path in sorted(vault.rglob("*.md"))}


def test_words_survive_a_flight_and_reach_a_second_device(
    relay: Relay, new_device: Callable[..., Device], vault: Path
) -> None:
    """Import 225 notes; server dead and network off; every way to come back; then a second device; then apart and together."""
    laptop = new_device()
    tab = laptop.open(relay.url)
    assert tab.import_folder(vault) == NOTES
    tab.wait_offline_ready()

    tab = fly(relay, laptop, tab)

    relay.start()
    laptop.context.set_offline(False)
    phone, phone_tab = join(laptop, tab, new_device)
    exported = phone_tab.exported()
    for path, content in vault_notes(vault).items():
        if path != "Getting Started.md":
            assert exported[path] == content, path
    assert exported["Getting Started.md"].startswith(vault_notes(vault)["Getting Started.md"])
    assert b"written over Greenland" in exported["Getting Started.md"]
    assert b"from the second tab" in exported["Getting Started.md"]
    assert exported["Boarding pass.md"] == b"Seat 14A"

    be_apart(relay, tab, phone_tab)

    assert_relay_reads_nothing(relay, vault)
    assert laptop.errors == [] or all(
        "ERR_INTERNET_DISCONNECTED" in error or "ERR_CONNECTION_REFUSED" in error for error in laptop.errors
    )
    assert phone.errors == [] or all("ERR_CONNECTION_REFUSED" in error for error in phone.errors)


def fly(relay: Relay, laptop: Device, tab: Tab) -> Tab:
    """No server and no network: reload, a new tab, all tabs closed, the browser relaunched. Returns the tab that is open at the end."""
    relay.kill()
    laptop.context.set_offline(True)

    tab.page.reload()
    tab.wait_ready()
    tab.open_note("Getting Started")
    tab.append("\nwritten over Greenland")
    tab.wait_saved()
    tab.new_note("Boarding pass", "Seat 14A")

    second = laptop.open(relay.url)
    second.open_note("Getting Started")
    second.append("\nfrom the second tab")
    second.wait_saved()
    tab.open_note("Getting Started")
    for each in (tab, second):
        each.body.click()
        each.page.keyboard.press("Control+End")
        expect(each.body).to_contain_text("written over Greenland")
        expect(each.body).to_contain_text("from the second tab")

    for page in laptop.context.pages:
        page.close()
    tab = laptop.open(relay.url)
    tab.open_note("Boarding pass")
    expect(tab.body).to_contain_text("Seat 14A")

    laptop.close()
    laptop.launch()
    laptop.context.set_offline(True)
    tab = laptop.open(relay.url)
    tab.find("Greenland")
    expect(tab.list.get_by_role("link")).to_have_count(1)
    tab.open_note("Boarding pass")
    expect(tab.status).to_have_text(re.compile("^Saved on this device"))
    return tab


def join(laptop: Device, tab: Tab, new_device: Callable[..., Device]) -> tuple[Device, Tab]:
    """A second device opens the invite's link, joins, and sees the notebook without another step."""
    expect(tab.status).to_have_text(re.compile("^(On the relay|Seen by)"), timeout=60_000)
    link = tab.invite()
    tab.place("All notes")
    phone = new_device()
    phone_tab = phone.open(link)
    assert "#" not in phone_tab.page.url
    phone_tab.button("Join").click()
    expect(phone_tab.row("Boarding pass")).to_be_visible(timeout=60_000)
    phone_tab.find("Greenland")
    expect(phone_tab.list.get_by_role("link")).to_have_count(1, timeout=60_000)
    phone_tab.find("")
    return phone, phone_tab


def be_apart(relay: Relay, tab: Tab, phone_tab: Tab) -> None:
    """With the relay dead each writes alone, and does not see the other; with the relay back both have both."""
    for each in (tab, phone_tab):
        each.open_note("Boarding pass")
    relay.kill()

    tab.append("\nlaptop alone")
    phone_tab.append("\nphone alone")
    for each in (tab, phone_tab):
        each.wait_saved()
    expect(tab.status).to_have_text(re.compile("^Saved on this device"))
    expect(phone_tab.status).to_have_text(re.compile("^Saved on this device"))
    expect(tab.body).not_to_contain_text("phone alone")
    expect(phone_tab.body).not_to_contain_text("laptop alone")

    relay.start()
    for each in (tab, phone_tab):
        expect(each.body).to_contain_text("laptop alone", timeout=90_000)
        expect(each.body).to_contain_text("phone alone", timeout=90_000)


def assert_relay_reads_nothing(relay: Relay, vault: Path) -> None:
    """No title and no longer word of any note lies in the relay's folder, in any usual encoding."""
    kept = b"".join(path.read_bytes() for path in relay.data.rglob("*") if path.is_file())
    assert len(kept) > 100_000, "the relay holds the sealed notes"
    words = {
        word
        for content in vault_notes(vault).values()
        for word in re.findall(rb"[A-Za-z]{%d,}" % WORD_LETTERS_MIN, content)
    }
    titles = {Path(path).stem.encode() for path in vault_notes(vault) if len(Path(path).stem) >= WORD_LETTERS_MIN}
    ours = {b"certificate", b"changes", b"members", b"receipts", b"notebook", b"sequence"}
    # The database's own schema is in the clear; a word of it says nothing of a note.
    schema = set(
        re.findall(rb"[A-Za-z]{%d,}" % WORD_LETTERS_MIN, b" ".join(re.findall(rb"CREATE [^\x00]{0,600}", kept)))
    )
    found = (
        {word for word in words | titles | {b"Greenland", b"Boarding", b"Seat 14A"} if word in kept}
        - schema
        - ours
        - {b"SQLite"}
    )
    assert not found


@pytest.mark.timeout(300)
def test_the_flight_without_a_shared_worker(relay: Relay, new_device: Callable[..., Device], vault: Path) -> None:
    """The same journey where SharedWorker is missing: two tabs are two cores, and the leading tab is killed."""
    laptop = new_device(without_shared_worker=True)
    tab = laptop.open(relay.url)
    assert tab.import_folder(vault) == NOTES
    tab.wait_offline_ready()

    tab = fly(relay, laptop, tab)

    relay.start()
    laptop.context.set_offline(False)
    phone, phone_tab = join(laptop, tab, new_device)
    del phone
    follower = laptop.open(relay.url)
    follower.open_note("Boarding pass")
    # The first tab's core leads; its renderer dies as a whole.
    with pytest.raises(Exception, match="crash"):
        tab.page.goto("chrome://crash")
    follower.append("\nafter the leader died")
    follower.wait_saved()
    phone_tab.open_note("Boarding pass")
    expect(phone_tab.body).to_contain_text("after the leader died", timeout=90_000)
    be_apart(relay, follower, phone_tab)
