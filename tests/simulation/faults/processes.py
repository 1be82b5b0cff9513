"""Faults of cores and tabs."""

from __future__ import annotations

from random import Random
from typing import Final

from carryon.storage.memory_store import Commit, Fault, Step

from tests.simulation.world import World

FROZEN_S: Final = (0.5, 20.0)
ASLEEP_S: Final = (5.0, 60.0)


def core_crash(world: World, random: Random) -> bool:
    """A core dies."""
    running = [worker for device in world.devices for worker in device.workers if worker.process]
    if running:
        random.choice(running).kill()
    return bool(running)


def core_crash_before_commit(world: World, random: Random) -> bool:
    """A core dies as it gives a commit to the disk."""
    return _crash_at_commit(world, random, Fault.CRASH_BEFORE)


def core_crash_after_commit(world: World, random: Random) -> bool:
    """A core dies when the disk has made a commit and told nobody."""
    return _crash_at_commit(world, random, Fault.CRASH_AFTER)


def tab_crash(world: World, random: Random) -> bool:
    """A tab dies with what it has not sent."""
    tabs = [tab for tab in world.tabs if tab.worker.device in world.members]
    if len(tabs) < 2:
        return False
    world.close_tab(random.choice(tabs), crash=True)
    return True


def core_frozen(world: World, random: Random) -> bool:
    """A core stands still for a while, and goes on as if nothing had been."""
    running = [worker.process for device in world.devices for worker in device.workers if worker.process]
    if running:
        process = random.choice(running)
        process.freeze()
        world.later(random.uniform(*FROZEN_S), process.thaw)
    return bool(running)


def device_asleep(world: World, random: Random) -> bool:
    """Everything of a device stands still, and its connections end without a word."""
    device = random.choice(world.members)
    processes = [worker.process for worker in device.workers if worker.process]
    seconds = random.uniform(*ASLEEP_S)
    for process in processes:
        process.freeze()
        world.later(seconds, process.thaw)
    world.network.go_offline(device.name, told=False)
    world.later(seconds, world.network.go_online, device.name)
    return bool(processes)


def lock_that_lies(world: World, random: Random) -> bool:
    """The browser gives a lock away that is still held."""
    device = random.choice(world.members)
    held = sorted(device.local.held)
    if held:
        device.local.lie(random.choice(held))
    return bool(held)


def _crash_at_commit(world: World, random: Random, fault: Fault) -> bool:
    device = random.choice(world.members)
    after = random.randrange(6)

    def strike(_: str, step: Step) -> Fault | None:
        nonlocal after
        if not isinstance(step, Commit):
            return None
        after -= 1
        if after >= 0:
            return None
        device.mend()
        return fault

    device.faults = strike
    return True
