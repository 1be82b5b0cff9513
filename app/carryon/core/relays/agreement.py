"""Whether other devices are shown the same log by a relay as this one: by running hashes, which nobody can make agree by chance.

1. What is kept: the hash at every `MARK_STEP`-th place for good, those of the newest places, and the cursor's.
2. A receipt names its device's hash where that stands, and at the last mark before; a change names marks too (`seen`). What can
   be compared is; what cannot yet, waits until this device has got so far.
3. A receipt counts for "Seen by" as far as it was found to agree, never because of its number alone. Once a device's log was
   found to differ, nothing of it counts until a later receipt of it agrees (the relay was restored, and the device has begun its
   log anew), or this device does that itself.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from typing import Final

from carryon_sync.formats.change import Seen
from carryon_sync.formats.running import MARK_STEP, RUNNING_START, run

from carryon.crypto.receipts import Receipt

PLACES_MAX: Final = 8192
OPEN_MAX: Final = 256


class Agreement:
    """What this device was shown of one relay's log, in hashes, and what others say of theirs."""

    def __init__(self, marks: Mapping[int, bytes] | None = None, reached: Seen | None = None) -> None:
        """Begin with the marks that are kept, and the cursor."""
        self._marks = dict(marks or {})
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        self._log: bytes | None = None
        # What cannot be compared yet: a device that is shown one change fewer never stands where the others do.
        self._open: deque[tuple[bytes, Receipt]] = deque(maxlen=OPEN_MAX)
        self.agreed: dict[bytes, int] = {}
        self.differing: set[bytes] = set()
        # By a device's own clock: when it wrote its newest receipt, and the newest that does not speak against a difference.
        self._newest: dict[bytes, int] = {}
        self._differed: dict[bytes, int] = {}
        if reached is not None:
            self._log = reached.log
            self._recent[reached.sequence] = reached.running

    def followed(self, after: Seen, ids: Iterable[bytes]) -> list[Seen]:
        """The relay has shown these behind a place; return the marks that it passed."""
        self._log, marks, running = after.log, [], after.running
        for sequence, id in enumerate(ids, after.sequence + 1):
            running = run(running, (id,))
            self._recent[sequence] = running
            if sequence % MARK_STEP == 0:
                self._marks[sequence] = running
                marks.append(Seen(after.log, sequence, running))
        while len(self._recent) > PLACES_MAX:
            self._recent.popitem(last=False)
        opened, self._open = self._open, deque(maxlen=OPEN_MAX)
        for certificate, receipt in opened:
            self.heard(certificate, receipt)
        return marks

    def mark_before(self, sequence: int) -> Seen | None:
        """Return the newest mark up to a place; None before the first."""
        place = sequence - sequence % MARK_STEP
        running = self._marks.get(place)
        return None if running is None or self._log is None else Seen(self._log, place, running)

    def heard(self, certificate: bytes, receipt: Receipt) -> None:
        """Compare a receipt of another device, as far as that can be done."""
        if receipt.log != self._log:
            return
        place = receipt.sequence - receipt.sequence % MARK_STEP
        self._newest[certificate] = max(receipt.time, self._newest.get(certificate, 0))
        if self._at(receipt.sequence) == receipt.running and receipt.time > self._differed.get(certificate, 0):
            self.differing.discard(certificate)
        for sequence, running in ((place, receipt.mark), (receipt.sequence, receipt.running)):
            known = self._at(sequence)
            if known is not None and known != running:
                self._differs(certificate, receipt.time)
            elif known is not None and certificate not in self.differing:
                self.agreed[certificate] = max(self.agreed.get(certificate, 0), sequence)
        if self._at(receipt.sequence) is None:
            self._open.append((certificate, receipt))

    def seen_by(self, certificate: bytes, seen: Seen) -> None:
        """Compare what a device's change says that it was shown."""
        known = self._at(seen.sequence) if seen.log == self._log else None
        if known is not None and known != seen.running:
            self._differs(certificate, self._newest.get(certificate, 0))

    def _differs(self, certificate: bytes, time: int) -> None:
        self.differing.add(certificate)
        self._differed[certificate] = max(time, self._differed.get(certificate, 0))
        self.agreed.pop(certificate, None)

    def _at(self, sequence: int) -> bytes | None:
        return RUNNING_START if not sequence else self._recent.get(sequence) or self._marks.get(sequence)
