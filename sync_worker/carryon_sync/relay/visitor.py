"""One connection as a relay's room sees it: who it is, what it was sent, what it owes, within what bounds."""

from __future__ import annotations

from collections import deque
from enum import Enum

from carryon_sync.protocol.frames import ByCertificate, Hello

PUSHED_IDS_MAX = 1 << 16


class Place(Enum):
    """How far in a connection is."""

    DOOR = "at the door"
    GREETED = "let in, its welcome is being prepared"
    IN = "in"


class Visitor:
    """One connection."""

    def __init__(self, connection: int, nonce: bytes, now: int) -> None:
        self.connection = connection
        self.nonce = nonce
        self.place = Place.DOOR
        self.hello: Hello | None = None
        self.heard = now
        self.waits_from = now
        self.door_bytes = 0
        self.door_records = 0
        self.sent = 0
        self.reading = False
        self.finding = False
        self.unacked_bytes = 0
        self.pushed: set[bytes] = set()
        self.ungot_bytes = 0
        self.stalled_since: int | None = None
        self._ungot: deque[tuple[int, int]] = deque()

    @property
    def certificate(self) -> bytes | None:
        """Return the id of the device's certificate, where it was let in as a device."""
        if self.place is Place.DOOR or self.hello is None or not isinstance(self.hello.who, ByCertificate):
            return None
        return self.hello.who.id

    def streamed(self, cursor: int, size: int, now: int, window_bytes: int) -> None:
        """Note that the stream was sent up to `cursor`, with a message of `size` bytes."""
        self.sent = cursor
        self._ungot.append((cursor, size))
        self.ungot_bytes += size
        if self.ungot_bytes >= window_bytes and self.stalled_since is None:
            self.stalled_since = now

    def got(self, cursor: int) -> bool:
        """Note how far the device holds the stream; say whether that was sent at all."""
        if cursor > self.sent:
            return False
        while self._ungot and self._ungot[0][0] <= cursor:
            self.ungot_bytes -= self._ungot.popleft()[1]
            self.stalled_since = None
        return True

    def pushes(self, id: bytes) -> None:
        """Remember that the device holds a change, because it pushed it."""
        if len(self.pushed) < PUSHED_IDS_MAX:
            self.pushed.add(id)
