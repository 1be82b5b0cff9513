"""What many seeds together must have reached; a run that falls below has shown too little, and fails.

1. Each mark is reached at least once per `COUNTED_SEEDS` seeds.
2. `MEMBERS_SHARE_MIN` of the seeds end with two members or more; a seed has `EVENTS_MEDIAN_MIN` events in the median.
3. What the product cannot reach yet stands in `BEYOND`, with the reason, and is printed with every run.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from carryon.storage.layouts import STORES

from tests.simulation.faults.table import KINDS
from tests.simulation.habits import HABITS
from tests.simulation.simulation import Outcome
from tests.simulation.tally import mark

COUNTED_SEEDS: Final = 50
MEMBERS_SHARE_MIN: Final = 0.8
EVENTS_MEDIAN_MIN: Final = 400

PATHS: Final = (
    "late joiner",
    "held back",
    "released",
    "idle drop",
    "state read",
    "kept in meta: fetch",
    "kept in meta: fork",
    "kept in meta: refill",
)
FRAMES: Final = (
    *("challenge", "hello", "welcome", "members", "changes", "got", "push", "ack"),
    *("want", "found", "receipt", "error", "ping", "pong"),
)

UNUSED_STORES: Final = ("segments", "blobs", "events")
"""They belong to the generation, and hold nothing yet."""

BEYOND: Final[Mapping[str, str]] = {
    **{mark("fault", kind.name): kind.off for kind in KINDS if not kind.weight},
    **{mark("habit", habit.name): habit.off for habit in HABITS if not habit.share},
}


def marks() -> list[str]:
    """Return everything that is to be reached."""
    names = [mark("fault", kind.name) for kind in KINDS]
    names += [mark("store", stored.name) for stored in STORES if stored.name not in UNUSED_STORES]
    names += [mark("path", path) for path in PATHS]
    names += [mark("frame", frame) for frame in FRAMES]
    names += [mark("habit", habit.name) for habit in HABITS]
    return [name for name in names if name not in BEYOND]


def reached(outcomes: Sequence[Outcome]) -> Counter[str]:
    """Add up what seeds have reached."""
    return sum((outcome.reached for outcome in outcomes), Counter())


def lacking(outcomes: Sequence[Outcome]) -> list[str]:
    """Return what a run should have reached and has not, in words."""
    if len(outcomes) < COUNTED_SEEDS:
        return []
    least, counts = len(outcomes) // COUNTED_SEEDS, reached(outcomes)
    words = [
        f"{name}: {counts[name]} in {len(outcomes)} seeds, the least is {least}"
        for name in marks()
        if counts[name] < least
    ]
    together = members_share(outcomes)
    if together < MEMBERS_SHARE_MIN:
        words.append(f"{together:.0%} of the seeds end with two members, the least is {MEMBERS_SHARE_MIN:.0%}")
    median = statistics.median(outcome.events for outcome in outcomes)
    if median < EVENTS_MEDIAN_MIN:
        words.append(f"{median:.0f} events a seed in the median, the least is {EVENTS_MEDIAN_MIN}")
    return words


def members_share(outcomes: Sequence[Outcome]) -> float:
    """Return the share of seeds that ended with two members or more."""
    return sum(outcome.members > 1 for outcome in outcomes) / len(outcomes)
