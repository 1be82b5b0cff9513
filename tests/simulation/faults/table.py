"""Every kind of fault, how often it strikes beside the others, and which are off: with the seed that shows why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.simulation.faults import clocks, disks, lies, lines, processes, relays
from tests.simulation.hostile_relay import DOWN, FALSE_ACK, PREFIX
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault; one of weight 0 is off, and says what the product cannot stand yet, and which seed shows it."""

    name: str
    strike: Callable[[World, Random], bool]
    weight: float = 1.0
    off: str = ""
    # Whether it is a lie of the relay, which strikes only where the relay is hostile.
    lie: bool = False


def _lie(words: str, strike: Callable[[World, Random], bool] | None = None) -> Kind:
    return Kind(f"{PREFIX}{words}", strike or lies.telling(words), lie=True)


KINDS: Final[Sequence[Kind]] = (
    Kind("core crash", processes.core_crash),
    Kind("core crash before commit", processes.core_crash_before_commit),
    Kind("core crash after commit", processes.core_crash_after_commit),
    Kind("tab crash", processes.tab_crash),
    Kind("core frozen", processes.core_frozen),
    Kind("device asleep", processes.device_asleep, 0.5),
    Kind("lock that lies", processes.lock_that_lies, 0.5),
    Kind("device offline", lines.device_offline),
    Kind("loss", lines.loss),
    Kind("duplication", lines.duplication),
    Kind("delay", lines.delay),
    Kind("thin line", lines.thin_line),
    Kind("relay crash", relays.relay_crash),
    Kind("relay crash before commit", relays.relay_crash_before_commit),
    Kind("relay crash after commit", relays.relay_crash_after_commit),
    Kind("relay wiped", relays.relay_wiped, 0.5),
    Kind("relay rolled back", relays.relay_rolled_back, 0.7),
    Kind("storage full", disks.storage_full),
    Kind("storage connection lost", disks.connection_lost),
    Kind("made and answered as lost", disks.lost_after_commit),
    Kind("slow disk", disks.slow_disk),
    Kind("bit rot", disks.bit_rot, 0.5),
    Kind("profile restored", disks.profile_restored, 0.5),
    Kind("profile copied", disks.profile_copied, 0.3),
    Kind("storage lost", disks.storage_lost, 0.3),
    Kind("clock jump", clocks.clock_jump),
    *(_lie(words) for words in (FALSE_ACK, *DOWN)),
    _lie("changes withheld", lies.withhold),
    _lie("another log to one device", lies.fork),
)
