"""What a relay can be told, by argument or by environment (`CARRYON_HOST` for `--host` and so on); arguments win.

An origin is the relay's name as devices' addresses have it: host, and port where it is not the scheme's own.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

ORIGINS_MAX = 16
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

_ORIGIN = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen, where to keep the data, which site to serve, by which names devices know the relay."""

    host: str
    port: int
    data: Path
    site: Path | None
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()

    def origins_at(self, port: int) -> tuple[str, ...]:
        """Return the relay's names: those it was told, or this machine's own names and the port that it listens on."""
        if self.origins:
            return self.origins
        return tuple(host if port == 80 else f"{host}:{port}" for host in LOOPBACK)


def settings_of(arguments: Sequence[str], environment: Mapping[str, str], version: str) -> Settings:
    """Read the settings; what does not read ends the process with words, as command lines do."""
    parser = argparse.ArgumentParser(prog="carryon-relay", description="Stores and forwards sealed changes.")

    def option(name: str, default: str, words: str) -> None:
        variable = "CARRYON_" + name.upper().replace("-", "_")
        shown = f" (${variable}{f', else {default}' if default else ''})"
        parser.add_argument(f"--{name}", default=environment.get(variable, default), help=words + shown)

    option("host", "127.0.0.1", "the address to listen on")
    option("port", "8000", "the port to listen on, 0 for any that is free")
    option("data", "carryon-data", "the folder to keep everything in, made if missing")
    option("site", "", "the folder of the built site to serve")
    origin = "HOST[:PORT] as in the addresses that devices use, several by repeating it or by commas"
    parser.add_argument("--origin", action="append", help=f"{origin} ($CARRYON_ORIGIN, else this machine's own names)")
    proxy = "the address of a proxy whose X-Forwarded-For is believed, several likewise"
    parser.add_argument("--trusted-proxy", action="append", help=f"{proxy} ($CARRYON_TRUSTED_PROXY)")
    parser.add_argument("--version", action="version", version=version)
    given = parser.parse_args(arguments)
    if not given.port.isdecimal() or not given.port.isascii() or int(given.port) > 65535:
        parser.error(f"--port is a number from 0 to 65535, not {given.port!r}")
    site = Path(given.site) if given.site else None
    if site is not None and not (site / "index.html").is_file():
        parser.error(f"--site {site} has no index.html: build the site first")
    origins = tuple(name.lower() for name in _several(given.origin, environment.get("CARRYON_ORIGIN", "")))
    wrong = next((name for name in origins if not _ORIGIN.fullmatch(name)), None)
    if wrong is not None:
        parser.error(f"--origin is a host and perhaps a port, like relay.example or localhost:8000, not {wrong!r}")
    if len(origins) > ORIGINS_MAX:
        parser.error(f"--origin was given {len(origins)} times, the limit is {ORIGINS_MAX}")
    proxies = _several(given.trusted_proxy, environment.get("CARRYON_TRUSTED_PROXY", ""))
    for name in proxies:
        try:
            ip_address(name)
        except ValueError:
            parser.error(f"--trusted-proxy is an address like 127.0.0.1, not {name!r}")
    return Settings(given.host, int(given.port), Path(given.data), site, origins, proxies)


def _several(given: Sequence[str] | None, environment: str) -> tuple[str, ...]:
    text = environment if given is None else ",".join(given)
    return tuple(dict.fromkeys(text.replace(",", " ").split()))
