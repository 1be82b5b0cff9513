"""Small bounds: what is bounded in the product by thousands is bounded by a few, so that a short run reaches the edges.

The product takes these as constants of its modules, for no user would ever set them: so here, and nowhere else, they are
replaced for the time of one seed.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any, Final, cast

from carryon.core.acts import importing
from carryon.core.log import derived, documents, outgoing, received, writer
from carryon.core.relays import relay_link
from carryon.core.tabs import sessions
from carryon.storage import quarantine, relays
from carryon_sync.device import upstream
from carryon_sync.device.holdback import HoldBack
from carryon_sync.relay import audience, memory_ledger, room

SMALL: Final[tuple[tuple[object, str, tuple[int, ...]], ...]] = (
    (documents, "IDLE_MAX", (1, 3)),
    (derived, "TAIL_MAX", (12, 40)),
    (derived, "SEGMENT_NOTES", (1, 2, 5)),
    (derived, "PAGE_ENTRIES_MAX", (1, 4)),
    (received, "PAGE_ENTRIES_MAX", (1, 4)),
    (outgoing, "UPDATES_MAX", (1, 3)),
    (outgoing, "UPDATES_BYTES_MAX", (60, 2_000)),
    (writer, "BATCH_MAX", (1, 3)),
    (sessions, "SHOWN_MAX", (1, 3)),
    (relay_link, "EVENTS_MAX", (2, 8)),
    (importing, "BATCH_NOTES", (1, 2)),
    (relays, "REFILL_CHANGES_MAX", (1, 7)),
    (relays, "FORGET_RECORDS_MAX", (1, 7)),
    (quarantine, "ITEMS_MAX", (1, 3)),
    (upstream, "PAGE_CHANGES_MAX", (1, 5)),
    (memory_ledger, "ITEMS_MAX", (1, 6)),
    (audience, "PAGE_BYTES_MAX", (1, 3_000)),
    (room, "PAGE_BYTES_MAX", (1, 3_000)),
)
WAITING: Final = (1, 2)
"""How many changes may wait for their predecessors; bound to `HoldBack` when it was made."""
CHOSEN_SHARE: Final = 0.5


@contextmanager
def small_bounds(random: Random) -> Iterator[None]:
    """Make about half of the bounds small, each by a size of its own, until the end."""
    with ExitStack() as stack:
        for module, name, sizes in SMALL:
            if random.random() < CHOSEN_SHARE:
                stack.enter_context(_replaced(vars(module), name, random.choice(sizes)))
        if random.random() < CHOSEN_SHARE:
            defaults = cast("MutableMapping[str, Any]", HoldBack.__init__.__kwdefaults__)
            stack.enter_context(_replaced(defaults, "waiting_max", random.choice(WAITING)))
        yield


@contextmanager
def _replaced(names: MutableMapping[str, Any], name: str, value: int) -> Iterator[None]:
    usual = names[name]
    names[name] = value
    try:
        yield
    finally:
        names[name] = usual
