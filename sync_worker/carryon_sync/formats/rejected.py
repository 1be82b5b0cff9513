"""Wrong input from a peer, a file or a disk is a value, so that no decoder and no state machine ever raises for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rejected:
    """What was wrong, in words that name the thing, the number and the way out."""

    reason: str
