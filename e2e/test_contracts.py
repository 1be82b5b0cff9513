"""The contracts of storage on a real browser's IndexedDB, rule by rule; and what only a browser can do to a database.

A worker boots Pyodide, unpacks our sources, and runs the same functions as `tests/contracts` do on memory and SQLite.
"""

import http.server
import io
import json
import os
import signal
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, Playwright

from e2e.device import CHROMIUM, FLAGS
from tests.contracts import (
    device_contract,
    log_contract,
    order_contract,
    reading_contract,
    relay_contract,
    store_contract,
)

ROOT: Final = Path(__file__).parent.parent
INDEXEDDB_RULES: Final = (
    "a_commit_is_strict_and_returns_when_complete",
    "a_lost_connection_is_opened_again",
    "a_connection_that_stays_lost_is_said",
    "a_deletion_is_not_blocked",
)
RULES: Final = (
    [("store", name) for name in (*store_contract.RULES, *order_contract.RULES, *INDEXEDDB_RULES)]
    + [("log", name) for name in log_contract.RULES | relay_contract.RULES | reading_contract.RULES]
    + [("device", name) for name in device_contract.RULES]
)
MEDIA: Final = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}


def sources() -> bytes:
    """Our Python sources, as the worker unpacks them."""
    folders = {"app": ("carryon/storage",), "sync_worker": ("carryon_sync",), ".": ("tests/contracts",)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("carryon/__init__.py", "")
        for root, names in folders.items():
            for path in (path for name in names for path in (ROOT / root / name).rglob("*.py")):
                archive.write(path, path.relative_to(ROOT / root))
    return packed.getvalue()


class Site(http.server.BaseHTTPRequestHandler):
    """Serves the page, the runtime, and the storage calls with their one import resolved."""

    def do_GET(self) -> None:
        """Answer with one file."""
        path = self.path.split("?")[0]
        if path == "/sources.zip":
            return self._answer(sources(), "application/zip")
        if path == "/storage.js":
            text = (ROOT / "static" / "js" / "storage.js").read_text().replace('from "idb"', 'from "/idb/index.js"')
            return self._answer(text.encode(), MEDIA[".js"])
        for prefix, folder in (("/pyodide/", "node_modules/pyodide"), ("/idb/", "node_modules/idb/build")):
            if path.startswith(prefix):
                return self._file(ROOT / folder / path.removeprefix(prefix))
        return self._file(ROOT / "tests" / "contracts" / "page" / (path.removeprefix("/") or "index.html"))

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    def _file(self, path: Path) -> None:
        if not path.is_file():
            return self.send_error(404)
        return self._answer(path.read_bytes(), MEDIA.get(path.suffix, "application/octet-stream"))

    def _answer(self, content: bytes, media: str) -> None:
        self.send_response(200)
        self.send_header("content-type", media)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address at which the page is served."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def page(playwright: Playwright, address: str) -> Iterator[Page]:
    """A page of a fresh browser."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
    page = browser.new_page()
    page.goto(address)
    yield page
    browser.close()


def call(page: Page, name: str, *arguments: object) -> str:
    """Call a function of `tests/contracts/in_browser.py`."""
    answer = page.evaluate("([name, args]) => globalThis.call(name, args)", [name, list(arguments)])
    assert isinstance(answer, str)
    return answer


@pytest.fixture(scope="module")
def answers(page: Page) -> dict[str, dict[str, str | None]]:
    """What became of each rule, all run once."""
    found: dict[str, dict[str, str | None]] = json.loads(call(page, "run"))
    return found


@pytest.mark.parametrize(("suite", "name"), RULES)
def test_indexeddb_store(answers: dict[str, dict[str, str | None]], suite: str, name: str) -> None:
    """The rule holds in IndexedDB."""
    assert answers[suite][name] is None, answers[suite][name]


def test_every_rule_was_run(answers: dict[str, dict[str, str | None]]) -> None:
    """No rule that the browser ran is left out of the list above, and none of the list was not run."""
    assert sorted((suite, name) for suite, rules in answers.items() for name in rules) == sorted(RULES)


def test_e1_a_full_disk_is_said_and_nothing_is_half_written(page: Page, address: str) -> None:
    """E1: QuotaExceeded is said as such, leaves whole commits only, and with room again the store goes on."""
    assert page.context.browser is not None
    other = page.context.browser.new_context().new_page()  # Without the idea of its quota that the first one has.
    other.goto(address)
    session = other.context.new_cdp_session(other)
    session.send("Storage.overrideQuotaForOrigin", {"origin": address.rstrip("/"), "quotaSize": 5_000_000})

    kept = int(call(other, "fill"))

    assert 1 <= kept <= 10
    session.send("Storage.overrideQuotaForOrigin", {"origin": address.rstrip("/")})
    assert int(call(other, "go_on", kept)) == kept + 1
    other.context.close()


def test_a10_what_was_said_to_be_committed_survives_a_killed_browser(
    playwright: Playwright, address: str, tmp_path: Path
) -> None:
    """A10, A5, E5: kill the browser while it commits; every commit that returned is there, and none by half."""
    process, page = launched(playwright, tmp_path / "profile")
    page.goto(address)
    page.evaluate("() => { globalThis.call('write_on', []) }")
    page.evaluate("async () => { while (globalThis.said < 30) await new Promise((done) => setTimeout(done, 1)) }")
    said = int(page.evaluate("() => globalThis.said"))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    process, page = launched(playwright, tmp_path / "profile")
    page.goto(address)
    found = int(call(page, "written"))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    assert found >= said + 1


def launched(playwright: Playwright, profile: Path) -> tuple["subprocess.Popen[bytes]", Page]:
    """Launch a browser of our own on a profile, in a process group that can be killed."""
    profile.mkdir(exist_ok=True)
    flags = (*FLAGS, "--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank")
    process = subprocess.Popen([CHROMIUM, *flags], stderr=subprocess.PIPE, start_new_session=True)
    assert process.stderr is not None
    line = next(line for line in process.stderr if b"DevTools listening on " in line)
    threading.Thread(target=process.stderr.read, daemon=True).start()
    browser = playwright.chromium.connect_over_cdp(line.decode().split("DevTools listening on ")[1].strip())
    return process, browser.contexts[0].new_page()
