"""The notebook installs as an app: the browser's own check has nothing against it, and what its manifest names is there."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import CDPSession, expect

from e2e.device import Device, Tab
from e2e.relay import Relay

TOLD_SECONDS_MAX = 10
SIZE_OF = """async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  return [image.naturalWidth, image.naturalHeight];
}"""


def installed_page(relay: Relay, new_device: Callable[..., Device]) -> tuple[Device, Tab, CDPSession]:
    """A tab that works offline, and what the browser's own tools see of it."""
    device = new_device()
    tab = device.open(relay.url)
    tab.wait_offline_ready()
    return device, tab, device.context.new_cdp_session(tab.page)


def manifest_of(browser: CDPSession) -> dict[str, Any]:
    """The manifest as the browser has read it, without an error."""
    read = browser.send("Page.getAppManifest")
    assert read["errors"] == []
    manifest: dict[str, Any] = json.loads(read["data"])
    return manifest


def test_the_browser_has_nothing_against_installing_it(relay: Relay, new_device: Callable[..., Device]) -> None:
    """What Chromium asks before it offers to install: a secure origin, a manifest that reads, icons, a start address."""
    _device, _tab, browser = installed_page(relay, new_device)

    assert browser.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    assert browser.send("Page.getAppId")["appId"] == relay.url


def test_the_check_would_say_what_is_wrong(relay: Relay, new_device: Callable[..., Device]) -> None:
    """An empty list means something: with no manifest at hand the same browser names what is missing."""
    device, tab, browser = installed_page(relay, new_device)

    tab.page.evaluate("document.querySelector('link[rel=manifest]').remove()")

    # The page tells the browser that its manifest went in its own time; until then the answer is that of before.
    deadline = time.monotonic() + TOLD_SECONDS_MAX
    errors: list[dict[str, Any]] = []
    while not errors and time.monotonic() < deadline:
        errors = browser.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [error["errorId"] for error in errors] == ["no-manifest"]
    assert device.errors == []


def test_every_icon_of_the_manifest_is_an_image_of_the_size_it_says(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """Of the app and of its shortcuts; one for any shape, one that may be cut, one in one colour."""
    _device, tab, browser = installed_page(relay, new_device)
    manifest = manifest_of(browser)
    icons = [*manifest["icons"], *(icon for shortcut in manifest["shortcuts"] for icon in shortcut["icons"])]

    assert {icon.get("purpose", "any") for icon in icons} == {"any", "maskable", "monochrome"}
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in icons}
    for icon in icons:
        width, height = tab.page.evaluate(SIZE_OF, icon["src"])
        assert icon["sizes"] in ("any", f"{width}x{height}"), icon


def test_it_starts_and_its_shortcuts_work_with_no_server(relay: Relay, new_device: Callable[..., Device]) -> None:
    """Where the app begins, a new note ready to type, the settings: all of them in the middle of a flight."""
    device, _tab, browser = installed_page(relay, new_device)
    manifest = manifest_of(browser)
    address_by_name = {each["name"]: urljoin(relay.url, each["url"]) for each in manifest["shortcuts"]}
    relay.kill()
    device.context.set_offline(True)

    start = device.open(urljoin(relay.url, manifest["start_url"]))
    expect(start.list).to_be_visible()

    note = device.open(address_by_name["New note"])
    note.page.bring_to_front()
    expect(note.title).to_be_focused()
    expect(note.title).to_have_value("")
    note.page.keyboard.type("From the shortcut")
    note.wait_saved()
    expect(start.row("From the shortcut")).to_be_visible()

    settings = device.open(address_by_name["Settings"])
    expect(settings.page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
