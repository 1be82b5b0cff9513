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


INVITE_ANYWHERE: Final = Habit(
    "invite from a core that does not lead", 0.0, "such an invite never reaches the relay (J9): seed 5002"
)
OWN_NOTEBOOK: Final = Habit("write in an own notebook before joining", 0.3)

HABITS: Final = (INVITE_ANYWHERE, OWN_NOTEBOOK)
