"""Read the whole log once a day, slowly: damage is found, named and asked for while a relay or another device still has what it took.

Reading names what does not read (`Changes.entries`), and what is named is asked for wherever the device connects.
"""

import asyncio
from typing import Final

from carryon.storage.changes import Changes
from carryon.storage.errors import StorageError

PAGE_ENTRIES: Final = 64
PAUSE_S: Final = 1.0
REST_S: Final = 86_400.0


async def scrub(changes: Changes) -> None:
    """Read every record of the log, a page every `PAUSE_S`, so that nothing waits for it; again after `REST_S`, until cancelled."""
    position, more = 0, True
    while True:
        await asyncio.sleep(PAUSE_S if more else REST_S)
        position = position if more else 0
        try:
            page = await changes.entries(position, PAGE_ENTRIES)
        except StorageError:
            # It is read after the next pause.
            continue
        position, more = page.pos, page.more
