"""The relay's other face: it serves the built site, so that one address is the notebook and its relay.

1. Files under `v/<hash>/` and `r/<hash>/` never change and are cached for ever; everything else is asked about each time
   (`no-cache`) and compared by an ETag over its bytes. No Last-Modified: two builds within a second were once missed.
2. `name.br` and `name.gz` beside a file are the same file compressed, and sent to who accepts them.
3. Every response carries the policy of docs/security.md. Which other relays the page may talk to was said when the site was
   built: the page's own policy names them, it is read when the relay starts, and the headers say the same.
4. Only regular files within the folder: no `..`, no dot-files, no links that lead out. The rest is 404.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from aiohttp import web

ETAGS_MAX = 10_000

_IMMUTABLE = re.compile(r"(v|r)/[^/]+/.")
_CONNECT = re.compile("""http-equiv="Content-Security-Policy" content="[^"]*connect-src 'self'([^;"]*)""")
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}


def relays_of(site: Path) -> str:
    """Return the origins, separated by spaces, that the policy in a built page allows beside its own."""
    named = _CONNECT.search((site / "index.html").read_text())
    return "" if named is None else " ".join(named[1].split())


def policy(relays: str) -> dict[str, str]:
    """Return the headers that every response carries; `relays` as `relays_of` gives them."""
    connect = f"'self' {relays}".rstrip()
    directives = (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self'",
        f"connect-src {connect}",
        "style-src 'self'",
        "img-src 'self' blob:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
    return {
        "Content-Security-Policy": "; ".join(directives),
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


@dataclass(frozen=True, slots=True)
class _Version:
    path: Path
    inode: int
    changed_ns: int
    size: int


class Site:
    """A folder that a build made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._etags: dict[_Version, str] = {}

    async def respond(self, request: web.Request) -> web.Response:
        """Answer a GET or HEAD."""
        name = request.path.removeprefix("/") or "index.html"
        path = self._file(name)
        if path is None:
            return web.Response(status=404, text="There is nothing at this address.\n")
        accepted = _accepted(request.headers.get("Accept-Encoding", ""))
        encoding, sent = None, path
        siblings = [(coding, path.with_name(path.name + suffix)) for coding, suffix in _ENCODINGS]
        present = [(coding, sibling) for coding, sibling in siblings if sibling.is_file()]
        for coding, sibling in present:
            if coding in accepted:
                encoding, sent = coding, sibling
                break
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if _IMMUTABLE.match(name) else "no-cache",
            "Content-Type": _MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
        }
        if present:
            headers["Vary"] = "Accept-Encoding"
        version = _version(sent)
        headers["ETag"] = self._etags.get(version, "")
        body = b""
        if not headers["ETag"] or headers["ETag"] not in _named(request.headers.get("If-None-Match", "")):
            body, headers["ETag"] = await asyncio.to_thread(_read, sent)
            self._remember(version, headers["ETag"])
        if headers["ETag"] in _named(request.headers.get("If-None-Match", "")):
            return web.Response(status=304, headers=headers)
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        return web.Response(body=body, headers=headers)

    def _file(self, name: str) -> Path | None:
        parts = PurePosixPath(name).parts
        if "\\" in name or "\0" in name or "//" in name or any(part.startswith(".") or part == "/" for part in parts):
            return None
        path = self._folder.joinpath(*parts)
        try:
            resolved = path.resolve(strict=True)
        except OSError:
            return None
        inside = resolved.is_relative_to(self._folder) and resolved.is_file()
        return resolved if inside and resolved.suffix not in (".br", ".gz") else None

    def _remember(self, version: _Version, etag: str) -> None:
        if len(self._etags) >= ETAGS_MAX:
            self._etags.clear()
        self._etags[version] = etag


def _version(path: Path) -> _Version:
    stat = path.stat()
    return _Version(path, stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _read(path: Path) -> tuple[bytes, str]:
    body = path.read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _accepted(header: str) -> set[str]:
    """Return the content codings that an Accept-Encoding header takes (RFC 9110, 12.5.3)."""
    accepted = set()
    for entry in header.split(","):
        coding, _, weight = entry.strip().partition(";")
        if weight.strip().replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            accepted.add(coding.strip().lower())
    return accepted


def _named(header: str) -> set[str]:
    """Return the ETags that an If-None-Match header names, weak or strong (RFC 9110, 13.1.2)."""
    return {etag.strip().removeprefix("W/") for etag in header.split(",")}
