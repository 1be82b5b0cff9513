"""What is wrong with a relay, in words that stay for as long as it is wrong, whatever happens beside it.

1. One complaint per code: the newest words. A relay names the codes of its errors, so their number is bounded.
2. How long one stands (`Stands`) is said with it. Nothing else takes it away: no new connection, and no going live.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

COMPLAINTS_MAX: Final = 8
ABOUT_MAX: Final = 4096


class Stands(Enum):
    """How long a complaint stands."""

    UNTIL_LIVE = "until a later connection is live"
    UNTIL_STORED = "until the relay has stored something, or has nothing to store"
    UNTIL_SETTLED = "until all changes that it is about are on the relay, or held here"
    UNTIL_ENDED = "until it is taken back"
    FOR_GOOD = "as long as the session lasts"


@dataclass(slots=True)
class _Complaint:
    words: str
    stands: Stands
    connection: int
    about: set[bytes]


class Complaints:
    """What there is to say against one relay."""

    def __init__(self) -> None:
        self._by_code: dict[str, _Complaint] = {}
        self._connection = 0

    @property
    def words(self) -> str:
        """Return all that stands, each once, oldest first; empty when nothing does."""
        return "; ".join(dict.fromkeys(one.words for one in self._by_code.values()))

    def say(self, code: str, words: str, stands: Stands, about: Collection[bytes] = ()) -> None:
        """Complain; `about` are ids of changes."""
        before = self._by_code.pop(code, None)
        known = before.about if before is not None and stands is Stands.UNTIL_SETTLED else set()
        self._by_code[code] = _Complaint(words, stands, self._connection, {*known, *list(about)[:ABOUT_MAX]})
        if len(self._by_code) > COMPLAINTS_MAX:
            del self._by_code[next(iter(self._by_code))]

    def has(self, code: str) -> bool:
        """Say whether a complaint stands."""
        return code in self._by_code

    def began(self) -> None:
        """Note that another connection is being tried."""
        self._connection += 1

    def live(self) -> None:
        """Note that the connection is live."""
        self._keep(lambda one: one.stands is not Stands.UNTIL_LIVE or one.connection == self._connection)

    def stored(self) -> None:
        """Note that the relay has stored something, or that there is nothing for it to store."""
        self._keep(lambda one: one.stands is not Stands.UNTIL_STORED)

    def settled(self, ids: Iterable[bytes]) -> None:
        """Note that changes are where they belong."""
        gone = set(ids)
        for one in self._by_code.values():
            one.about -= gone
        self._keep(lambda one: one.stands is not Stands.UNTIL_SETTLED or bool(one.about))

    def end(self, code: str) -> None:
        """Take a complaint back."""
        self._by_code.pop(code, None)

    def _keep(self, stands: Callable[[_Complaint], bool]) -> None:
        self._by_code = {code: one for code, one in self._by_code.items() if stands(one)}
