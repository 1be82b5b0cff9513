"""What Pyodide needs to run the crypto contract: our sources in a zip, and a server that a browser gets them from."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PYODIDE = ROOT / "node_modules" / "pyodide"
ENGINES = Path(__file__).parent / "engines"
MEDIA = {".html": "text/html", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}


def sources() -> bytes:
    """Zip our packages and the contract."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for folder, place in (("app", "carryon/crypto"), ("sync_worker", "carryon_sync"), (".", "tests/crypto")):
            for path in sorted((ROOT / folder / place).rglob("*.py")):
                archive.write(path, path.relative_to(ROOT / folder))
        for path in sorted((ROOT / "tests" / "vectors").glob("crypto-*.json")):
            archive.write(path, path.relative_to(ROOT))
    return packed.getvalue()


@contextmanager
def served() -> Iterator[str]:
    """Serve engines, Pyodide and sources on a free port; give the address."""
    packed = sources()

    class Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, first, *rest = self.path.split("/")
            folder = {"engines": ENGINES, "pyodide": PYODIDE}.get(first)
            path = folder / rest[0] if folder and len(rest) == 1 else None
            body = packed if first == "sources.zip" else path.read_bytes() if path and path.is_file() else None
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", MEDIA.get(Path(self.path).suffix, "application/octet-stream"))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a failure shows in the verdicts."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
