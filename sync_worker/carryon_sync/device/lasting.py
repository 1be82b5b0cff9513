"""What a session knows beyond one conversation: the relay's log as it is held here, and what there is to say of the relay."""

from __future__ import annotations

from dataclasses import dataclass, field

from carryon_sync.device.complaints import Complaints
from carryon_sync.device.holes import Holes
from carryon_sync.device.patience import Patience
from carryon_sync.device.retrying import Retrying
from carryon_sync.formats.change import Seen
from carryon_sync.formats.members import Members


@dataclass(slots=True)
class Lasting:
    """What outlives a conversation.

    `promised` is how far the relay says that its log reaches, by its welcomes and acks, `claimed` how far other devices
    say that they hold it; `holding` while pushes wait for a stream that began anew at 0.
    """

    notebook: bytes
    certificate: bytes
    origin: str
    members: Members
    reached: Seen | None
    holes: Holes
    patience: Patience
    promised: int = 0
    claimed: int = 0
    holding: bool = False
    complaints: Complaints = field(default_factory=Complaints)
    retry: Retrying = field(default_factory=Retrying)

    @property
    def held(self) -> Seen | None:
        """Return how far the relay's log is held without a hole."""
        return None if self.reached is None else self.holes.held(self.reached)

    @property
    def owed(self) -> int:
        """Return how far the relay's log is said to reach: so far its stream is to show it."""
        return max(self.promised, self.claimed)

    def begin_anew(self) -> None:
        """Forget what was known of a log that is read again from its beginning, or of one that is gone."""
        self.promised = self.claimed = 0
        self.holes.clear()
