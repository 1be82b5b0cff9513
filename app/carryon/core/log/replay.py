"""Make a note's document from what this device keeps of it, as far as it can be read.

1. A state, then the changes behind it in the order of the log, then this core's own journal rows. Which edits fit is decided by this
   order alone, so it comes out the same at every start.
2. A change that does not open is passed over; edits that build on it are set aside by the document. A change that tears the document
   is passed over too, and all is made again without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from carryon_sync.formats.change import Body

from carryon.core.log.identity import Identity, Unreadable
from carryon.core.log.opening import read, turns
from carryon.notebook.notebook import device_of
from carryon.notes.note import BadUpdate, Note
from carryon.storage.changes import Loaded
from carryon.storage.layouts import JournalRow

TORN_MAX: Final = 16
# To open a change takes about as long as to apply so many updates.
CHANGE_WEIGHT: Final = 10


class BadState(Exception):
    """A stored state is none: the log has all of it."""


@dataclass(slots=True)
class Replayed:
    """A document and what it is made of: the ids of the changes that were read, and of those that were not, with why; the times of
    the changes; what it took, in updates.
    """

    document: Note
    read: list[bytes] = field(default_factory=list)
    passed_over: dict[bytes, str] = field(default_factory=dict)
    times: list[int] = field(default_factory=list)
    tail: int = 0

    @property
    def unread(self) -> Mapping[bytes, str]:
        """The changes of which a part is not in the document, and why."""
        of_document = {change: unread.reason for change, unread in self.document.unread.items() if change}
        return of_document | self.passed_over

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing, or nothing of it could be read."""
        return self.document.is_blank and (not self.times or bool(self.unread))


async def replayed(
    identity: Identity, blank: Note, loaded: Loaded, rows: Sequence[JournalRow], torn: dict[bytes, str]
) -> Replayed:
    """Replay what is kept of a note, whose `blank` document says as whom to write it.

    `torn` are changes known to tear it, and why; those that do are added. Raises Unreadable.
    """
    while True:
        result = Replayed(_begun(blank, loaded))
        torn_before = len(torn)
        await _replay_changes(identity, loaded, result, torn)
        if len(torn) > TORN_MAX:
            raise Unreadable(f"more than {TORN_MAX} changes of note {blank.id} cannot be applied")
        if len(torn) == torn_before:
            break
    for row in rows:
        try:
            result.document.apply(row.update)
        except BadUpdate as fault:
            raise Unreadable(f"an edit that was saved cannot be applied: {fault.reason}") from fault
        result.times.append(row.time)
    return result


def _begun(blank: Note, loaded: Loaded) -> Note:
    if loaded.state is None:
        return Note(blank.id, blank.client, blank.device)
    writers = {number: device.hex() for number, device in loaded.writers.items()}
    try:
        return Note.load(blank.id, blank.client, loaded.state, blank.device, writers)
    except BadUpdate as fault:
        raise BadState(f"the stored state of note {blank.id} does not apply: {fault.reason}") from fault


async def _replay_changes(identity: Identity, loaded: Loaded, result: Replayed, torn: dict[bytes, str]) -> None:
    """Replay until the end or until the document is torn: then `torn` has one more."""
    for turn in turns(entry.change for entry in loaded.entries):
        for change, body in zip(turn, await read(identity, turn), strict=True):
            if not isinstance(body, Body) or change.id in torn:
                result.passed_over[change.id] = torn[change.id] if isinstance(body, Body) else body.reason
                continue
            try:
                result.document.absorb(change.id, device_of(change.header.author.hex()), body.updates)
            except BadUpdate as fault:
                torn[change.id] = fault.reason
                return
            result.read.append(change.id)
            result.times += [body.time] if body.updates else []
            result.tail += CHANGE_WEIGHT + len(body.updates)
