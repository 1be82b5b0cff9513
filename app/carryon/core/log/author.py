"""Take the writing chain that this core writes as, so that no two cores ever number changes on one chain.

1. An author is written as by the core that holds the lock `author-<id>`; a core takes a free author of its device before it makes one.
2. Journal rows of an author whose core is gone are folded by whoever gets the author's lock next: by a new core that writes as that
   author, else by any core of the device when it finds them (`inherited`).
3. A new author is kept with the first thing that is written as it: a full disk keeps nobody from opening a notebook.
"""

from dataclasses import dataclass

from carryon_sync.formats.records import fingerprint_of

from carryon.core.environment import Held, Locks
from carryon.crypto.primitives import KeyPair, Random
from carryon.crypto.sealing import new_author
from carryon.storage.log import Log


@dataclass(frozen=True, slots=True)
class HeldAuthor:
    """An author, and the lock under which it is written as; `kept` when the device knows it from before."""

    id: bytes
    held: Held
    kept: bool


async def take_author(log: Log, locks: Locks, signing: KeyPair, random: Random) -> HeldAuthor:
    """Take a free author of this device, or make one, which is to be kept before it is written as."""
    for author in await log.members.authors():
        if not author.retired and author.id.startswith(fingerprint_of(signing.public)):
            held = await take_lock(locks, author.id)
            if held is not None:
                return HeldAuthor(author.id, held, kept=True)
    author_id = new_author(signing.public, random)
    held = await take_lock(locks, author_id)
    assert held is not None, "nobody else knows a new author"
    return HeldAuthor(author_id, held, kept=False)


async def take_lock(locks: Locks, author: bytes) -> Held | None:
    """Take an author's lock if it is free."""
    return await locks.acquire(f"author-{author.hex()}", wait=False)
