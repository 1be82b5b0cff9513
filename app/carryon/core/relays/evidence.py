"""What is known of one relay and, through it, of the other devices: all that the status line may say rests on this.

1. What the relay has not acked is kept by position of the log. The outbox is read in that order, and what was read up to is remembered:
   a change that is heard of later than it was read, and perhaps acked, counts no more.
2. An ack is the relay's word, and counts until something contradicts it (`forget_acks`). Where a change stands in the relay's log is known
   from the stream alone: so only what that has shown is compared with other devices' receipts.
3. A receipt counts as far as its device's log was found to be this device's (`agreement`). `diverged` are notes, by tag, of which a device
   has made something else of the same changes.
4. Times are in ms of the wall clock.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from carryon_sync.formats.change import Seen

from carryon.core.relays.agreement import Agreement
from carryon.crypto.receipts import Receipt
from carryon.crypto.sealing import FINGERPRINT_BYTES


@dataclass(slots=True)
class Evidence:
    """The evidence of one connection after another with one relay."""

    known: bool = False
    own_sequence: int = 0
    heard: int | None = None
    neighbour_at: int = -(2**53)
    reached: Seen | None = None
    held: Seen | None = None
    agreement: Agreement = field(default_factory=Agreement)
    diverged: dict[bytes, bytes] = field(default_factory=dict)
    # Where the relay's log ended when this device began to catch up; None when it does not.
    head: int | None = None
    receipts: dict[bytes, Receipt] = field(default_factory=dict)
    live: bool = False
    words: str = ""
    _tags: dict[int, bytes] = field(default_factory=dict)
    _by_tag: Counter[bytes] = field(default_factory=Counter)
    _read_to: int = 0
    _acked: dict[int, bytes] = field(default_factory=dict)
    # Positions beyond what was read that the stream has shown already: who hears of them late has nothing to wait for.
    _shown: set[int] = field(default_factory=set)

    @property
    def is_all_shown(self) -> bool:
        """Whether the relay's stream has shown all that this device wrote."""
        return self.known and not self._tags and not self._acked

    @property
    def contradicted(self) -> str:
        """The words of what another device of the notebook contradicts; empty where none does."""
        if self.agreement.differing:
            return (
                "the relay shows another device of this notebook a different log than this one: "
                "what it acks may not reach everybody. Export what you need, or use another relay"
            )
        if self.diverged:
            count = len(self.diverged)
            notes = "one note" if count == 1 else f"{count} notes"
            return f"{notes} read differently on another device that holds the same changes: compare, and copy what you need"
        return ""

    def told(self, seen: Iterable[tuple[bytes, Seen]]) -> None:
        """Authors of changes say what relays have shown them."""
        for author, one in seen:
            self.agreement.seen_by(author[:FINGERPRINT_BYTES], one)

    @property
    def waiting(self) -> int:
        """How many changes the relay has not acked."""
        return len(self._tags)

    def waits(self, tag: bytes) -> bool:
        """Whether the relay has not acked all of a note."""
        return self._by_tag[tag] > 0

    def counted(self, tags: Mapping[int, bytes], position: int) -> bool:
        """The outbox was read (tag by position), when the log had at least reached a position; whether anything has left it
        of which the stream's word was not heard here.
        """
        waited = self._tags.keys() | self._acked.keys()
        later = {pos: tag for pos, tag in self._tags.items() if pos > position}
        self._tags = {**tags, **later}
        self._acked = {}
        self._know_to(max([position, *tags]))
        self._by_tag = Counter(self._tags.values())
        self.known = True
        return not waited <= self._tags.keys()

    def entered(self, pos: int, tag: bytes) -> None:
        """A change has entered the log, and the outbox with it."""
        if pos > self._read_to and pos not in self._tags and pos not in self._shown:
            self._tags[pos] = tag
            self._by_tag[tag] += 1

    def read(self, pos: int, tag: bytes) -> None:
        """The outbox was read up to a position, where it holds a change that is not acked."""
        self.entered(pos, tag)
        self._know_to(pos)

    def own_reach(self, reached: Seen | None) -> None:
        """What this device wrote may lie in the relay's log as far as this."""
        self.own_sequence = max(self.own_sequence, reached.sequence if reached is not None else 0)

    def _know_to(self, pos: int) -> None:
        self._read_to = max(self._read_to, pos)
        self._shown = {one for one in self._shown if one > self._read_to}

    def acked(self, pos: int) -> None:
        """The relay says that it holds what stands at a position."""
        tag = self._tags.pop(pos, None)
        if tag is not None:
            self._acked[pos] = tag
            self._by_tag[tag] -= 1

    def forget_acks(self) -> None:
        """What was acked and not shown waits again."""
        for pos, tag in self._acked.items():
            self._tags[pos] = tag
            self._by_tag[tag] += 1
        self._acked = {}

    def shown(self, pos: int, sequence: int) -> None:
        """The relay's stream has shown what stands at a position."""
        self.acked(pos)
        self._acked.pop(pos, None)
        if pos > self._read_to:
            self._shown.add(pos)
        self.own_sequence = max(self.own_sequence, sequence)
