"""A release of the app: what it is named, which files it has, and their hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

PORTS = {"ws": 80, "wss": 443}
NOT_IN_A_SOURCE = " ;,'\"<>*"


@dataclass(frozen=True, slots=True)
class Order:
    """What the caller of a build may choose; `relay_origins` as `relay_origin` writes them."""

    relay_origins: tuple[str, ...] = ()
    mark: str = ""
    dev: bool = False


def relay_origin(text: str) -> str:
    """Write an origin as the page's policy and the core compare it (`wss://host`); ValueError when it is none."""
    words = f"{text!r} is not an origin such as wss://relay.example"
    parts = urlsplit(text)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port is None else f":{parts.port}"
    if scheme not in PORTS or not host or text.lower() != f"{parts.scheme}://{host}{port}":
        raise ValueError(words)
    if any(sign in text for sign in NOT_IN_A_SOURCE):
        raise ValueError(words)
    return f"{scheme}://{host}{'' if parts.port == PORTS[scheme] else port}"


@dataclass(frozen=True, slots=True)
class Release:
    """The table that the service worker is given; integrity by path below the base."""

    release: str
    runtime: str
    shell: Mapping[str, str]
    app: Mapping[str, str]
    files: Mapping[str, str]

    def table(self) -> dict[str, object]:
        """Return the table as `__RELEASE__` of static/sw.js."""
        return asdict(self)

    def all_files(self) -> dict[str, str]:
        """Return every file with its integrity."""
        return {**self.shell, **self.app, **self.files}
