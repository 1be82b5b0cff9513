"""What is known of one relay and, through it, of the other devices: all that the status line may say rests on this.

1. What the relay has not acked is kept by position of the log. The outbox is read in that order, and what was read up to is remembered:
   a change that is heard of later than it was read, and perhaps acked, counts no more.
2. Times are in ms of the wall clock.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from carryon_sync.formats.change import Seen

from carryon.crypto.receipts import Receipt


@dataclass(slots=True)
class Evidence:
    """The evidence of one connection after another with one relay."""

    known: bool = False
    own_sequence: int = 0
    heard: int | None = None
    neighbour_at: int = -(2**53)
    reached: Seen | None = None
    # Where the relay's log ended when this device began to catch up; None when it does not.
    head: int | None = None
    receipts: dict[bytes, Receipt] = field(default_factory=dict)
    live: bool = False
    words: str = ""
    _tags: dict[int, bytes] = field(default_factory=dict)
    _by_tag: Counter[bytes] = field(default_factory=Counter)
    _read_to: int = 0

    @property
    def waiting(self) -> int:
        """How many changes the relay has not acked."""
        return len(self._tags)

    def waits(self, tag: bytes) -> bool:
        """Whether the relay has not acked all of a note."""
        return self._by_tag[tag] > 0

    def counted(self, tags: Mapping[int, bytes], position: int) -> None:
        """The outbox was read (tag by position), when the log had at least reached a position."""
        later = {pos: tag for pos, tag in self._tags.items() if pos > position}
        self._tags = {**tags, **later}
        self._read_to = max([position, *tags])
        self._by_tag = Counter(self._tags.values())
        self.known = True

    def entered(self, pos: int, tag: bytes) -> None:
        """A change has entered the log, and the outbox with it."""
        if pos > self._read_to and pos not in self._tags:
            self._tags[pos] = tag
            self._by_tag[tag] += 1

    def read(self, pos: int, tag: bytes) -> None:
        """The outbox was read up to a position, where it holds a change that is not acked."""
        self.entered(pos, tag)
        self._read_to = max(self._read_to, pos)

    def acked(self, pos: int, sequence: int) -> None:
        """The relay holds what stands at a position."""
        tag = self._tags.pop(pos, None)
        if tag is not None:
            self._by_tag[tag] -= 1
            self.own_sequence = max(self.own_sequence, sequence)
