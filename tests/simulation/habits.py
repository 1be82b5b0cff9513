"""What people and machines do that is no fault, in which share of the chances, and what is off: with the seed that shows why.

A habit that is off is one that the product cannot stand yet; it is switched on here when its mend is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Habit:
    """One habit: `share` of the chances at which it is followed; 0 is off, and says why."""

    name: str
    share: float
    off: str = ""


INVITE_ANYWHERE: Final = Habit("invite from a core that does not lead", 0.5)
OWN_NOTEBOOK: Final = Habit("write in an own notebook before joining", 0.3)
SWITCH: Final = Habit("switch to the other notebook", 0.5)
ACT_WHILE_STARTING: Final = Habit("act while a core starts", 0.1)
SMALL_BOUNDS: Final = Habit("small bounds", 0.3)
SLOW_MACHINES: Final = Habit("disk and crypto take time", 0.6)
COMMITS_GO_ON: Final = Habit("a commit whose caller is cancelled is made", 0.5)
HOSTILE_RELAY: Final = Habit("a hostile relay", 0.25)
SEEN_BY: Final = Habit("hold 'Seen by' against the disks of who is named", 1.0)

HABITS: Final = (
    INVITE_ANYWHERE,
    OWN_NOTEBOOK,
    SWITCH,
    ACT_WHILE_STARTING,
    SMALL_BOUNDS,
    SLOW_MACHINES,
    COMMITS_GO_ON,
    HOSTILE_RELAY,
    SEEN_BY,
)
