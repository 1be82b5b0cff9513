"""The crypto contract on WebCrypto: every rule in Pyodide, in Node.js and in a worker of Chromium."""

from __future__ import annotations

import io
import json
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.crypto.crypto_contract import RULES
from tools.system import chromium, node

ROOT = Path(__file__).parent.parent.parent
PYODIDE = ROOT / "node_modules" / "pyodide"
ENGINES = Path(__file__).parent / "engines"
MEDIA = {".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}
CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)


def test_webcrypto_in_node_keeps_every_rule(tmp_path: Path) -> None:
    """Pyodide on Node's WebCrypto (OpenSSL)."""
    sources = tmp_path / "sources.zip"
    sources.write_bytes(_sources())

    command = [node(), ENGINES / "node.mjs", PYODIDE, sources]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    _assert_kept(done.stdout)


def test_webcrypto_in_chromium_keeps_every_rule() -> None:
    """Pyodide in a worker, on the WebCrypto that people have (BoringSSL)."""
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium: make setup")

    with _served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=CHROMIUM)
        page = browser.new_page()
        page.goto(f"{address}/engines/page.html")
        page.wait_for_function("window.verdicts !== undefined", timeout=120_000)
        verdicts = page.evaluate("window.verdicts")
        browser.close()

    _assert_kept(verdicts)


def _assert_kept(verdicts: str) -> None:
    found = json.loads(verdicts)
    broken = {name: words for name, words in found.items() if words is not None}
    assert not broken, "\n\n".join(f"{name}:\n{words}" for name, words in broken.items())
    assert found.keys() == RULES.keys()


def _sources() -> bytes:
    """Zip what Pyodide needs of this repository."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for folder, place in (("app", "carryon/crypto"), ("sync_worker", "carryon_sync"), (".", "tests/crypto")):
            for path in sorted((ROOT / folder / place).rglob("*.py")):
                archive.write(path, path.relative_to(ROOT / folder))
        for path in sorted((ROOT / "tests" / "vectors").glob("crypto-*.json")):
            archive.write(path, path.relative_to(ROOT))
    return packed.getvalue()


@contextmanager
def _served() -> Iterator[str]:
    """Serve engines, Pyodide and sources on a free port."""
    sources = _sources()

    class Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, first, *rest = self.path.split("/")
            folder = {"engines": ENGINES, "pyodide": PYODIDE}.get(first)
            path = folder / rest[0] if folder and len(rest) == 1 else None
            body = sources if first == "sources.zip" else path.read_bytes() if path and path.is_file() else None
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", MEDIA.get(Path(self.path).suffix, "application/octet-stream"))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a failure shows in the verdicts."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()
