"""A site that was built for a relay of another origin: its page and its core, under their policies, reach that relay."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from e2e.device import Device
from e2e.relay import Relay, free_port
from tools.site.build import build
from tools.site.release import Order


def test_a_page_syncs_with_the_relay_that_its_site_was_built_for(
    new_device: Callable[..., Device], tmp_path: Path
) -> None:
    """One origin serves the page, another one keeps the sealed changes; a relay that was not named is refused in words."""
    other = Relay(tmp_path / "other")
    build(tmp_path / "site", Order(relay_origins=(f"ws://localhost:{other.port}",)))
    home = Relay(tmp_path / "home", tmp_path / "site")
    for relay in (home, other):
        relay.start()
    device = new_device()
    tab = device.open(home.url)
    tab.new_note("Elsewhere", "kept by the other relay")
    tab.place("Settings")
    address = tab.page.get_by_role("textbox", name="Relay address", exact=True)
    tab.button("Disconnect").click()

    address.fill(f"http://localhost:{free_port()}")
    tab.button("Connect").click()
    expect(tab.page.get_by_text("not a relay that this site may talk to")).to_be_visible()
    address.fill(other.url)
    tab.button("Connect").click()

    expect(tab.button("Disconnect")).to_be_visible()
    home.kill()
    expect(tab.status).to_contain_text("On the relay")
    assert device.errors == []
    other.stop()
