"""What a relay can be told, by argument or by environment (`CARRYON_HOST` for `--host` and so on); arguments win."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen, where to keep the data, which site to serve."""

    host: str
    port: int
    data: Path
    site: Path | None


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
    parser.add_argument("--version", action="version", version=version)
    given = parser.parse_args(arguments)
    if not given.port.isdecimal() or not given.port.isascii() or int(given.port) > 65535:
        parser.error(f"--port is a number from 0 to 65535, not {given.port!r}")
    site = Path(given.site) if given.site else None
    if site is not None and not (site / "index.html").is_file():
        parser.error(f"--site {site} has no index.html: build the site first")
    return Settings(given.host, int(given.port), Path(given.data), site)
