"""A relay's stream, followed by a device: in the relay's order, hashed, and durable before it counts.

1. `streamed` is how far the stream was read, `reached` how far it is durable; only the shell's word moves the latter.
2. The running hash is computed here from the ids, never taken from the relay, and compared with what the relay said of
   its head; an ack is compared with the id that the stream shows at its sequence number, be that shown later or already.
3. `got` says what is durable: at an eighth of the window, and after a second, so that the relay never waits for it and
   is not flooded by it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from carryon_sync.device.effects import StoreChanges
from carryon_sync.device.holes import Hole
from carryon_sync.formats.change import Seen, id_in
from carryon_sync.formats.rejected import Rejected
from carryon_sync.formats.running import run
from carryon_sync.protocol.frames import Changes, IdAlone, Welcome

GOT_MS = 1000
GOT_SHARE = 8
CHECKED_ACKS_MAX = 4096
SHOWN_PLACES_MAX = 8192


@dataclass(frozen=True, slots=True)
class Lied:
    """What the relay shows is not what it showed or said before."""

    words: str


class Downstream:
    """How far one connection's stream was read and stored."""

    def __init__(self, reached: Seen, welcome: Welcome) -> None:
        """Begin at the cursor that is durable, which is where the relay begins."""
        self.reached = reached
        self.streamed = reached
        self.head = welcome.head
        self._head_said = welcome.running
        self._got_bytes_max = max(1, welcome.window_bytes // GOT_SHARE)
        self._storing: deque[tuple[Seen, int]] = deque()
        self._ungot = 0
        self._got_due: int | None = None
        self._acked: dict[int, bytes] = {}
        self._shown: dict[int, bytes] = {}

    @property
    def caught_up(self) -> bool:
        """Say whether the stream was read up to the head of the welcome."""
        return self.streamed.sequence >= self.head

    @property
    def got_due(self) -> int | None:
        """Return when `got` is due, in ms, where something is to be said."""
        return self._got_due

    def follow(self, frame: Changes, size: int) -> StoreChanges | Lied | Rejected:
        """Read one frame of the stream, of `size` bytes as sent."""
        if frame.since != self.streamed.sequence:
            return Rejected(f"changes after {frame.since} came where those after {self.streamed.sequence} are due")
        after = self.streamed
        changes: list[bytes] = []
        places: list[tuple[bytes, int]] = []
        alone: set[bytes] = set()
        for sequence, item in enumerate(frame.items, frame.since + 1):
            id = item.id if isinstance(item, IdAlone) else id_in(item)
            if id is None:
                return Rejected(f"what stands at {sequence} has no id of a change")
            if isinstance(item, IdAlone):
                alone.add(id)
            else:
                changes.append(item)
            places.append((id, sequence))
        followed = self._followed(places, alone)
        if isinstance(followed, Lied):
            return followed
        self._storing.append((self.streamed, size))
        return StoreChanges(tuple(changes), tuple(places), followed, after, self.streamed)

    def acked(self, sequences: Iterable[tuple[bytes, int]]) -> tuple[tuple[bytes, int], ...] | Lied:
        """Compare acks of what was pushed with the stream, now or when it shows their places; return those that count.

        One of a place that the stream has passed long ago is a lie: what it showed there has left the outbox, and is
        not pushed.
        """
        counting: list[tuple[bytes, int]] = []
        for id, sequence in sequences:
            if sequence <= self.streamed.sequence:
                if self._shown.get(sequence) != id:
                    return Lied(f"the relay acked a change at {sequence}, where its log does not show it")
            elif len(self._acked) >= CHECKED_ACKS_MAX and sequence not in self._acked:
                continue
            elif self._acked.setdefault(sequence, id) != id:
                return Lied(f"the relay acked two changes at {sequence}")
            counting.append((id, sequence))
        return tuple(counting)

    def stored(self, now: int) -> None:
        """Note that the oldest frame handed out is durable."""
        self.reached, size = self._storing.popleft()
        self._ungot += size
        if self._got_due is None:
            self._got_due = now + GOT_MS
        if self._ungot >= self._got_bytes_max:
            self._got_due = now

    def got(self) -> int:
        """Return the cursor to tell the relay now."""
        self._ungot = 0
        self._got_due = None
        return self.reached.sequence

    def _followed(self, places: list[tuple[bytes, int]], alone: set[bytes]) -> tuple[Hole, ...] | Lied:
        """Move on over these places; return where the ids alone stand."""
        standing: list[Hole] = []
        for id, sequence in places:
            if self._acked.pop(sequence, id) != id:
                return Lied(f"the relay acked one change at {sequence} and shows another there")
            if id in alone:
                standing.append(Hole(id, self.streamed))
            self.streamed = Seen(self.streamed.log, sequence, run(self.streamed.running, (id,)))
            if sequence == self.head and self.streamed.running != self._head_said:
                return Lied(f"the running hash at {sequence} is not the one that the relay named")
            self._shown[sequence] = id
            self._shown.pop(sequence - SHOWN_PLACES_MAX, None)
        return tuple(standing)
