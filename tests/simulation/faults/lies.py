"""A relay that lies: each lie is told to one device. They strike in seeds with a hostile relay only."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from tests.simulation.hostile_relay import PREFIX
from tests.simulation.world import World

WITHHELD_S: Final = (2.0, 30.0)
FORKED_S: Final = (5.0, 40.0)


def telling(lie: str) -> Callable[[World, Random], bool]:
    """Return the fault that makes the relay tell a lie; it counts when it is told."""

    def strike(world: World, random: Random) -> bool:
        world.relay.lie(random.choice(world.members).name, lie.removeprefix(PREFIX))
        return False

    return strike


def withhold(world: World, random: Random) -> bool:
    """A device is given no changes for a while, and told that there are none."""
    device = random.choice(world.members).name
    world.relay.withheld.add(device)
    world.later(random.uniform(*WITHHELD_S), world.relay.withheld.discard, device)
    return False


def fork(world: World, random: Random) -> bool:
    """A device is shown another log for a while."""
    device = random.choice(world.members).name
    world.relay.fork(device)
    world.later(random.uniform(*FORKED_S), world.relay.join_again, device)
    return False
