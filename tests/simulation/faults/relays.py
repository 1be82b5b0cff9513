"""Faults of the relay's process and disk. (A relay that lies is no fault: see `hostile_relay`.)"""

from __future__ import annotations

from random import Random

from tests.simulation.world import World


def relay_crash(world: World, random: Random) -> bool:
    """The relay dies, and comes back."""
    if not world.relay.up:
        return False
    world.relay.crash()
    _restart(world, random)
    return True


def relay_crash_before_commit(world: World, random: Random) -> bool:
    """The relay dies at its next commit, which is not made."""
    world.relay.dies = "before"
    _restart(world, random)
    return True


def relay_crash_after_commit(world: World, random: Random) -> bool:
    """The relay dies at its next commit, which is made, and nobody is told."""
    world.relay.dies = "after"
    _restart(world, random)
    return True


def relay_wiped(world: World, _: Random) -> bool:
    """The relay loses its disk."""
    if world.lonely(without="relay"):
        return False
    world.relay.wipe()
    return True


def relay_rolled_back(world: World, _: Random) -> bool:
    """The relay comes back with the disk as it was at the last time this struck."""
    older, world.relay_before = world.relay_before, world.relay.photograph()
    if older is None or world.lonely(without="relay"):
        return False
    world.relay.roll_back(older)
    return True


def _restart(world: World, random: Random) -> None:
    world.later(random.uniform(1.0, 8.0), world.relay.start)
