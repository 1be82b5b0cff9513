"""When to try again: full jitter over 0.5 s · 2^failures, 60 s at most, so that a relay that comes back is not stormed.

Failures are forgotten when a session was live, not when a socket opened: a relay that never gets that far is not hammered.
"""

from __future__ import annotations

RETRY_MS_MIN = 500
RETRY_MS_MAX = 60_000


class Retrying:
    """The failures of one session since it was live; times in ms on its clock."""

    def __init__(self) -> None:
        self.failures = 0
        self.at: int | None = None

    def failed(self, now: int, jitter: float) -> None:
        """Set the time of the next try; `jitter` is random, from 0 up to 1."""
        backoff = min(RETRY_MS_MAX, RETRY_MS_MIN << min(self.failures, 16))
        self.at = now + int(backoff * jitter)
        self.failures += 1

    def due(self, now: int) -> bool:
        """Say whether it is time to try."""
        return self.at is not None and now >= self.at

    def tried(self) -> None:
        """Note that a try is under way, or none is wanted."""
        self.at = None

    def succeeded(self) -> None:
        """Forget the failures."""
        self.failures = 0
