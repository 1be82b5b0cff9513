"""What a device's session asks of its shell: plain values, carried out in the order given.

Those marked → are answered by the method named, with what the effect asked for, before the next event is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from carryon_sync.device.holes import Hole
from carryon_sync.formats.change import Seen
from carryon_sync.protocol.closing import Closing


@dataclass(frozen=True, slots=True)
class Open:
    """Open a socket to the relay. → `connected`, or `disconnected`, whenever that is known."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket and forget what is still to be sent or received on it. → `disconnected`."""

    code: Closing
    words: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send one binary message."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign these bytes with the device's (a joining device: the invite's) key. → `signed`"""

    message: bytes


@dataclass(frozen=True, slots=True)
class StoreMembers:
    """Decode, check, verify and keep these records and add them to `Members`, in order. → `members_stored`

    A record that is refused is left out, counted and shown; those that build on it are then refused too.
    """

    records: tuple[bytes, ...]


class Why(Enum):
    """Why everything is to be offered to a relay again."""

    FIRST = "this device meets the relay's log for the first time"
    REPLACED = "the relay has another log than before: it was replaced or wiped"
    WENT_BACK = "the relay's log is shorter than before: it was rolled back"
    DIFFERS = "the relay's log differs from what it was before"
    LACKING = "too much of what the relay's log has shown is not here"


@dataclass(frozen=True, slots=True)
class StartOver:
    """Keep `reached` as the relay's cursor and put the whole log into its outbox, in one transaction. → `started_over`

    Nothing is deleted: what the relay has is learned from its stream, what it lacks is pushed.
    """

    why: Why
    reached: Seen


@dataclass(frozen=True, slots=True)
class StoreChanges:
    """Take in `changes`, and in one transaction with them, or after them, keep `reached` as the cursor. → `stored`

    `changes` are as sent, unchecked. `places` says which sequence number each id has, also of those in `alone`, which
    this device pushed itself: all of them are on the relay, so they leave its outbox now, and not before. Of `alone`,
    what is not in the outbox is not here: it is kept as a hole with the cursor, and so is every change that had to be
    dropped, before which the log was held up to `after`.
    """

    changes: tuple[bytes, ...]
    places: tuple[tuple[bytes, int], ...]
    alone: tuple[Hole, ...]
    after: Seen
    reached: Seen


@dataclass(frozen=True, slots=True)
class StoreFound:
    """Take in changes that were wanted; they do not move the cursor. → `held`, then `found_stored`

    `finished` are the tags whose last page this is: `HoldBack.fetched` says whether their mark goes.
    """

    changes: tuple[bytes, ...]
    finished: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FindHeld:
    """Say which of these are held after all, having come by another way; they leave the outbox too. → `held`

    A change that came by another way is in the outbox of a relay that has not shown it.
    """

    holes: tuple[Hole, ...]


@dataclass(frozen=True, slots=True)
class FetchOutbox:
    """Read the first `limit` changes of the relay's outbox after position `after` of the log. → `outbox`

    Fewer than `limit` say that there are no more.
    """

    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class FetchWants:
    """Say which tags, ranges and ids are lacking; nothing at all is an answer too. → `want`"""


@dataclass(frozen=True, slots=True)
class Acked:
    """The relay says that it has committed these: evidence for the status, until the connection ends.

    The outbox keeps them until `StoreChanges` names them.
    """

    sequences: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class KeepReceipt:
    """Keep another device's newest receipt."""

    certificate: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class MakeReceipt:
    """Seal this device's receipt of how far it holds the relay's log. → `receipt`"""

    reached: Seen


@dataclass(frozen=True, slots=True)
class Notice:
    """Something for the event log: a word for machines, words for people, the changes it is about."""

    code: str
    words: str
    ids: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """All members' records are here: certify this device with the invite's key and begin a session as it."""


@dataclass(frozen=True, slots=True)
class NotJoined:
    """The relay does not let the invite in; `words` say why and what to do."""

    code: str
    words: str


Effect = (
    Open
    | Close
    | Send
    | Sign
    | StoreMembers
    | StartOver
    | StoreChanges
    | StoreFound
    | FindHeld
    | FetchOutbox
    | FetchWants
    | Acked
    | KeepReceipt
    | MakeReceipt
    | Notice
)
JoiningEffect = Close | Send | Sign | StoreMembers | Joined | NotJoined
