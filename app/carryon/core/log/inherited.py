"""Fold what cores of this device left in the journal when they died, so that saved words never wait for their core to come back.

The lock of an author is free when its core is gone; whoever gets it may fold its rows, and lets go of it then. Where a browser gave a
lock away that was still held, another core wrote as this core's own author: what it left is folded too. Words that are folded here are
not in this core's memory, so no heads of it move: it follows the log to them, as every other core does.
"""

from collections.abc import Callable

from carryon_sync.formats.records import fingerprint_of

from carryon.core.environment import Locks
from carryon.core.log.author import take_lock
from carryon.core.log.documents import Documents
from carryon.core.log.identity import Identity
from carryon.core.log.outgoing import Outgoing
from carryon.storage.journal import Journalled
from carryon.storage.log import Log


async def fold_inherited(
    log: Log,
    locks: Locks,
    identity: Identity,
    documents: Documents,
    own: bytes,
    is_known: Callable[[Journalled], bool],
    left_behind: Callable[[], None],
    changed: Callable[[], None],
) -> None:
    """Fold the rows of all authors of this device that nobody writes as, and of its `own` those that it does not know, with those
    of the same notes that they may build on. Raises StorageError.

    `left_behind` is called when the log holds some of them, or may.
    """

    async def rows_of(author: bytes) -> list[Journalled]:
        rows = (await log.journal.read(author)).rows
        if author != own:
            return list(rows)
        notes = {row.row.note for row in rows if not is_known(row)}
        return [row for row in rows if row.row.note in notes]

    for author in await log.members.authors():
        if not author.id.startswith(fingerprint_of(identity.signing.public)) or not await rows_of(author.id):
            continue
        held = None if author.id == own else await take_lock(locks, author.id)
        if held is None and author.id != own:
            continue
        outgoing = Outgoing(
            author.id,
            log,
            identity,
            documents,
            seen=tuple,
            folded=lambda _folded: None,
            left_behind=left_behind,
            changed=changed,
            is_watched=lambda: True,
        )
        try:
            # Read again: its core may have folded them in its last moment.
            outgoing.journalled(await rows_of(author.id))
            await outgoing.fold_all()
        finally:
            if held is not None:
                held.release()
            # A fold that failed, or was cut off, may have been made all the same.
            left_behind()
