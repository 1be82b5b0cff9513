"""What there is to say about a relay, from evidence only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from carryon_sync.formats.change import Seen


class Phase(Enum):
    """Where a session stands; the values are for the event log."""

    STOPPED = "stopped"
    WAITING = "waiting to try again"
    OPENING = "connecting"
    CONNECTED = "waiting for the relay's challenge"
    PROVING = "proving who this is"
    GREETED = "waiting for the relay's welcome"
    CATCHING_UP = "catching up"
    LIVE = "live"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Status:
    """A session in numbers; times in ms on the session's clock.

    `reached` is what the relay's log has shown, `held` how far it is held without a hole; `words` say what is wrong.
    """

    phase: Phase
    last_heard: int | None
    round_trip: int | None
    reached: Seen | None
    held: Seen | None
    head: int | None
    unacked: int
    failures: int
    retry_at: int | None
    words: str
