"""One database of a notebook, written under its guards: not closed by a newer generation, not led by another core.

1. Every commit expects the generation's mark to be the one that was opened, and open; a commit of the session expects
   the fencing token it was given too. Both are read in the transaction itself, so that no core is ever too late to
   notice that a newer release has moved the notebook on, or that the browser has emptied the database under it.
2. Sealed values are sealed before the transaction and bound to their place, so that swapping two opens neither.
"""

import secrets
from collections.abc import Sequence
from typing import Protocol

from carryon.storage import layouts
from carryon.storage.errors import Closed, Exists, Fenced, Gone, Moved
from carryon.storage.keys import Key
from carryon.storage.store import Add, Entry, Expect, Operation, Store

COMMIT_TRIES_MAX = 16
"""How often a write that other cores' writes overtook is planned anew before it gives up in words."""


class AtRest(Protocol):
    """Seals what stays on this device, under a key that does not leave it."""

    async def seal(self, purpose: str, plaintext: bytes) -> bytes:
        """Seal bytes for one purpose."""
        ...

    async def open(self, purpose: str, data: bytes) -> bytes | None:
        """Open what was sealed for this purpose, or give None."""
        ...


class Generation:
    """A notebook's database: reads as they are, commits under their guards, seals."""

    def __init__(self, store: Store, at_rest: AtRest) -> None:
        self.store = store
        self._at_rest = at_rest
        self._mark: bytes | None = None

    async def make(self) -> None:
        """Mark an empty database as a generation of its own; one that is marked already stays as it is."""
        try:
            await self.store.commit([Add("meta", layouts.mark_value(secrets.token_bytes(16)), "generation")])
        except Exists:  # Made before, by a start that got no further, or by another core.
            return

    async def open(self) -> None:
        """Take the generation's mark. Raises `Closed`, `Gone`."""
        self._mark = await self.record("meta", "generation")
        await self.check_guards(None)

    async def record(self, store: str, key: Key) -> bytes | None:
        """Give the value of one record, or None if it is not there."""
        found = await self.store.find(store, [key])
        return found[key].value if found else None

    async def commit(self, operations: Sequence[Operation], fence: int | None = None) -> list[Key]:
        """Commit under the guards. Raises `Closed`, `Gone` and `Fenced` beside the store's errors."""
        guards = [Expect("meta", "generation", self._mark)]
        if fence is not None:
            guards.append(Expect("meta", "fence", layouts.number_value(fence)))
        try:
            keys = await self.store.commit([*guards, *operations])
        except Moved:
            await self.check_guards(fence)
            raise
        return keys

    async def check_guards(self, fence: int | None) -> None:
        """Raise `Closed`, `Gone` or `Fenced` if a guard does not hold."""
        mark = await self.record("meta", "generation")
        if mark is None or (mark != self._mark and not layouts.is_closed(mark)):
            raise Gone("this notebook's database was emptied: restore it from a relay, another device or a backup")
        if layouts.is_closed(mark):
            raise Closed("a newer release has moved this notebook on: reload to go on with it; nothing is lost")
        if fence is not None and await self.record("meta", "fence") != layouts.number_value(fence):
            raise Fenced(f"another window leads the sync by now (this one held token {fence}): follow it")

    async def seal(self, place: str, payload: bytes) -> bytes:
        """Make a sealed value for its place."""
        return layouts.sealed(await self._at_rest.seal(place, payload))

    async def unseal(self, place: str, value: bytes) -> bytes | None:
        """Give the payload of a sealed value, or None if it does not open there."""
        data = layouts.unsealed(value)
        return None if data is None else await self._at_rest.open(place, data)

    async def entries(self, store: str) -> list[Entry]:
        """Give all records of a small store."""
        return await self.store.read(store)
