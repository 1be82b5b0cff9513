"""Read the whole log once, slowly: damage is found, named and asked for while a relay or another device still has what it took.

Reading names what does not read (`Changes.entries`), and what is named is asked for wherever the device connects.
"""

import asyncio
from typing import Final

from carryon.storage.changes import Changes
from carryon.storage.errors import StorageError

PAGE_ENTRIES: Final = 64
PAUSE_S: Final = 1.0


async def scrub(changes: Changes) -> None:
    """Read every record of the log, a page every `PAUSE_S`, so that nothing waits for it."""
    position, more = 0, True
    while more:
        await asyncio.sleep(PAUSE_S)
        try:
            page = await changes.entries(position, PAGE_ENTRIES)
        except StorageError:
            # It is read after the next pause.
            continue
        position, more = page.pos, page.more
