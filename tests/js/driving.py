"""What the tests of the JavaScript say to a page and to the stand-in core."""

import time
from collections.abc import Callable
from typing import Any, Final

from playwright.sync_api import Page

WAIT_SECONDS: Final = 10
LOOK_EVERY_SECONDS: Final = 0.01

# Boxes as the core renders them.
SEARCH = '<input type="search" aria-label="Search notes" value="{value}" data-action="list.search" data-on="input" data-key="/ mod+alt+f">'
TITLE = '<input aria-label="Title" value="{value}" data-action="note.rename" data-note="{note}" data-rest="{rest}">'


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


def say_regions(page: Page, regions: dict[str, str], **rest: str) -> None:
    """Let the core render regions, and wait until they are there."""
    mark = order(page, "fresh")
    message = {
        "type": "regions",
        "notebook": "NB",
        "regions": {**regions, "toast": mark},
        "title": "",
        "place": "notes",
        "pane": "list",
        **rest,
    }
    order(page, "say", message=message)
    until(lambda: page.locator("[data-region=toast]").text_content() == mark)


def acts(page: Page, name: str) -> list[dict[str, Any]]:
    """Return the acts of a name that the core has heard, as arguments."""
    return [act["args"] for act in order(page, "heard", kind="act") if act["name"] == name]


def until(holds: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Wait for a state; fail with its last value when it does not come."""
    last = _look_until(holds, bool, seconds)
    assert last, f"still {last!r} after {seconds} s"


def until_equal(look: Callable[[], object], expected: object, seconds: float = WAIT_SECONDS) -> None:
    """Wait until something looks as expected; fail with the difference when it does not."""
    assert _look_until(look, lambda seen: seen == expected, seconds) == expected


def _look_until(look: Callable[[], object], is_right: Callable[[object], bool], seconds: float) -> object:
    end = time.monotonic() + seconds
    while not is_right(seen := look()) and time.monotonic() < end:
        # Between two looks the page and the server, which may be threads of this process, get on.
        time.sleep(LOOK_EVERY_SECONDS)
    return seen
