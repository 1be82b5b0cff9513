"""What the core asks of the machine it runs on, as ports; the browser, the tests and the simulation each give their own.

1. Nothing below `carryon.core` reads a clock, draws a random byte or opens anything: it is all here.
2. Time comes twice: `now` is the wall clock, for people, never for order; waiting is `asyncio`'s own.
3. A `Held` lock may be lost at any moment; the loss is an event, and what was done under it is guarded by the log, not by the lock.
4. `key_lies_beside`: the bytes of the key behind `at_rest` lie readable beside what it seals, because the browser keeps no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict

from carryon.crypto.primitives import Primitives
from carryon.storage.generation import AtRest
from carryon.storage.store import Store, Stored


class Held(Protocol):
    """A lock that is held."""

    lost: asyncio.Future[None]

    def release(self) -> None:
        """Let go of the lock."""


class Locks(Protocol):
    """Locks shared by all cores of this device (Web Locks in the browser)."""

    async def acquire(self, name: str, *, wait: bool = True, steal: bool = False) -> Held | None:
        """Take a lock; without `wait`, None when somebody else has it; with `steal`, take it from its holder."""


class Channel(Protocol):
    """A broadcast to the other cores of this device; its messages are hints, never facts."""

    def post(self, message: Mapping[str, str | int]) -> None:
        """Send to all other cores."""

    def close(self) -> None:
        """Stop listening."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a connection ended: the code of its closing, and the words of who closed it; empty where it just broke."""

    code: int
    words: str


class Socket(Protocol):
    """An open WebSocket."""

    async def receive(self) -> bytes | Ended:
        """Wait for the next message, or how the connection has ended."""

    def send(self, data: bytes) -> None:
        """Queue one message."""

    def close(self, code: int, reason: str) -> None:
        """End the connection."""


class ChosenFile(Protocol):
    """A file that a tab sent along with an action; `modified` is when it was changed last, ms since 1970, where that is known."""

    path: str
    bytes_count: int
    modified: int | None

    async def read(self) -> bytes:
        """Return the file's bytes; raises FileUnreadable when it moved or changed since it was chosen."""


class FileUnreadable(Exception):
    """A chosen file could not be read."""


class ConnectionFailed(Exception):
    """A relay could not be reached."""


class Frame(TypedDict):
    """The last thing that a tab showed, which the service worker paints before any script has run."""

    query: str
    place: str
    pane: str
    title: str
    regions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where this core runs: the site's address, ending in a slash, the release, a name for this device.

    `relays` are the origins of other relays that the site was built for (`wss://host`, lower case, no default port): those,
    and the site's own, are all that the page's policy lets it talk to.
    """

    site: str
    release: str
    device_name: str
    relays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """Everything from outside."""

    place: Place
    now: Callable[[], int]
    random: Callable[[int], bytes]
    primitives: Primitives
    at_rest: AtRest
    locks: Locks
    open_store: Callable[[str, Sequence[Stored]], Awaitable[Store]]
    channel: Callable[[str, Callable[[Mapping[str, str | int]], None]], Channel]
    connect: Callable[[str, str], Awaitable[Socket]]
    is_relay: Callable[[str], Awaitable[bool | None]]
    chosen_file: Callable[[object, str], ChosenFile]
    keep_frame: Callable[[Frame], Awaitable[None]]
    is_persisted: Callable[[], Awaitable[bool]]
    key_lies_beside: bool
