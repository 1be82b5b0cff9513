"""Places of a relay's log that were shown without their change: ids alone of what is not here, and what had to be dropped.

1. A hole is wanted by its id until its change is held. A relay that names a change and never gives it withholds it.
2. The log is held up to the first hole, whatever was shown beyond: no receipt and no `seen` of a change says more.
3. Holes are kept with the cursor that has passed them, and go with it when the relay's log is begun anew.
4. No more than `HOLES_MAX` are told apart. The first one too many is kept without its id (`UNTOLD`): nothing behind it
   counts, and when it is the only one left, the relay's log is read again from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from carryon_sync.formats.change import Seen

HOLES_MAX: Final = 4096
UNTOLD: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Hole:
    """A change that a relay's log names and that is not here, and how far that log is held in front of it."""

    id: bytes
    before: Seen

    @property
    def sequence(self) -> int:
        """Return the place in the log, or of what was dropped later on, one before it."""
        return self.before.sequence + 1


class Holes:
    """The holes in one relay's log as this device holds it."""

    def __init__(self, holes: Iterable[Hole] = ()) -> None:
        self._by_id = {hole.id: hole for hole in holes}

    @property
    def told(self) -> tuple[Hole, ...]:
        """Return those whose change is known by its id, in the order in which they were named."""
        return tuple(hole for hole in self._by_id.values() if hole.id != UNTOLD)

    @property
    def ids(self) -> tuple[bytes, ...]:
        """Return the ids of the changes that are lacking, in that order."""
        return tuple(hole.id for hole in self.told)

    @property
    def are_untold(self) -> bool:
        """Say whether all that is known of what is lacking is that something is."""
        return self._by_id.keys() == {UNTOLD}

    @property
    def room(self) -> int:
        """Return how many more can be told apart."""
        return max(0, HOLES_MAX - len(self._by_id))

    def held(self, reached: Seen) -> Seen:
        """Return how far the log is held of which `reached` was shown."""
        return min((hole.before for hole in self._by_id.values()), key=lambda seen: seen.sequence, default=reached)

    def open(self, holes: Iterable[Hole]) -> None:
        """Add holes."""
        for hole in holes:
            self._by_id.setdefault(hole.id, hole)

    def among(self, ids: Iterable[bytes]) -> tuple[Hole, ...]:
        """Return those whose change is one of these."""
        return tuple(self._by_id[id] for id in ids if id in self._by_id)

    def fill(self, ids: Iterable[bytes]) -> tuple[bytes, ...]:
        """Take out those whose change is held; return which there were."""
        return tuple(id for id in ids if self._by_id.pop(id, None) is not None)

    def clear(self) -> None:
        """Forget all: the log is read again from its beginning."""
        self._by_id.clear()


def told_apart(holes: Sequence[Hole], room: int) -> tuple[Hole, ...]:
    """Return what is kept of new holes where there is room for so many."""
    return tuple(holes) if len(holes) <= room else (*holes[:room], Hole(UNTOLD, holes[room].before))
