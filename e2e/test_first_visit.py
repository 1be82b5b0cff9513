"""The first visit: nothing is kept yet, and everything that makes the page work offline comes at once."""

from collections.abc import Callable
from typing import Any, Final

from playwright.sync_api import Page

from e2e.device import ATTRIBUTE_IS, Device
from e2e.relay import Relay

# How much slower than this machine the page's own thread is.
THROTTLED: Final = 4
WATCH_PROGRESS: Final = """window.progressSeen = [];
new MutationObserver(() => {
  const bar = document.querySelector("[data-booting]:not([hidden]) progress");
  if (bar && bar.value !== progressSeen.at(-1)) progressSeen.push(bar.value);
}).observe(document, { subtree: true, childList: true, attributes: true });"""
TIMES: Final = """Object.fromEntries(["paint", "mark"].flatMap((kind) => performance.getEntriesByType(kind))
  .map((entry) => [entry.name, entry.startTime]))"""


def visit(page: Page, url: str) -> dict[str, Any]:
    """Open the page on a slow processor, wait for its core, and return the browser's own times in ms."""
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": THROTTLED})
    page.add_init_script(WATCH_PROGRESS)
    page.goto(url, wait_until="commit")
    page.evaluate(ATTRIBUTE_IS, ["core", "ready"])
    times: dict[str, Any] = page.evaluate(TIMES)
    return times


def test_a_first_visit_shows_what_is_going_on_before_it_goes_on(
    relay: Relay, new_device: Callable[..., Device]
) -> None:
    """The words are painted before a core is asked for; then the bar tells how much has come, until the core is ready."""
    page = new_device().context.new_page()

    times = visit(page, relay.url)

    assert times["first-contentful-paint"] < times["core asked for"] < times["core ready"]
    seen = page.evaluate("progressSeen")
    assert len(seen) > 2 and seen == sorted(seen)
