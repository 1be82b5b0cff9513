"""The site on a plain static host, below a path, under its own policy: the core starts from what the build wrote."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from playwright.sync_api import Page, sync_playwright

from tools.system import chromium

BASE = "/some/where/"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY_MS = 60_000


class StaticHost(http.server.SimpleHTTPRequestHandler):
    """Serves files below a path, and knows nothing else about them than their types."""

    extensions_map: ClassVar[dict[str, str]] = {
        ".html": "text/html",
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".css": "text/css",
        ".wasm": "application/wasm",
        ".webmanifest": "application/manifest+json",
        "": "application/octet-stream",
    }

    def translate_path(self, path: str) -> str:
        """Find files below the base only."""
        return super().translate_path(path.removeprefix(BASE.rstrip("/")) if path.startswith(BASE) else "/nothing")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """The address of the site on such a host."""
    handler = functools.partial(StaticHost, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}{BASE}"
        server.shutdown()


def started(page: Page) -> str:
    """Wait until the core is up or has failed; the page's policy allows no waiting for an expression."""
    page.locator("html:is([data-core=ready], [data-core=failed], [data-core=read-only])").wait_for(
        state="attached", timeout=READY_MS
    )
    return str(page.evaluate("document.documentElement.dataset.core"))


@pytest.mark.slow
def test_the_core_starts_below_any_path_on_any_static_host(address: str) -> None:
    """Every request goes below the base and finds a file, nothing violates the policy, and the core is ready."""
    browser_path = chromium()
    assert browser_path is not None, "no chromium: make setup"
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        page = browser.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)

        state = started(page)

        browser.close()
    assert state == "ready"
    # There is no relay behind a static host: that its socket is refused is as it should be.
    assert [words for words in wrong if "/sync/" not in words] == []
