"""A relay that answers every ping and never gives what it owes withholds it, and that is said in time.

1. It owes the stream up to where its log is said to reach: by its welcomes and acks, and by other devices' receipts.
2. It owes an answer to what is wanted, and in that answer whatever its log has named.
3. What it gives in part it is given time for anew. What was said stays until all of it has come. Times are in ms.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from carryon_sync.device.complaints import Stands
from carryon_sync.device.effects import Notice
from carryon_sync.device.lasting import Lasting

WITHHELD_CHANGES: Final = "withheld-changes"
WITHHELD_LOG: Final = "withheld-log"


class Withheld:
    """What one connection waits for, and since when nothing of it has come."""

    def __init__(self, lasting: Lasting) -> None:
        self._lasting = lasting
        self._streamed: int | None = None
        self._stream_since: int | None = None
        self._answer_since: int | None = None

    @property
    def is_said(self) -> bool:
        """Say whether it stands that the stream ends too early."""
        return self._lasting.complaints.has(WITHHELD_LOG)

    def since(self, live: bool) -> int | None:
        """Return since when something is waited for; what has been said of a `live` stream is said."""
        stream = None if live and self.is_said else self._stream_since
        return min((one for one in (stream, self._answer_since) if one is not None), default=None)

    def promised(self, sequence: int, now: int) -> None:
        """Note that the relay says that its log reaches this place."""
        self._lasting.promised = max(self._lasting.promised, sequence)
        self.look(now)

    def streamed(self, sequence: int, now: int) -> None:
        """Note that the stream has shown all up to this place."""
        self._streamed, self._stream_since = sequence, None
        self.look(now)

    def look(self, now: int) -> None:
        """See whether the stream has shown all that it owes."""
        if self._streamed is None:
            return
        if self._streamed >= self._lasting.owed:
            self._stream_since = None
            self._lasting.complaints.end(WITHHELD_LOG)
        elif self._stream_since is None:
            self._stream_since = now

    def begin_anew(self) -> None:
        """Note that the log is read again from its beginning, or is another one."""
        self._lasting.begin_anew()
        self._lasting.complaints.end(WITHHELD_CHANGES)

    def came(self, now: int) -> None:
        """Note that something came that is part of what is owed."""
        if self._stream_since is not None:
            self._stream_since = now
        if self._answer_since is not None:
            self._answer_since = now

    def asked(self, now: int) -> None:
        """Note that something is wanted."""
        self._answer_since = now

    def answered(self, asked: Collection[bytes]) -> list[Notice]:
        """Note that all came that the relay has of these, or that no answer came in time."""
        self._answer_since = None
        missing = set(self._lasting.holes.ids).intersection(asked)
        if not missing:
            return []
        count = "a change" if len(missing) == 1 else f"{len(missing)} changes"
        words = f"the relay withholds {count}: its log names what it does not give"
        self._lasting.complaints.say(WITHHELD_CHANGES, words, Stands.UNTIL_SETTLED, missing)
        return [Notice(WITHHELD_CHANGES, words, tuple(sorted(missing)))]

    def is_answer_late(self, now: int, patience_ms: int) -> bool:
        """Say whether an answer has not come in time."""
        return self._answer_since is not None and now >= self._answer_since + patience_ms

    def late_stream(self, now: int, patience_ms: int) -> Notice | None:
        """Say that the stream has not come in time, if so."""
        if self._stream_since is None or now < self._stream_since + patience_ms:
            return None
        words = (
            f"the relay withholds changes: its log is said to reach {self._lasting.owed}, "
            f"and it shows no more than {self._streamed}"
        )
        self._lasting.complaints.say(WITHHELD_LOG, words, Stands.UNTIL_ENDED)
        return Notice(WITHHELD_LOG, words)
