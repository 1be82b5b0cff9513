"""A dead link looks like a quiet one: whoever expects an answer sets a deadline, and asks for one after a silence.

Times are in ms. Browsers cannot send WebSocket pings, so these are frames.
"""

from __future__ import annotations

from carryon_sync.protocol.frames import Ping

PING_MS = 25_000


class Liveness:
    """When one connection was last heard, and by when it must be heard again."""

    def __init__(self, patience_ms: int) -> None:
        self._patience_ms = patience_ms
        self.last_heard: int | None = None
        self.round_trip: int | None = None
        self._answer_due: int | None = None
        self._pings = 0
        self._ping_sent: int | None = None
        self._pinging = False

    @property
    def next(self) -> int | None:
        """Return when `overdue` or `ping_due` will next say yes."""
        return self._answer_due if self._answer_due is not None else self._silence_ends

    @property
    def pinged(self) -> bool:
        """Say whether a ping is out."""
        return self._ping_sent is not None

    @property
    def _silence_ends(self) -> int | None:
        return self.last_heard + PING_MS if self._pinging and self.last_heard is not None else None

    def expect(self, now: int) -> None:
        """Expect an answer within the patience."""
        self._answer_due = now + self._patience_ms

    def answered(self, *, pinging: bool = False) -> None:
        """Expect nothing more; from now on, ask after a silence if `pinging`."""
        self._answer_due = None
        self._pinging = pinging

    def heard(self, now: int) -> None:
        """Note that something came: the link lives, whatever became of the ping."""
        self.last_heard = now
        if self._ping_sent is not None:
            self._answer_due = now + self._patience_ms

    def overdue(self, now: int) -> bool:
        """Say whether an answer has not come in time."""
        return self._answer_due is not None and now >= self._answer_due

    def ping_due(self, now: int) -> bool:
        """Say whether the silence has lasted long enough to ask."""
        ends = self._silence_ends
        return ends is not None and now >= ends and self._ping_sent is None

    def ping(self, now: int, patience_ms: int) -> Ping:
        """Ask for a sign of life within `patience_ms`."""
        self._pings += 1
        self._ping_sent = now
        self._answer_due = now + patience_ms
        return Ping(self._pings)

    def ponged(self, no: int, now: int) -> None:
        """Take the answer to the newest ping."""
        if no == self._pings and self._ping_sent is not None:
            self.round_trip = now - self._ping_sent
            self._ping_sent = self._answer_due = None
