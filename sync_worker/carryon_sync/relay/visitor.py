"""One connection as a relay's room sees it: who it is, what it was sent, what it owes, within what bounds."""

from __future__ import annotations

from collections import deque
from enum import Enum

from carryon_sync.protocol.frames import ByCertificate, Hello
from carryon_sync.protocol.parts import Reader

PUSHED_IDS_MAX = 1 << 16
ROUND_TRIPS = 3


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
        self.joined = now
        self.heard = now
        self.waits_from = now
        self.door_bytes = 0
        self.door_records = 0
        self.reader = Reader()
        self.sent = 0
        self.reading = False
        self.finding = False
        self.unacked_bytes = 0
        self.pushed: set[bytes] = set()
        self.ungot_bytes = 0
        self._ungot: deque[tuple[int, int]] = deque()
        self._greeted: int | None = None
        self._progressed = now

    @property
    def certificate(self) -> bytes | None:
        """Return the id of the device's certificate, where it was let in as a device."""
        if self.place is Place.DOOR or self.hello is None or not isinstance(self.hello.who, ByCertificate):
            return None
        return self.hello.who.id

    def greets(self, hello: Hello, now: int) -> None:
        """Let a connection in; its hello is the answer to the challenge, so it tells how far away it is."""
        self.hello, self.place, self._greeted = hello, Place.GREETED, now

    def streamed(self, cursor: int, size: int, now: int, window_bytes: int) -> None:
        """Note that the stream was sent up to `cursor`, with a message of `size` bytes."""
        self.sent = cursor
        self._ungot.append((cursor, size))
        if self.ungot_bytes < window_bytes <= self.ungot_bytes + size:
            self._progressed = now
        self.ungot_bytes += size

    def got(self, cursor: int, now: int) -> bool:
        """Note how far the device holds the stream; say whether that was sent at all."""
        if cursor > self.sent:
            return False
        while self._ungot and self._ungot[0][0] <= cursor:
            self.ungot_bytes -= self._ungot.popleft()[1]
            self._progressed = now
        return True

    def ponged(self, now: int) -> None:
        """Note that what stood before a ping has arrived."""
        self._progressed = now

    def stalls(self, now: int, window_bytes: int, patience_ms: int) -> bool:
        """Say whether a full window has made no progress for longer than patience and round trips allow."""
        round_trip = 0 if self._greeted is None else self._greeted - self.joined
        return self.ungot_bytes >= window_bytes and now - self._progressed >= patience_ms + ROUND_TRIPS * round_trip

    def pushes(self, id: bytes) -> None:
        """Remember that the device holds a change, because it pushed it."""
        if len(self.pushed) < PUSHED_IDS_MAX:
            self.pushed.add(id)
