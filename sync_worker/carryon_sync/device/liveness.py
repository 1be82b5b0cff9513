"""A dead link looks like a quiet one: whoever expects something asks for it, and measures its patience in what is heard.

1. Every `PING_MS` of silence a ping is sent, also when others are unanswered: a far relay hears this device all along.
2. Patience begins anew with whatever is heard, be it a part of a frame or the pong of a ping that stood between the parts
   of one that is going up. It is never less than `SHARE` times the longest silence after which something came.
3. While nothing is expected, no silence is too long; a ping expects its pong.

Times are in ms. Browsers cannot send WebSocket pings, so these are frames.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from carryon_sync.protocol.frames import Ping

PING_MS: Final = 25_000
SHARE: Final = 3
PINGS_MAX: Final = 1024


class Liveness:
    """When one connection was last heard, and by when it must be heard again."""

    def __init__(self, patience_ms: int) -> None:
        self.last_heard: int | None = None
        self.round_trip: int | None = None
        self.slowest_ms = 0
        self._patience_ms = patience_ms
        self._expecting: int | None = None
        self._answer_due: int | None = None
        self._ping_due: int | None = None
        self._pings = 0
        self._unanswered: deque[tuple[int, int]] = deque(maxlen=PINGS_MAX)

    @property
    def patience_ms(self) -> int:
        """Return how long a silence may be on this link, as it has shown itself."""
        return max(self._patience_ms, SHARE * self.slowest_ms)

    @property
    def next(self) -> int | None:
        """Return when `overdue` or `ping_due` will next say yes."""
        return min((due for due in (self._overdue_at, self._ping_due) if due is not None), default=None)

    @property
    def _overdue_at(self) -> int | None:
        silence = None if self._expecting is None else self._expecting + self.patience_ms
        return min((due for due in (silence, self._answer_due) if due is not None), default=None)

    def expect(self, now: int, *, pinging: bool) -> None:
        """Expect something, from now on; and ask for it after a silence, if `pinging`."""
        self._expecting = now
        if pinging:
            self._ping_due = now + PING_MS

    def answered(self) -> None:
        """Expect nothing but the pongs that are due."""
        if not self._unanswered:
            self._expecting = None

    def be_patient(self, patience_ms: int) -> None:
        """Be as patient as this from now on, or as the link has shown that it needs."""
        self._patience_ms = patience_ms

    def heard(self, now: int) -> None:
        """Note that something came: the link lives."""
        if self._expecting is not None:
            self.slowest_ms = max(self.slowest_ms, now - self._expecting)
            self._expecting = now
        self.last_heard, self._answer_due = now, None
        if self._ping_due is not None:
            self._ping_due = now + PING_MS

    def overdue(self, now: int) -> bool:
        """Say whether nothing was heard for too long."""
        return self._overdue_at is not None and now >= self._overdue_at

    def ping_due(self, now: int) -> bool:
        """Say whether the silence has lasted long enough to ask."""
        return self._ping_due is not None and now >= self._ping_due

    @property
    def is_hurried(self) -> bool:
        """Say whether a sign of life is waited for with little patience."""
        return self._answer_due is not None

    def ping(self, now: int, within_ms: int | None = None) -> Ping:
        """Ask for a sign of life; `within_ms` beyond what the link has shown to need, where there is little patience."""
        self._pings += 1
        self._unanswered.append((self._pings, now))
        self._ping_due = now + PING_MS
        if self._expecting is None:
            self._expecting = now
        if within_ms is not None:
            self._answer_due = now + min(self.patience_ms, within_ms + SHARE * self.slowest_ms)
        return Ping(self._pings)

    def ponged(self, no: int, now: int) -> None:
        """Take the answer to a ping; it answers those before it too."""
        while self._unanswered and self._unanswered[0][0] <= no:
            asked, at = self._unanswered.popleft()
            if asked == no:
                self.round_trip = now - at
        self.answered()
