"""Picture the main places, wide and narrow, light and dark, in a real browser with a real relay: `make screenshots`.

The pictures go into `docs/screenshots`; they are for looking at with one's own eyes, and for the README.
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import expect, sync_playwright

from e2e.device import Device, Tab
from e2e.relay import Relay

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "docs" / "screenshots"
VAULT: Final = ROOT.parent / "shared" / "data" / "vault"
SIZES: Final = {"wide": (1280, 800), "narrow": (390, 844)}
COUNTED: Final = re.compile(r"^\s*[1-9]\d* words")
NOTE: Final = """\
# Lisbon, four days

- [x] Book the night train back
- [ ] Ask Inês about the tile museum
- [ ] Offline maps, before boarding

> The best hour is the one before the city wakes.

Trams: **28** up the hill, *15* to Belém. See [[Packing]] and #travel.

```
LIS  07:40  seat 14A
```
"""


def main() -> int:
    """Make all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        relay = Relay(Path(folder) / "relay")
        relay.start()
        try:
            for size, (width, height) in SIZES.items():
                device = Device(playwright, Path(folder) / size, width=width, height=height)
                _picture_places(device, relay.url, size)
                device.close()
        finally:
            relay.stop()
    return 0


def _picture_places(device: Device, url: str, size: str) -> None:
    tab = device.open(url)
    if size == "wide":
        _fill(tab)
        _picture(tab, "notes", size)
        tab.button("Preview").click()
        _picture(tab, "preview", size)
        tab.button("Preview").click()
    else:
        tab.page.get_by_role("link", name="Back", exact=False).first.click()
        _picture(tab, "list", size)
        _write(tab, "Lisbon", NOTE)
        _picture(tab, "note", size)
        tab.page.goto(f"{url}?at=settings")
        tab.wait_ready()
        _picture(tab, "settings", size)
        return
    tab.find("offline")
    expect(tab.list.get_by_role("link").first).to_be_visible()
    _picture(tab, "search", size)
    tab.find("")
    tab.place("Settings")
    tab.button("Add a device").click()
    expect(tab.page.get_by_role("textbox", name="Invite link", exact=True)).to_be_visible()
    _picture(tab, "settings", size)
    tab.place("Trash")
    _picture(tab, "trash", size)


def _fill(tab: Tab) -> None:
    if VAULT.is_dir():
        tab.import_folder(VAULT)
        tab.page.get_by_role("region", name="Import report", exact=True).get_by_role("button").last.click()
    for title, body in (("Packing", "Passport, chargers, *one* book.\n"), ("Lisbon", NOTE)):
        _write(tab, title, body)


def _write(tab: Tab, title: str, body: str) -> None:
    """Make a note, and wait until it is counted as it is: its row is from the same moment."""
    tab.new_note(title, body)
    expect(tab.page.get_by_text(COUNTED)).to_be_visible()


def _picture(tab: Tab, place: str, size: str) -> None:
    themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for theme in themes:
        tab.page.emulate_media(color_scheme=theme)
        path = FOLDER / f"{place}-{size}-{theme}.png"
        tab.page.screenshot(path=str(path), animations="disabled")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
