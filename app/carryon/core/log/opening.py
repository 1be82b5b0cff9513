"""Open changes in turns, so that what is open at once has a bound in bytes, and say of what does not open why.

1. A body unpacks to up to a thousand times its size; how large it is shows only when it is open. So as many changes are
   opened at once as could, at the worst, unpack to `OPENED_BYTES_MAX`.
2. A change is *early* while its epoch's key, its author's record or a record that it names is not here: it is kept, and tried again
   when they come.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from carryon_sync.formats.change import BODY_BYTES_MAX, Body, Change
from carryon_sync.formats.rejected import Rejected

from carryon.core.log.identity import Early, Identity, Unreadable
from carryon.storage.quarantine import Kind, Name, Refused

OPENED_BYTES_MAX: Final = 2 * BODY_BYTES_MAX
# Deflate codes at most 258 bytes by two bits.
INFLATED_MAX: Final = 1032


def turns(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Cut changes, in order, into what may be open at the same time."""
    turn: list[Change] = []
    size = 0
    for change in changes:
        most = min(BODY_BYTES_MAX, INFLATED_MAX * len(change.ciphertext))
        if turn and size + most > OPENED_BYTES_MAX:
            yield turn
            turn, size = [], 0
        turn.append(change)
        size += most
    if turn:
        yield turn


async def read(identity: Identity, turn: Sequence[Change]) -> Sequence[Body | Rejected | Early]:
    """Open changes of this device's own log; what does not open says why."""
    try:
        return await identity.read(turn)
    except Unreadable:
        # One of them; the others are as good as ever.
        return await identity.open(turn)


def refusal(change: Change, why: Rejected | Early) -> Refused:
    """What is kept of a received change that did not open."""
    kind = Kind.EARLY if isinstance(why, Early) else Kind.REFUSED
    return Refused(why.reason, change.encode(), kind, name_of(change))


def name_of(change: Change) -> Name:
    """What quarantine calls a change."""
    return Name(change.header.tag, change.id)
