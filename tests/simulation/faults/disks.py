"""Faults of a device's storage."""

from __future__ import annotations

from random import Random
from typing import Final

from carryon.storage.memory_store import Fault, Read, Step

from tests.simulation.device import Device
from tests.simulation.world import World

LOST_STEPS_MAX: Final = 3
SLOW_DISK_S: Final = (0.1, 1.0)
DEVICES_MAX: Final = 5
ROTTING: Final = ("log", "log", "heads", "outbox", "acks", "receipts", "waiting", "rows", "texts", "states")
"""The journal is the one store whose every record is the last copy of something."""


def storage_full(world: World, random: Random) -> bool:
    """A device has no room for a while."""
    device = random.choice(world.members)
    device.faults = lambda _database, step: None if isinstance(step, Read) else Fault.FULL
    world.later(random.uniform(0.2, 8.0), device.mend)
    return True


def connection_lost(world: World, random: Random) -> bool:
    """Some steps of a device's storage fail: the connection to the database is gone."""
    device = random.choice(world.members)
    left = random.randint(1, LOST_STEPS_MAX)

    def strike(_: str, step: Step) -> Fault | None:
        nonlocal left
        left -= 1
        if left <= 0:
            device.mend()
        return Fault.LOST

    device.faults = strike
    return True


def lost_after_commit(world: World, random: Random) -> bool:
    """A commit is made, and answered as if it were not: the connection to the database is gone."""
    device = random.choice(world.members)
    after = random.randrange(4)

    def strike(_: str, step: Step) -> Fault | None:
        nonlocal after
        if isinstance(step, Read):
            return None
        after -= 1
        if after >= 0:
            return None
        device.mend()
        return Fault.LOST_AFTER

    device.faults = strike
    return True


def slow_disk(world: World, random: Random) -> bool:
    """The disk of a device takes its time for a while."""
    device = random.choice(world.members)
    usual, device.disk_s = device.disk_s, random.uniform(*SLOW_DISK_S)
    world.later(random.uniform(1.0, 10.0), _hurry, device, usual)
    return True


def _hurry(device: Device, usual: float) -> None:
    # Where all faults have ended meanwhile it is quicker than that.
    device.disk_s = min(device.disk_s, usual)


def bit_rot(world: World, random: Random) -> bool:
    """One bit of one record turns over, where the record is not the last copy of anything."""
    device = random.choice(world.members)
    return world.witness.rot(device, random.choice(ROTTING), random)


def profile_restored(world: World, random: Random) -> bool:
    """A device's profile is put back to what it was when this struck the last time."""
    device = random.choice(world.members)
    before, device.before = device.before, device.photograph()
    if before is None or world.lonely(without=device.name):
        return False
    world.end(device)
    device.restore(before)
    world.watch.restored(device)
    return True


def profile_copied(world: World, random: Random) -> bool:
    """A device's profile is copied to another machine, and both go on."""
    if len(world.devices) >= DEVICES_MAX:
        return False
    world.copy(random.choice(world.members))
    return True


def storage_lost(world: World, random: Random) -> bool:
    """The browser evicts everything of a device."""
    device = random.choice(world.members)
    if len(world.members) < 2 or world.lonely(without=device.name):
        return False
    world.end(device)
    world.evict(device)
    return True
