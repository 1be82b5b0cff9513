"""A device's outbox for one relay, pushed in log order within a window of bytes that are not acked yet.

1. A page is fetched when the window has room and the outbox may hold more; pages follow one another by log position, so
   what the relay gets is in the device's log order, which is causal.
2. A new connection begins at the front again: what the relay has not shown in its stream is pushed once more, and a
   change that it holds already gets the same ack.
3. A refused change leaves the window, or one of them would block all that follow; it stays in the outbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from carryon_sync.device.effects import FetchOutbox
from carryon_sync.formats.change import id_in
from carryon_sync.protocol.batches import batched
from carryon_sync.protocol.frames import Push

PAGE_CHANGES_MAX = 128
# Small, so that what a thin link has carried when it breaks is on the relay.
PUSH_BYTES_MAX = 64 << 10


class Upstream:
    """What one connection has pushed and still waits to see acked."""

    def __init__(self, window_bytes: int) -> None:
        self.window_bytes = window_bytes
        self._position = 0
        self._fetching = False
        self._more = True
        self._changed_since = False
        self._queue: list[bytes] = []
        self._unacked: dict[bytes, int] = {}
        self._unacked_bytes = 0

    @property
    def unacked(self) -> int:
        """Return how many changes were pushed on this connection and are not acked."""
        return len(self._unacked)

    @property
    def idle(self) -> bool:
        """Say whether the outbox was read to its end, and all of it is acked."""
        return not (self._unacked or self._queue or self._more or self._fetching)

    def offer(self) -> tuple[Push, ...]:
        """Return what the window has room for."""
        taken = 0
        offered: list[bytes] = []
        while taken < len(self._queue) and self._unacked_bytes < self.window_bytes:
            change = self._queue[taken]
            taken += 1
            id = id_in(change)
            assert id is not None, "the outbox holds whole changes"
            if id not in self._unacked:
                self._unacked[id] = len(change)
                self._unacked_bytes += len(change)
                offered.append(change)
        del self._queue[:taken]
        return tuple(Push(batch) for batch in batched(offered, PUSH_BYTES_MAX))

    def fetch(self) -> FetchOutbox | None:
        """Return what to read next, where there is room for it and may be something."""
        if self._fetching or not self._more or self._queue or self._unacked_bytes >= self.window_bytes:
            return None
        self._fetching = True
        self._changed_since = False
        return FetchOutbox(self._position, PAGE_CHANGES_MAX)

    def fetched(self, changes: Sequence[bytes], position: int) -> None:
        """Take in a page of the outbox, whose last change stands at `position`; a page that is not full ends it."""
        self._fetching = False
        self._more = len(changes) >= PAGE_CHANGES_MAX or self._changed_since
        self._queue += changes
        if changes:
            self._position = position

    def changed(self) -> None:
        """Note that the outbox has more."""
        self._more = True
        self._changed_since = True

    def rewind(self) -> None:
        """Begin at the front of the outbox again; what is out and not acked still fills the window."""
        self._position = 0
        self._more = True
        self._queue.clear()

    def pushed(self, sequences: Iterable[tuple[bytes, int]]) -> tuple[tuple[bytes, int], ...]:
        """Return those of these acks that are of what was pushed on this connection and not acked yet."""
        return tuple((id, sequence) for id, sequence in sequences if id in self._unacked)

    def settled(self, ids: Iterable[bytes]) -> None:
        """Take acked or refused changes out of the window."""
        for id in ids:
            self._unacked_bytes -= self._unacked.pop(id, 0)
