"""A browser that keeps no key object, as WebKitGTK without a key ring: notes are written, read again, and Settings says where the key lies."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import expect

from e2e.device import READY_MS, Device, Tab
from e2e.relay import SITE, Relay

# Before the core's own code: the browser's refusal, as it comes from there.
REFUSE: Final = """
for (const name of ["add", "put"]) {
  const kept = IDBObjectStore.prototype[name];
  IDBObjectStore.prototype[name] = function (value, ...rest) {
    if (value instanceof CryptoKey) throw new DOMException("The object can not be cloned.", "DataCloneError");
    return kept.call(this, value, ...rest);
  };
}
"""
# Before the core's own code: an object is taken, and nothing comes back.
SWALLOW: Final = """
for (const name of ["add", "put"]) {
  const kept = IDBObjectStore.prototype[name];
  IDBObjectStore.prototype[name] = function (value, ...rest) {
    return kept.call(this, value instanceof CryptoKey ? null : value, ...rest);
  };
}
"""
# Before the core's own code: what is kept as the key comes back as nothing, as from behind a key ring that is locked.
LOCK: Final = """
const read = IDBObjectStore.prototype.get;
IDBObjectStore.prototype.get = function (key) {
  return read.call(this, this.transaction.db.name === "carryon-device-key" ? "nothing" : key);
};
"""
BESIDE: Final = "The key lies beside the notes"


def altered(target: Path, before_core: str) -> Path:
    """A copy of the site whose core has something before it: another release, for a browser keeps the files of each."""
    site = Path(shutil.copytree(SITE, target))
    [folder] = site.glob("v/*")
    release = folder.rename(folder.with_name(target.name))
    core, index = release / "core.js", site / "index.html"
    core.write_text(before_core + core.read_text())
    index.write_text(index.read_text().replace(folder.name, release.name))
    # Nothing of it is kept by a service worker: the page is this server's each time.
    for other in [*site.glob("sw.js*"), *site.glob("index.html.*"), *release.glob("core.js.*")]:
        other.unlink()
    return site


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    """A relay that serves a site to a browser which keeps no key object."""
    started = Relay(tmp_path / "relay", altered(tmp_path / "refusing", REFUSE))
    started.start()
    yield started
    started.stop()


def serve(relay: Relay, site: Path) -> None:
    """Have another site at the same address."""
    relay.stop()
    relay.site = site
    relay.start()


def settings_of(tab: Tab) -> str:
    """What Settings say of the storage."""
    tab.place("Settings")
    storage = tab.page.get_by_role("region", name="Storage", exact=True)
    expect(storage).to_be_visible()
    return storage.inner_text()


@pytest.mark.parametrize("before_core", [REFUSE, SWALLOW], ids=["refused", "swallowed"])
def test_a_key_that_cannot_be_an_object_lies_beside_the_notes_and_this_is_said(
    relay: Relay, new_device: Callable[..., Device], before_core: str
) -> None:
    """It starts, writes, opens again after the browser was closed, and says it each time."""
    serve(relay, altered(relay.data.parent / "here", before_core))
    device = new_device()
    tab = device.open(relay.url)
    tab.new_note("Boarding pass", "Seat 14A")
    assert BESIDE in settings_of(tab)

    device.close()
    device.launch()

    tab = device.open(relay.url)
    tab.open_note("Boarding pass")
    expect(tab.body).to_have_text("Seat 14A")
    assert BESIDE in settings_of(tab)


def test_a_key_is_read_as_it_was_kept_though_the_browser_now_keeps_objects(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """A key ring that appears later changes nothing: the notes open, and the key still lies beside them."""
    device = new_device()
    device.open(relay.url).new_note("Boarding pass", "Seat 14A")
    device.close()
    serve(relay, SITE)

    device.launch()

    tab = device.open(relay.url)
    tab.open_note("Boarding pass")
    expect(tab.body).to_have_text("Seat 14A")
    assert BESIDE in settings_of(tab)


def test_a_key_object_stays_where_the_browser_keeps_no_more_of_them(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """One that is kept is read, whatever the browser would refuse now."""
    serve(relay, SITE)
    refusing = relay.data.parent / "refusing"
    device = new_device()
    device.open(relay.url).new_note("Boarding pass", "Seat 14A")
    device.close()
    device.launch()
    tab = device.open(relay.url)
    tab.page.evaluate("async () => { await (await navigator.serviceWorker.ready).unregister(); }")
    device.close()
    serve(relay, refusing)

    device.launch()

    tab = device.open(relay.url)
    tab.open_note("Boarding pass")
    expect(tab.body).to_have_text("Seat 14A")
    assert BESIDE not in settings_of(tab)


def test_a_key_that_the_browser_does_not_give_back_is_never_replaced(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """The start ends in words, and once the browser gives the key back the notes are there."""
    device = new_device(may_fail=True)
    device.open(relay.url).new_note("Boarding pass", "Seat 14A")
    device.close()
    refusing = relay.site
    serve(relay, altered(relay.data.parent / "locked", LOCK))
    device.launch()
    page = device.context.new_page()

    page.goto(relay.url)

    expect(page.get_by_role("alert")).to_contain_text("does not give it back", timeout=READY_MS)
    device.close()
    serve(relay, refusing)
    device.launch()
    tab = device.open(relay.url)
    tab.open_note("Boarding pass")
    expect(tab.body).to_have_text("Seat 14A")
