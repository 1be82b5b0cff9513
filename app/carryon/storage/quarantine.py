"""What did not verify or open, kept where it harms nobody, counted and shown.

1. Received bytes that were refused are kept whole. A damaged record of this device stays where it is; quarantine names
   its place. Nothing is deleted for being damaged.
2. The same thing is kept once.
3. At most `ITEMS_MAX` are kept; then the oldest go, which a relay can send again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from carryon.storage import layouts
from carryon.storage.errors import Exists
from carryon.storage.generation import Generation
from carryon.storage.keys import Key
from carryon.storage.store import Add, Delete, Operation

ITEMS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Refused:
    """Received bytes that did not verify or open, and why."""

    reason: str
    data: bytes

    @property
    def about(self) -> Key:
        """What names it in quarantine."""
        return "refused", hashlib.sha256(self.data).digest()


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """A record of this device that did not read or open; `second` is its second key, which names a change."""

    store: str
    key: Key
    second: Key | None = None

    @property
    def about(self) -> Key:
        """What names it in quarantine."""
        return "damaged", self.store, self.key

    @property
    def reason(self) -> str:
        """Why it is there."""
        return f"record {self.key!r} of store {self.store!r} does not read"

    @property
    def data(self) -> bytes:
        """Nothing: the record stays where it is."""
        return b""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One thing in quarantine; its number grows for ever."""

    number: int
    about: Key
    reason: str
    data: bytes


class Quarantine:
    """The store `quarantine`."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation

    async def add(self, items: Sequence[Refused | DamagedRecord]) -> None:
        """Keep what is not kept yet."""
        for item in items:
            operations = await self.adding([item])
            if operations:
                try:
                    await self._generation.commit(operations)
                except Exists:  # Another core kept it meanwhile.
                    continue

    async def adding(self, items: Sequence[Refused | DamagedRecord]) -> list[Operation]:
        """Give the operations that keep what is not kept yet, for a commit that keeps more."""
        by_about = {item.about: item for item in items}
        kept = await self._generation.store.find("quarantine", list(by_about), unique=True) if by_about else {}
        new = [item for about, item in by_about.items() if about not in kept]
        if not new:
            return []
        newest = await self._generation.store.read("quarantine", limit=1, reverse=True)
        last = newest[0].key if newest else 0
        assert isinstance(last, int), "quarantine is numbered"
        gone = range(max(1, last - ITEMS_MAX + 1), max(1, last - ITEMS_MAX + 1 + len(new)))
        return [
            *(Delete("quarantine", number) for number in gone),
            *(Add("quarantine", layouts.quarantine_value(item.reason, item.data), unique=item.about) for item in new),
        ]

    async def settling(self, about: Key) -> list[Operation]:
        """Give the operations that let go of what has been mended."""
        found = await self._generation.store.find("quarantine", [about], unique=True)
        return [Delete("quarantine", entry.key) for entry in found.values()]

    async def items(self) -> list[Quarantined]:
        """Give all that is kept, oldest first."""
        return [
            Quarantined(entry.key, entry.unique, *layouts.quarantine_in(entry.value))
            for entry in await self._generation.entries("quarantine")
            if isinstance(entry.key, int) and entry.unique is not None
        ]

    async def drop(self, numbers: Sequence[int]) -> None:
        """Let go of what a person has seen and dismissed."""
        await self._generation.commit([Delete("quarantine", number) for number in numbers])
