"""A browser of the benchmark: started anew on a profile, with marks in every page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, Playwright

from e2e.device import Device, Tab

MARKS: Final = (Path(__file__).parent / "marks.js").read_text()
# A person leaves the notebook open for a moment after an import; the derived stores are written when nothing has changed for a second.
REST_MS: Final = 6_000


@dataclass(frozen=True, slots=True)
class Opening:
    """How long a page took from its navigation, in ms: to notes on screen, and to a core that is ready."""

    shown: float
    ready: float


@contextmanager
def browser(playwright: Playwright, profile: Path) -> Iterator[Device]:
    """A browser on a profile, closed at the end."""
    device = Device(playwright, profile)
    device.context.add_init_script(MARKS)
    try:
        yield device
    finally:
        device.close()


def open_tab(device: Device, url: str) -> Tab:
    """Open an address and wait until its core is ready."""
    return device.open(url)


def rest(tab: Tab) -> None:
    """Leave the notebook alone for a moment, as a person does."""
    tab.wait_saved()
    tab.page.wait_for_timeout(REST_MS)


def marks(page: Page) -> dict[str, Any]:
    """The marks of a page."""
    found: dict[str, Any] = page.evaluate("carryonMarks")
    return found


def opening(tab: Tab) -> Opening:
    """How the page of a tab opened; waits for its first paint."""
    origin = tab.page.evaluate(
        "async () => { while (!carryonMarks.painted) await new Promise((done) => setTimeout(done, 5)); "
        "return performance.timeOrigin; }"
    )
    seen = marks(tab.page)
    # The notes are in the first paint, or in the frame after they have come.
    shown = seen["painted"] if seen["rows"] <= seen["painted"] else seen["shown"]
    return Opening(shown - origin, seen["ready"] - origin)
