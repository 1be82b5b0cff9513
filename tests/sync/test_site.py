"""The site's server: the right file, in the right form, under the right policy, and nothing else."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from carryon_sync.server.app import application
from carryon_sync.server.doors import Doors
from carryon_sync.server.gate import Gate
from carryon_sync.server.rooms import Rooms


class Client:
    """Somebody who asks for files."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self.host, self.port = "127.0.0.1", port
        self._session = session

    def get(self, path: str, **asked: Any) -> Any:
        return self._session.get(f"http://{self.host}:{self.port}{path}", **asked)

    def head(self, path: str, **asked: Any) -> Any:
        return self._session.head(f"http://{self.host}:{self.port}{path}", **asked)

    def post(self, path: str, **asked: Any) -> Any:
        return self._session.post(f"http://{self.host}:{self.port}{path}", **asked)


FILES: Mapping[str, bytes] = {
    "index.html": b"""<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; """
    b"""connect-src 'self' wss://relay.example; style-src 'self'">""",
    "sw.js": b"// worker",
    "manifest.webmanifest": b"{}",
    "icons/icon.svg": b"<svg/>",
    "v/0123abcd/core.js": b"// core",
    "v/0123abcd/app.wasm": b"\0asm",
    "r/9f/image.bin": b"image" * 100,
    "r/9f/image.bin.br": b"brotli",
    "r/9f/image.bin.gz": gzip.compress(b"image" * 100, mtime=0),
    ".secret": b"secret",
    "v/.hidden/x.js": b"secret",
}


@pytest_asyncio.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    site = tmp_path / "site"
    for name, content in FILES.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
    (tmp_path / "outside.txt").write_text("secret")
    (site / "link.txt").symlink_to(tmp_path / "outside.txt")
    doors = Doors()
    runner = web.AppRunner(application(Rooms(None, ()), doors, "1", site))  # type: ignore[arg-type]
    await runner.setup()
    served = runner.server
    assert served is not None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Gate(served(), doors), "127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        yield Client(server.sockets[0].getsockname()[1], session)
    server.close()
    await runner.cleanup()


async def raw(client: Client, target: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Ask for a target exactly as written: no client is to tidy it up."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    lines = [f"GET {target} HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in rest)
    return int(first.split()[1]), {name.lower(): value for name, value in pairs}, body


@pytest.mark.parametrize(
    ("path", "media", "cache"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/?note=1", "text/html; charset=utf-8", "no-cache"),
        ("/sw.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/manifest.webmanifest", "application/manifest+json", "no-cache"),
        ("/icons/icon.svg", "image/svg+xml", "no-cache"),
        ("/v/0123abcd/core.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/v/0123abcd/app.wasm", "application/wasm", "public, max-age=31536000, immutable"),
        ("/r/9f/image.bin", "application/octet-stream", "public, max-age=31536000, immutable"),
    ],
)
async def test_every_file_has_its_type_and_its_cache_rule(client: Client, path: str, media: str, cache: str) -> None:
    status, headers, body = await raw(client, path)

    assert (status, headers["content-type"], headers["cache-control"]) == (200, media, cache)
    assert body == FILES[path.split("?")[0].removeprefix("/") or "index.html"]
    assert "last-modified" not in headers


@pytest.mark.parametrize("path", ["/", "/v/0123abcd/core.js", "/healthz", "/nothing", "/sync/short"])
async def test_the_policy_is_on_every_response(client: Client, path: str) -> None:
    _, headers, _ = await raw(client, path)

    policy = headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy
    assert "connect-src 'self' wss://relay.example" in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accepts", "encoding", "body"),
    [
        ("br, gzip", "br", b"brotli"),
        ("gzip, deflate", "gzip", FILES["r/9f/image.bin.gz"]),
        ("br;q=0, gzip;q=0.5", "gzip", FILES["r/9f/image.bin.gz"]),
        ("identity", None, FILES["r/9f/image.bin"]),
        ("", None, FILES["r/9f/image.bin"]),
    ],
)
async def test_a_compressed_sibling_goes_to_who_takes_it(
    client: Client, accepts: str, encoding: str | None, body: bytes
) -> None:
    _, headers, sent = await raw(client, "/r/9f/image.bin", Accept_Encoding=accepts)

    assert (headers.get("content-encoding"), sent) == (encoding, body)
    assert headers["vary"] == "Accept-Encoding"
    assert headers["content-type"] == "application/octet-stream"


async def test_what_did_not_change_is_not_sent_again_and_what_did_is(client: Client, tmp_path: Path) -> None:
    _, headers, _ = await raw(client, "/sw.js")
    etag = headers["etag"]

    for named in (etag, f'W/{etag}, "other"'):
        status, headers, body = await raw(client, "/sw.js", If_None_Match=named)
        assert (status, body, headers["etag"]) == (304, b"", etag)
        assert "content-security-policy" in headers
    (tmp_path / "site" / "sw.js").write_bytes(b"// WORKER")
    status, headers, body = await raw(client, "/sw.js", If_None_Match=etag)

    assert (status, body) == (200, b"// WORKER")
    assert headers["etag"] != etag


@pytest.mark.parametrize(
    "path",
    [
        "/nothing.js",
        "/v/0123abcd/gone.js",
        "/r/9e/image.bin",
        "/v",
        "/v/0123abcd/",
        "/.secret",
        "/v/.hidden/x.js",
        "/link.txt",
        "/../outside.txt",
        "/v/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/..%5coutside.txt",
        "//etc/passwd",
        "/v//0123abcd/core.js",
        "/%00",
        "/" + "a" * 5000,
        "/r/9f/image.bin.br",
    ],
)
async def test_everything_else_is_404_in_words(client: Client, path: str) -> None:
    status, headers, body = await raw(client, path)

    assert status == 404
    assert b"nothing at this address" in body
    assert b"secret" not in body
    assert headers["content-type"].startswith("text/plain")
    assert headers["cache-control"] == "no-store"


async def test_head_says_the_same_without_the_body(client: Client) -> None:
    async with client.head("/index.html") as response:
        assert (response.status, response.headers["Content-Length"]) == (200, str(len(FILES["index.html"])))
        assert await response.read() == b""


async def test_other_methods_are_refused(client: Client) -> None:
    async with client.post("/index.html") as response:
        assert response.status == 405
        assert "Content-Security-Policy" in response.headers
