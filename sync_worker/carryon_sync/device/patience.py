"""How long a silence a link may need before it has shown what it needs: learned from one connection to the next.

A far link says nothing at all for its whole round trip, and no connection with it can tell that from a dead one. So each
connection that ended for silence doubles the patience of the next one, up to `PATIENCE_MS_MAX`; one that went live
leaves what its link has shown to need. Times are in ms.
"""

from __future__ import annotations

from typing import Final

PATIENCE_MS_MAX: Final = 2 * 60 * 60 * 1000


class Patience:
    """How patient the next connection is."""

    def __init__(self, ms: int) -> None:
        """Begin with `ms`, which is also the least."""
        self.ms_min = ms
        self.ms = ms

    def ended(self) -> None:
        """Note that a connection ended for silence."""
        self.ms = min(PATIENCE_MS_MAX, 2 * self.ms)

    def needed(self, ms: int) -> None:
        """Note that a connection went live, on which this much was enough."""
        self.ms = min(PATIENCE_MS_MAX, max(self.ms_min, ms))
