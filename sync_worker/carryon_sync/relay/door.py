"""What a connection may cost a room before its hello is accepted: so much as a member needs who refills a wiped relay.

1. Before the hello come members' records and nothing else: so many, so large together, in frames of one batch each.
2. Whoever brings nothing new waits a while and is hung up; when too many wait, the one that has waited longest gives
   way. So nobody keeps members out by standing at their door.
3. Who is let in is counted apart. When the notebook is full, the device with most connections loses its oldest.

How many bytes wait unread in the process, and how often one address may knock, is counted by the shell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from carryon_sync.formats.members import RECORDS_MAX
from carryon_sync.protocol.batches import BATCH_BYTES_MAX
from carryon_sync.protocol.frames import LINE_BYTES_MAX
from carryon_sync.relay.visitor import Place, Visitor

CONNECTIONS_MAX = 1000
DOOR_CONNECTIONS_MAX = 100
DOOR_FRAME_BYTES_MAX = BATCH_BYTES_MAX + LINE_BYTES_MAX
# What all members' records of a notebook may have together, and therefore what one connection may have to bring.
MEMBERS_BYTES_MAX = 32 << 20
DOOR_BYTES_MAX = MEMBERS_BYTES_MAX + (4 << 20)


def too_much(visitor: Visitor, size: int) -> str | None:
    """Count a frame of `size` bytes of who has not said hello; say what is too much."""
    visitor.door_bytes += size
    if size > DOOR_FRAME_BYTES_MAX:
        return f"a frame before the hello has {size} bytes, the limit is {DOOR_FRAME_BYTES_MAX}: say hello first"
    if visitor.door_bytes > DOOR_BYTES_MAX:
        return f"{visitor.door_bytes} bytes came before the hello, the limit is {DOOR_BYTES_MAX}: say hello first"
    return None


def too_many(visitor: Visitor, records: int) -> str | None:
    """Count records of who has not said hello; say whether they are more than a notebook can have."""
    visitor.door_records += records
    if visitor.door_records <= RECORDS_MAX:
        return None
    return f"{visitor.door_records} records came before the hello, the limit is {RECORDS_MAX}: say hello first"


def longest_at_door(visitors: Iterable[Visitor]) -> Visitor | None:
    """Return who gives way to a newcomer, where as many wait at the door as there may be."""
    waiting = [visitor for visitor in visitors if visitor.place is Place.DOOR]
    if len(waiting) < DOOR_CONNECTIONS_MAX:
        return None
    return min(waiting, key=lambda visitor: visitor.waits_from)


def gives_way(visitors: Iterable[Visitor], newcomer: Visitor) -> Visitor | None:
    """Return who gives way to a newcomer that is let in, where the notebook is full: itself, if all have one each."""
    members = [visitor for visitor in visitors if visitor.place is not Place.DOOR and visitor is not newcomer]
    if len(members) < CONNECTIONS_MAX:
        return None
    counted = Counter(visitor.certificate for visitor in members)
    device, connections = counted.most_common(1)[0]
    if connections == 1:
        return newcomer
    return next(visitor for visitor in members if visitor.certificate == device)
