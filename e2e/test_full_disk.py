"""A disk without room under a real core: what cannot be kept is said or done without, and the core lives on."""

import json
from collections.abc import Callable
from typing import Any, Final

from e2e.device import Device, Tab
from e2e.relay import Relay

FRAME_HAS: Final = """async (words) => {
  const frame = async () => (await (await caches.open("frames")).match("/frame"))?.text() ?? "";
  const right = (text) => (words ? text.includes(words) : !text);
  const end = performance.now() + 20_000;
  while (!right(await frame()) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  return frame();
}"""


def frame(tab: Tab, words: str) -> dict[str, Any]:
    """Wait for a frame with these words, or for none, and return it."""
    text = tab.page.evaluate(FRAME_HAS, words)
    read: dict[str, Any] = json.loads(text) if text else {}
    return read


def test_a_frame_that_does_not_fit_is_dropped_and_the_next_one_is_kept(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """E1: no old list stands in for the one that found no room; with room again the frames go on."""
    device = new_device()
    tab = device.open(relay.url)
    tab.new_note("While there was room")
    assert "While there was room" in frame(tab, "While there was room")["regions"]["list"]
    disk = device.context.new_cdp_session(tab.page)
    origin = relay.url.rstrip("/")
    disk.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1})

    tab.find("room")

    assert frame(tab, "") == {}
    disk.send("Storage.overrideQuotaForOrigin", {"origin": origin})
    tab.find("")
    assert "While there was room" in frame(tab, "While there was room")["regions"]["list"]
