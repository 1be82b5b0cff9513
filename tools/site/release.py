"""A release of the app: what it is named, which files it has, and their hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """What the caller of a build may choose."""

    relay_origins: tuple[str, ...] = ()
    mark: str = ""
    dev: bool = False


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
