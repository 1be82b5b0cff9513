"""Open changes in turns, so that what is open at once has a bound in bytes, and say of what does not open why.

1. A body unpacks to up to a thousand times its size; how large it is shows only when it is open. So as many changes are
   opened at once as could, at the worst, unpack to `OPENED_BYTES_MAX`.
2. A change whose epoch's key or whose author's record is not here is *early*: it is kept, and tried again when they come.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from carryon_sync.formats.change import BODY_BYTES_MAX, Body, Change
from carryon_sync.formats.rejected import Rejected

from carryon.core.log.identity import Identity, Unreadable
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


async def read(identity: Identity, turn: Sequence[Change]) -> Sequence[Body | Rejected]:
    """Open changes of this device's own log; what does not open says why."""
    try:
        return await identity.read(turn)
    except Unreadable:
        # One of them; the others are as good as ever.
        return await identity.open(turn)


def refusal(identity: Identity, change: Change, reason: str) -> Refused:
    """What is kept of a received change that did not open."""
    kind = Kind.EARLY if is_early(identity, change) else Kind.REFUSED
    return Refused(reason, change.encode(), kind, name_of(change))


def is_early(identity: Identity, change: Change) -> bool:
    """Whether a change may open once more keys or records are here."""
    if change.header.notebook != identity.notebook:
        return False
    is_known = identity.members.certificate_of(change.header.author) is not None
    return not is_known or change.epoch not in identity.keyring.epochs


def name_of(change: Change) -> Name:
    """What quarantine calls a change."""
    return Name(change.header.tag, change.id)
