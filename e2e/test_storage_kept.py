"""The browser's promise to keep the storage, asked for by a real press and known to a real core at its next start."""

from collections.abc import Callable

from playwright.sync_api import expect

from e2e.device import Device, Tab
from e2e.relay import Relay


def core_of(tab: Tab) -> list[str]:
    """The locks by which the cores that run say that they live, each named anew at its start."""
    names = "async () => (await navigator.locks.query()).held.map(({ name }) => name)"
    return [name for name in tab.page.evaluate(names) if name.startswith("core-alive-")]


def test_a_promise_of_the_browser_is_known_to_the_next_core(relay: Relay, new_device: Callable[..., Device]) -> None:
    """Before the press the browser has promised nothing; after it, a core that starts later says so without asking."""
    device = new_device()
    # What a session grants is granted for as long as its page is there.
    browser = device.context.new_cdp_session(device.context.new_page())
    tab = device.open(f"{relay.url}?at=settings")
    promised = "The browser has promised to keep these notes."
    expect(tab.page.get_by_text("The browser may clear these notes")).to_be_visible()
    browser.send("Browser.grantPermissions", {"origin": relay.url.rstrip("/"), "permissions": ["durableStorage"]})

    tab.button("Keep storage").click()
    expect(tab.page.get_by_text(promised)).to_be_visible()
    before = core_of(tab)
    tab.page.close()
    tab = device.open(f"{relay.url}?at=settings")

    expect(tab.page.get_by_text(promised)).to_be_visible()
    assert core_of(tab) != before
    assert device.errors == []
