"""A small site around the real tab, for tests of the JavaScript alone: bundled as the build does it, with the stand-in as its core."""

import base64
import hashlib
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parent.parent.parent
ESBUILD: Final = REPOSITORY / "node_modules" / ".bin" / "esbuild"
BASE: Final = "/a/base/"
RUNTIME: Final = "runtime1"
POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)


def bundle(folder: Path) -> None:
    """Bundle the tab, the editor, the stand-in and the storage probe into `folder`."""
    shared = [
        "--bundle",
        "--format=esm",
        "--target=es2022",
        "--log-level=warning",
        f'--define:__RUNTIME__="r/{RUNTIME}/"',
    ]
    js = REPOSITORY / "static" / "js"
    tab = [str(js / "tab.js"), str(js / "editor.js"), "--splitting", "--minify"]
    own = Path(__file__).parent
    # The stand-in lies outside of static/: its packages are found through the working directory.
    for arguments in (tab, [f"core={own / 'standin.js'}"], [f"storage={js / 'storage.js'}"]):
        subprocess.run([ESBUILD, *arguments, *shared, f"--outdir={folder}"], cwd=REPOSITORY, check=True)
    (folder / "app.css").write_text(
        "[hidden] { display: none }\n[data-region='list'] { block-size: 400px; overflow-y: auto }\nul { margin: 0 }\nli { block-size: 72px }\n"
    )


class Site:
    """A folder that is served, in which releases are put one over the other."""

    def __init__(self, folder: Path, bundled: Path) -> None:
        """Serve nothing yet."""
        self.folder = folder
        self.bundled = bundled
        self.missing: set[str] = set()
        self.url = ""
        self.stop: Callable[[], None] = lambda: None

    def publish(self, release: str, runtime: str = RUNTIME) -> None:
        """Put a release there, as an upload does: the hash folder beside the old one, the files at the root replaced."""
        root = self.folder / BASE.strip("/")
        app = root / "v" / release
        shutil.copytree(self.bundled, app)
        for script in app.glob("*.js"):
            script.write_text(f"{script.read_text()}\n// {release}\n")
        runtime_folder = root / "r" / runtime
        runtime_folder.mkdir(parents=True, exist_ok=True)
        (runtime_folder / "pyodide.mjs").write_text("export {};\n")
        index = (REPOSITORY / "static" / "index.html").read_text()
        for name, value in (("RELEASE", release), ("APP", f"v/{release}/"), ("RELAYS", "")):
            index = index.replace(f"%{name}%", value)
        (root / "index.html").write_text(index)
        shutil.copy(REPOSITORY / "static" / "manifest.webmanifest", root)
        listed = {
            "release": release,
            "runtime": runtime,
            "shell": _integrities(root, [root / "index.html", root / "manifest.webmanifest"]),
            "app": _integrities(root, sorted(app.iterdir())),
            "files": _integrities(root, sorted(runtime_folder.iterdir())),
        }
        worker = subprocess.run(
            [ESBUILD, f"--define:__RELEASE__={json.dumps(listed)}", "--loader=js"],
            input=(REPOSITORY / "static" / "sw.js").read_text(),
            capture_output=True,
            text=True,
            check=True,
        )
        (root / "sw.js").write_text(worker.stdout)

    @contextmanager
    def served(self) -> Iterator["Site"]:
        """Serve the folder with the headers of the real server."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, site=self, directory=str(self.folder)))
        thread = threading.Thread(target=partial(server.serve_forever, 0.02), daemon=True)
        thread.start()
        self.url = f"http://localhost:{server.server_address[1]}{BASE}"

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self.stop = stop
        try:
            yield self
        finally:
            stop()


def _integrities(root: Path, files: list[Path]) -> dict[str, str]:
    return {str(file.relative_to(root)): _integrity(file.read_bytes()) for file in files}


def _integrity(content: bytes) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript", ".mjs": "text/javascript"}  # noqa: RUF012
    failing = False

    def __init__(self, *arguments: object, site: Site, directory: str) -> None:
        self.site = site
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        # This server tells times by the second; two releases may be published in one, and the second must not be taken for the first.
        del self.headers["If-Modified-Since"]
        if self.path.removeprefix(BASE) in self.site.missing:
            self.failing = True
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        super().do_GET()

    def end_headers(self) -> None:
        # Connections end with their answer, so that a stopped server has stopped; and nobody keeps an error.
        immutable = not self.failing and self.path.startswith((f"{BASE}v/", f"{BASE}r/"))
        self.send_header("Cache-Control", "public, max-age=31536000, immutable" if immutable else "no-cache")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Referrer-Policy", "no-referrer")
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass
