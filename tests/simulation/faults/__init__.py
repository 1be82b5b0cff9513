"""What goes wrong: one random fault of a kind, which lasts for a while or strikes once.

1. A kind is one function with a name. It strikes a world and says whether it could; only then it counts. One that would
   take the last copy of something acked does not strike.
2. What lasts ends by itself; `World.heal` ends the rest.
3. `table` says which kinds there are, how often each strikes, and which are off and why.
4. Each seed has its own taste: some kinds do not strike in it at all, others more often (swarm testing).
"""

from __future__ import annotations

from random import Random
from typing import Final

from tests.simulation.faults.table import KINDS, Kind
from tests.simulation.world import World

TASTES: Final = (0.0, 1.0, 1.0, 1.0, 3.0)
LIE_WEIGHT: Final = 2.0


class Faults:
    """Lets faults strike in one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = Random(f"{world.seed} faults")
        self._weights = [self._weight(kind) * self._random.choice(TASTES) for kind in KINDS]

    def _weight(self, kind: Kind) -> float:
        if kind.lie:
            return LIE_WEIGHT if self._world.hostile else 0.0
        return kind.weight or float(kind.name in self._world.on)

    def strike(self) -> str:
        """Let one fault of a random kind strike, if it can; gives its name."""
        if not any(self._weights):
            return "no fault"
        [kind] = self._random.choices(KINDS, self._weights)
        if kind.strike(self._world, self._random):
            self._world.tally.note("fault", kind.name)
        return kind.name
