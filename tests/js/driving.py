"""What the tests of the JavaScript say to a page and to the stand-in core."""

import time
from collections.abc import Callable
from typing import Any, Final

from playwright.sync_api import Page

WAIT_SECONDS: Final = 15


def core_of(page: Page) -> str:
    """Return the state of the core as the page shows it."""
    return str(page.evaluate("document.documentElement.dataset.core"))


def unsaved(page: Page) -> int:
    """Return the count of edits that are not durable."""
    return int(page.evaluate("document.documentElement.dataset.unsaved"))


def order(page: Page, order: str, /, **arguments: Any) -> Any:
    """Give the stand-in an order and return its answer."""
    return page.evaluate(
        """([order, rest]) => new Promise((resolve) => {
            const id = crypto.randomUUID();
            const channel = new BroadcastChannel("standin");
            channel.onmessage = ({data}) => { if (data.id === id && "value" in data) { channel.close(); resolve(data.value); } };
            channel.postMessage({id, order, ...rest});
        })""",
        [order, arguments],
    )


def until(holds: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait for a state; fail with its last value when it does not come."""
    end = time.monotonic() + seconds
    while not (last := holds()):
        assert time.monotonic() < end, f"still {last!r} after {seconds} s"
        time.sleep(0.01)
