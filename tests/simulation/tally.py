"""What a seed has reached, counted by family and name: `fault: core crash`, `store: waiting`, `path: held back`."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

Family = Literal["fault", "store", "path", "frame", "habit", "act"]
FAMILIES: Final[tuple[Family, ...]] = ("fault", "store", "path", "frame", "habit", "act")


class Tally:
    """The counts of one seed."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def note(self, family: Family, name: str) -> None:
        """Something was reached once more."""
        self.counts[mark(family, name)] += 1


def mark(family: Family, name: str) -> str:
    """Return the name under which something is counted."""
    return f"{family}: {name}"
