"""What of a notebook needs a person's attention: what quarantine keeps, what waits for others, what forked.

1. It is read again whenever quarantine was touched here or, as the other cores say, elsewhere, and told on when it is another.
2. Reading never fails anybody: what cannot be read now is read after a pause.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from carryon.core.log.identity import Identity
from carryon.notebook.notebook import Notebook
from carryon.storage.errors import StorageError
from carryon.storage.keys import Key
from carryon.storage.log import Log
from carryon.storage.quarantine import Quarantined

PAUSE_S: Final = 2.0
FORK: Final = "forked"


class Attention:
    """What needs attention in one notebook, as it was at the last look."""

    def __init__(self, log: Log, identity: Identity, notebook: Notebook, changed: Callable[[], None]) -> None:
        """`changed` is told when it is another."""
        self._log = log
        self._identity = identity
        self._notebook = notebook
        self._changed = changed
        self._touched = asyncio.Event()
        self._touched.set()
        self._note_by_tag: dict[bytes, str] = {}
        self.items: Sequence[Quarantined] = ()
        self.forked: Sequence[bytes] = ()

    def touch(self) -> None:
        """It may be another now."""
        self._touched.set()

    def note_of(self, tag: bytes) -> str | None:
        """The listed note that a tag stands for."""
        if tag not in self._note_by_tag and len(self._note_by_tag) != len(self._notebook.rows):
            self._note_by_tag = {self._identity.tag(note): note for note in self._notebook.rows}
        return self._note_by_tag.get(tag)

    def of_note(self, note: str) -> Sequence[Quarantined]:
        """What there is about a note."""
        if not self.items:
            return ()
        tag = self._identity.tag(note)
        return [item for item in self.items if item.change is not None and item.change.tag == tag]

    def named(self, name: str) -> Sequence[Key]:
        """What a trouble's name stands for: all of one kind about one note."""
        groups = {group_name(*group): [item.about for item in items] for group, items in by_note(self.items).items()}
        forks: dict[str, list[Key]] = {group_name(FORK, tag): [(FORK, tag)] for tag in self.forked}
        return (groups | forks).get(name, [])

    async def run(self) -> None:
        """Look whenever something was touched, for ever; cancelled when the notebook closes."""
        while True:
            await self._touched.wait()
            self._touched.clear()
            try:
                items, forked = await self._log.quarantine.items(), await self._log.forked()
            except StorageError:
                # It is there still, and is looked for again.
                await asyncio.sleep(PAUSE_S)
                self._touched.set()
                continue
            bare = [Quarantined(item.number, item.about, item.reason, b"", item.seen) for item in items]
            if (bare, forked) != (self.items, self.forked):
                self.items, self.forked = bare, forked
                self._changed()


def group_name(kind: str, tag: bytes) -> str:
    """Name what there is of one kind about one note."""
    return f"{kind}:{tag.hex()}"


def by_note(items: Sequence[Quarantined]) -> Mapping[tuple[str, bytes], Sequence[Quarantined]]:
    """Things of one kind about one note together, in their order; of those about none the tag is empty."""
    groups: dict[tuple[str, bytes], list[Quarantined]] = {}
    for item in items:
        tag = item.change.tag if item.change is not None else b""
        groups.setdefault((item.kind.value, tag), []).append(item)
    return groups
