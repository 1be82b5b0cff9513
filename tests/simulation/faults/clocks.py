"""Faults of clocks."""

from __future__ import annotations

from random import Random
from typing import Final

from tests.simulation.world import World

YEARS_MS: Final = 10 * 365 * 86_400_000


def clock_jump(world: World, random: Random) -> bool:
    """A device's wall clock jumps."""
    device = random.choice(world.members)
    device.skew_ms = random.choice((-YEARS_MS, YEARS_MS, -3_600_000, 86_400_000, 0))
    return True
