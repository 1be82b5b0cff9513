"""Faults of the network between devices and the relay."""

from __future__ import annotations

from random import Random
from typing import Final

from tests.simulation.world import World

THIN_BYTES_S: Final = (300, 2_000, 16_000)


def device_offline(world: World, random: Random) -> bool:
    """A device reaches nobody for a while."""
    device = random.choice(world.members)
    world.network.go_offline(device.name, told=random.random() < 0.5)
    world.later(random.uniform(0.5, 20.0), world.network.go_online, device.name)
    return True


def thin_line(world: World, random: Random) -> bool:
    """The line of a device carries few bytes a second for a while."""
    device = random.choice(world.members)
    world.network.thin[device.name] = random.choice(THIN_BYTES_S)
    world.later(random.uniform(5.0, 60.0), world.network.widen, device.name)
    return True


def loss(world: World, random: Random) -> bool:
    """A connection is cut after some frames."""
    wires = world.network.wires
    if wires:
        random.choice(wires).cut_after = random.randrange(8)
    return bool(wires)


def duplication(world: World, random: Random) -> bool:
    """A frame comes twice, or frames of an old connection come beside those of a new one."""
    wires = world.network.wires
    if wires:
        wire = random.choice(wires)
        if random.random() < 0.5:
            wire.cut(told=True, straggle=True)
        else:
            wire.echo = True
    return bool(wires)


def delay(world: World, random: Random) -> bool:
    """The line of a device is long for a while."""
    device = random.choice(world.members)
    network = world.network
    network.slow[device.name] = latency = random.uniform(0.2, 5.0)
    for wire in network.of(device.name):
        wire.latency = latency
    world.later(random.uniform(1.0, 10.0), network.hurry, device.name)
    return True
