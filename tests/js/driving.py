"""What the tests of the JavaScript say to a page and to the stand-in core."""

import time
from collections.abc import Callable
from typing import Any, Final

from playwright.sync_api import Page

WAIT_SECONDS: Final = 10


def core_of(page: Page) -> str:
    """Return the state of the core as the page shows it."""
    return str(page.evaluate("document.documentElement.dataset.core"))


def unsaved(page: Page) -> int:
    """Return the count of edits that are not durable."""
    return int(page.evaluate("document.documentElement.dataset.unsaved"))


def order(page: Page, order: str, /, **arguments: Any) -> Any:
    """Give the stand-in an order and return its answer; said again until it listens."""
    return page.evaluate(
        """([order, rest, wait]) => new Promise((resolve, reject) => {
            const id = crypto.randomUUID();
            const channel = new BroadcastChannel("standin");
            const say = () => channel.postMessage({id, order, ...rest});
            const again = setInterval(say, 100);
            channel.onmessage = ({data}) => {
                if (data.id !== id || !("value" in data)) return;
                clearInterval(again);
                channel.close();
                resolve(data.value);
            };
            say();
            setTimeout(() => { clearInterval(again); reject(new Error(`nobody takes the order ${order}`)); }, wait);
        })""",
        [order, arguments, WAIT_SECONDS * 1000],
    )


def until(holds: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait for a state; fail with its last value when it does not come."""
    end = time.monotonic() + seconds
    while not (last := holds()):
        assert time.monotonic() < end, f"still {last!r} after {seconds} s"
        time.sleep(0.01)


def until_equal(look: Callable[[], object], expected: object, seconds: float = WAIT_SECONDS) -> None:
    """Wait until something looks as expected; fail with the difference when it does not."""
    end = time.monotonic() + seconds
    while (seen := look()) != expected and time.monotonic() < end:
        time.sleep(0.01)
    assert seen == expected
