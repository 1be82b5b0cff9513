"""What is lacking is asked for page by page: one want at a time, each thing once, and again when somebody looks or after a while.

The while doubles each time that something was lacking: a relay that does not have something, or has it broken, is not asked in
circles, and one that gets it later is asked without waiting for the next connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from carryon_sync.device.effects import StoreFound
from carryon_sync.formats.change import id_in
from carryon_sync.formats.rejected import Rejected
from carryon_sync.protocol.frames import WANTS_MAX, Found, Range, Want

ASKED_MAX = 10_000
AGAIN_MS = 60_000
AGAIN_MS_MAX = 3_600_000


class Wanting:
    """What one connection has asked for."""

    def __init__(self) -> None:
        self._no = 0
        self._want: Want | None = None
        self._page: Found | None = None
        self._asked: set[bytes | Range] = set()
        self._given: set[bytes] = set()
        self._while_ms = AGAIN_MS
        self.again_due: int | None = None
        """When all that is lacking is asked for once more, in ms; None while nothing is known to be lacking."""

    @property
    def idle(self) -> bool:
        """Say whether nothing is being asked for."""
        return self._want is None

    @property
    def ids(self) -> tuple[bytes, ...]:
        """Return the ids that are being asked for and were not given: what was given and cannot be used yet is not lacking."""
        return () if self._want is None else tuple(id for id in self._want.ids if id not in self._given)

    def want(self, tags: Sequence[bytes], ranges: Sequence[Range], ids: Sequence[bytes], now: int) -> Want | None:
        """Begin to ask for what was not asked for yet; None if that is nothing, or something is being asked for."""
        if not (tags or ranges or ids):
            self._while_ms, self.again_due = AGAIN_MS, None
        elif self.again_due is None:
            self.again_due, self._while_ms = now + self._while_ms, min(2 * self._while_ms, AGAIN_MS_MAX)
        fresh_tags, fresh_ids = self._fresh(tags), self._fresh(ids)
        fresh_ranges = tuple(one for one in ranges if one not in self._asked)[:WANTS_MAX]
        if self._want is not None or len(self._asked) >= ASKED_MAX or not (fresh_tags or fresh_ranges or fresh_ids):
            return None
        self._asked.update(fresh_tags, fresh_ranges, fresh_ids)
        self._no += 1
        self._want = Want(self._no, 0, fresh_tags, fresh_ranges, fresh_ids)
        return self._want

    def ask_again(self) -> None:
        """Let everything be asked for once more."""
        self._asked.clear()
        self.again_due = None

    def found(self, page: Found) -> StoreFound | Rejected:
        """Take a page of the answer."""
        want = self._want
        if want is None or page.no != want.no:
            return Rejected(f"an answer to want {page.no}, which is not being asked")
        if page.more and page.reached <= want.after:
            return Rejected(f"an answer to want {page.no} that goes no further than {want.after}")
        self._page = page
        self._given.update(id for change in page.changes if (id := id_in(change)) is not None)
        return StoreFound(page.changes, () if page.more else want.tags)

    def next(self) -> Want | None:
        """Return the want for the page after the one that was taken in; None when that was the last."""
        assert self._want is not None and self._page is not None, "a page was taken in"
        page, self._page = self._page, None
        if not page.more:
            self._want = None
            self._given.clear()
            return None
        self._no += 1
        self._want = replace(self._want, no=self._no, after=page.reached)
        return self._want

    def _fresh(self, names: Sequence[bytes]) -> tuple[bytes, ...]:
        return tuple(name for name in names if name not in self._asked)[:WANTS_MAX]
